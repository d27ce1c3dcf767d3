"""The log is one legal story of each instance; what was acknowledged is in it once, in the order of real time."""
from history import OK, UNKNOWN
from story import Event, Newest, Story


def check_log(story: Story) -> list[str]:
    wrong = []
    newest = 0
    last: dict[str, Event] = {}
    for event in story.log:
        if event.revision <= newest:
            wrong.append(f"revision {event.revision} comes after {newest}")
        newest = max(newest, event.revision)
        if why := illegal(event, last.get(event.id)):
            wrong.append(f"revision {event.revision} of {event.id}: {why}")
        last[event.id] = event
    return wrong


def illegal(event: Event, before: Event | None) -> str | None:
    if before is not None and event.previous != before.revision:
        return f"its predecessor is {before.revision}, not {event.previous}"
    living = before is not None and not before.ends
    if event.kind == "registered":
        fresh = before is None or event.incarnation > before.incarnation
        return None if fresh else "registered without a new incarnation"
    if not living:
        return f"{event.kind}, but it doesn't live"
    return None if event.incarnation == before.incarnation else "the incarnation changed without a registration"


def check_acknowledged(story: Story) -> list[str]:
    """Nothing acknowledged is lost, nothing refused is done, nothing is done twice, nothing comes from nowhere."""
    wrong = []
    for line in story.writes:
        if line["outcome"] == OK and line["what"] != "deregister":
            event = story.at_revision.get(line["revision"])
            if event is None or (event.id, event.op) != (line["id"], line["op"]):
                wrong.append(f"lost: {tell(line)} was acknowledged with revision {line['revision']}")
    wrong += lost_removals(story)
    for op, lines in story.attempts.items():
        if lines[0]["what"] != "deregister":
            wrong += executions(story, op, lines)
    for event in story.log:
        if event.by_client and not event.ends and event.op not in story.attempts:
            wrong.append(f"revision {event.revision} is nobody's")
        if event.by_client and event.ends and not story.removals(event):
            wrong.append(f"revision {event.revision} removes {event.id}, which nobody asked for")
    return wrong


def lost_removals(story: Story) -> list[str]:
    wrong = []
    for line in story.writes:
        if line["outcome"] == OK and line["what"] == "deregister":
            event = story.at_revision.get(line["revision"])
            if event is None or not (event.ends and event.by_client and story.session_of(event) == line["session"]):
                wrong.append(f"lost: {tell(line)} was acknowledged with revision {line['revision']}")
    return wrong


def executions(story: Story, op: int, lines: list[dict]) -> list[str]:
    """How often a number may stand in the log: once for each revision that was told, once for each try whose outcome
    nobody knows."""
    events = [event for event in story.of_id[lines[0]["id"]]
              if event.op == op and event.by_client and not event.ends]
    told = {line["revision"] for line in lines if line["outcome"] == OK}
    told &= {event.revision for event in events}
    unknown = sum(line["outcome"] == UNKNOWN for line in lines)
    if len(events) > len(told) + unknown:
        revisions = [event.revision for event in events]
        return [f"{tell(lines[0])} was done {len(events)} times, as {revisions}; {unknown} tries were unknown"]
    return []


def check_order(story: Story) -> list[str]:
    """A write that was sent after another's answer comes after it in the log."""
    newest = story.acknowledged_by()
    wrong = []
    for event in story.log:
        if not event.by_client:
            continue
        invoked = last_possible_begin(story, event)
        if invoked is not None and newest.before(invoked) > event.revision:
            wrong.append(f"revision {event.revision} ({event.kind} {event.id}) was asked for after "
                         f"{newest.before(invoked)} had been acknowledged")
    return wrong


def last_possible_begin(story: Story, event: Event) -> float | None:
    """The earliest of the requests that may have made it: it wasn't there before."""
    lines = story.removals(event) if event.ends else story.attempts.get(event.op, [])
    return min((line["invoked"] for line in lines), default=None)


def check_refusals(story: Story) -> list[str]:
    """A 404 or 409 must have been true at some moment between question and answer."""
    return false_refusals(story, story.writes)


def check_refused_beats(story: Story) -> list[str]:
    return false_refusals(story, story.beats)


def false_refusals(story: Story, lines: list[dict]) -> list[str]:
    newest = {id_: Newest([(line["returned"], event.revision) for line, event in story.acknowledged_of(id_)])
              for id_ in {line["id"] for line in lines}}
    return [f"{tell(line)} got {line['status']}, which was true at no time" for line in lines
            if line["status"] in (404, 409) and not may_refuse(story, line, newest[line["id"]].before(line["invoked"]))]


def may_refuse(story: Story, line: dict, at_least: int) -> bool:
    events = story.of_id[line["id"]]
    ended: set[str] = set()
    living: str | None = None
    for place, event in enumerate([None, *events]):
        if event is not None:
            if story.first_invoked(event) > line["returned"]:
                break
            before, living = living, None if event.ends else story.session_of(event)
            if before is not None and before != living:
                ended.add(before)
        current_until = events[place].revision if place < len(events) else None
        if current_until is not None and current_until <= at_least:
            continue
        if is_refused(line, living, ended):
            return True
    return False


def is_refused(line: dict, living: str | None, ended: set[str]) -> bool:
    if line["status"] == 404:
        return line["what"] in ("beat", "deregister") and living is None
    return line["session"] in ended or (line["what"] in ("beat", "deregister") and living not in (None, line["session"]))


def tell(line: dict) -> str:
    return f"{line['what']} {line.get('op', '')} of {line['id']} at {line['node']} ({line['invoked']:.3f})"
