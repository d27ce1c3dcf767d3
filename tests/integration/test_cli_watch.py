"""`rollcall watch`: every event, once and in order."""
import json
import signal
import statistics
import subprocess
import threading
import time

import pytest
from client import Client
from command_line import BOUND_S, eventually, free_port, plain_environment
from daemon import binary
from socket_client import Lines


class Watch:
    def __init__(self, address, *words):
        self.process = subprocess.Popen([binary(), "watch", "--json", *words], text=True, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                        env=plain_environment(ROLLCALL_SERVER=address))

    def next(self):
        return json.loads(self.process.stdout.readline())

    def several(self, count):
        return [self.next() for _ in range(count)]

    def rest(self):
        """What it says to its end, on both channels."""
        events = [json.loads(line) for line in self.process.stdout]
        assert self.process.wait(BOUND_S) == 0
        return events, self.process.stderr.read()


@pytest.fixture
def watch():
    begun = []

    def begin(address, *words):
        begun.append(Watch(address, *words))
        return begun[-1]

    yield begin
    for one in begun:
        one.process.kill()
        one.process.communicate()


def streams(client):
    return int(client.get("/metrics").body.decode().split("\nrollcall_http_streams ")[1].split()[0])


def seen(events):
    return [(event["kind"], event["instance"]["id"]) for event in events]


def everything(client):
    events, after = [], 0
    while True:
        page = client.get(f"/history?order=asc&after={after}").json
        events += page["events"]
        if "resume" not in page:
            return events
        after = page["resume"]


def test_a_change_shows_when_it_happens(start, watch):
    daemon = start()
    with daemon.client() as client:
        watching = watch(daemon.address, "live")
        eventually(lambda: streams(client) == 1)
        took = []
        for number in range(50):
            begin = time.monotonic()
            client.register("live", "l-1", port=number + 1)
            event = watching.next()
            took.append(time.monotonic() - begin)
            assert event == client.get("/history?limit=1").json["events"][0]
        print(f"written, told and shown: median {statistics.median(took) * 1e3:.1f} ms, longest {max(took) * 1e3:.1f} ms")
        assert statistics.median(took) < 0.2


def test_the_beginning_is_read_from_the_history_where_the_memory_has_forgotten(start, watch):
    daemon = start("--set", "catalog.recent_events=16", "--set", "http.history_page=50")
    with daemon.client() as client:
        for number in range(120):
            client.register("many", f"m-{number}")
        watching = watch(daemon.address, "--since", "0", "--count", "121")
        assert watching.several(120) == everything(client)
        eventually(lambda: streams(client) == 1)
        client.register("many", "last")
        events, said = watching.rest()
        assert (seen(events), said) == ([("registered", "last")], "")


def test_what_the_daemon_leaves_out_for_slow_readers_is_read_from_the_history(start, watch):
    daemon = start("--set", "watch.backlog=1")
    with daemon.client() as client:
        watching = watch(daemon.address)
        eventually(lambda: streams(client) == 1)

        def change(number):
            with daemon.client() as other:
                for port in range(1, 100):
                    other.put(f"/services/busy/instances/b-{number % 2}", {"port": port, "tags": [str(number)]})

        changing = [threading.Thread(target=change, args=(number,)) for number in range(8)]
        with Lines(daemon.socket_address) as lines:
            lines.send(b"register crowd 10.0.0.1 80\n" * 1000)
            for one in changing:
                one.start()
            assert len({lines.read() for _ in range(1000)}) == 1000
        for one in changing:
            one.join()
        expected = everything(client)
        assert len(expected) > 1500
        assert watching.several(len(expected)) == expected


