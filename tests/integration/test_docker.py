"""What the daemon makes of a Docker engine, and of one that misbehaves. The engine is a fake one that answers as a real
one did; test_swarm.py has a real one."""
import pathlib
import ssl
import sys
import time

import pytest

from client import eventually as eventually_within
from postgres import running_postgres

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "docker"))

from fake_engine import FakeEngine  # noqa: E402


def eventually(what, within_s=10):
    return eventually_within(what, within_s)


@pytest.fixture
def engine(tmp_path):
    with FakeEngine(tmp_path / "docker.sock") as running:
        yield running


@pytest.fixture
def follow(start, engine):
    def start_one(*arguments, **more):
        daemon = start("--set", f"docker.url={engine.url}", "--set", "docker.retry_longest=200ms", *arguments, **more)
        return daemon, daemon.client()
    return start_one


def entries(client):
    return {entry["name"]: entry for entry in client.get("/services").json["services"]}


def tasks(client, service):
    answer = client.get(f"/services/{service}/instances")
    return {one["id"]: one for one in answer.json["instances"]} if answer.status == 200 else {}


def docker_part(client):
    return next(part for part in client.get("/health").json["providers"] if part["name"] == "docker")


def ids_of(engine, service):
    return {f"swarm:{task['ID']}" for task in engine.tasks_of(service)}


def test_services_and_their_tasks_are_listed(engine, follow):
    shop = engine.add_service("shop", replicas=3, labels={
        "autoscaler.enabled": "True", "autoscaler.metric": "memory", "autoscaler.cpu.threshold": "62.5",
        "autoscaler.max": "6", "rollcall.port": "8080"})
    engine.add_service("other", labels={"team": "a"})
    _, client = follow()
    eventually(lambda: "shop" in entries(client))
    entry = entries(client)["shop"]
    assert entry["id"] == shop
    assert (entry["current_replicas"], entry["metric"], entry["thresholds"]) == (3, "memory", {"cpu": 62.5, "memory": 70})
    assert (entry["min_replicas"], entry["max_replicas"]) == (1, 6)
    assert entry["labels"]["rollcall.port"] == "8080"
    eventually(lambda: set(tasks(client, "shop")) == ids_of(engine, shop))
    one = next(iter(tasks(client, "shop").values()))
    assert (one["port"], one["status"], one["metadata"]["node"]) == (8080, "passing", "vm")
    assert "other" not in entries(client)
    assert docker_part(client)["ok"]


def test_a_bad_label_leaves_the_service_out_and_is_said_once(engine, follow):
    bad = engine.add_service("bad", labels={"autoscaler.enabled": "true", "autoscaler.max": "many"})
    engine.add_service("good")
    daemon, client = follow()
    eventually(lambda: "good" in entries(client))
    assert "bad" not in entries(client)
    assert "bad (its label autoscaler.max is \"many\"" in docker_part(client)["detail"] and docker_part(client)["ok"]
    engine.touch(bad, team="a")
    engine.touch(bad, **{"autoscaler.max": "4"})
    eventually(lambda: entries(client).get("bad", {}).get("max_replicas") == 4)
    eventually(lambda: "detail" not in docker_part(client))
    warnings = [line for line in daemon.log().splitlines() if "autoscaler.max" in line]
    assert len(warnings) == 1
    assert "service bad is left out: its label autoscaler.max is \"many\"; allowed is a whole number" in warnings[0]


def test_changes_are_followed(engine, follow):
    shop = engine.add_service("shop", replicas=2)
    _, client = follow()
    eventually(lambda: set(tasks(client, "shop")) == ids_of(engine, shop))
    engine.scale(shop, 5)
    eventually(lambda: set(tasks(client, "shop")) == ids_of(engine, shop) and entries(client)["shop"]["current_replicas"] == 5)
    engine.scale(shop, 1)
    eventually(lambda: set(tasks(client, "shop")) == ids_of(engine, shop))
    task = engine.tasks_of(shop)[0]["ID"]
    engine.set_state(task, "failed", tell="die")
    eventually(lambda: tasks(client, "shop")[f"swarm:{task}"]["status"] == "critical")
    assert tasks(client, "shop")[f"swarm:{task}"]["status_reason"].startswith("task is failed")
    engine.remove_service(shop)
    eventually(lambda: "shop" not in entries(client) and not tasks(client, "shop"))
    assert engine.methods() == {"GET"}


def test_what_no_event_tells_of_is_found_all_the_same(engine, follow):
    shop = engine.add_service("shop", replicas=2)
    engine.nodes.append(engine.nodes[0] | {"ID": "0" * 24 + "b"})
    _, client = follow()
    eventually(lambda: set(tasks(client, "shop")) == ids_of(engine, shop))
    task = engine.tasks_of(shop)[0]["ID"]
    engine.set_state(task, "failed")
    eventually(lambda: tasks(client, "shop")[f"swarm:{task}"]["status"] == "critical", 3)


