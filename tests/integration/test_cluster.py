"""Several daemons on one PostgreSQL: one registry, whichever of them is asked."""
import http.server
import threading
import time

import pytest

import command_line
from client import eventually as eventually_within
from postgres import running_postgres

QUICK = ("--set", "postgres.connect_timeout=500ms", "--set", "postgres.request_timeout=1s", "--set",
         "postgres.silent_session=2s", "--set", "cluster.fence_after=3s")


def eventually(what, within_s=10):
    return eventually_within(what, within_s)


@pytest.fixture(scope="module")
def postgres():
    with running_postgres() as running:
        yield running


@pytest.fixture
def nodes(postgres, start, request):
    """Three of them in a schema of their own."""
    started = [start("--set", f"postgres.schema={request.node.name[:48]}", "--node", name, *QUICK, name=name,
                     environment=postgres.environment()) for name in "abc"]
    clients = [node.client() for node in started]
    eventually(lambda: all(len(client.get("/cluster").json["nodes"]) == 3 for client in clients))
    yield started, clients


def register(client, name, ttl=600, **more):
    answer = client.put(f"/services/shared/instances/{name}", {"address": "10.0.0.1", "port": 80, "ttl": ttl, **more})
    assert answer.status in (200, 201), answer.body
    return answer


def reaper_of(client):
    return next(node["name"] for node in client.get("/cluster").json["nodes"] if node["reaper"])


def test_what_one_node_is_told_the_others_know(nodes):
    _, (a, b, c) = nodes
    answer = register(a, "x")
    revision = int(answer.headers["x-rollcall-revision"])
    assert answer.headers["x-rollcall-node"] == "a"
    for client, node in ((b, "b"), (c, "c")):
        seen = client.get(f"/instances/x?min_revision={revision}")
        assert seen.status == 200
        assert seen.headers["x-rollcall-node"] == node
        assert float(seen.headers["x-rollcall-lag"]) < 2
    removed = b.delete("/instances/x")
    assert removed.status == 204
    assert int(removed.headers["x-rollcall-revision"]) == revision + 1
    assert c.get("/instances/x?consistent").status == 404
    assert a.get("/services/shared/instances?consistent&status=passing").status == 404


def test_a_revision_that_the_log_never_gave_is_said_to_be_none(nodes):
    _, (a, *_) = nodes
    register(a, "x")
    answer = a.get("/services?min_revision=1000")
    assert (answer.status, answer.json["field"]) == (400, "min_revision")
    assert a.get("/services?min_revision=x").status == 400
    assert a.get("/services?consistent=no").status == 400
    assert a.get("/services/shared?index=1&consistent").status == 400


def test_each_write_and_heartbeat_may_go_to_another_node(nodes):
    _, clients = nodes
    register(clients[0], "x", ttl=2, session="s1")
    for turn in range(30):
        beat = clients[(turn + 1) % 3].put("/instances/x/heartbeat", {"session": "s1"})
        assert beat.status == 204, (turn, beat.body)
        time.sleep(0.2)  # that is what a client does
    for turn in range(20):
        name = f"y{turn}"
        register(clients[turn % 3], name)
        assert clients[(turn + 1) % 3].put(f"/instances/{name}/heartbeat").status == 204
        assert clients[(turn + 2) % 3].delete(f"/instances/{name}").status == 204
        assert clients[turn % 3].get(f"/instances/{name}?consistent").status == 404
        assert clients[turn % 3].put(f"/instances/{name}/heartbeat").status == 404
    assert clients[1].get("/services?consistent").status == 200
    register(clients[2], "z")
    together = clients[1].post("/heartbeats", {"ids": ["z", "y1", "nobody"]})
    assert (together.status, together.json) == (200, {"ok": 1, "unknown": ["y1", "nobody"], "stale": []})


def test_who_falls_silent_goes_soon_after_its_ttl(nodes):
    _, (a, b, c) = nodes
    register(a, "x", ttl=2)
    assert b.put("/instances/x/heartbeat").status == 204
    begin = time.monotonic()
    assert c.get("/instances/x?consistent").status == 200
    eventually(lambda: c.get("/instances/x").status == 404)
    assert 1.9 < time.monotonic() - begin < 4.5


