"""A real daemon, started as a user would."""
import json
import os
import pathlib
import select
import signal
import subprocess
import time

from client import Client

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_S = 20
STOP_S = 5

# Tests look at what they register themselves; whatever else runs on this machine stays out of it.
# Ports are picked.
QUIET = {"ROLLCALL_PROBE_ENABLED": "false", "ROLLCALL_LISTEN_SOCKET": "127.0.0.1:0", "ROLLCALL_DOCKER_URL": "off"}


def binary() -> pathlib.Path:
    return pathlib.Path(os.environ.get("ROLLCALL_BIN", ROOT / "build/dev/bin/rollcall"))


class Daemon:
    def __init__(self, folder: pathlib.Path, *arguments: str, environment: dict[str, str] | None = None,
                 disk_mib: int | None = None, beyond_loopback: str | None = None) -> None:
        """`disk_mib`: its data lie on a file system of their own of that size, which ends with the process.
        `beyond_loopback`: it is alone in a network of its own, where it has this address besides; see inside()."""
        self.folder = folder
        self.arguments = arguments
        self.disk_mib = disk_mib
        self.beyond_loopback = beyond_loopback
        self.environment = QUIET | (environment or {})
        self.address = ""
        self.socket_address: str | None = None
        self._process: subprocess.Popen | None = None
        self.start()

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._on_small_disk(), *self._in_own_network(), binary(), "serve", *self._where(),
                 "--data-dir", self.data, *self.arguments],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=os.environ | self.environment)
        ready = json.loads(self._first_line())["ready"]
        self.address = ready["http"]
        self.socket_address = ready.get("socket")

    def _where(self) -> list[str]:
        return [] if "HOST" in self.environment else ["--http", "127.0.0.1:0"]

    @property
    def data(self) -> pathlib.Path:
        return self.folder / "data"

    @property
    def data_as_seen_by_it(self) -> pathlib.Path:
        return pathlib.Path(f"/proc/{self.pid}/root{self.data}")

    def _on_small_disk(self) -> list[str]:
        if self.disk_mib is None:
            return []
        self.data.mkdir(exist_ok=True)
        mount = f'mount -t tmpfs -o mode=700,size={self.disk_mib}m tmpfs "$0" && exec "$@"'
        return ["unshare", "--mount", "--map-root-user", "sh", "-c", mount, str(self.data)]

    def _in_own_network(self) -> list[str]:
        if self.beyond_loopback is None:
            return []
        address = 'ip link set lo up && ip address add "$0/32" dev lo && exec "$@"'
        return ["unshare", "--net", "--map-root-user", "sh", "-c", address, self.beyond_loopback]

    def inside(self, *command: str) -> str:
        """What a command in the daemon's own network says."""
        entered = ["nsenter", "--user", "--preserve-credentials", "--net", "--target", str(self.pid)]
        return subprocess.run([*entered, *command], capture_output=True, text=True, check=True, timeout=START_S).stdout

    def _first_line(self) -> str:
        assert self._process is not None and self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], START_S)
        line = self._process.stdout.readline().decode() if ready else ""
        if not line:
            self._process.kill()
            raise AssertionError("the daemon didn't start: " + self.log()[-2000:])
        return line

    def client(self) -> Client:
        return Client(self.address)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> tuple[int, float]:
        """Exit code and seconds."""
        assert self._process is not None
        begin = time.monotonic()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the daemon didn't stop within {STOP_S} s") from None
        return code, time.monotonic() - begin
