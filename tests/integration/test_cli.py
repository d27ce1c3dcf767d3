"""The command line, against a real daemon."""
import contextlib
import http.client
import json
import signal
import socket
import subprocess
import threading

import pytest
from command_line import BOUND_S, eventually, free_port, keep, plain_environment, run
from daemon import binary


@pytest.fixture
def cli(daemon):
    return lambda *words: run(*words, server=daemon.address)


def test_health_needs_no_token(start):
    daemon = start(environment={"ROLLCALL_ACCESS_TOKENS": "write:0123456789abcdef"})
    told = run("health", server=daemon.address)
    assert told.returncode == 0 and told.stdout in ("healthy\n", "degraded\n")
    assert run("services", server=daemon.address).returncode == 4
    daemon.kill()
    assert run("health", server=daemon.address).returncode == 3


def test_a_service_s_life(cli):
    registered = cli("register", "billing", "--id", "b-1", "--address", "10.0.0.7", "--port", "80", "--tag", "eu", "--tag", "x",
                     "--meta", "zone=a", "--ttl", "60", "--session", "s1")
    assert (registered.returncode, registered.stdout) == (0, "b-1\n"), registered.stderr
    assert cli("query", "billing").stdout == "10.0.0.7:80\n"
    assert cli("query", "billing", "--tag", "eu").stdout == "10.0.0.7:80\n"
    assert cli("query", "billing", "--tag", "us").returncode == 1
    header, row = cli("services").stdout.splitlines()
    assert header.split()[:3] == ["NAME", "STATUS", "INSTANCES"]
    assert row.split()[:3] == ["billing", "passing", "1"]
    header, row = cli("instances", "billing", "--status", "passing").stdout.splitlines()
    assert row.split()[:5] == ["b-1", "10.0.0.7:80", "passing", "api", "eu,x"]
    assert header.index("ADDRESS") == row.index("10.0.0.7")
    assert cli("heartbeat", "b-1", "--session", "s1").returncode == 0
    assert cli("heartbeat", "b-1", "--session", "older").returncode == 1
    assert cli("deregister", "b-1", "--session", "s1").returncode == 0
    gone = cli("heartbeat", "b-1")
    assert gone.returncode == 1 and "b-1" in gone.stderr


def test_json_is_the_api_s_own(cli, client):
    made = json.loads(cli("register", "jsonic", "--port", "81", "--json").stdout)
    assert made["port"] == 81
    assert {one["name"] for one in json.loads(cli("services", "--json").stdout)["services"]} >= {"jsonic"}
    listed = json.loads(cli("instances", "jsonic", "--json").stdout)
    assert listed["instances"] == client.get("/services/jsonic/instances").json["instances"]
    assert json.loads(cli("version", "--daemon", "--json").stdout)["daemon"]["name"] == "rollcall"
    assert json.loads(cli("deregister", made["id"], "--json").stdout) == {"id": made["id"], "done": "deregistered"}


@pytest.mark.parametrize("words, code", [
    (["query", "nobody"], 1), (["register", "x", "--port", "0"], 2), (["register", "x", "--port", "1", "--ttl", "soon"], 2),
    (["register", "x", "--port", "1", "--meta", "a"], 2), (["instances"], 2), (["nonsense"], 2),
    (["services", "--", "ls"], 2), (["services", "--server", "nowhere"], 2), (["services", "--server", "127.0.0.1:1"], 3),
    (["--help"], 0), (["--version"], 0), (["version"], 0), (["settings"], 0),
    (["register", "x", "--port", "1", "--check", "tcp:8.8.8.8:53"], 4)])
def test_exit_codes(cli, words, code):
    assert cli(*words).returncode == code


def test_flags_may_stand_before_the_subcommand(daemon):
    told = run("--server", daemon.address, "--json", "services", server="127.0.0.1:1")
    assert told.returncode == 0 and "services" in json.loads(told.stdout), told.stderr


def test_help_has_an_example_for_each(cli):
    names = [line.split()[0] for line in cli("--help").stdout.partition("Subcommands:")[2].splitlines()
             if line.startswith("  ") and not line.startswith("   ")]
    for name in ("serve", "register", "heartbeat", "deregister", "services", "instances", "query", "watch", "probe",
                 "backup", "restore", "migrate", "version", "settings", "completion", "man"):
        assert name in names
        text = cli(name, "--help").stdout
        assert "Example" in text and f"rollcall {name}" in text


def test_tokens(start):
    daemon = start(environment={"ROLLCALL_ACCESS_TOKENS": "read:reads-0123456789"})
    assert run("services", server=daemon.address).returncode == 4
    assert run("services", server=daemon.address, ROLLCALL_TOKEN="reads-0123456789").returncode == 0
    assert run("register", "x", "--port", "1", server=daemon.address, ROLLCALL_TOKEN="reads-0123456789").returncode == 4


def test_a_command_is_registered_as_long_as_it_runs(daemon, cli, client):
    running = keep(daemon.address, "kept", "sleep", "60")
    eventually(lambda: cli("query", "kept").returncode == 0)
    registered_at = client.get("/instances/kept").json["registered_at"]
    eventually(lambda: client.get("/services").json["metadata"]["timestamp"] > registered_at + 2)
    # That was longer than its ttl: heartbeats alone have kept it.
    assert client.get("/instances/kept").json["registered_at"] == registered_at
    assert cli("query", "kept").returncode == 0
    running.send_signal(signal.SIGTERM)
    assert running.wait(BOUND_S) == 128 + signal.SIGTERM
    assert cli("query", "kept").returncode == 1


