"""What a real Swarm's tasks use, on the manager's node and on another, where an agent tells."""
import os
import time

import pytest

from client import eventually
from engine import QUICK, running_swarm
from test_container_usage import RunningAgent

WITHIN_S = 30
# Per cent of a core, of what a loop gets on a machine that has as much else to do as this one has now.
ITS_SHARE = 50 / max(1.0, os.getloadavg()[0] / os.cpu_count())
LOOP = ("idle", "/bin/sh", "-c", "while :; do :; done")


@pytest.fixture(scope="module")
def swarm():
    with running_swarm() as engines:
        yield engines


@pytest.fixture(autouse=True)
def empty(swarm):
    yield
    for service in swarm[0].docker("service", "ls", "-q").split():
        swarm[0].docker("service", "rm", service)


@pytest.fixture
def daemon(swarm, start):
    return start("--set", f"docker.url={swarm[0].url}")


@pytest.fixture
def agent(swarm, daemon, tmp_path):
    running = RunningAgent(tmp_path, daemon.address, swarm[1])
    yield running
    running.kill()


def keep_busy(swarm, role):
    swarm[0].docker("service", "create", *QUICK, "--name", "busy", "--network", "host", "--constraint", f"node.role=={role}",
                    "--label", "autoscaler.enabled=true", *LOOP)


def passing(client, service, tasks):
    answer = client.get(f"/services/{service}/instances?status=passing")
    return answer.status == 200 and answer.json["count"] == tasks


def busy(client, method):
    """A loop takes a whole core where it gets one: of several looks one counts."""
    answer = client.ask(method, "/services/busy/metrics?window=1")
    return answer.status == 200 and answer.json["metrics"]["cpu_pct"] > ITS_SHARE and answer.json["metrics"]


def test_a_busy_task_shows_what_it_uses(swarm, daemon):
    keep_busy(swarm, "manager")
    swarm[0].create("lazy", "--replicas", "2", "--constraint", "node.role==manager")
    client = daemon.client()
    eventually(lambda: passing(client, "busy", 1) and passing(client, "lazy", 2), WITHIN_S)
    measured = eventually(lambda: busy(client, "POST"), WITHIN_S)
    assert measured["source"] == "docker"
    assert 0 < measured["memory_bytes"] < 64 << 20
    lazy = client.post("/services/lazy/metrics").json
    assert lazy["refreshed"]
    assert lazy["metrics"]["cpu_pct"] < ITS_SHARE / 2
    assert (lazy["metrics"]["tasks_sampled"], lazy["metrics"]["tasks_running"]) == (2, 2)


def test_an_agent_tells_what_its_node_uses(swarm, daemon, agent):
    keep_busy(swarm, "worker")
    client = daemon.client()
    eventually(lambda: passing(client, "busy", 1), WITHIN_S)
    measured = eventually(lambda: busy(client, "GET"), WITHIN_S)
    assert (measured["tasks_sampled"], measured["tasks_running"]) == (1, 1)
    assert agent.stop() == 0


def test_an_agent_is_asked_for_what_somebody_waits_for(swarm, daemon, tmp_path):
    seldom = RunningAgent(tmp_path, daemon.address, swarm[1], interval_s=3600)
    try:
        swarm[0].create("store", "--constraint", "node.role==worker")
        client = daemon.client()
        eventually(lambda: passing(client, "store", 1), WITHIN_S)
        fresh = eventually(lambda: (got := client.post("/services/store/metrics")).status == 200 and got.json, WITHIN_S)
        assert fresh["refreshed"]
        assert fresh["metrics"]["tasks_sampled"] == 1
        again = client.post("/services/store/metrics").json
        assert again["refreshed"]
        assert again["metrics"]["timestamp"] > fresh["metrics"]["timestamp"]
    finally:
        seldom.kill()


def test_a_task_that_is_killed_on_an_agents_node_shows_soon(swarm, daemon, agent):
    _, worker = swarm
    swarm[0].create("shop", "--constraint", "node.role==worker", "--restart-delay", "5s")
    client = daemon.client()
    eventually(lambda: passing(client, "shop", 1), WITHIN_S)
    eventually(lambda: client.get("/services/shop/metrics").status == 200, WITHIN_S)
    container = worker.docker("ps", "-q", "--filter", "label=com.docker.swarm.service.name=shop")
    worker.docker("kill", container)
    begin = time.monotonic()
    eventually(lambda: passing(client, "shop", 0), WITHIN_S)
    assert time.monotonic() - begin < 1.0
