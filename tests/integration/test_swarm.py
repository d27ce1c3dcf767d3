"""A real Swarm of two nodes: after each step the daemon lists what `docker service ls` and `docker service ps` do."""
import http.client
import json
import socket
import statistics
import time

import pytest

from client import eventually
from engine import running_swarm
from test_watch import Stream

CHANGES = 200


@pytest.fixture(scope="module")
def swarm():
    with running_swarm() as engines:
        yield engines


@pytest.fixture
def client(swarm, start):
    daemon = start("--set", f"docker.url={swarm[0].url}")
    return daemon.client()


@pytest.fixture(autouse=True)
def empty(swarm):
    yield
    for service in swarm[0].docker("service", "ls", "-q").split():
        swarm[0].docker("service", "rm", service)


def listed_by_docker(manager):
    """Each service with its wanted replicas, and its tasks that are wanted and have a node, with their states."""
    ids = manager.docker("service", "ls", "-q").split()
    services = {}
    for service in json.loads(manager.docker("service", "inspect", *ids)) if ids else []:
        name = service["Spec"]["Name"]
        tasks = manager.lines("service", "ps", "--no-trunc", "--filter", "desired-state=running", name)
        replicas = service["Spec"]["Mode"].get("Replicated", {}).get("Replicas", 1)
        services[name] = replicas, {f"swarm:{task['ID']}": (task["Node"], task["CurrentState"].split()[0].lower())
                                    for task in tasks if task["Node"]}
    return services


def listed_here(client):
    services = {}
    for entry in client.get("/services").json["services"]:
        answer = client.get(f"/services/{entry['name']}/instances")
        tasks = {one["id"]: (one["metadata"].get("node"), one["metadata"]["state"]) for one in answer.json["instances"]}
        services[entry["name"]] = entry["current_replicas"], tasks
    return services


def nodes_of(client, service):
    return {node for node, _ in listed_here(client)[service][1].values()}


def settled(manager, client, expected, within_s=30):
    """Waits until Docker has what was asked for, then until the daemon has the same."""
    def docker_has():
        found = listed_by_docker(manager)
        counts = {name: (replicas, sum(state == "running" for _, state in tasks.values()))
                  for name, (replicas, tasks) in found.items()}
        return counts == {name: (count, count) for name, count in expected.items()}
    eventually(docker_has, within_s)
    eventually(lambda: listed_here(client) == listed_by_docker(manager), 5)


def test_services_are_created_scaled_updated_and_removed(swarm, client):
    manager, _ = swarm
    manager.create("shop", "--replicas", "2")
    settled(manager, client, {"shop": 2})
    manager.create("desk", "--label", "autoscaler.max=5")
    settled(manager, client, {"shop": 2, "desk": 1})
    assert client.get("/services/desk").json["service"]["max_replicas"] == 5
    manager.docker("service", "scale", "--detach", "shop=4")
    settled(manager, client, {"shop": 4, "desk": 1})
    assert len(nodes_of(client, "shop")) == 2
    manager.docker("service", "scale", "--detach", "shop=1")
    settled(manager, client, {"shop": 1, "desk": 1})
    before = listed_here(client)["shop"][1]
    manager.docker("service", "update", "--detach", "--no-resolve-image", "--force", "shop")
    eventually(lambda: listed_here(client)["shop"][1].keys() != before.keys(), 30)
    settled(manager, client, {"shop": 1, "desk": 1})
    manager.docker("service", "rm", "shop")
    settled(manager, client, {"desk": 1})


def test_a_task_that_is_killed_is_replaced(swarm, client):
    manager, worker = swarm
    manager.create("shop", "--replicas", "4", "--restart-delay", "1s")
    settled(manager, client, {"shop": 4})
    before = listed_here(client)["shop"][1]
    for engine in (manager, worker):
        container = engine.docker("ps", "-q", "--filter", "label=com.docker.swarm.service.name=shop").split()[0]
        engine.docker("kill", container)
    eventually(lambda: len(listed_here(client)["shop"][1].keys() - before.keys()) == 2, 30)
    settled(manager, client, {"shop": 4})


def test_an_overlay_and_a_published_port_give_the_address(swarm, client):
    manager, _ = swarm
    manager.docker("network", "create", "--driver", "overlay", "back")
    manager.create("inside", "--endpoint-mode", "dnsrr", "--label", "rollcall.port=9000", network="back")
    manager.create("outside", "--endpoint-mode", "dnsrr", "--publish", "mode=host,target=80,published=8088", "--constraint",
                   "node.role==manager", network="back")
    settled(manager, client, {"inside": 1, "outside": 1})
    inside = client.get("/services/inside/instances").json["instances"][0]
    assert inside["address"].startswith("10.198.") and inside["port"] == 9000
    outside = client.get("/services/outside/instances").json["instances"][0]
    assert (outside["address"], outside["port"]) == (manager.address, 8088)


def test_an_engine_that_restarts(swarm, client):
    manager, _ = swarm
    manager.create("shop", "--replicas", "3")
    settled(manager, client, {"shop": 3})
    tasks = listed_here(client)["shop"][1].keys()
    manager("kill")
    eventually(lambda: not next(p for p in client.get("/health").json["providers"] if p["name"] == "docker")["ok"], 5)
    assert listed_here(client)["shop"][1].keys() == tasks, "what ran keeps running as far as anyone knows"
    manager("up")
    settled(manager, client, {"shop": 3}, 60)
    assert next(p for p in client.get("/health").json["providers"] if p["name"] == "docker")["ok"]


def test_how_soon_a_change_is_listed(swarm, client):
    """From the event's own time until watchers are told, which is when /services has it, over a few hundred updates."""
    manager, _ = swarm
    manager.create("shop")
    settled(manager, client, {"shop": 1})
    events = EventTimes(manager)
    delays = []
    with Stream(f"{client.host}:{client.port}", "/watch?service=shop") as told:
        for change in range(CHANGES):
            label_service(manager, "shop", "change", str(change))
            while declared(told.next()).get("change") != str(change):
                pass
            delays.append(time.time() - events.next())
    events.stop()
    delays.sort()
    p99 = delays[int(len(delays) * 0.99) - 1]
    print(f"event to /services: median {statistics.median(delays) * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms, "
          f"most {delays[-1] * 1e3:.1f} ms, of {len(delays)}")
    assert p99 < 0.1


def declared(event):
    """The labels of a service, if the event is of its declaration."""
    return event.data.get("declaration", {}).get("labels", {}) if isinstance(event.data, dict) else {}


class EngineConnection(http.client.HTTPConnection):
    def __init__(self, engine):
        super().__init__("docker")
        self._path = f"{engine.folder}/docker.sock"

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def label_service(engine, name, key, value):
    """As `docker service update`, whose process would take longer to end than the change to be listed."""
    connection = EngineConnection(engine)
    connection.request("GET", f"/v1.41/services/{name}")
    service = json.loads(connection.getresponse().read())
    service["Spec"]["Labels"][key] = value
    connection.request("POST", f"/v1.41/services/{service['ID']}/update?version={service['Version']['Index']}",
                       json.dumps(service["Spec"]), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    connection.close()


class EventTimes:
    """The times that the engine gives its events of service updates."""

    def __init__(self, manager):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(f"{manager.folder}/docker.sock")
        self._socket.settimeout(60)
        self._socket.sendall(b"GET /v1.41/events?filters=%7B%22type%22%3A%5B%22service%22%5D%2C%22event%22%3A%5B%22"
                             b"update%22%5D%7D HTTP/1.0\r\nHost: docker\r\n\r\n")
        self._file = self._socket.makefile("rb")
        while self._file.readline().strip():
            pass

    def next(self):
        return json.loads(self._file.readline())["timeNano"] / 1e9

    def stop(self):
        self._file.close()
        self._socket.close()


def test_a_node_that_crashes(swarm, client):
    """Last: the worker doesn't come back."""
    manager, worker = swarm
    manager.create("shop", "--replicas", "4")
    settled(manager, client, {"shop": 4})
    assert nodes_of(client, "shop") == {manager.name, worker.name}
    worker("crash")
    eventually(lambda: {node for node, _ in listed_by_docker(manager)["shop"][1].values()} == {manager.name}, 90)
    settled(manager, client, {"shop": 4}, 90)
    assert nodes_of(client, "shop") == {manager.name}