@pytest.mark.parametrize(("newest", "oldest", "asked"), [("1.30", "1.12", "1.30"), ("1.52", "1.44", "1.44")])
def test_older_and_newer_engines_are_asked_in_their_words(engine, follow, newest, oldest, asked):
    engine.version |= {"ApiVersion": newest, "MinAPIVersion": oldest}
    shop = engine.add_service("shop", replicas=2)
    _, client = follow()
    eventually(lambda: set(tasks(client, "shop")) == ids_of(engine, shop))
    engine.scale(shop, 3)
    eventually(lambda: set(tasks(client, "shop")) == ids_of(engine, shop))
    task = engine.tasks_of(shop)[0]["ID"]
    engine.set_state(task, "failed")
    eventually(lambda: tasks(client, "shop")[f"swarm:{task}"]["status"] == "critical", 3)
    paths = {path for _, path in engine.asked if not path.startswith("/version")}
    assert {path.split("/")[1] for path in paths} == {f"v{asked}"}
    assert any("status=true" in path for path in paths) == (asked == "1.44")


def test_an_engine_that_is_gone_takes_nothing_with_it(engine, follow):
    shop, desk = engine.add_service("shop", replicas=2), engine.add_service("desk")
    _, client = follow()
    eventually(lambda: tasks(client, "desk") and set(tasks(client, "shop")) == ids_of(engine, shop))
    engine.stop()
    eventually(lambda: not docker_part(client)["ok"])
    assert "docker.sock" in docker_part(client)["detail"]
    assert time.time() - 60 < docker_part(client)["stale_since"] <= time.time()
    assert set(tasks(client, "shop")) == ids_of(engine, shop)
    engine.remove_service(desk)
    engine.scale(shop, 4)
    engine.start()
    eventually(lambda: docker_part(client)["ok"] and "desk" not in entries(client))
    assert "stale_since" not in docker_part(client)
    eventually(lambda: set(tasks(client, "shop")) == ids_of(engine, shop))


def test_an_engine_that_errs_is_asked_again(engine, follow):
    shop = engine.add_service("shop")
    _, client = follow()
    eventually(lambda: tasks(client, "shop"))
    engine.failing["/services"] = 500, "rpc error: the swarm does not have a leader"
    engine.scale(shop, 2)
    eventually(lambda: "does not have a leader" in docker_part(client).get("detail", ""))
    assert len(tasks(client, "shop")) == 1
    engine.failing.clear()
    eventually(lambda: docker_part(client)["ok"] and len(tasks(client, "shop")) == 2)


def test_half_a_list_is_no_evidence(engine, follow, monkeypatch):
    engine.add_service("shop", replicas=2)
    _, client = follow()
    eventually(lambda: len(tasks(client, "shop")) == 2)
    whole = engine.reply
    monkeypatch.setattr(engine, "reply", lambda path, filters: (200, whole(path, filters)[1][:-5]) if path == "/tasks"
                        else whole(path, filters))
    engine.tell("service", "update", next(iter(engine.services)), {})
    eventually(lambda: "no list of tasks" in docker_part(client).get("detail", ""))
    assert len(tasks(client, "shop")) == 2


def test_after_a_restart_of_the_daemon_only_a_complete_list_says_who_is_gone(engine, follow, start, tmp_path):
    shop, desk = engine.add_service("shop", replicas=2), engine.add_service("desk")
    daemon, client = follow()
    eventually(lambda: tasks(client, "desk") and len(tasks(client, "shop")) == 2)
    daemon.stop()
    engine.stop()
    daemon.start()
    client = daemon.client()
    eventually(lambda: not docker_part(client)["ok"])
    assert len(tasks(client, "shop")) == 2 and len(tasks(client, "desk")) == 1
    before = client.get("/version").json["revision"]
    engine.remove_service(desk)
    engine.start()
    eventually(lambda: "desk" not in entries(client))
    assert len(tasks(client, "shop")) == 2
    assert client.get("/version").json["revision"] - before == 2, "the service and its task, and nothing else"
    assert shop in engine.services


def test_a_worker_knows_nothing_and_says_so(engine, follow):
    engine.add_service("shop")
    _, client = follow()
    eventually(lambda: tasks(client, "shop"))
    engine.info["Swarm"]["ControlAvailable"] = False
    engine.failing["/services"] = 503, "This node is not a swarm manager."
    engine.end_streams()
    eventually(lambda: "worker" in docker_part(client).get("detail", ""))
    assert tasks(client, "shop")