def test_a_killed_reaper_is_replaced_and_nobody_alive_is_lost(nodes):
    started, clients = nodes
    names = "abc"
    reaper = names.index(reaper_of(clients[0]))
    register(clients[reaper], "x", ttl=3)
    register(clients[reaper], "silent", ttl=3)
    others = [client for index, client in enumerate(clients) if index != reaper]
    assert others[0].get("/instances/silent?consistent").status == 200
    started[reaper].kill()
    begin = time.monotonic()
    replaced = None
    while others[0].get("/instances/silent").status == 200 and time.monotonic() - begin < 20:
        assert others[1].put("/instances/x/heartbeat").status == 204
        if replaced is None and reaper_of(others[0]) != names[reaper]:
            replaced = time.monotonic() - begin
        time.sleep(0.1)  # a client's own rhythm
    assert replaced < 5
    assert others[0].get("/instances/silent").status == 404
    assert others[0].get("/instances/x").status == 200
    # 3 s until it is fenced, a ttl for its clients, and what judging takes.
    assert 5 < time.monotonic() - begin < 15
    started[reaper].start()
    eventually(lambda: len(others[0].get("/cluster").json["nodes"]) == 3)


def test_while_the_database_is_away_reads_and_heartbeats_go_on_and_nothing_expires(nodes, postgres):
    _, (a, b, c) = nodes
    register(a, "x", ttl=3)
    register(a, "y", ttl=3)
    postgres("stop-processes")
    try:
        begin = time.monotonic()
        assert b.delete("/instances/x").status == 503
        assert time.monotonic() - begin < 1.3
        while time.monotonic() - begin < 6:
            beat = b.put("/instances/x/heartbeat")
            assert beat.status == (204 if time.monotonic() - begin < 2 else beat.status)
            assert beat.status in (204, 202)
            for client in (a, b, c):
                seen = client.get("/services/shared/instances")
                assert [instance["id"] for instance in seen.json["instances"]] == ["x", "y"]
            time.sleep(0.1)  # a client's own rhythm
        assert beat.status == 202
        assert float(seen.headers["x-rollcall-lag"]) > 4
        assert c.get("/instances/x?consistent").status == 503
        assert c.get("/cluster").json["in_touch"] is False
    finally:
        postgres("go-on")
    begin = time.monotonic()
    eventually(lambda: b.put("/instances/x/heartbeat").status == 204)
    register(b, "z")
    while c.get("/instances/y").status == 200 and time.monotonic() - begin < 20:
        assert a.put("/instances/x/heartbeat").status in (202, 204)
        time.sleep(0.1)  # a client's own rhythm
    assert c.get("/instances/y?consistent").status == 404, "nobody had heard of it all the time"
    assert c.get("/instances/x?consistent").status == 200
    assert c.get("/cluster").json["in_touch"] is True


def test_a_watch_at_one_node_tells_what_was_written_at_another(nodes):
    _, (a, b, _) = nodes
    register(a, "x")
    index = b.get("/services/shared?min_revision=1").json["service"]["revision"]
    polled = b.get(f"/services/shared?index={index}&wait=100ms")
    assert polled.status == 200
    register(a, "y")
    seen = b.get(f"/services/shared?index={index}&wait=10s")
    assert [instance["id"] for instance in seen.json["service"]["instances"]] == ["x", "y"]


def test_the_command_line_shows_the_nodes(nodes):
    started, _ = nodes
    shown = command_line.run("nodes", server=f"http://{started[0].address}")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("http://127.0.0.1:") == 3
    assert "reaper" in shown.stdout and "store postgres, takes writes" in shown.stdout


class Web(http.server.ThreadingHTTPServer):
    """Something that answers."""
    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()


def statuses_at(client, port):
    """Something that ends while it is asked may be taken for a bare port first."""
    services = [client.get(f"/services/{name}").json.get("service", {}) for name in ("http", "tcp")]
    return [instance["status"] for service in services for instance in service.get("instances", []) if instance["port"] == port]


def test_one_node_probes_and_checks_and_another_takes_over_when_it_dies(postgres, start, request):
    first, second = Web(), Web()
    sweep = ("--set", f"probe.web_ports={first.port},{second.port}", "--set", "probe.dicom_ports=1", "--set",
             "probe.hosts=127.0.0.1", "--set", "probe.sweep_interval=200ms", "--set", "probe.report_other=true", "--set", "probe.enabled=true")
    started = [start("--set", f"postgres.schema={request.node.name[:48]}", "--node", name, *QUICK, *sweep, name=name,
                     environment=postgres.environment()) for name in "ab"]
    clients = [node.client() for node in started]
    eventually(lambda: all(len(client.get("/services/http?consistent").json.get("service", {}).get("instances", [])) == 2
                           for client in clients))
    offices = [client.get("/cluster").json["offices"] for client in clients]
    assert sorted(map(sorted, offices)) == [[], ["checks", "probe 127.0.0.1", "reaper"]]
    holder = 0 if offices[0] else 1
    left = clients[1 - holder]
    started[holder].kill()
    begin = time.monotonic()
    eventually(lambda: "probe 127.0.0.1" in left.get("/cluster").json["offices"])
    assert time.monotonic() - begin < 5
    first.stop()
    eventually(lambda: "critical" in statuses_at(left, first.port))
    second.stop()
