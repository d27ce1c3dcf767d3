"""rollcall autoscale on a real Swarm: what it says, what it does, and what it leaves alone."""
import json

import pytest

import command_line
from client import eventually
from engine import QUICK, running_swarm

BUSY = ("/bin/sh", "-c", "while :; do :; done")
IDLE = ("/bin/sleep", "3600")
# Figures are as old as the window at most, and twice that is too old.
WINDOW = ("--window", "5")


@pytest.fixture(scope="module")
def manager():
    with running_swarm() as (manager, _):
        yield manager


@pytest.fixture
def daemon(manager, start):
    return start("--set", f"docker.url={manager.url}", "--set", "metrics.refresh_interval=1s")


@pytest.fixture(autouse=True)
def empty(manager):
    yield
    for service in manager.docker("service", "ls", "-q").split():
        manager.docker("service", "rm", service)


def create(manager, name, command, replicas, *labels):
    """On the manager, whose containers are sampled without an agent."""
    manager.docker("service", "create", *QUICK, "--name", name, "--network", "host", "--replicas", str(replicas), "--constraint",
                   "node.role==manager", "--label", "autoscaler.enabled=true",
                   *(word for label in labels for word in ("--label", label)), "idle", *command)


def measured(client, name, tasks):
    """Waits until all tasks have been sampled."""
    def sampled():
        answer = client.get(f"/services/{name}/metrics?window=5")
        return answer.status == 200 and answer.json["metrics"]["tasks_sampled"] == tasks and answer.json["metrics"]
    return eventually(sampled, 60)


def look(daemon, *words, server=None):
    done = command_line.run("autoscale", "--once", "--json", *WINDOW, *words, server=server or daemon.address)
    assert done.returncode == 0, done.stderr
    return {line["service"]: line for line in map(json.loads, done.stdout.splitlines())}


def wanted(manager, name):
    service, = json.loads(manager.docker("service", "inspect", name))
    return service["Spec"]["Mode"]["Replicated"]["Replicas"]


def test_it_says_what_it_would_do_and_then_does_it(manager, daemon):
    client = daemon.client()
    create(manager, "busy", BUSY, 1, "autoscaler.cpu.threshold=20", "autoscaler.max=3")
    assert measured(client, "busy", 1)["cpu_pct"] > 20
    decision = look(daemon)["busy"]
    assert (decision["decision"], decision["from"], decision["to"]) == ("would scale", 1, 2)
    assert "is above 20.0 %" in decision["evidence"] and wanted(manager, "busy") == 1

    decision = look(daemon, "--apply", "--docker", manager.url)["busy"]
    assert (decision["decision"], decision["to"]) == ("scales", 2)
    assert wanted(manager, "busy") == 2
    eventually(lambda: client.get("/services/busy").json["service"]["current_replicas"] == 2, 10)
    said = [event["cause"]["evidence"] for event in client.get("/history?service=busy").json["events"]
            if event["cause"]["writer"] == "operator"]
    assert said[0].startswith("autoscaler scales it from 1 to 2 replicas: cpu ")
    assert said[1].startswith("autoscaler would scale it from 1 to 2 replicas: cpu ")


def test_it_takes_idle_tasks_away_down_to_the_minimum(manager, daemon):
    client = daemon.client()
    create(manager, "calm", IDLE, 3, "autoscaler.min=2", "autoscaler.max=5")
    measured(client, "calm", 3)
    assert look(daemon, "--apply", "--docker", manager.url)["calm"]["to"] == 2
    measured(client, "calm", 2)
    eventually(lambda: client.get("/services/calm").json["service"]["current_replicas"] == 2, 10)
    assert look(daemon, "--apply", "--docker", manager.url)["calm"]["decision"] == "keeps"
    assert wanted(manager, "calm") == 2


def test_it_leaves_alone_what_is_no_replicated_service_of_the_swarm(manager, daemon):
    client = daemon.client()
    client.put("/services/registered/instances/1", {"address": "10.0.0.1"})
    manager.docker("service", "create", *QUICK, "--name", "everywhere", "--network", "host", "--mode", "global", "--label",
                   "autoscaler.enabled=true", "idle", *IDLE)
    eventually(lambda: client.get("/services/everywhere").status == 200, 10)
    assert look(daemon, "--apply", "--docker", manager.url) == {}


def test_it_does_nothing_while_the_registry_does_not_see_the_swarm(manager, start, tmp_path):
    blind = start("--set", f"docker.url=unix://{tmp_path}/nobody.sock")
    done = command_line.run("autoscale", "--once", *WINDOW, server=blind.address)
    assert done.returncode == 3 and "the registry doesn't see the Swarm" in done.stderr