def test_plain_containers_are_listed_by_what_their_users_set(engine, follow):
    engine.info["Swarm"] = {"LocalNodeState": "inactive", "ControlAvailable": False}
    one = engine.run_container("one")
    _, client = follow()
    # As recorded: SERVICE_NAME=cache, SERVICE_TAGS=a,b\\,c in its environment, SERVICE_9_NAME=nine as a label.
    eventually(lambda: tasks(client, "nine") and tasks(client, "cache-7000"))
    instance = tasks(client, "cache-7000")[f"docker:{one}:7000"]
    assert (instance["address"], instance["port"], instance["tags"]) == ("127.0.0.1", 7001, ["a", "b,c"])
    assert instance["source"] == "docker"
    engine.end_container(one)
    eventually(lambda: not tasks(client, "nine") and not tasks(client, "cache-7000"))
    assert docker_part(client)["ok"]


def test_every_service_is_listed_where_the_filter_is_empty(engine, follow):
    engine.add_service("other", replicas=2, labels={})
    _, client = follow("--set", "docker.filter=")
    eventually(lambda: "other" in entries(client))
    entry = entries(client)["other"]
    assert entry["min_replicas"] == entry["max_replicas"] == 2, "who isn't enabled is never scaled"


def test_a_refresh_lists_everything_again_and_answers_once_it_is_known(engine, follow):
    engine.add_service("shop")
    _, client = follow()
    eventually(lambda: tasks(client, "shop"))
    engine.add_service("desk", tell=False)
    answer = client.post("/cache/refresh")
    assert answer.status == 200
    assert "desk" in entries(client) and tasks(client, "desk")
    engine.stop()
    eventually(lambda: not docker_part(client)["ok"])
    assert client.post("/cache/refresh").status == 503
    assert "desk" in entries(client)


def test_an_engine_behind_tls_is_shown_a_certificate(authority, start, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.certify("engine"))
    context.load_verify_locations(authority.cert)
    context.verify_mode = ssl.CERT_REQUIRED
    folder = tmp_path / "certs"
    folder.mkdir()
    cert, key = authority.certify("reader")
    for name, file in (("ca.pem", authority.cert), ("cert.pem", cert), ("key.pem", key)):
        (folder / name).write_bytes(file.read_bytes())
    with FakeEngine(tmp_path / "unused", tls=context) as engine:
        engine.add_service("shop")
        environment = {"ROLLCALL_DOCKER_URL": engine.url}
        shown = start(environment=environment | {"ROLLCALL_DOCKER_CERT_PATH": str(folder)}, name="shown").client()
        eventually(lambda: tasks(shown, "shop") and docker_part(shown)["ok"])
        hidden = start(environment=environment, name="hidden").client()
        eventually(lambda: not docker_part(hidden)["ok"])
        assert "shop" not in entries(hidden)


def test_a_remark_on_a_service_is_in_its_history_and_changes_nothing(engine, follow):
    engine.add_service("shop", replicas=2)
    _, client = follow()
    eventually(lambda: len(tasks(client, "shop")) == 2)
    before = entries(client)["shop"]
    said = client.post("/services/shop/remarks", {"text": "two more for the weekend"})
    assert said.status == 204 and int(said.headers["X-Rollcall-Revision"]) > before["revision"]
    event = client.get("/history?service=shop&limit=1").json["events"][0]
    assert (event["kind"], event["cause"]) == ("declared", {"writer": "operator", "evidence": "two more for the weekend"})
    assert entries(client)["shop"] == before | {"revision": event["revision"]}
    assert client.post("/services/shop/remarks", {"text": ""}).json["field"] == "text"
    assert client.post("/services/nobody/remarks", {"text": "x"}).status == 404
    client.put("/services/own/instances/1", {"address": "10.0.0.1"})
    assert client.post("/services/own/remarks", {"text": "x"}).status == 409


def test_of_several_nodes_one_follows_and_another_takes_over(engine, start):
    engine.add_service("shop", replicas=2)
    with running_postgres() as postgres:
        settings = ("--set", f"docker.url={engine.url}", "--set", "postgres.silent_session=2s", "--set", "cluster.fence_after=3s")
        nodes = [start("--node", name, *settings, name=name, environment=postgres.environment()) for name in "ab"]
        clients = [node.client() for node in nodes]
        eventually(lambda: all(len(tasks(client, "shop")) == 2 for client in clients))
        assert engine.listeners == 1
        follower = next(i for i, node in enumerate(nodes) if "holds the office docker" in node.log())
        nodes[follower].kill()
        engine.end_streams()  # whose other end is dead; a real engine sees that by itself
        other = clients[1 - follower]
        eventually(lambda: engine.listeners == 1, 20)
        assert len(tasks(other, "shop")) == 2
        engine.add_service("desk")
        eventually(lambda: tasks(other, "desk"))
