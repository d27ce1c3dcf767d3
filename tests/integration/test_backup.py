"""`rollcall backup`, `restore` and `migrate` with a real daemon, and from SQLite to PostgreSQL and back."""
import contextlib
import http.client
import json
import os
import pathlib
import pty
import shutil
import subprocess
import tempfile
import threading

import pytest
from command_line import BOUND_S, plain_environment, run
from daemon import binary
from postgres import Postgres


@pytest.fixture(scope="module")
def postgres():
    if not list(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        pytest.skip("PostgreSQL isn't installed")
    # A socket's path is short, and pytest's folders aren't.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rollcall-pg-", dir="/tmp"))
    running = Postgres(folder)
    yield running
    running("stop")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(postgres, request):
    """How a command names a log in PostgreSQL that no other test has."""
    where = f"host={postgres.folder} user=test dbname=postgres"
    return where, ("--set", f"postgres.schema={request.node.name[:48]}")


def told(*words):
    done = run(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(code, *words, **environment):
    done = run(*words, **environment)
    assert done.returncode == code, (done.returncode, done.stderr)
    return done.stderr


def register(client, name, **more):
    answer = client.put(f"/services/kept/instances/{name}", {"address": "10.0.0.1", "port": 80, "ttl": 600} | more)
    assert answer.status == 201, answer.body
    return answer


def fill(client):
    for number in range(6):
        register(client, f"kept-{number}", session=f"s{number}")
    client.put("/instances/kept-1/maintenance", {"enabled": True, "reason": "new disk"})
    client.delete("/instances/kept-2?session=s2")
    register(client, "kept-3", session="another life")


def seen_by(client):
    # When somebody was last heard of is known only to the daemon that heard it.
    instances = [{key: value for key, value in one.items() if not key.startswith(("last_", "ttl_", "age"))}
                 for one in client.get("/services/kept").json["service"]["instances"]]
    return instances, client.get("/history?limit=1000").json["events"]


def position_of(client):
    version = client.get("/version").json
    return version["generation"], version["revision"]


def old_lives_are_over(client):
    """A removed instance's tombstone is there, and a retired session."""
    spec = {"address": "10.0.0.1", "port": 80, "ttl": 600}
    return (client.put("/services/kept/instances/kept-2", spec | {"session": "s2"}).status,
            client.put("/instances/kept-3/heartbeat", {"session": "s3"}).status) == (409, 409)


def watch_from(client, generation, revision):
    connection = http.client.HTTPConnection(client.host, client.port, timeout=BOUND_S)
    with contextlib.closing(connection):
        connection.request("GET", f"/watch?since={revision}&generation={generation}")
        return connection.getresponse().status


def test_a_backup_of_a_living_daemon_is_restored(start, tmp_path):
    daemon, file, there = start(), tmp_path / "backup", tmp_path / "restored" / "data"
    with daemon.client() as client:
        fill(client)
        before = seen_by(client)
        made = told("backup", "--from", f"sqlite:{daemon.data}", str(file))
        register(client, "too-late")
        assert (made["generation"], made["revision"] + 1) == position_of(client)
    assert (made["events"], made["tombstones"]) == (len(before[1]), 1)
    assert file.stat().st_mode & 0o777 == 0o600
    verified = told("backup", "--verify", str(file))
    assert verified["written_by"].startswith("rollcall ")
    assert verified["digest"] == made["digest"]

    restored = told("restore", str(file), "--to", f"sqlite:{there}")
    assert restored["digest"] == made["digest"]
    with start(name="restored").client() as client:
        generation, revision = position_of(client)
        assert generation == restored["generation"] != made["generation"]
        assert revision == made["revision"]
        assert seen_by(client) == before
        assert client.get("/instances/too-late").status == 404
        assert old_lives_are_over(client)
        assert client.put("/instances/kept-3/heartbeat", {"session": "another life"}).status == 204
        assert watch_from(client, made["generation"], revision) == 410, "who watched starts over"
        register(client, "after")
        assert position_of(client) == (generation, revision + 1)


def test_the_log_is_the_one_that_serve_would_use(start, tmp_path):
    daemon = start()
    config = tmp_path / "rollcall.toml"
    config.write_text(f'data_dir = "{daemon.data}"\n')
    assert told("backup", "--config", str(config), str(tmp_path / "a"))["from"] == f"sqlite:{daemon.data}/rollcall.db"
    assert run("backup", str(tmp_path / "b"), ROLLCALL_DATA_DIR=str(daemon.data)).returncode == 0
    assert run("backup", "--set", f"data_dir={daemon.data}", str(tmp_path / "c")).returncode == 0
    assert json.loads(run("--json", "backup", "--verify", str(tmp_path / "c")).stdout)["events"] == 0
    assert "--from is needed" in refused(2, "backup", str(tmp_path / "d"), ROLLCALL_STORE="memory")
    assert not (tmp_path / "d").exists()


def test_backups_under_load_are_each_of_one_moment(start, tmp_path):
    daemon = start()
    done = threading.Event()

    def write():
        with daemon.client() as client:
            number = 0
            while not done.is_set():
                register(client, f"kept-{number}")
                number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = [told("backup", "--from", f"sqlite:{daemon.data}", str(tmp_path / "backup")) for _ in range(5)]
    finally:
        done.set()
        writer.join()
    assert all(one["events"] == one["revision"] == one["number"] for one in made)
    revisions = [one["revision"] for one in made]
    assert revisions == sorted(revisions) and revisions[0] < revisions[-1]
    assert told("backup", "--verify", str(tmp_path / "backup"))["digest"] == made[-1]["digest"]


def test_standard_output_takes_a_backup(start, tmp_path):
    daemon, file = start(), tmp_path / "backup"
    with daemon.client() as client:
        fill(client)
    with file.open("wb") as out:
        done = subprocess.run([binary(), "backup", "--from", f"sqlite:{daemon.data}", "-", "--json"], stdout=out,
                              stderr=subprocess.PIPE, env=plain_environment(), timeout=BOUND_S, check=True)
    assert json.loads(done.stderr)["digest"] == told("backup", "--verify", str(file))["digest"]
    with open("/dev/full", "wb") as full:
        done = subprocess.run([binary(), "backup", "--from", f"sqlite:{daemon.data}", "-"], stdout=full,
                              stderr=subprocess.PIPE, env=plain_environment(), timeout=BOUND_S, check=False)
    assert (done.returncode, b"No space left" in done.stderr) == (3, True)


def test_a_terminal_shows_how_far_it_is(start, tmp_path):
    daemon = start()
    with daemon.client() as client:
        for number in range(1100):
            register(client, f"kept-{number}")
    ours, theirs = pty.openpty()
    subprocess.run([binary(), "backup", "--from", f"sqlite:{daemon.data}", tmp_path / "backup"], stderr=theirs,
                   stdout=subprocess.PIPE, env=plain_environment(), timeout=BOUND_S, check=True)
    os.close(theirs)
    assert b"writing 1024 events, 93 %" in os.read(ours, 4096)
    os.close(ours)


def test_nothing_is_restored_over_a_log_or_under_a_daemon(start, tmp_path):
    daemon, file = start(), tmp_path / "backup"
    place = f"sqlite:{daemon.data}"
    with daemon.client() as client:
        fill(client)
        told("backup", "--from", place, str(file))
        assert "another rollcall daemon uses this directory" in refused(1, "restore", str(file), "--to", place)
        before = seen_by(client)
    daemon.stop()
    assert "has a log already" in refused(1, "restore", str(file), "--to", place)
    daemon.start()
    with daemon.client() as client:
        assert seen_by(client) == before
    assert "No such file" in refused(1, "restore", str(tmp_path / "none"), "--to", f"sqlite:{tmp_path}/new")
    assert "neither sqlite:PATH nor" in refused(2, "restore", str(file), "--to", "/var/lib/rollcall")


def test_a_daemon_that_never_wrote_makes_room_for_a_backup(start, tmp_path):
    daemon, file = start(), tmp_path / "backup"
    with daemon.client() as client:
        fill(client)
    told("backup", "--from", f"sqlite:{daemon.data}", str(file))
    fresh = start(name="fresh")
    fresh.stop()
    told("restore", str(file), "--to", f"sqlite:{fresh.data}")
    fresh.start()
    with fresh.client() as client:
        assert client.get("/instances/kept-1").status == 200


def test_of_a_damaged_backup_nothing_is_restored(start, tmp_path):
    daemon, file, there = start(), tmp_path / "backup", tmp_path / "new" / "rollcall.db"
    with daemon.client() as client:
        fill(client)
    told("backup", "--from", f"sqlite:{daemon.data}", str(file))
    whole = file.read_bytes()
    for at in range(20, len(whole), len(whole) // 40):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
        assert "is damaged" in refused(5, "restore", str(file), "--to", f"sqlite:{there}")
    file.write_bytes(whole[:-1])
    assert "is cut short" in refused(5, "restore", str(file), "--to", f"sqlite:{there}")
    assert "is cut short" in refused(5, "backup", "--verify", str(file))
    assert not there.parent.exists()


def test_a_backup_that_fails_leaves_yesterday_s(start, tmp_path):
    file = tmp_path / "backup"
    file.write_text("yesterday's")
    assert "there is no log at" in refused(1, "backup", "--from", f"sqlite:{tmp_path}/none", str(file))
    assert [one.name for one in tmp_path.iterdir()] == ["backup"]
    assert file.read_text() == "yesterday's"


def test_the_registry_moves_to_postgresql_and_back(start, postgres, database, tmp_path):
    there, schema = database
    daemon = start()
    with daemon.client() as client:
        fill(client)
        before, position = seen_by(client), position_of(client)
    back = tmp_path / "back" / "data"
    assert "another rollcall daemon uses" in refused(1, "migrate", "--from", f"sqlite:{daemon.data}", "--to", there, *schema)
    daemon.stop()
    moved = told("migrate", "--from", f"sqlite:{daemon.data}", "--to", there, *schema)
    assert moved["read"] == moved["read_back"]
    assert "has a log already" in refused(1, "migrate", "--from", f"sqlite:{daemon.data}", "--to", there, *schema)

    second = start(*schema, name="second", environment=postgres.environment())
    with second.client() as client:
        assert (seen_by(client), position_of(client)) == (before, position)
        assert old_lives_are_over(client)
        assert watch_from(client, *position) == 200, "who watched goes on"
        register(client, "kept-in-postgres")
        file = tmp_path / "backup"
        made = told("backup", "--from", there, *schema, str(file))
        assert made["revision"] == position[1] + 1
        for words in (("restore", str(file), "--to", there), ("migrate", "--from", there, "--to", f"sqlite:{back}")):
            assert "uses the schema" in refused(1, *words, *schema)
        before, position = seen_by(client), position_of(client)
    second.stop()
    assert not (back / "rollcall.db").exists()
    moved = told("migrate", "--from", there, *schema, "--to", f"sqlite:{back}")
    assert moved["read"] == moved["read_back"]
    with start(name="back").client() as client:
        assert (seen_by(client), position_of(client)) == (before, position)


def test_a_backup_of_sqlite_is_restored_to_postgresql(start, postgres, database, tmp_path):
    there, schema = database
    daemon, file = start(), tmp_path / "backup"
    with daemon.client() as client:
        fill(client)
        before = seen_by(client)
    made = told("backup", "--from", f"sqlite:{daemon.data}", str(file))
    assert told("restore", str(file), "--to", there, *schema)["digest"] == made["digest"]
    with start(*schema, name="second", environment=postgres.environment()).client() as client:
        assert seen_by(client) == before
    assert postgres.ask(f"SELECT count(*) FROM {schema[1].partition('=')[2]}.instance_list") == "5"


def kill_while_it_writes(*words):
    """Its terminal says when that is."""
    ours, theirs = pty.openpty()
    running = subprocess.Popen([binary(), *words], stderr=theirs, stdout=subprocess.DEVNULL, env=plain_environment())
    os.close(theirs)
    said = b""
    with contextlib.suppress(OSError):  # it has ended
        while b"writing" not in said:
            said += os.read(ours, 4096)
    running.kill()
    running.wait(BOUND_S)
    os.close(ours)
    assert b"writing" in said


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_restore_that_is_killed_leaves_all_or_nothing(start, postgres, tmp_path, engine):
    daemon, file = start(), tmp_path / "backup"
    with daemon.client() as client:
        for number in range(2100):
            register(client, f"kept-{number}")
    made = told("backup", "--from", f"sqlite:{daemon.data}", str(file))
    for attempt in range(4):
        there = ["sqlite:" + str(tmp_path / str(attempt))]
        if engine == "postgres":
            there = [f"host={postgres.folder} user=test dbname=postgres", "--set", f"postgres.schema=killed_{attempt}"]
        kill_while_it_writes("restore", str(file), "--to", *there)
        found = run("backup", "--from", *there, "--json", str(tmp_path / "found"))
        assert found.returncode == 0, found.stderr
        if json.loads(found.stdout)["events"] == 0:
            assert told("restore", str(file), "--to", *there)["digest"] == made["digest"]
        else:
            assert json.loads(found.stdout)["digest"] == made["digest"]


def test_a_password_is_not_for_the_command_line(tmp_path):
    for option in ("--from", "--to"):
        words = ["migrate", "--from", f"sqlite:{tmp_path}", "--to", f"sqlite:{tmp_path}"]
        words[words.index(option) + 1] = "postgres://locked:hush-hush@localhost/x"
        said = refused(2, *words)
        assert f"{option} is a secret" in said and "hush" not in said


def test_a_standby_can_be_backed_up(start, postgres, database, tmp_path):
    there, schema = database
    daemon = start(*schema, environment=postgres.environment())
    with daemon.client() as client:
        fill(client)
        postgres("standby")
        register(client, "after")  # which is acknowledged when the standby has it
        revision = position_of(client)[1]
        standby = there.replace(str(postgres.folder), f"{postgres.folder}/standby") + " target_session_attrs=any"
        made = told("backup", "--from", standby, *schema, str(tmp_path / "backup"))
        assert made["revision"] == made["events"] == revision
