"""The container image and the Swarm's stack, on a Docker engine of the test's own."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))

from client import eventually  # noqa: E402
from engine import Engine, why_not  # noqa: E402

PATIENCE_S = 60


def run(*command, check=True, **environment) -> subprocess.CompletedProcess:
    return subprocess.run(list(map(str, command)), check=check, capture_output=True, text=True,
                          env=os.environ | environment, timeout=180)


@pytest.fixture(scope="module")
def engine():
    if reason := why_not():
        pytest.skip(f"a real Docker engine can't run here: {reason}")
    engine = Engine("image", "127.0.0.1")
    try:
        try:
            engine("start")
        except AssertionError as error:
            pytest.skip(f"a real Docker engine can't run here: {error}")
        yield engine
    finally:
        engine("stop")


@pytest.fixture(scope="module")
def image(engine, tmp_path_factory) -> str:
    context = tmp_path_factory.mktemp("context")
    shutil.copy(ROOT / "packaging/image/Dockerfile", context)
    binary = os.environ.get("ROLLCALL_BIN", ROOT / "build/release/bin/rollcall")
    run(ROOT / "packaging/image/rootfs.sh", binary, context / "rootfs.tar")
    engine.docker("build", "--quiet", "--network", "none", "--tag", "rollcall:latest", str(context))
    return "rollcall:latest"


def facts(engine, container) -> dict:
    return json.loads(engine.docker("inspect", container))[0]


def status_of(pid: int) -> dict[str, str]:
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_holds_little_more_than_the_program(engine, image):
    assert facts(engine, image)["Size"] < 100_000_000


def test_runs_as_nobody_s_root_and_is_healthy(engine, image):
    """Seed 004's way: ROLE, PORT and Docker's socket; no user is named."""
    container = engine.docker("run", "--detach", "--env", "ROLE=service-registry", "--env", "PORT=5007", "--volume",
                              f"{engine.socket}:/var/run/docker.sock:ro", image)
    eventually(lambda: facts(engine, container)["State"]["Health"]["Status"] == "healthy", PATIENCE_S)
    process = status_of(facts(engine, container)["State"]["Pid"])
    assert process["Uid"].split() == ["10001"] * 4 and process["Gid"].split() == ["10001"] * 4
    assert str(os.stat(engine.socket).st_gid) in process["Groups"].split()
    assert int(process["CapEff"], 16) == 0 and int(process["CapPrm"], 16) == 0
    log = engine.ask("logs", container)
    assert " INFO role=service-registry logger=main service registry initialized" in log.stderr
    engine.docker("stop", "--time", "5", container)
    assert facts(engine, container)["State"]["ExitCode"] == 0


def test_a_role_that_it_does_not_have_is_an_error_that_names_those_it_has(engine, image):
    refused = engine.ask("run", "--rm", "--env", "ROLE=scheduler", image)
    assert refused.returncode == 2
    assert 'ROLE is "scheduler"; allowed are service-registry, autoscaler and agent' in refused.stderr


def inside(engine, path: str):
    """From the engine's own network, where the registry's node publishes it."""
    answer = run("nsenter", f"--net=/var/run/netns/{engine.name}", "curl", "-sf", f"http://127.0.0.1:5001{path}", check=False)
    return json.loads(answer.stdout) if answer.returncode == 0 else None


def test_the_stack_comes_finds_itself_and_goes(engine, image):
    engine("swarm")
    # This kernel has no routing mesh.
    environment = {"ROLLCALL_PORT_MODE": "host", "ROLLCALL_ENDPOINT_MODE": "dnsrr", "DOCKER_SOCKET": engine.socket,
                   "DOCKER_HOST": engine.url, "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
    deployed = run(ROOT / "packaging/swarm/deploy.sh", "suite", **environment)
    assert "suite_service-registry" in deployed.stdout and "suite_agent" in deployed.stdout
    engine.docker("service", "update", "--detach", "--label-add", "autoscaler.enabled=true", "suite_autoscaler")
    listed = eventually(lambda: (inside(engine, "/services/suite_autoscaler") or {}).get("service"), PATIENCE_S)
    assert listed["current_replicas"] == 1 and listed["mode"] == "replicated"
    logs = eventually(lambda: engine.ask("service", "logs", "--raw", "suite_autoscaler").stderr, PATIENCE_S)
    assert "role=autoscaler logger=main autoscaler initialized" in logs
    run(ROOT / "packaging/swarm/remove.sh", "suite", "--data", **environment)
    assert engine.docker("service", "ls", "--quiet") == ""
    assert "suite_registry" not in engine.docker("volume", "ls", "--quiet")
