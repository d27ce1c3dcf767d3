"""The socket protocol: what clients of the original see, and what lines add."""
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from client import eventually
from socket_client import Lines, ask, exchange, frame, read_frame, request


@pytest.fixture
def at(daemon):
    return daemon.socket_address


@pytest.fixture
def lines(at):
    with Lines(at) as connected:
        yield connected


# ---- frames ----

def test_the_exercises_story(at):
    assert ask(at, "query", type="hive") == []
    uuid = ask(at, "register", type="hive", ip="127.0.0.1", port=65433)
    assert len(uuid) == 36
    assert ask(at, "query", type="hive") == [{"ip": "127.0.0.1", "port": 65433}]
    assert ask(at, "heartbeat", uuid=uuid) == "OK"
    assert ask(at, "heartbeat", service_uuid=uuid) == "OK"
    assert ask(at, "heartbeat", uuid="00000000-0000-4000-8000-000000000000") == "NOT FOUND"


def test_a_port_out_of_range_is_an_error_and_isnt_in_the_list(at, daemon):
    assert ask(at, "register", type="gauge", ip="127.0.0.1", port=66554) == "ERROR"
    assert ask(at, "query", type="gauge") == []
    assert "port is 66554; allowed are integers from 1 to 65535" in daemon.log()


def test_frames_may_come_in_single_bytes(at):
    answer = exchange(at, request("query", type="nobody"), slice_bytes=1)
    assert read_frame(answer) == ("text/json", b"[]")


