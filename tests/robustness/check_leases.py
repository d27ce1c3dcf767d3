"""No live instance is removed or made critical; silent ones are, in time."""
import collections

from history import OK, REFUSED
from story import CLOCKS_S, Event, Story

# How long after its lease has ended a silent instance may stay while nothing is wrong: the nodes tell each other of
# heartbeats a few times per ttl, and the machine is busy.
LATE_S = 5.0
# What a fault may add after its end: a node that is late is waited for until it is fenced out, plus one ttl; one that
# comes back gives the blind time back. `cluster.fence_after` is 3 s here.
FENCED_S = 6.0


def check_leases(story: Story) -> list[str]:
    """A heartbeat that was answered with a promise, and had come in time, holds for a ttl from when it was sent."""
    return broken_promises(story, in_time=True)


def check_late_beats(story: Story) -> list[str]:
    """So does one that perhaps came after its lease's end: it need not have been promised anything."""
    return broken_promises(story, in_time=False)


def broken_promises(story: Story, in_time: bool) -> list[str]:
    promises = promises_of(story)
    wrong = []
    for event in story.log:
        if not event.by_silence:
            continue
        lines = promises[(event.id, story.session_of(event))]
        broken = [line for line in lines
                  if line["returned"] < event.at - CLOCKS_S and event.at + CLOCKS_S < line["invoked"] + line["ttl"]]
        if broken and any(line in came_in_time(story, lines) for line in broken) == in_time:
            line = broken[0]
            wrong.append(f"revision {event.revision} ({event.kind} {event.id}: {event.evidence}) came "
                         f"{event.at - line['invoked']:.3f} s after a {line['what']} to {line['node']} that was heard; "
                         f"the ttl is {line['ttl']} s")
    return wrong


def came_in_time(story: Story, lines: list[dict]) -> list[dict]:
    """Those that surely came while an earlier promise held, and the writes that made an event."""
    found: list[dict] = []
    for line in sorted(lines, key=lambda line: line["returned"]):
        kept = any(other["returned"] <= line["invoked"] and line["returned"] < other["invoked"] + other["ttl"]
                   for other in found)
        if kept or made_an_event(story, line):
            found.append(line)
    return found


def made_an_event(story: Story, line: dict) -> bool:
    event = story.at_revision.get(line.get("revision", 0))
    return event is not None and event.op == line["op"] and event.at >= line["invoked"] - CLOCKS_S


def promises_of(story: Story) -> dict[tuple[str, str], list[dict]]:
    promises = collections.defaultdict(list)
    for line in [*story.beats, *story.writes]:
        if line["outcome"] == OK and line["what"] != "deregister":
            promises[(line["id"], line["session"])].append(line)
    return promises


def check_silence(story: Story) -> list[str]:
    touched = last_touches(story)
    wrong = []
    for id_, events in story.of_id.items():
        for event, end in lives(events):
            line = touched.get((id_, story.session_of(event)))
            if line is None:
                continue
            due = line["returned"] + line["ttl"] + line.get("deregister_after", 0)
            bound = latest(story, line["returned"], due, line["ttl"])
            if (end.at if end else story.ends_at) > bound:
                what = f"was there until {end.at - due:.1f} s" if end else "was still there in the end,"
                wrong.append(f"{id_} (revision {event.revision}) {what} after its lease; allowed was {bound - due:.1f} s")
    return wrong


def lives(events: list[Event]) -> list[tuple[Event, Event | None]]:
    """Each life's first and last event. The last life may have no end."""
    found: list[tuple[Event, Event | None]] = []
    for event in events:
        if event.kind == "registered":
            if found and found[-1][1] is None:
                found[-1] = (found[-1][0], event)
            found.append((event, None))
        elif event.ends and found:
            found[-1] = (found[-1][0], event)
    return found


def last_touches(story: Story) -> dict[tuple[str, str], dict]:
    """What may have been heard last of each life."""
    terms: dict[tuple[str, str], dict] = {}
    last: dict[tuple[str, str], dict] = {}
    for line in [*story.writes, *story.beats]:
        key = (line["id"], line["session"])
        if "deregister_after" in line:
            terms[key] = {"deregister_after": line["deregister_after"]}
        if line["what"] == "deregister" or line["outcome"] == REFUSED:
            continue
        if key not in last or line["returned"] > last[key]["returned"]:
            last[key] = line
    return {key: line | terms.get(key, {}) for key, line in last.items()}


def latest(story: Story, since: float, due: float, ttl: float) -> float:
    """Until when a lease that ended at `due` may go on: each fault since its last heartbeat, if it had not been over for
    long, begins the wait anew."""
    bound = due + LATE_S
    for fault in story.faults:
        if fault["end"] > since and fault["begin"] < bound:
            bound = max(bound, fault["end"] + ttl + FENCED_S + LATE_S + (due - since - ttl))
    return bound
