"""A daemon in a network of its own, which is started again whenever it has ended."""
import asyncio
import json
import os
import pathlib
import signal

from history import now
from world import World

HTTP = 8500
READY_S = 10
START_AGAIN_S = 0.2
STOP_S = 8


class Node:
    """`life` counts its processes."""

    def __init__(self, world: World, name: str, command: list[str], folder: pathlib.Path) -> None:
        self.name, self.address = name, world.addresses[name]
        self.life = 0
        self.wanted = False
        self.rests_s = 0.0  # before it is started again
        self.complaints: list[str] = []
        self.ready = asyncio.Event()
        self.folder = folder / name
        self._command = [*world.inside(name), *command, "--http", f"{self.address}:{HTTP}",
                         "--data-dir", str(self.folder / "data")]
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.wanted = True
        self._keeper = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while self.wanted:
            await self._live()
            rest, self.rests_s = max(self.rests_s, START_AGAIN_S), 0.0
            if self.wanted:
                await asyncio.sleep(rest)

    async def _live(self) -> None:
        with (self.folder / "log").open("ab") as log:
            process = self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=log)
        self.ended_by_us = False
        line = await process.stdout.readline()
        if line and "ready" in json.loads(line):
            self.life += 1
            self.ready.set()
        code = await process.wait()
        if self.ready.is_set() and not self.ended_by_us:
            self.complaints.append(f"node {self.name} ended by itself with {code} at {now():.3f}")
        self.ready.clear()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self.ended_by_us = self.ended_by_us or number in (signal.SIGKILL, signal.SIGTERM)
            os.kill(self.pid, number)

    async def is_ready(self, within_s: float) -> bool:
        try:
            async with asyncio.timeout(within_s):
                await self.ready.wait()
        except TimeoutError:
            return False
        return True

    async def end(self, number: signal.Signals) -> None:
        """For good."""
        self.wanted = False
        self.send(number)
        try:
            async with asyncio.timeout(STOP_S):
                await self._keeper
        except TimeoutError:
            self.complaints.append(f"node {self.name} didn't stop within {STOP_S} s")
            self.send(signal.SIGKILL)
            await self._process.wait()