def test_a_command_s_exit_code_and_signals_come_through(daemon):
    assert keep(daemon.address, "ends", "sh", "-c", "exit 7").wait(BOUND_S) == 7
    assert keep(daemon.address, "absent", "/no/such/command").wait(BOUND_S) == 127
    assert run("query", "absent", server=daemon.address).returncode == 1
    trapping = keep(daemon.address, "traps", "sh", "-c", "trap 'exit 9' USR1; echo up; while :; do sleep 0.1; done")
    assert trapping.stdout.readline() == "up\n"
    trapping.send_signal(signal.SIGUSR1)
    assert trapping.wait(BOUND_S) == 9


def test_it_registers_anew_after_the_daemon_was_killed(start):
    address = f"127.0.0.1:{free_port()}"
    daemon = start("--set", f"listen.http={address}", "--set", "store=memory")
    running = keep(daemon.address, "phoenix", "sleep", "60")
    eventually(lambda: run("query", "phoenix", server=address).returncode == 0)
    daemon.kill()
    daemon.start()
    eventually(lambda: run("query", "phoenix", server=address).returncode == 0)
    running.send_signal(signal.SIGINT)
    assert running.wait(BOUND_S) == 128 + signal.SIGINT


def test_without_a_daemon_the_command_runs_and_it_is_said_once():
    running = keep("127.0.0.1:1", "alone", "sh", "-c", "sleep 3; exit 5")
    _, said = running.communicate(timeout=BOUND_S)
    assert running.returncode == 5
    assert len(said.splitlines()) == 1 and "refused" in said


def test_watch_tells_what_happens_and_outlives_the_daemon(start):
    address = f"127.0.0.1:{free_port()}"
    daemon = start("--set", f"listen.http={address}")
    run("register", "seen", "--id", "s-1", "--port", "1", "--ttl", "600", server=address)
    watch = subprocess.Popen([binary(), "watch", "seen", "--since", "0", "--count", "3", "--json"], text=True,
                             env=plain_environment(ROLLCALL_SERVER=address), stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL)
    assert json.loads(watch.stdout.readline())["instance"]["id"] == "s-1"
    daemon.kill()
    daemon.start()
    run("register", "other", "--port", "1", server=address)
    run("register", "seen", "--id", "s-2", "--port", "2", server=address)
    run("deregister", "s-2", server=address)
    rest = [json.loads(line) for line in watch.stdout]
    assert [event["instance"]["id"] for event in rest] == ["s-2", "s-2"]
    assert watch.wait(BOUND_S) == 0


def test_probe_says_what_answers(daemon):
    answer = json.loads(run("probe", daemon.address, "--json").stdout)
    assert answer["kind"] == "http"
    assert run("probe", "127.0.0.1:1").returncode == 1
    assert run("probe", "127.0.0.1").returncode == 2


def test_completion_completes_subcommands_and_flags(cli, tmp_path):
    script = tmp_path / "rollcall"
    script.write_text(cli("completion", "bash").stdout)

    def complete(*words):
        line = " ".join(f"'{word}'" for word in words)
        code = (f"source {script}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _rollcall; "
                'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=BOUND_S)
        assert done.stderr == ""
        return done.stdout.split()

    assert complete("rollcall", "reg") == ["register"]
    assert set(complete("rollcall", "")) >= {"serve", "watch", "man"}
    assert complete("rollcall", "register", "--che") == ["--check", "--check-interval"]
    assert complete("rollcall", "instances", "--status", "w") == ["warning"]


def test_the_manual_page_is_well_formed(cli):
    page = cli("man").stdout
    assert ".SS register" in page
    done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-z"], input=page, capture_output=True, text=True,
                          timeout=BOUND_S)
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_is_told(start, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(BOUND_S)
        manager.bind(str(tmp_path / "notify"))
        daemon = start(environment={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"})
        assert [manager.recv(64) for _ in range(2)] == [b"READY=1", b"WATCHDOG=1"]
        assert daemon.stop()[0] == 0
        last = b""
        while last != b"STOPPING=1":
            last = manager.recv(64)


def test_logs_as_json(start):
    daemon = start("--log-format", "json", environment={"AUTOSCALER_LABEL_COLOUR": "x"})
    daemon.stop()
    lines = [json.loads(line) for line in daemon.log().splitlines()]
    assert all(set(line) == {"time", "level", "role", "logger", "message"} for line in lines)
    assert sum("AUTOSCALER_LABEL_COLOUR has no effect" in line["message"] for line in lines) == 1


def test_a_stop_under_load_is_clean_and_soon(start):
    daemon = start()
    stopped = threading.Event()
    answered = []

    def ask(number):
        with contextlib.suppress(OSError, http.client.HTTPException):
            with daemon.client() as client:
                while not stopped.is_set():
                    target = f"/services/load/instances/load-{number}-{len(answered) % 50}"
                    answered.append(client.put(target, {"port": 80, "ttl": 60}, described=False).status)

    askers = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for asker in askers:
        asker.start()
    eventually(lambda: len(answered) > 500)
    code, seconds = daemon.stop()
    stopped.set()
    for asker in askers:
        asker.join()
    assert code == 0 and seconds < 5
    assert set(answered) <= {200, 201, 503}
    assert "unanswered" not in daemon.log()


def test_an_unknown_variable_stops_the_start(tmp_path):
    wrong = run("serve", "--data-dir", str(tmp_path), ROLLCALL_DATA_DIRR="x")
    assert wrong.returncode == 2
    assert "ROLLCALL_DATA_DIRR" in wrong.stderr and "ROLLCALL_DATA_DIR," in wrong.stderr
