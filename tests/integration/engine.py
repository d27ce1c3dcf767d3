"""Real Docker engines for tests, each in a network namespace of its own."""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "servers/dockerd.sh"
QUICK = ("--no-resolve-image", "--init", "--stop-grace-period", "1s", "--detach")


class Engine:
    def __init__(self, name, address):
        # A socket's path is short.
        self.name, self.address = f"rollcall-{name}-{os.getpid()}", address
        self.folder = pathlib.Path("/tmp") / self.name
        self.url = f"unix://{self.folder}/docker.sock"

    def __call__(self, verb, *arguments):
        environment = os.environ | {"DK_DIR": str(self.folder), "DK_NETNS": self.name, "DK_ADDRESS": self.address}
        done = subprocess.run([SCRIPT, verb, *arguments], env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{verb}: {done.stderr}"
        return done.stdout.strip()

    @property
    def socket(self):
        return self.url.removeprefix("unix://")

    def ask(self, *arguments):
        return subprocess.run(["/usr/bin/docker", "-H", self.url, *arguments], capture_output=True, text=True, timeout=60)

    def docker(self, *arguments):
        done = self.ask(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout.strip()

    def lines(self, *arguments):
        return [json.loads(line) for line in self.docker(*arguments, "--format", "{{json .}}").splitlines()]

    def create(self, name, *arguments, network="host"):
        return self.docker("service", "create", *QUICK, "--name", name, "--network", network, "--label",
                           "autoscaler.enabled=true", *arguments, "idle", "/bin/sleep", "3600")


def why_not():
    """Why no engine can run here; empty if one can."""
    missing = [name for name in ("dockerd", "busybox", "ip", "nsenter") if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} not installed (tools/install_packages.sh test)"
    if os.geteuid() != 0:
        return "only root can start an engine with a network of its own"
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode != 0:
        return "network namespaces can't be made here"
    return ""


@contextlib.contextmanager
def running_swarm():
    """A manager and a worker, joined by a cable. Both end with the block."""
    if reason := why_not():
        pytest.skip(f"a real Docker engine can't run here: {reason}")
    manager, worker = Engine("m", "10.197.0.1"), Engine("w", "10.197.0.2")
    try:
        for engine in (manager, worker):
            try:
                engine("start")
            except AssertionError as error:
                pytest.skip(f"a real Docker engine can't run here: {error}")
            engine("image")
        manager("link", worker.name, manager.address, worker.address)
        manager("swarm")
        worker("join", manager("token"), manager.address)
        yield manager, worker
    finally:
        worker("stop")
        manager("stop")
