"""Reading one log as it grows: held look-ups and server-sent events."""
import json
import os
import signal
import socket
import threading
import time
from typing import Iterator, NamedTuple

from client import eventually

TIMEOUT_S = 10


class Told(NamedTuple):
    id: str
    event: str
    data: dict


class Stream:
    """What a browser's EventSource does, on a plain socket."""

    def __init__(self, address: str, target: str, last_event_id: str = "") -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=TIMEOUT_S)
        more = f"Last-Event-ID: {last_event_id}\r\n" if last_event_id else ""
        # HTTP/1.0: the body comes as it is, without chunks.
        self._socket.sendall(f"GET {target} HTTP/1.0\r\nHost: localhost\r\n{more}\r\n".encode())
        self._file = self._socket.makefile("rb")
        self.status = int(self._file.readline().split()[1])
        while self._file.readline().strip():
            pass
        self._told = self._read()

    def _read(self) -> Iterator[Told]:
        fields: dict[str, str] = {}
        for line in self._file:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
            elif "data" in fields:
                yield Told(fields.get("id", ""), fields.get("event", ""), json.loads(fields["data"]))
                fields = {}
            else:
                fields = {}

    def next(self) -> Told:
        return next(self._told)

    def close(self) -> None:
        # The file holds the descriptor too.
        self._file.close()
        self._socket.close()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def test_a_stream_tells_of_a_change_when_it_happens(daemon, client):
    with Stream(daemon.address, "/watch?service=watched") as stream:
        assert stream.next().event == "ready"
        client.register("watched", "w-1")
        told = stream.next()
        assert (told.event, told.data["instance"]["id"]) == ("registered", "w-1")
        client.register("unwatched", "u-1")
        client.delete("/instances/w-1")
        told = stream.next()
        assert (told.event, told.data["kind"]) == ("removed", "removed")


def test_a_stream_goes_on_where_it_was_left(daemon, client):
    with Stream(daemon.address, "/watch") as stream:
        left_at = stream.next().id
    for number in range(3):
        client.register("left", f"left-{number}")
    with Stream(daemon.address, "/watch?service=left", left_at) as stream:
        assert stream.next().event == "ready"
        assert [stream.next().data["instance"]["id"] for _ in range(3)] == ["left-0", "left-1", "left-2"]


def test_another_log_is_410(daemon, client):
    with Stream(daemon.address, "/watch", "1-1") as stream:
        assert stream.status == 410
    assert client.get("/watch?since=999999999").status == 410


def test_what_leaves_the_filter_is_gone(daemon, client):
    client.register("filtered", "f-1", tags=["blue"])
    with Stream(daemon.address, "/watch?service=filtered&tag=blue") as stream:
        stream.next()
        client.register("filtered", "f-1", tags=["green"])
        assert stream.next().event == "gone"


def test_a_held_look_up_is_answered_by_the_change(daemon, client):
    client.register("held", "h-1")
    index = client.get("/services/held?index=0").headers["X-Rollcall-Index"]
    answers = []

    def ask() -> None:
        with daemon.client() as other:
            answers.append(other.get(f"/services/held?index={index}&wait=10s"))

    waiting = threading.Thread(target=ask)
    begin = time.monotonic()
    waiting.start()
    client.register("held", "h-2")
    waiting.join(TIMEOUT_S)
    assert time.monotonic() - begin < 5
    assert {instance["id"] for instance in answers[0].json["service"]["instances"]} == {"h-1", "h-2"}


def test_a_held_look_up_ends_at_its_time(client):
    client.register("quiet", "q-1")
    index = client.get("/services/quiet?index=0").headers["X-Rollcall-Index"]
    begin = time.monotonic()
    answer = client.get(f"/services/quiet?index={index}&wait=300ms")
    assert answer.status == 200 and answer.headers["X-Rollcall-Index"] == index
    assert 0.25 < time.monotonic() - begin < 5


def test_a_bound_process_that_is_killed_is_told_of(daemon):
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        host, _, port = daemon.socket_address.rpartition(":")
        bound = socket.create_connection((host, int(port)))
        bound.sendall(b"register doomed 10.0.0.1 80 bound\n")
        os.write(tell, bound.recv(100))
        signal.pause()
        os._exit(0)
    try:
        os.read(ready, 100)
        with Stream(daemon.address, "/watch?service=doomed&since=0") as stream:
            while stream.next().event != "registered":
                pass
            os.kill(child, signal.SIGKILL)
            assert stream.next().event == "removed"
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready)
        os.close(tell)


def test_lines_tell_of_a_change_and_of_the_end(start):
    daemon = start()
    host, _, port = daemon.socket_address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as watching, daemon.client() as client:
        lines = watching.makefile("r")
        watching.sendall(b"query lined\nwatch lined 0\n")
        assert lines.readline() == "[]\n"
        assert json.loads(lines.readline())["event"] == "ready"
        client.register("lined", "l-1")
        told = json.loads(lines.readline())
        assert (told["event"], told["data"]["instance"]["id"]) == ("registered", "l-1")
        assert told["id"].endswith(f"-{told['data']['revision']}")
        code, _ = daemon.stop()
        assert code == 0
        assert json.loads(lines.readline())["event"] == "end"
        assert lines.readline() == ""
        lines.close()


def test_lines_refuse_a_revision_to_come(daemon):
    host, _, port = daemon.socket_address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as watching, watching.makefile("r") as lines:
        watching.sendall(b"watch lined 99999999\nquery lined\n")
        assert [lines.readline(), lines.readline()] == ["ERROR\n", "[]\n"]


def test_stopping_ends_streams_with_a_reason_and_held_look_ups_with_an_answer(start):
    daemon = start()
    with daemon.client() as client:
        client.register("last", "l-1")
        index = client.get("/services/last?index=0").headers["X-Rollcall-Index"]
    with Stream(daemon.address, "/watch") as stream:
        stream.next()
        statuses = []
        held = threading.Thread(target=lambda: statuses.append(
            Stream(daemon.address, f"/services/last?index={index}&wait=60s").status))
        held.start()
        with daemon.client() as client:
            eventually(lambda: b"\nrollcall_http_connections 3" in client.get("/metrics").body, TIMEOUT_S)
        code, _ = daemon.stop()
        assert code == 0
        assert stream.next().event == "end"
        held.join(TIMEOUT_S)
        assert statuses == [200]
