"""The daemon with its registry in PostgreSQL: what it keeps, and what it does while the database is away."""
import subprocess
import time

import pytest

from client import eventually
from daemon import binary
from postgres import running_postgres

QUICK = ("--set", "postgres.connect_timeout=300ms", "--set", "postgres.request_timeout=700ms")


@pytest.fixture(scope="module")
def postgres():
    with running_postgres() as running:
        yield running


@pytest.fixture
def start_on_it(postgres, start, request):
    """Daemons that share one schema, which no other test has."""
    def start_one(*arguments, name="rollcall", **more):
        return start("--set", f"postgres.schema={request.node.name[:48]}", *QUICK, *arguments, name=name,
                     environment=postgres.environment(), **more)
    return start_one


def register(client, name, expect=201):
    answer = client.put(f"/services/kept/instances/{name}", {"address": "10.0.0.1", "port": 80, "ttl": 600})
    assert answer.status == expect, answer.body
    return answer


def test_what_was_acknowledged_survives_a_kill(start_on_it, postgres):
    daemon = start_on_it()
    with daemon.client() as client:
        for number in range(20):
            register(client, f"kept-{number}")
        client.put("/instances/kept-1/maintenance", {"enabled": True, "reason": "new disk"})
        client.delete("/instances/kept-2")
        before = client.get("/services/kept").json["service"]
    daemon.kill()
    daemon.start()
    with daemon.client() as client:
        assert client.get("/services/kept").json["service"] == before
        assert client.get("/instances/kept-2").status == 404
        assert len(client.get("/history?limit=1000").json["events"]) == 22
    listed = postgres.ask("SELECT id, port, status FROM test_what_was_acknowledged_survives_a_kill.instance_list "
                          "WHERE id = 'kept-1'")
    assert listed == "kept-1|80|maintenance"


def test_a_database_that_is_away_stops_writes_alone(start_on_it, postgres):
    daemon = start_on_it()
    with daemon.client() as client:
        register(client, "before")
        postgres("kill")
        refused = register(client, "meanwhile", expect=503)
        assert refused.json["type"].endswith("unavailable")
        assert client.get("/services/kept").status == 200
        assert client.put("/instances/before/heartbeat").status == 204
        assert client.get("/health").status == 503
        postgres("up")
        eventually(lambda: client.get("/health").status == 200, within_s=20)
        register(client, "after")
        assert client.get("/instances/meanwhile").status == 404


def test_a_database_that_answers_nothing_stops_writes_within_a_second(start_on_it, postgres):
    daemon = start_on_it()
    with daemon.client() as client:
        register(client, "before")
        postgres("stop-processes")
        try:
            for number in range(3):
                begin = time.monotonic()
                register(client, f"meanwhile-{number}", expect=503)
                assert time.monotonic() - begin < 1.2
            begin = time.monotonic()
            assert client.get("/services/kept").status == 200
            assert time.monotonic() - begin < 0.5
        finally:
            postgres("go-on")
        eventually(lambda: client.get("/health").status == 200, within_s=20)
        register(client, "after")


def test_a_second_node_needs_a_name_of_its_own(start_on_it, postgres, tmp_path, request):
    first = start_on_it("--node", "a", name="first")
    with first.client() as client:
        register(client, "a")
    refused = subprocess.run([binary(), "serve", "--http", "127.0.0.1:0", "--socket", "off", "--data-dir", tmp_path / "x",
                              "--node", "a", "--set", f"postgres.schema={request.node.name[:48]}", *QUICK],
                             env=postgres.environment(), timeout=20, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert 'cluster.node another node is called "a"' in refused.stderr
    first.kill()
    with start_on_it("--node", "a", name="again").client() as client:
        assert client.get("/instances/a").status == 200
        register(client, "b")


def test_a_password_is_neither_taken_from_the_command_line_nor_shown(postgres, tmp_path):
    def serve(*arguments, **environment):
        return subprocess.run([binary(), "serve", "--http", "127.0.0.1:0", *arguments], env=environment, timeout=20,
                              capture_output=True, text=True, check=False)

    on_the_line = serve("--store", "postgres://locked:hush-hush@localhost/x")
    assert on_the_line.returncode == 2
    assert "--store is a secret" in on_the_line.stderr

    wrong = serve(ROLLCALL_STORE=f"host={postgres.folder} user=locked dbname=postgres password=hush-hush")
    assert wrong.returncode == 1
    assert "password authentication failed" in wrong.stderr

    unreadable = serve(ROLLCALL_STORE="postgres://locked:hush-hush%zz@localhost/x")
    assert unreadable.returncode == 2
    assert "ROLLCALL_STORE" in unreadable.stderr
    for ended in (on_the_line, wrong, unreadable):
        assert "hush" not in ended.stderr + ended.stdout
