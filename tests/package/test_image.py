"""The container image and the Swarm's stack, on a Docker engine of the test's own."""
import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENGINE = ROOT / "tests/servers/dockerd.sh"
NETNS = "rollcall-image"
DOCKER = "/usr/bin/docker"
PATIENCE_S = 60


def run(*command, check=True, **environment) -> subprocess.CompletedProcess:
    return subprocess.run(list(map(str, command)), check=check, capture_output=True, text=True,
                          env=os.environ | environment, timeout=180)


class Engine:
    def __init__(self, folder: pathlib.Path) -> None:
        # The socket's group is the engine's user's, as on a host of its own.
        self.environment = {"DK_DIR": str(folder), "DK_NETNS": NETNS, "DOCKER_HOST": f"unix://{folder}/docker.sock",
                            "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}

    def script(self, *words) -> str:
        return run(ENGINE, *words, **self.environment).stdout.strip()

    def docker(self, *words, check=True) -> subprocess.CompletedProcess:
        return run(DOCKER, *words, check=check, **self.environment)

    @property
    def socket(self) -> str:
        return self.environment["DOCKER_HOST"].removeprefix("unix://")


@pytest.fixture(scope="module")
def engine():
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip("a Docker engine needs root and Debian's docker.io")
    engine = Engine(pathlib.Path("/tmp/rollcall-image"))
    try:
        engine.script("start")
    except subprocess.CalledProcessError as failed:
        engine.script("stop")
        pytest.skip(f"no Docker engine runs here: {failed.stderr[-300:]}")
    yield engine
    engine.script("stop")


@pytest.fixture(scope="module")
def image(engine, tmp_path_factory) -> str:
    context = tmp_path_factory.mktemp("context")
    shutil.copy(ROOT / "packaging/image/Dockerfile", context)
    binary = os.environ.get("ROLLCALL_BIN", ROOT / "build/release/bin/rollcall")
    run(ROOT / "packaging/image/rootfs.sh", binary, context / "rootfs.tar")
    engine.docker("build", "--quiet", "--network", "none", "--tag", "rollcall:latest", context)
    return "rollcall:latest"


def wait_for(what, condition):
    """Of another process there is nothing to be woken by."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"{what} within {PATIENCE_S} s")


def facts(engine, container) -> dict:
    return json.loads(engine.docker("inspect", container).stdout)[0]


def status_of(pid: int) -> dict[str, str]:
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_holds_little_more_than_the_program(engine, image):
    assert facts(engine, image)["Size"] < 100_000_000


def test_runs_as_nobody_s_root_and_is_healthy(engine, image):
    """Seed 004's way: ROLE, PORT and Docker's socket; no user is named."""
    container = engine.docker("run", "--detach", "--env", "ROLE=service-registry", "--env", "PORT=5007", "--volume",
                              f"{engine.socket}:/var/run/docker.sock:ro", image).stdout.strip()
    wait_for("it is healthy", lambda: facts(engine, container)["State"]["Health"]["Status"] == "healthy")
    process = status_of(facts(engine, container)["State"]["Pid"])
    assert process["Uid"].split() == ["10001"] * 4 and process["Gid"].split() == ["10001"] * 4
    assert str(os.stat(engine.socket).st_gid) in process["Groups"].split()
    assert int(process["CapEff"], 16) == 0 and int(process["CapPrm"], 16) == 0
    log = engine.docker("logs", container)
    assert " INFO role=service-registry logger=main service registry initialized" in log.stderr
    engine.docker("stop", "--time", "5", container)
    assert facts(engine, container)["State"]["ExitCode"] == 0


def test_a_role_that_it_does_not_have_is_an_error_that_names_those_it_has(engine, image):
    refused = engine.docker("run", "--rm", "--env", "ROLE=scheduler", image, check=False)
    assert refused.returncode == 2
    assert 'ROLE is "scheduler"; allowed are service-registry, autoscaler and agent' in refused.stderr


def inside(path: str):
    """From the engine's own network, where the registry's node publishes it."""
    answer = run("nsenter", f"--net=/var/run/netns/{NETNS}", "curl", "-sf", f"http://127.0.0.1:5001{path}", check=False)
    return json.loads(answer.stdout) if answer.returncode == 0 else None


def test_the_stack_comes_finds_itself_and_goes(engine, image):
    engine.script("swarm")
    # This kernel has no routing mesh.
    environment = engine.environment | {"ROLLCALL_PORT_MODE": "host", "ROLLCALL_ENDPOINT_MODE": "dnsrr",
                                        "DOCKER_SOCKET": engine.socket}
    deployed = run(ROOT / "packaging/swarm/deploy.sh", "suite", **environment)
    assert "suite_service-registry" in deployed.stdout and "suite_agent" in deployed.stdout
    engine.docker("service", "update", "--detach", "--label-add", "autoscaler.enabled=true", "suite_autoscaler")
    listed = wait_for("the registry lists the service", lambda: (inside("/services/suite_autoscaler") or {}).get("service"))
    assert listed["current_replicas"] == 1 and listed["mode"] == "replicated"
    logs = wait_for("the autoscaler looks", lambda: engine.docker("service", "logs", "--raw", "suite_autoscaler").stderr)
    assert "role=autoscaler logger=main autoscaler initialized" in logs
    run(ROOT / "packaging/swarm/remove.sh", "suite", "--data", **environment)
    assert engine.docker("service", "ls", "--quiet").stdout == ""
    assert "suite_registry" not in engine.docker("volume", "ls", "--quiet").stdout
