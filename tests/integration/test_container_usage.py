"""What containers use, asked of a fake engine whose figures take a second as a real one's do, and what an agent tells of
another node. test_swarm_usage.py has a real engine."""
import copy
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest

from client import eventually
from daemon import QUIET, binary
from postgres import running_postgres
from rabbitmq import running_rabbitmq

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "docker"))

import fake_engine  # noqa: E402
from fake_engine import FakeEngine, recorded  # noqa: E402

WITHIN_S = 10
fake_engine.Server.request_queue_size = 1024  # as real engines have it


def figures(cpu_percent, memory):
    """As an engine with two processors answers."""
    return {"memory_stats": {"usage": memory, "limit": 1 << 30, "stats": {"total_inactive_file": 0}},
            "cpu_stats": {"cpu_usage": {"total_usage": int(cpu_percent * 10_000)}, "system_cpu_usage": 2_000_000,
                          "online_cpus": 2},
            "precpu_stats": {"cpu_usage": {"total_usage": 0}, "system_cpu_usage": 0}}


class MeasuredEngine(FakeEngine):
    def __init__(self, path, takes_s=0.0):
        super().__init__(path)
        self.takes_s = takes_s
        self.cpu = {}  # by container
        self.at_once, self.most_at_once = 0, 0
        self._counting = threading.Lock()

    def reply(self, path, filters):
        if not path.endswith("/stats"):
            return super().reply(path, filters)
        with self._counting:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.takes_s)  # what an engine does, not what a test waits for
        with self._counting:
            self.at_once -= 1
        container = path.split("/")[2]
        if container not in self.cpu:
            return 404, b'{"message":"No such container"}'
        return 200, json.dumps(figures(self.cpu[container], 1_000_000)).encode()

    def containers_of(self, service):
        return [task["Status"]["ContainerStatus"]["ContainerID"] for task in self.tasks_of(service)]

    def make_busy(self, service, cpu_percent):
        self.cpu |= dict.fromkeys(self.containers_of(service), cpu_percent)


@pytest.fixture
def engine(tmp_path):
    with MeasuredEngine(tmp_path / "docker.sock") as running:
        yield running


def follow(start, engine, *settings):
    daemon = start("--set", f"docker.url={engine.url}", *(word for one in settings for word in ("--set", one)))
    return daemon, daemon.client()


def metrics(client, service, method="GET", query=""):
    answer = client.ask(method, f"/services/{service}/metrics{query}")
    return answer.json["metrics"] if answer.status == 200 else None


def listed(client, service, replicas):
    answer = client.get(f"/services/{service}/instances")
    return answer.status == 200 and answer.json["count"] == replicas


def test_tasks_are_sampled_by_themselves_and_on_demand(start, engine):
    shop = engine.add_service("shop", replicas=2)
    engine.make_busy(shop, 30)
    _, client = follow(start, engine, "metrics.refresh_interval=1s", "metrics.prometheus_services=5")
    found = eventually(lambda: (got := metrics(client, "shop")) and got["tasks_sampled"] == 2 and got, WITHIN_S)
    assert (found["cpu_pct"], found["memory_bytes"], found["source"]) == (30, 1_000_000, "docker")
    assert found["tasks_running"] == 2
    engine.make_busy(shop, 90)
    eventually(lambda: metrics(client, "shop", "POST", "?window=1")["max"]["cpu_pct"] == 90, WITHIN_S)
    points = metrics(client, "shop", query="?points=true")
    assert points["points"] and all(task["points"] for task in points["tasks"])
    exposed = client.get("/metrics").body.decode()
    assert "rollcall_docker_samples_total" in exposed
    assert 'rollcall_service_sampled{service="shop"} 2\n' in exposed


def test_a_container_that_has_vanished_is_no_error(start, engine):
    shop = engine.add_service("shop", replicas=2)
    engine.cpu[engine.containers_of(shop)[0]] = 10
    _, client = follow(start, engine)
    eventually(lambda: listed(client, "shop", 2), WITHIN_S)
    found = eventually(lambda: metrics(client, "shop", "POST"), WITHIN_S)
    assert (found["tasks_sampled"], found["tasks_running"]) == (1, 2)
    exposed = client.get("/metrics").body.decode()
    assert "rollcall_docker_sample_failures_total 0\n" in exposed
    assert "rollcall_service_" not in exposed, "names of services show in /metrics where that is asked for"


def test_two_hundred_containers_are_asked_about_at_once_and_nobody_waits_for_it(start, engine):
    engine.takes_s = 1.0
    shop = engine.add_service("shop", replicas=200)
    engine.make_busy(shop, 50)
    daemon, client = follow(start, engine, "metrics.refresh_interval=1h")
    eventually(lambda: listed(client, "shop", 200), WITHIN_S)
    eventually(lambda: engine.at_once == 0 and metrics(client, "shop"), 2 * WITHIN_S)

    done = threading.Event()
    took, answers = [], []

    def refresh():
        with daemon.client() as own:
            begin = time.monotonic()
            answers.append(own.post("/services/shop/metrics").json)
            took.append(time.monotonic() - begin)
        done.set()

    thread = threading.Thread(target=refresh)
    thread.start()
    slowest = 0.0
    while not done.is_set():
        begin = time.monotonic()
        assert client.get("/services/shop").status == 200
        slowest = max(slowest, time.monotonic() - begin)
    thread.join()
    assert answers[0]["refreshed"] and answers[0]["metrics"]["tasks_sampled"] == 200
    assert engine.most_at_once == 200
    assert took[0] < 3.0, "one after the other they take 200 s"
    assert slowest < 0.9, "who waits for an engine waits for a second"


def test_what_an_engine_lists_is_listed_again_on_demand(start, engine):
    engine.add_service("shop", replicas=1)
    _, client = follow(start, engine, "docker.refresh_interval=1h")
    client.register("own", "own-1")
    eventually(lambda: listed(client, "shop", 1), WITHIN_S)
    before = client.get("/cache/stats").json["cache_stats"]
    assert before["refresh_interval_sec"] == 3600
    assert before["last_refresh"] > 0
    for route in ("/cache/refresh", "/cache/clear"):
        assert client.post(route).status == 200
    after = client.get("/cache/stats").json["cache_stats"]
    assert after["last_refresh"] > before["last_refresh"]
    assert after["cache_version"] == before["cache_version"], "nothing had changed, so there was no event"
    assert listed(client, "own", 1)
    engine.stop()
    eventually(lambda: client.post("/cache/refresh").status == 503, WITHIN_S)
    assert listed(client, "shop", 1), "what was known is kept"


