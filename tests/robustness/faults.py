"""What goes wrong, and when: chosen by the seed, carried out, and put right again."""
import asyncio
import random
import signal
from typing import NamedTuple

from database import Pair
from history import History, now
from node import Node
from world import CLIENTS, World

READY_AGAIN_S = 30
CRASHED_S = 1.0
SLOW_KBIT = (48, 96, 192)
DATABASE = ("db0", "db1")


class Fault(NamedTuple):
    kind: str
    target: str
    start_s: float
    seconds: float

    def __str__(self) -> str:
        return f"{self.kind}({self.target}) at {self.start_s:.1f} s for {self.seconds:.1f} s"


# How often each is chosen. Those of the database come one at a time.
OF_NODES = {"kill": 4, "stop": 4, "restart": 2, "cut from database": 3, "hears no database": 1, "cannot tell database": 1,
            "cut from clients": 2, "cannot answer clients": 1, "slow": 2, "lossy": 2}
OF_DATABASE = {"primary crashes": 2, "primary stops": 2, "standby stops": 2, "pair is cut": 1, "lossy pair": 1}
FAILOVERS = {"primary dies": 3, "primary vanishes": 2, "primary dies alone": 2}
KINDS = [*OF_NODES, *OF_DATABASE, *FAILOVERS]
# Kinds during which clients may miss a node that runs.
HIDES_FROM_CLIENTS = {"kill", "stop", "restart", "cut from clients", "cannot answer clients", "slow", "lossy"}


def plan(seed: int, nodes: list[str], seconds: float, only: set[str] | None = None) -> list[Fault]:
    """Faults of one target never overlap; those of several may."""
    rng = random.Random(seed)
    of_database = OF_DATABASE | (FAILOVERS if rng.random() < 0.5 or only else {})
    kinds = {target: chosen_from(OF_NODES, only) for target in nodes}
    kinds["database"] = chosen_from(of_database, only)
    targets = [target for target in [*nodes, "database", "database"] if kinds[target]]
    free_at = dict.fromkeys(targets, 1.0)
    faults, start = [], 1.0
    while start < seconds - 1.5 and targets:
        target = rng.choice(targets)
        begin, lasts = max(start, free_at[target]), rng.uniform(0.4, 4.0)
        kind = rng.choices(list(kinds[target]), list(kinds[target].values()))[0]
        if begin < seconds - 1.0:
            faults.append(Fault(kind, target, begin, min(lasts, seconds - begin)))
            free_at[target] = begin + lasts + (8.0 if kind in FAILOVERS else 0.3)
        start += rng.uniform(0.3, 3.5)
    return faults


def chosen_from(kinds: dict[str, int], only: set[str] | None) -> dict[str, int]:
    return {kind: often for kind, often in kinds.items() if only is None or kind in only}


class Faults:
    def __init__(self, world: World, pair: Pair, nodes: list[Node], history: History) -> None:
        self.world, self.pair, self.history = world, pair, history
        self.nodes = {node.name: node for node in nodes}

    async def carry_out(self, faults: list[Fault]) -> None:
        begun = now()
        async with asyncio.TaskGroup() as tasks:
            for fault in faults:
                tasks.create_task(self._one(fault, begun + fault.start_s))

    async def _one(self, fault: Fault, due: float) -> None:
        await asyncio.sleep(max(0.0, due - now()))
        begin, more = now(), {}
        if fault.target == "database":
            more = await self._of_database(fault.kind, fault.seconds) or {}
        else:
            await self._of_node(fault.kind, self.nodes[fault.target], fault.seconds)
        hidden = [fault.target] if fault.kind in HIDES_FROM_CLIENTS else []
        self.history.add("fault", kind=fault.kind, target=fault.target, begin=begin, end=now(), hidden=hidden, **more)

    # ---- nodes ----

    async def _of_node(self, kind: str, node: Node, seconds: float) -> None:
        if kind in ("kill", "restart"):
            node.rests_s = seconds if kind == "kill" else 0.0
            await self._end_and_start(node, signal.SIGKILL if kind == "kill" else signal.SIGTERM)
        elif kind == "stop":
            node.send(signal.SIGSTOP)
            await asyncio.sleep(seconds)
            node.send(signal.SIGCONT)
        elif kind in ("slow", "lossy"):
            await (self._slow if kind == "slow" else self._lossy)(node.name, seconds)
        else:
            await self._cut(self._ways(kind, node.name), seconds)

    async def _end_and_start(self, node: Node, how: signal.Signals) -> None:
        life = node.life
        node.send(how)
        deadline = now() + node.rests_s + READY_AGAIN_S
        while node.life == life and now() < deadline:
            await asyncio.sleep(0.02)

    @staticmethod
    def _ways(kind: str, name: str) -> list[tuple[str, str]]:
        to_database, from_database = [(name, one) for one in DATABASE], [(one, name) for one in DATABASE]
        return {"cut from database": to_database + from_database, "hears no database": from_database,
                "cannot tell database": to_database, "cut from clients": [(CLIENTS, name), (name, CLIENTS)],
                "cannot answer clients": [(name, CLIENTS)]}[kind]

    async def _cut(self, ways: list[tuple[str, str]], seconds: float, *, whole: bool = True) -> None:
        for way in ways:
            await self.world.cut(*way, whole=whole)
        await asyncio.sleep(seconds)
        for way in ways:
            await self.world.mend(*way, whole=whole)

    async def _lossy(self, name: str, seconds: float) -> None:
        others = [place for place in self.world.places if place != name]
        await self._cut([way for other in others for way in ((name, other), (other, name))], seconds, whole=False)

    async def _slow(self, name: str, seconds: float) -> None:
        await self.world.slow(name, random.Random(name + str(seconds)).choice(SLOW_KBIT))
        await asyncio.sleep(seconds)
        await self.world.quicken(name)

    # ---- the database ----

    async def _of_database(self, kind: str, seconds: float) -> dict | None:
        if kind in FAILOVERS:
            return await self._fail_over(kind, seconds)
        if kind in ("primary stops", "standby stops"):
            server = self.pair.primary if kind == "primary stops" else self.pair.standby
            server.send(signal.SIGSTOP)
            await asyncio.sleep(seconds)
            server.send(signal.SIGCONT)
        elif kind == "primary crashes":
            await self.pair.primary.kill()
            await asyncio.sleep(min(seconds, CRASHED_S))
            await self.pair.primary.start()
        else:
            await self._cut([DATABASE, DATABASE[::-1]], seconds, whole=kind == "pair is cut")
        await self.pair.is_in_step(READY_AGAIN_S)
        return None

    async def _fail_over(self, kind: str, seconds: float) -> dict:
        """It ends; its standby is promoted after a while; then it is wiped, and becomes the new standby."""
        old = self.pair.primary
        silent = [(old.place, other) for other in self.world.places if other != old.place]
        silent += [(other, place) for place, other in silent]
        cut = {"primary vanishes": silent, "primary dies alone": [DATABASE, DATABASE[::-1]]}.get(kind, [])
        for way in cut:
            await self.world.cut(*way)
        if kind != "primary dies":
            await asyncio.sleep(seconds * 0.75)
        await old.kill()
        await asyncio.sleep(seconds / 4)
        await self.pair.promote()
        promoted = now()
        for way in cut:
            await self.world.mend(*way)
        await self.pair.add_standby()
        return {"promoted": promoted}