def test_a_reader_that_stands_still_misses_nothing(start, watch):
    daemon = start("--set", "watch.backlog=8", "--set", "catalog.recent_events=64")
    with daemon.client() as client:
        watching = watch(daemon.address)
        eventually(lambda: streams(client) == 1)
        watching.process.send_signal(signal.SIGSTOP)
        with Lines(daemon.socket_address) as lines:
            for _ in range(10):
                lines.send(b"register crowd 10.0.0.1 80\n" * 1000)
                assert "ERROR" not in {lines.read() for _ in range(1000)}
        watching.process.send_signal(signal.SIGCONT)
        assert watching.several(10_000) == everything(client)


def test_it_goes_on_after_the_daemon_was_killed_and_says_so_once(start, watch):
    address = f"127.0.0.1:{free_port()}"
    daemon = start("--set", f"listen.http={address}")
    with Client(address) as client:
        watching = watch(address, "--count", "4")
        eventually(lambda: streams(client) == 1)
        client.register("phoenix", "p-1")
        assert seen(watching.several(1)) == [("registered", "p-1")]
    daemon.kill()
    assert watching.process.stderr.readline() == "rollcall: the connection with the daemon broke\n"
    daemon.start()
    with Client(address) as client:
        client.register("phoenix", "p-2")
        client.delete("/instances/p-1")
        assert seen(watching.several(2)) == [("registered", "p-2"), ("removed", "p-1")]
        assert watching.process.stderr.readline() == "rollcall: the daemon answers again\n"
        client.delete("/instances/p-2")
        assert seen(watching.rest()[0]) == [("removed", "p-2")]


def test_a_daemon_that_stops_says_so(start, watch):
    daemon = start()
    watching = watch(daemon.address)
    with daemon.client() as client:
        eventually(lambda: streams(client) == 1)
    daemon.stop()
    assert "the daemon stops" in watching.process.stderr.readline()


@pytest.mark.parametrize("memory", [1000, 1])
def test_filters_tell_who_has_gone(start, watch, memory):
    daemon = start("--set", f"catalog.recent_events={memory}")
    with daemon.client() as client:
        client.register("shop", "blue-1", tags=["blue"])
        client.register("shop", "red-1", tags=["red"])
        client.register("shop", "blue-1", tags=["red"])
        client.register("shop", "red-1", tags=["blue"])
        client.delete("/instances/blue-1")
        client.delete("/instances/red-1")
        events, said = watch(daemon.address, "shop", "--tag", "blue", "--since", "0", "--count", "4").rest()
        assert seen(events) == [("registered", "blue-1"), ("gone", "blue-1"), ("updated", "red-1"), ("removed", "red-1")]
        assert said == ""
        assert seen(watch(daemon.address, "--source", "api", "--since", "0", "--count", "6").rest()[0])
        with Lines(daemon.socket_address) as lines:
            uuid = lines.say("register shop 10.0.0.1 80")
        events, _ = watch(daemon.address, "--source", "socket", "--since", "0", "--count", "1").rest()
        assert seen(events) == [("registered", uuid)]


def test_what_the_history_cant_tell_is_said(start, watch):
    daemon = start("--set", "catalog.recent_events=1")
    with daemon.client() as client:
        revision = client.register("shop", "blue-1", tags=["blue"])["revision"]
        client.register("shop", "blue-1", tags=["red"])
        client.register("shop", "blue-2", tags=["blue"])
        events, said = watch(daemon.address, "--tag", "blue", "--since", str(revision), "--count", "1").rest()
        assert seen(events) == [("registered", "blue-2")]
        assert "may be missing" in said


def test_a_revision_to_come_and_a_status_that_isnt_one(daemon, watch):
    for words in (["--since", "99999999"], ["--status", "fine"]):
        watching = watch(daemon.address, *words)
        assert watching.process.wait(BOUND_S) == 2
        assert words[0] in watching.process.stderr.read()


def test_an_interrupt_ends_it(daemon, watch):
    watching = watch(daemon.address, "--since", "0")
    with daemon.client() as client:
        client.register("one", "o-1")
        watching.next()
    watching.process.send_signal(signal.SIGINT)
    assert watching.process.wait(BOUND_S) == -signal.SIGINT  # which a shell shows as 130