class RunningAgent:
    def __init__(self, folder, servers, engine, *arguments, interval_s=1):
        self._log = (folder / "agent.log").open("ab")
        self._process = subprocess.Popen(
            [binary(), "agent", "--server", servers, "--docker", engine.url, "--interval", str(interval_s), *arguments],
            stdin=subprocess.DEVNULL, stderr=self._log, env=os.environ | QUIET)

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(WITHIN_S)
        self._log.close()
        return code

    def kill(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def worker(tmp_path, engine):
    """An engine whose containers are tasks on a node that the manager hears nothing of."""
    with MeasuredEngine(tmp_path / "worker.sock") as running:
        node = copy.deepcopy(engine.nodes[0])
        node["ID"] = running.info["Swarm"]["NodeID"] = "worker000000000000000node"
        node["Description"]["Hostname"] = "worker"
        engine.nodes = [*engine.nodes[:1], node]
        running.node = node["ID"]
        yield running


def run_on(worker, engine, service):
    """Its tasks' containers run on the worker's engine."""
    form = next(c for c in recorded("containers") if "com.docker.swarm.task.id" in c["Labels"])
    for task in engine.tasks_of(service):
        container = copy.deepcopy(form)
        container["Id"] = task["Status"]["ContainerStatus"]["ContainerID"]
        container["Labels"] |= {"com.docker.swarm.task.id": task["ID"], "com.docker.swarm.service.id": service}
        worker.containers[container["Id"]] = container
        worker.cpu[container["Id"]] = 70


def test_an_agent_tells_of_its_node(start, engine, worker, tmp_path):
    shop = engine.add_service("shop", replicas=2, node=worker.node)
    run_on(worker, engine, shop)
    daemon, client = follow(start, engine)
    eventually(lambda: listed(client, "shop", 2), WITHIN_S)
    assert metrics(client, "shop", "POST") is None, "the manager's engine can't measure them"
    agent = RunningAgent(tmp_path, daemon.address, worker)
    try:
        found = eventually(lambda: (got := metrics(client, "shop")) and got["tasks_sampled"] == 2 and got, WITHIN_S)
        assert (found["cpu_pct"], found["tasks_running"]) == (70, 2)
        assert "rollcall_docker_agents 1\n" in client.get("/metrics").body.decode()
        assert agent.stop() == 0
    finally:
        agent.kill()


def test_a_task_that_dies_on_an_agents_node_shows_at_once(start, engine, worker, tmp_path):
    shop = engine.add_service("shop", replicas=1, node=worker.node)
    run_on(worker, engine, shop)
    daemon, client = follow(start, engine)
    eventually(lambda: listed(client, "shop", 1), WITHIN_S)
    agent = RunningAgent(tmp_path, daemon.address, worker)
    try:
        eventually(lambda: metrics(client, "shop"), WITHIN_S)
        task = engine.tasks_of(shop)[0]
        asked = len(engine.asked)
        eventually(lambda: not any(path.endswith("/tasks") for _, path in engine.asked[asked:]), WITHIN_S)
        engine.set_state(task["ID"], "failed")
        worker.tell("container", "die", task["Status"]["ContainerStatus"]["ContainerID"],
                    {"com.docker.swarm.service.id": shop, "com.docker.swarm.task.id": task["ID"]})
        begin = time.monotonic()
        eventually(lambda: client.get(f"/instances/swarm:{task['ID']}").json["status"] == "critical", WITHIN_S)
        assert time.monotonic() - begin < 0.5
    finally:
        agent.kill()


def test_an_agent_is_asked_for_what_somebody_waits_for(start, engine, worker, tmp_path):
    shop = engine.add_service("shop", replicas=2, node=worker.node)
    run_on(worker, engine, shop)
    daemon, client = follow(start, engine)
    eventually(lambda: listed(client, "shop", 2), WITHIN_S)
    agent = RunningAgent(tmp_path, daemon.address, worker, interval_s=3600)
    try:
        eventually(lambda: (got := metrics(client, "shop", "POST")) and got["tasks_sampled"] == 2, WITHIN_S)
        for container in worker.cpu:
            worker.cpu[container] = 20
        assert metrics(client, "shop", "POST", "?window=1")["cpu_pct"] == 20
    finally:
        agent.kill()


def test_an_agent_of_another_swarm_is_turned_away(start, engine, worker, tmp_path):
    worker.info["Swarm"]["NodeID"] = "stranger00000000000000000"
    daemon, client = follow(start, engine)
    agent = RunningAgent(tmp_path, daemon.address, worker)
    try:
        eventually(lambda: "the Swarm has no such node" in (tmp_path / "agent.log").read_text(), WITHIN_S)
        assert "rollcall_docker_agents 0\n" in client.get("/metrics").body.decode()
    finally:
        agent.kill()


def test_an_agent_finds_the_node_that_follows_the_swarm(start, engine, worker, tmp_path):
    shop = engine.add_service("shop", replicas=1, node=worker.node)
    run_on(worker, engine, shop)
    daemon, client = follow(start, engine)
    other = start(name="other")
    agent = RunningAgent(tmp_path, f"{other.address},{daemon.address}", worker)
    try:
        eventually(lambda: metrics(client, "shop"), WITHIN_S)
    finally:
        agent.kill()


@pytest.fixture
def nodes(start, engine):
    """Two that share a log. Both would follow the engine; one does, which is the first."""
    with running_postgres() as postgres:
        started = []
        for name in "ab":
            started.append(start("--set", f"docker.url={engine.url}", "--set", "metrics.refresh_interval=1h", "--node", name,
                                 name=name, environment=postgres.environment()))
        follower, other = (node.client() for node in started)
        eventually(lambda: "docker" in follower.get("/cluster").json["offices"], WITHIN_S)
        assert "docker" not in other.get("/cluster").json["offices"]
        yield started, follower, other


def test_what_one_node_samples_the_others_know(engine, nodes):
    (first, _), follower, other = nodes
    shop = engine.add_service("shop", replicas=2)
    engine.make_busy(shop, 30)
    eventually(lambda: all(listed(client, "shop", 2) for client in (follower, other)), WITHIN_S)
    assert metrics(follower, "shop", "POST")["max"]["cpu_pct"] == 30
    found = eventually(lambda: metrics(other, "shop"), WITHIN_S)
    assert (found["cpu_pct"], found["tasks_sampled"], found["tasks_running"], found["source"]) == (30, 2, 2, "docker")

    engine.make_busy(shop, 90)
    asked = other.post("/services/shop/metrics?window=1").json
    assert asked["refreshed"]
    assert asked["metrics"]["max"]["cpu_pct"] == 90, "the node that follows the engine was asked for it"
    other.register("own", "own-1")
    assert other.post("/services/own/metrics").status == 404, "nobody samples it, and so nobody waits"

    first.kill()
    eventually(lambda: "docker" in other.get("/cluster").json["offices"], WITHIN_S)
    engine.make_busy(shop, 50)
    eventually(lambda: metrics(other, "shop", "POST", "?window=1")["max"]["cpu_pct"] == 50, WITHIN_S)


def test_a_node_publishes_what_another_samples(start, engine):
    shop = engine.add_service("shop", replicas=2)
    engine.make_busy(shop, 30)
    with running_postgres() as postgres, running_rabbitmq() as broker:
        broker.bind("metrics", "metrics.*")
        start("--node", "publisher", name="publisher", environment=postgres.environment() | broker.environment())
        start("--node", "follower", "--set", f"docker.url={engine.url}", "--set", "metrics.refresh_interval=1s",
              name="follower", environment=postgres.environment())
        messages = []

        def published():
            messages.extend(broker.drain("metrics"))
            return messages and messages[-1].content["metrics"]["tasks_sampled"] == 2

        eventually(published, WITHIN_S)
    newest = messages[-1]
    assert (newest.key, newest.content["event"], newest.content["service_name"]) == ("metrics.shop", "metrics.shop", "shop")
    assert newest.content["metrics"]["cpu_pct"] == 30
    moments = [message.content["timestamp"] for message in messages]
    assert len(moments) <= 1 + max(moments) - min(moments) + 1, "at most one a second"


def test_an_agent_says_once_that_it_may_not_tell(start, engine, worker, tmp_path):
    (tmp_path / "token").write_text("reader-0123456789abcdef\n")
    daemon = start("--set", f"docker.url={engine.url}",
                   environment={"ROLLCALL_ACCESS_TOKENS": "read:reader-0123456789abcdef"})
    agent = RunningAgent(tmp_path, daemon.address, worker, "--token-file", str(tmp_path / "token"), "--json")
    try:
        log = eventually(lambda: "the server:" in (tmp_path / "agent.log").read_text()
                         and (tmp_path / "agent.log").read_text(), WITHIN_S)
        assert "reader-0123456789abcdef" not in log
        assert all(json.loads(line)["logger"] == "agent" for line in log.splitlines())
        assert agent.stop() == 0
        assert (tmp_path / "agent.log").read_text().count("the server:") == 1
    finally:
        agent.kill()
