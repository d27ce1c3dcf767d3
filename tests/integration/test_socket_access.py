"""Who may do what over the socket, where there are tokens: from loopback, and from beyond it."""
import sys

import pytest

ADDRESS = "10.77.0.1"
READS, WRITES = "reads-0123456789", "writes-0123456789"

# Sends lines to a port and prints the answers, until the daemon closes.
TALK = """
import socket, sys
connection = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10)
connection.sendall(sys.argv[3].encode())
connection.shutdown(socket.SHUT_WR)
sys.stdout.write(connection.makefile().read())
"""


@pytest.fixture
def guarded(start):
    tokens = {"ROLLCALL_ACCESS_TOKENS": f"read:{READS},write:{WRITES}", "ROLLCALL_LISTEN_SOCKET": "0.0.0.0:0"}
    return start(environment=tokens, beyond_loopback=ADDRESS)


def say(daemon, host, *lines):
    port = daemon.socket_address.rpartition(":")[2]
    said = "".join(line + "\n" for line in lines)
    return daemon.inside(sys.executable, "-c", TALK, host, port, said).splitlines()


def test_loopback_needs_no_token(guarded):
    uuid, = say(guarded, "127.0.0.1", "register hive 10.0.0.1 80")
    assert len(uuid) == 36
    assert say(guarded, "127.0.0.1", "query hive", f"heartbeat {uuid}", f"deregister {uuid}") == [
        '[{"ip":"10.0.0.1","port":80}]', "OK", "OK"]


def test_beyond_it_nothing_goes_without_one_and_the_log_says_why(guarded):
    uuid, = say(guarded, "127.0.0.1", "register hive 10.0.0.1 80")
    lines = ("register hive 10.0.0.2 80", "query hive", f"heartbeat {uuid}", f"deregister {uuid}", f"resume {uuid}",
             "watch hive")
    assert say(guarded, ADDRESS, *lines) == ["ERROR"] * len(lines)
    assert say(guarded, "127.0.0.1", "query hive") == ['[{"ip":"10.0.0.1","port":80}]']
    reason = f"a command of {ADDRESS} was refused: token is needed first: auth TOKEN"
    assert guarded.log().count(reason) == len(lines)


def test_a_token_that_writes_does_everything(guarded):
    ok, uuid = say(guarded, ADDRESS, f"auth {WRITES}", "register hive 10.0.0.1 80")
    assert ok == "OK" and len(uuid) == 36
    assert say(guarded, ADDRESS, f"auth {WRITES}", f"heartbeat {uuid}", "query hive", f"deregister {uuid}") == [
        "OK", "OK", '[{"ip":"10.0.0.1","port":80}]', "OK"]


def test_a_token_that_reads_asks_and_watches_and_no_more(guarded):
    uuid, = say(guarded, "127.0.0.1", "register hive 10.0.0.1 80")
    answers = say(guarded, ADDRESS, f"auth {READS}", "query hive", "register hive 10.0.0.2 80", f"heartbeat {uuid}",
                  f"deregister {uuid}", f"resume {uuid}", "watch hive 0")
    assert answers[:6] == ["OK", '[{"ip":"10.0.0.1","port":80}]', "ERROR", "ERROR", "ERROR", "ERROR"]
    assert '"event":"ready"' in answers[6]
    assert f"a command of {ADDRESS} was refused: token may only read" in guarded.log()


def test_a_wrong_token_ends_the_connection(guarded):
    assert say(guarded, ADDRESS, "auth guess-0123456789", f"auth {WRITES}", "query hive") == ["ERROR"]
    assert "token is none of ours" in guarded.log()
    assert WRITES not in guarded.log() and "guess" not in guarded.log()
