"""The Debian package: what is in it, and that it comes and goes without a trace."""
import gzip
import json
import os
import pathlib
import shutil
import socket
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def package() -> pathlib.Path:
    built = list((ROOT / "build/package").glob("rollcall_*.deb"))
    assert len(built) == 1, "./dev package builds it"
    return built[0]


def field(package, name) -> str:
    return subprocess.run(["dpkg-deb", "--field", package, name], check=True, capture_output=True, text=True).stdout


class Machine:
    """A root directory with a package database of its own; its maintainer scripts know that it isn't this machine."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        for folder in ("var/lib/dpkg/info", "var/lib/dpkg/updates"):
            (root / folder).mkdir(parents=True)
        (root / "var/lib/dpkg/status").touch()
        self.before = self.files()

    def dpkg(self, *arguments) -> None:
        subprocess.run(["unshare", "--map-root-user", "dpkg", f"--root={self.root}", "--force-depends", "--force-not-root",
                        "--force-script-chrootless", "--log=/dev/null", *arguments], check=True, capture_output=True, text=True,
                       env=os.environ | {"DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})

    def files(self) -> set[pathlib.Path]:
        everything = {path.relative_to(self.root) for path in self.root.rglob("*") if path.is_file()}
        return {path for path in everything if not path.is_relative_to("var/lib/dpkg")}


@pytest.fixture
def machine(tmp_path) -> Machine:
    return Machine(tmp_path / "machine")


def test_says_what_it_needs(package):
    depends = field(package, "Depends")
    assert "libsqlite3-0" in depends and "libnghttp2-14" in depends and "libpq5" in depends
    assert field(package, "Maintainer").strip()


def test_comes_and_goes_without_a_trace(package, machine):
    machine.dpkg("--install", package)
    installed = machine.files() - machine.before
    for file in ("usr/bin/rollcall", "usr/lib/systemd/system/rollcall.service", "etc/rollcall/rollcall.toml",
                 "usr/share/doc/rollcall/copyright", "usr/share/man/man1/rollcall.1.gz",
                 "usr/share/bash-completion/completions/rollcall"):
        assert pathlib.Path(file) in installed
    state = machine.root / "var/lib/rollcall"
    state.mkdir(parents=True)
    (state / "rollcall.db").write_text("what was registered")

    machine.dpkg("--remove", "rollcall")
    left = machine.files() - machine.before
    assert left == {pathlib.Path("etc/rollcall/rollcall.toml"), pathlib.Path("var/lib/rollcall/rollcall.db")}

    machine.dpkg("--purge", "rollcall")
    assert machine.files() == machine.before


def test_describes_the_commands_that_it_brings(package, machine):
    machine.dpkg("--install", package)
    page = gzip.decompress((machine.root / "usr/share/man/man1/rollcall.1.gz").read_bytes()).decode()
    completion = machine.root / "usr/share/bash-completion/completions/rollcall"
    for command in "serve", "register", "heartbeat", "services":
        assert command in page
        assert command in completion.read_text()
    subprocess.run(["bash", "-n", completion], check=True)


def test_systemd_waits_until_it_is_ready_and_watches_it(package, machine):
    machine.dpkg("--install", package)
    unit = (machine.root / "usr/lib/systemd/system/rollcall.service").read_text().splitlines()
    assert "Type=notify" in unit and "WatchdogSec=30" in unit
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(machine.root / "notify"))
        told.settimeout(10)
        variables = os.environ | {"NOTIFY_SOCKET": str(machine.root / "notify"), "WATCHDOG_USEC": "200000"}
        variables.pop("WATCHDOG_PID", None)
        with subprocess.Popen([machine.root / "usr/bin/rollcall", "serve", "--http", "127.0.0.1:0", "--socket", "off", "--data-dir",
                               machine.root / "data", "--set", "probe.enabled=false", "--set", "docker.url=off"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, env=variables) as daemon:
            try:
                assert told.recv(100).startswith(b"READY=1")
                assert told.recv(100) == b"WATCHDOG=1"
            finally:
                daemon.terminate()


def test_a_changed_configuration_outlives_an_upgrade(package, machine):
    machine.dpkg("--install", package)
    configuration = machine.root / "etc/rollcall/rollcall.toml"
    configuration.write_text('log_level = "DEBUG"\n')
    machine.dpkg("--force-confold", "--install", package)
    assert configuration.read_text() == 'log_level = "DEBUG"\n'


def test_runs_with_the_configuration_that_it_brings(package, machine, tmp_path):
    machine.dpkg("--install", package)
    with subprocess.Popen([machine.root / "usr/bin/rollcall", "serve", "--config", machine.root / "etc/rollcall/rollcall.toml",
                           "--data-dir", tmp_path / "data", "--http", "127.0.0.1:0", "--set", "probe.enabled=false", "--set", "docker.url=off"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as daemon:
        try:
            assert json.loads(daemon.stdout.readline())["ready"]["http"].startswith("127.0.0.1:")
        finally:
            daemon.terminate()
        assert daemon.wait(timeout=5) == 0


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd isn't installed")
def test_the_unit_is_hardened(package, machine):
    machine.dpkg("--install", package)
    unit = machine.root / "usr/lib/systemd/system/rollcall.service"
    ended = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
                           capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr
