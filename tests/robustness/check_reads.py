"""What was read was the log's truth at some revision, never went back on a node, and was there to be read."""
import collections

from history import OK
from story import Newest, Story

# `cluster.answer_within` is 0.9 s; the machine is busy.
ANSWER_WITHIN_S = 1.5
# Around a fault: its begin is noted before it is done, and connections recover.
AFTER_FAULT_S = 1.5
# From the promotion of a standby to the first acknowledged write.
WRITES_WITHIN_S = 5.0


def check_reads(story: Story) -> list[str]:
    """Each answer is the whole state of its revision."""
    wrong = []
    for line in story.reads:
        if line["outcome"] != OK:
            continue
        event = story.at_revision.get(line["revision"])
        if event is None:
            wrong.append(f"{about(line)} shows revision {line['revision']}, which isn't in the log")
        elif story.first_invoked(event) > line["returned"]:
            wrong.append(f"{about(line)} shows revision {line['revision']} before it was asked for")
        elif line["what"] == "read_service":
            if (truth := story.state_after(line["service"], line["revision"])) != line["instances"]:
                wrong.append(f"{about(line)} shows {line['instances']} at revision {line['revision']}, not {truth}")
        elif line["instance"] != [event.id, event.revision, str(event.op), event.status]:
            wrong.append(f"{about(line)} shows {line['instance']}, not what revision {event.revision} left")
    return wrong


def check_own_node(story: Story) -> list[str]:
    """A node's life never shows less of a service than it has shown or acknowledged before."""
    told = collections.defaultdict(list)
    for line in story.reads:
        if line["outcome"] == OK and line["what"] == "read_service" and line["same_life"]:
            told[(line["node"], line["life"], line["service"])].append((line["returned"], line["revision"]))
    for line, event in story.acknowledged():
        if line["same_life"]:
            told[(line["node"], line["life"], event.service)].append((line["returned"], event.revision))
    newest = {key: Newest(revisions) for key, revisions in told.items()}
    wrong = []
    for line in story.reads:
        if line["what"] != "read_service" or not line["same_life"] or line["status"] not in (200, 404):
            continue
        known = newest.get((line["node"], line["life"], line["service"]))
        floor = known.before(line["invoked"]) if known else 0
        if line["status"] == 200 and line["revision"] < floor:
            wrong.append(f"{about(line)} went back to revision {line['revision']} from {floor}")
        if line["status"] == 404 and not was_empty(story, line, floor):
            wrong.append(f"{about(line)} found nothing, although {floor} was known there")
    return wrong


def check_fresh(story: Story) -> list[str]:
    """A read that asks for it shows what had been acknowledged before, or the revision that it names."""
    acknowledged = story.acknowledged_by()
    wrong = []
    for line in story.reads:
        if "at_least" not in line and "consistent" not in line:
            continue
        asked = line.get("at_least", acknowledged.before(line["invoked"]))
        floor = max((event.revision for event in story.of_service[line["service"]] if event.revision <= asked), default=0)
        if line["status"] == 200 and line["revision"] < floor:
            wrong.append(f"{about(line)} shows revision {line['revision']}, not {floor}, as {asked} was asked for")
        if line["status"] == 404 and not was_empty(story, line, floor):
            wrong.append(f"{about(line)} found nothing, although {floor} was asked for")
    return wrong


def was_empty(story: Story, line: dict, since: int) -> bool:
    """The service, at `since` or later, until the answer."""
    service = line["service"]
    revisions = [event.revision for event in story.of_service[service]
                 if event.revision >= since and story.first_invoked(event) <= line["returned"]]
    return any(not story.state_after(service, revision) for revision in [since, *revisions])


def check_reads_never_stop(story: Story) -> list[str]:
    """Where nothing hides a node from its clients. It may say that it can't be as fresh as it is asked to be."""
    wrong = []
    for line in story.reads:
        asks_the_database = "at_least" in line or "consistent" in line
        if line["status"] in ((200, 404, 503) if asks_the_database else (200, 404)):
            continue
        if is_reachable(story, line["node"], line["invoked"], line["returned"]):
            wrong.append(f"{about(line)} got no answer ({line['status']} {line.get('why', '')}), and nothing was between")
    return wrong


def check_answered_in_time(story: Story) -> list[str]:
    """Nobody waits for a database that is away."""
    return [f"{line['what']} of {line['id']} at {line['node']} ({line['invoked']:.3f}) took "
            f"{line['returned'] - line['invoked']:.2f} s ({line['status']} {line.get('why', '')})"
            for line in [*story.writes, *story.beats] if line["returned"] - line["invoked"] > ANSWER_WITHIN_S
            and is_reachable(story, line["node"], line["invoked"], line["returned"])]


def is_reachable(story: Story, node: str, begin: float, end: float) -> bool:
    hiding = [fault for fault in story.faults if node in fault["hidden"]] + story.stalls
    return not any(one["begin"] < end and begin < one["end"] + AFTER_FAULT_S for one in hiding)


def check_failover(story: Story) -> list[str]:
    wrong = []
    for fault in story.faults:
        took = until_written(story, fault)
        if took is not None and took > WRITES_WITHIN_S and is_alone(story, fault, took):
            wrong.append(f"the first write after the promotion was acknowledged after {took:.1f} s")
    return wrong


def until_written(story: Story, fault: dict) -> float | None:
    """Seconds from a promotion to the first acknowledged write that was sent after it."""
    if "promoted" not in fault:
        return None
    at = fault["promoted"]
    answered = [line["returned"] for line in story.writes if line["outcome"] == OK and line["invoked"] > at]
    return min(answered, default=float("inf")) - at


def is_alone(story: Story, fault: dict, took: float) -> bool:
    """Whether a write that didn't come is the failover's fault: someone wrote, and nothing else was wrong."""
    until = fault["promoted"] + min(took, WRITES_WITHIN_S)
    tried = any(line["invoked"] > fault["promoted"] and line["returned"] < until for line in story.writes)
    others = [other for other in story.faults if other is not fault
              and other["begin"] < until and fault["promoted"] < other["end"] + AFTER_FAULT_S]
    return tried and not others


def about(line: dict) -> str:
    name = line.get("service") or line.get("id")
    return f"{line['what']} of {name} at {line['node']} ({line['invoked']:.3f})"
