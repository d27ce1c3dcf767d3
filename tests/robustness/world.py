"""Network namespaces, joined by a bridge, in a network, a process table and mounts of the run's own.

The whole run lives in namespaces that unshare(1) makes for it: nothing of it can reach the host's network, and all of it,
processes and namespaces, is gone with its first process, however that ends. Its first network is the clients'.
"""
import asyncio
import os
import pathlib
import subprocess
import sys

from history import now

MARK = "INSIDE_ROBUSTNESS_WORLD"
CLIENTS = "clients"
SUBNET = "10.77.0.0/24"
PORT = "eth0"
LOSS_PERCENT = 20
COMMAND_S = 30

RULES = f"""
table inet faults {{
  set cut {{ type ipv4_addr; }}
  set lossy {{ type ipv4_addr; }}
  chain arriving {{
    type filter hook input priority 0; policy accept;
    ip saddr @cut drop
    ip saddr @lossy numgen random mod 100 < {LOSS_PERCENT} drop
  }}
}}
"""

UNSHARE = ("unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


def why_not() -> str | None:
    """What is missing here to have such a world."""
    try:
        test = "ip link add name bridge type bridge && nft list tables && mount -t tmpfs tmpfs /run && ip netns add place"
        tried = subprocess.run([*UNSHARE, "sh", "-c", test], capture_output=True, text=True, timeout=COMMAND_S, check=False)
    except OSError as error:
        return str(error)
    return None if tried.returncode == 0 else "no network namespaces here: " + tried.stderr.strip()[-200:]


def is_inside() -> bool:
    return MARK in os.environ


def enter() -> None:
    """Starts this program anew inside, unless it is there; ends with it."""
    if is_inside():
        return
    os.execvpe(UNSHARE[0], [*UNSHARE, sys.executable, *sys.argv], os.environ | {MARK: "1"})


def own_folder() -> pathlib.Path:
    """In memory, and seen by nobody outside; gone with the namespaces."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True, timeout=COMMAND_S)
    folder = pathlib.Path("/run/robustness")
    folder.mkdir()
    return folder


async def call(*command: object, text: str | None = None, timeout_s: float = COMMAND_S, check: bool = True) -> str:
    """What it prints. It is killed when its time is over."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(timeout_s):
            output, complaint = await process.communicate(None if text is None else text.encode())
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    if check and process.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {complaint.decode()[-500:]}")
    return output.decode()


class World:
    def __init__(self, *places: str) -> None:
        self.places = (CLIENTS, *places)
        self.addresses = {place: f"10.77.0.{10 + number}" for number, place in enumerate(self.places)}

    def inside(self, place: str) -> list[str]:
        """What goes before a command so that it runs there. The process id stays its own."""
        return [] if place == CLIENTS else ["nsenter", f"--net=/run/netns/{place}"]

    async def make(self) -> None:
        await call("ip", "netns", "add", "hub")
        await call("ip", "-n", "hub", "link", "add", "name", "bridge", "type", "bridge")
        await call("ip", "-n", "hub", "link", "set", "bridge", "up")
        for place in self.places:
            await self._join(place)

    async def _join(self, place: str) -> None:
        if place != CLIENTS:
            await call("ip", "netns", "add", place)
        await call("ip", "-n", "hub", "link", "add", "name", place, "type", "veth", "peer", "name", PORT,
                   "netns", str(os.getpid()) if place == CLIENTS else place)
        await call("ip", "-n", "hub", "link", "set", "dev", place, "master", "bridge", "up")
        inside = self.inside(place)
        await call(*inside, "ip", "address", "add", f"{self.addresses[place]}/24", "dev", PORT)
        await call(*inside, "ip", "link", "set", PORT, "up")
        await call(*inside, "ip", "link", "set", "lo", "up")
        await call(*inside, "nft", "-f", "-", text=RULES)

    async def cut(self, source: str, target: str, *, whole: bool = True) -> None:
        """Nothing from `source` arrives at `target` any more, or not all of it."""
        await self._mark("add", "cut" if whole else "lossy", source, target)

    async def mend(self, source: str, target: str, *, whole: bool = True) -> None:
        await self._mark("delete", "cut" if whole else "lossy", source, target)

    async def _mark(self, verb: str, name: str, source: str, target: str) -> None:
        await call(*self.inside(target), "nft", verb, "element", "inet", "faults", name,
                   "{", self.addresses[source], "}", check=verb == "add")

    async def slow(self, place: str, kbit_per_s: int) -> None:
        shape = ["root", "tbf", "rate", f"{kbit_per_s}kbit", "burst", "3000", "latency", "800ms"]
        await call(*self.inside(place), "tc", "qdisc", "replace", "dev", PORT, *shape)
        await call("tc", "-n", "hub", "qdisc", "replace", "dev", place, *shape)

    async def quicken(self, place: str) -> None:
        await call(*self.inside(place), "tc", "qdisc", "delete", "dev", PORT, "root", check=False)
        await call("tc", "-n", "hub", "qdisc", "delete", "dev", place, "root", check=False)

    async def heal(self) -> None:
        for place in self.places:
            await call(*self.inside(place), "nft", "flush set inet faults cut; flush set inet faults lossy")
            await self.quicken(place)


async def until(what, within_s: float, pause_s: float = 0.05):
    """The first true value of `what()`, which is asked again and again; None when the time is over."""
    deadline = now() + within_s
    while now() < deadline:
        if value := await what():
            return value
        await asyncio.sleep(pause_s)
    return None
