"""What a real Swarm's tasks use."""
import pytest

from client import eventually
from engine import QUICK, Engine, why_not

WITHIN_S = 30


@pytest.fixture(scope="module")
def manager():
    if reason := why_not():
        pytest.skip(f"a real Docker engine can't run here: {reason}")
    engine = Engine("u", "127.0.0.1")
    try:
        try:
            engine("start")
        except AssertionError as error:
            pytest.skip(f"a real Docker engine can't run here: {error}")
        engine("image")
        engine("swarm")
        yield engine
    finally:
        engine("stop")


def test_a_busy_task_shows_what_it_uses(start, manager):
    manager.docker("service", "create", *QUICK, "--name", "busy", "--network", "host", "--label", "autoscaler.enabled=true",
                   "idle", "/bin/sh", "-c", "while :; do :; done")
    manager.create("lazy", "--replicas", "2")
    client = start("--set", f"docker.url={manager.url}").client()

    def running(service, tasks):
        answer = client.get(f"/services/{service}/instances?status=passing")
        return answer.status == 200 and answer.json["count"] == tasks

    eventually(lambda: running("busy", 1) and running("lazy", 2), WITHIN_S)
    busy = eventually(lambda: _busy(client), WITHIN_S)
    assert busy["metrics"]["source"] == "docker"
    assert 0 < busy["metrics"]["memory_bytes"] < 64 << 20
    lazy = client.post("/services/lazy/metrics").json
    assert lazy["refreshed"]
    assert lazy["metrics"]["cpu_pct"] < 10
    assert (lazy["metrics"]["tasks_sampled"], lazy["metrics"]["tasks_running"]) == (2, 2)


def _busy(client):
    """The machine may be busy with other things as well: of several looks one counts."""
    answer = client.post("/services/busy/metrics?window=1")
    return answer.status == 200 and answer.json["metrics"]["cpu_pct"] > 50 and answer.json
