"""A history and the log that the registry has kept of the same time, put in order for the checks."""
import bisect
import collections
from typing import NamedTuple

from history import OK, UNKNOWN

WRITES = ("register", "update", "deregister")
CLOCKS_S = 0.01  # an event's time is of another clock, and cut to milliseconds


class Event(NamedTuple):
    revision: int
    previous: int
    kind: str
    writer: str
    evidence: str
    at: float  # by the history's clock
    id: str
    service: str
    op: int
    status: str
    incarnation: int

    @property
    def by_client(self) -> bool:
        return self.writer == "api"

    @property
    def ends(self) -> bool:
        return self.kind == "removed"

    @property
    def by_silence(self) -> bool:
        """The end of a lease, or of the time that was left after it."""
        return self.writer == "lease" and (self.ends or self.status == "critical")


def event_of(told: dict, wall_ahead: float) -> Event:
    """From the API's answer."""
    instance, cause = told["instance"], told["cause"]
    return Event(told["revision"], told.get("previous", 0), told["kind"], cause["writer"], cause["evidence"],
                 told["at"] - wall_ahead, instance["id"], instance["service"], int(instance["metadata"]["op"]),
                 instance["status"], instance["incarnation"])


class Story:
    def __init__(self, history: list[dict], log: list[Event]) -> None:
        self.history, self.log = history, log
        self.writes = [line for line in history if line["what"] in WRITES]
        self.beats = [line for line in history if line["what"] == "beat"]
        self.reads = [line for line in history if line["what"] in ("read_service", "read_instance")]
        self.follows = [line for line in history if line["what"] == "follow"]
        self.faults = sorted((line for line in history if line["what"] == "fault"), key=lambda line: line["begin"])
        self.stalls = [line for line in history if line["what"] == "stall"]
        self.ends_at = max((line["returned"] for line in history if "returned" in line), default=0.0)
        self.attempts = collections.defaultdict(list)  # by number
        for line in self.writes:
            self.attempts[line["op"]].append(line)
        self.of_id = collections.defaultdict(list)
        self.of_service = collections.defaultdict(list)
        self.at_revision = {event.revision: event for event in log}
        for event in log:
            self.of_id[event.id].append(event)
            self.of_service[event.service].append(event)
        self._acknowledged_of = collections.defaultdict(list)
        for line, event in self.acknowledged():
            self._acknowledged_of[event.id].append((line, event))

    def session_of(self, event: Event) -> str:
        """Of the life that the event is about."""
        attempts = self.attempts.get(event.op)
        return attempts[0]["session"] if attempts else ""

    def first_invoked(self, event: Event) -> float:
        """Before this the event can't have come to pass."""
        if not event.by_client:
            return event.at - CLOCKS_S
        if event.ends:
            tried = [line["invoked"] for line in self.removals(event)]
        else:
            tried = [line["invoked"] for line in self.attempts[event.op]]
        return min(tried, default=event.at - CLOCKS_S)

    def removals(self, event: Event) -> list[dict]:
        """The requests that may have caused this removal."""
        session = self.session_of(event)
        return [line for line in self.writes if line["what"] == "deregister" and line["id"] == event.id
                and line["session"] == session and line["outcome"] in (OK, UNKNOWN)]

    def acknowledged_by(self) -> "Newest":
        """Which revision had been acknowledged by a time, of any instance."""
        return Newest([(line["returned"], line["revision"]) for line in self.writes
                       if line["outcome"] == OK and line["revision"] in self.at_revision])

    def acknowledged(self) -> list[tuple[dict, Event]]:
        """Writes that have been answered with what is surely theirs: an event of their number."""
        found = []
        for line in self.writes:
            if line["outcome"] == OK and line["what"] != "deregister":
                event = self.at_revision.get(line["revision"])
                if event is not None and event.op == line["op"]:
                    found.append((line, event))
        return found

    def acknowledged_of(self, id_: str) -> list[tuple[dict, Event]]:
        return self._acknowledged_of[id_]

    def state_after(self, service: str, revision: int) -> list[list]:
        """The instances of a service as an answer of that revision must have them."""
        living: dict[str, list] = {}
        for event in self.of_service[service]:
            if event.revision > revision:
                break
            if event.ends:
                living.pop(event.id, None)
            else:
                living[event.id] = [event.id, event.revision, str(event.op), event.status]
        return sorted(living.values())


class Newest:
    """The largest revision that had been told by a time."""

    def __init__(self, told: list[tuple[float, int]]) -> None:
        self._times, self._revisions = [], []
        newest = 0
        for time, revision in sorted(told):
            newest = max(newest, revision)
            self._times.append(time)
            self._revisions.append(newest)

    def before(self, time: float) -> int:
        place = bisect.bisect_left(self._times, time)
        return self._revisions[place - 1] if place else 0