BROKEN = {
    "no header": b"\x00\x00",
    "header isn't JSON": b"\x00\x05hello",
    "header lacks the encoding": frame(b"{}", **{"content-encoding": None}),
    "another content type": frame(b"{}", **{"content-type": "binary/custom"}),
    "a length of text": frame(b"{}", **{"content-length": "2"}),
    "more than may be": frame(b"{}", **{"content-length": 1 << 30}),
    "not UTF-8": frame(b'{"action":"query","type":"\xff"}'),
    "not JSON": frame(b"register hive"),
    "no object": frame(b"[]"),
    "no action": frame(b"{}"),
    "an unknown action": request("dance"),
    "no type": request("query"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_an_error_and_disturbs_nobody(at, lines, name):
    assert read_frame(exchange(at, BROKEN[name])) == ("text/plain", b"ERROR")
    assert lines.say("query nobody") == "[]"


def test_an_instance_has_its_history_and_its_page(at, client):
    uuid = ask(at, "register", type="known", ip="10.0.0.7", port=80)
    shown = client.get(f"/instances/{uuid}").json
    assert (shown["source"], shown["ttl"], shown["address"]) == ("socket", 30, "10.0.0.7")


# ---- lines ----

def test_words_and_json_mean_the_same(lines):
    first = lines.say("register words 10.0.0.1 80")
    second = lines.say('{"action":"register","type":"words","ip":"10.0.0.2","port":81}')
    assert json.loads(lines.say("query words")) == json.loads(lines.say('{"action":"query","type":"words"}')) == [
        {"ip": "10.0.0.1", "port": 80}, {"ip": "10.0.0.2", "port": 81}]
    assert lines.say(f"deregister {first}") == "OK"
    assert lines.say(json.dumps({"action": "deregister", "uuid": second})) == "OK"
    assert lines.say("query words") == "[]"
    assert lines.say(f"heartbeat {first}") == "NOT FOUND"
    assert lines.say("register words 10.0.0.1 66554") == "ERROR"
    assert lines.say("dance") == "ERROR"


def test_a_thousand_heartbeats_in_one_write(lines):
    uuid = lines.say("register busy 10.0.0.1 80")
    lines.send(f"heartbeat {uuid}\n".encode() * 1000)
    assert [lines.read() for _ in range(1000)] == ["OK"] * 1000


def test_pipelined_commands_are_answered_in_order(lines):
    lines.send(b"register order 10.0.0.1 1\nregister order 10.0.0.1 2\nquery order\nheartbeat nobody\nnonsense\n")
    answers = [lines.read() for _ in range(5)]
    assert len(answers[0]) == len(answers[1]) == 36
    assert [instance["port"] for instance in json.loads(answers[2])] == [1, 2]
    assert answers[3:] == ["NOT FOUND", "ERROR"]


def test_many_registrations_share_commits(lines):
    lines.send(b"register crowd 10.0.0.1 80\n" * 1000)
    assert len({lines.read() for _ in range(1000)}) == 1000
    assert len(json.loads(lines.say("query crowd"))) == 1000


def test_who_registered_over_http_is_seen(lines, client):
    client.register("web", "web-1", address="10.0.0.9", port=8080, ttl=3600)
    assert lines.say("query web") == '[{"ip":"10.0.0.9","port":8080}]'


def test_what_came_over_http_is_out_of_reach(lines, client):
    client.register("web", "web-2", ttl=1)
    assert lines.say("heartbeat web-2") == "NOT FOUND"
    assert lines.say("deregister web-2") == "ERROR"
    assert lines.say("resume web-2") == "ERROR"
    assert client.get("/instances/web-2").json["status"] == "passing"
    # However many come, they keep nothing alive.
    eventually(lambda: lines.say("heartbeat web-2") == "NOT FOUND" and client.get("/instances/web-2").status == 404,
               within_s=10)


def test_a_line_that_is_too_long_ends_its_connection_alone(at, lines):
    with Lines(at) as other:
        assert other.say("query " + "x" * 5000) == "ERROR"
        assert other.read() == ""
    assert lines.say("query nobody") == "[]"


def test_metrics_tell(client, lines):
    lines.say("dance")
    metrics = client.get("/metrics").body.decode()
    for name in ("commands_total", "commands_refused_total", "connections"):
        assert f"rollcall_socket_{name} " in metrics, metrics


def test_the_reason_is_logged_with_measure(daemon, at):
    with Lines(at) as lines:
        lines.send(b"dance\n" * 500)
        assert [lines.read() for _ in range(500)] == ["ERROR"] * 500
    assert daemon.log().count("action is unknown: dance") < 100


# ---- bound ----

def gone_because(client, uuid: str) -> str | None:
    events = client.get(f"/instances/{uuid}/history").json["events"]
    return events[0]["cause"]["evidence"] if events and events[0]["kind"] == "removed" else None


CLIENT = """
import socket, sys
connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))
connection.sendall(b"register mortal 10.0.0.1 80 bound\\n")
print(connection.makefile().readline().strip(), flush=True)
sys.stdin.read()
"""


def test_who_is_killed_is_gone_at_once(at, client, lines):
    host, _, port = at.rpartition(":")
    took = []
    for _ in range(20):
        victim = subprocess.Popen([sys.executable, "-c", CLIENT, host, port], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        uuid = victim.stdout.readline().strip()
        assert lines.say("query mortal") == '[{"ip":"10.0.0.1","port":80}]'
        begin = time.monotonic()
        os.kill(victim.pid, signal.SIGKILL)
        while lines.say("query mortal") != "[]":
            assert time.monotonic() - begin < 5
        took.append(time.monotonic() - begin)
        victim.wait()
        assert gone_because(client, uuid) == "its connection closed"
    print(f"killed and seen gone: median {sorted(took)[10] * 1e3:.1f} ms, longest {max(took) * 1e3:.1f} ms")
    assert sorted(took)[10] < 0.2


def test_a_grace_waits_for_a_resume(at, client, lines):
    with Lines(at) as first:
        uuid = first.say("register patient 10.0.0.1 80 bound grace=20")
        lost = first.say("register patient 10.0.0.1 81 bound grace=0.3")
    with Lines(at) as second:
        assert second.say(f"resume {uuid}") == "OK"
        eventually(lambda: gone_because(client, lost), within_s=5)
        assert "wasn't resumed within 0.3 s" in gone_because(client, lost)
        assert second.say(f"resume {lost}") == "NOT FOUND"
        assert lines.say("query patient") == '[{"ip":"10.0.0.1","port":80}]'
        assert second.say(f"deregister {uuid}") == "OK"


def test_a_stop_doesnt_deregister_and_a_resume_goes_on(start):
    daemon = start()
    with Lines(daemon.socket_address) as lines:
        uuid = lines.say("register lasting 10.0.0.1 80 bound")
        assert daemon.stop()[0] == 0
        assert lines.read() == ""
    daemon.start()
    with daemon.client() as client, Lines(daemon.socket_address) as lines:
        assert client.get(f"/instances/{uuid}").json["status"] == "passing"
        assert lines.say(f"resume {uuid}") == "OK"
        lines.close()
        eventually(lambda: gone_because(client, uuid), within_s=5)


def test_a_kill_of_the_daemon_doesnt_deregister(start):
    daemon = start()
    with Lines(daemon.socket_address) as lines:
        uuid = lines.say("register lasting 10.0.0.1 80 bound")
        daemon.kill()
        assert lines.read() == ""
    daemon.start()
    with daemon.client() as client:
        assert client.get(f"/instances/{uuid}").json["status"] == "passing"


def test_a_connection_that_we_close_keeps_its_instances(start):
    daemon = start(environment={"ROLLCALL_SOCKET_IDLE_TIMEOUT": "300ms"})
    with daemon.client() as client, Lines(daemon.socket_address) as lines:
        uuid = lines.say("register idle 10.0.0.1 80 bound")
        assert lines.read() == ""
        assert client.get(f"/instances/{uuid}").json["status"] == "passing"


# ---- the port ----

def test_it_can_be_turned_off(start):
    assert start("--socket", "off").socket_address is None


def test_an_expired_instance_has_to_register_anew(start):
    daemon = start(environment={"ROLLCALL_SOCKET_TTL": "1s"})
    uuid = ask(daemon.socket_address, "register", type="brief", ip="10.0.0.1", port=80)
    with daemon.client() as client:
        eventually(lambda: gone_because(client, uuid), within_s=5)
    assert ask(daemon.socket_address, "query", type="brief") == []
    assert ask(daemon.socket_address, "heartbeat", uuid=uuid) == "NOT FOUND"
