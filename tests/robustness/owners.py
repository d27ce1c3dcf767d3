"""Clients that own instances: they register, say that they are alive, change, leave, or fall silent."""
import asyncio
import itertools
import random

from asking import Asker, seen_of_removal, seen_of_write
from history import OK, now

SERVICES = 5
TRIES = 8
BEATS_PER_TTL = 5
TTLS = (2.0, 3.0, 4.0)


class Numbers:
    """Each write's own number, which the instance then carries."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def next(self) -> int:
        return next(self._numbers)


class Owner:
    """Of one instance at a time. `phase`: "write"; "hold", in which it only says that it is alive; "silent"."""

    def __init__(self, asker: Asker, numbers: Numbers, label: str) -> None:
        self.asker, self.numbers, self.label = asker, numbers, label
        self.rng: random.Random = asker.rng
        self.phase = "write"
        self.alive = False
        self.ttl = TTLS[0]
        self._lives = itertools.count(1)
        self.service = f"s{self.rng.randrange(SERVICES)}"
        self._choose_id()

    def _choose_id(self) -> None:
        self.id = f"{self.label}-{next(self._lives)}"

    async def run(self) -> None:
        while self.phase != "silent":
            began = now()
            if self.alive:
                await self._live()
            elif self.phase == "write":
                await self._register()
            pause = self.ttl / BEATS_PER_TTL * self.rng.uniform(0.7, 1.0)
            await asyncio.sleep(max(0.0, began + pause - now()))

    async def _live(self) -> None:
        dice = self.rng.random() if self.phase == "write" else 1.0
        if dice < 0.20:
            await self._update()
        elif dice < 0.26:
            await self._leave()
        elif dice < 0.29:  # crashes: never heard of again, and its successor is another
            self.alive = False
            self._choose_id()
        else:
            await self._beat()
            if dice < 0.45:
                await self.asker.read_instance(self.asker.one_after_another()[0], self.id)

    # ---- writes: the same request again elsewhere while nobody knows what came of it ----

    async def _register(self) -> None:
        self.session = f"{self.label}.{self.numbers.next()}"
        self.ttl = self.rng.choice(TTLS)
        self.deregister_after = self.rng.choice((0, 0, 0, 1.5))
        await self._put("register")

    async def _update(self) -> None:
        await self._put("update")

    async def _put(self, what: str) -> None:
        op = self.numbers.next()
        body = {"address": "10.0.0.1", "port": 80, "ttl": self.ttl, "deregister_after": self.deregister_after,
                "session": self.session, "metadata": {"op": str(op)}}
        about = {"id": self.id, "service": self.service, "session": self.session, "op": op, "ttl": self.ttl,
                 "deregister_after": self.deregister_after}
        line = await self._insist(lambda node: self.asker.ask(
            node, what, "PUT", f"/services/{self.service}/instances/{self.id}", body, keep=seen_of_write, **about))
        if line["outcome"] == OK:
            self.alive = True
        elif line["status"] in (404, 409):
            self.alive = False

    async def _leave(self) -> None:
        about = {"id": self.id, "session": self.session, "op": self.numbers.next()}
        line = await self._insist(lambda node: self.asker.ask(
            node, "deregister", "DELETE", f"/instances/{self.id}?session={self.session}", keep=seen_of_removal, **about))
        if line["outcome"] == OK or line["status"] in (404, 409):
            self.alive = False
        if self.rng.random() < 0.5:
            self.service = f"s{self.rng.randrange(SERVICES)}"
            self._choose_id()

    async def _beat(self) -> None:
        line = await self._insist(lambda node: self.asker.ask(
            node, "beat", "PUT", f"/instances/{self.id}/heartbeat", {"session": self.session}, keep=None,
            id=self.id, session=self.session, ttl=self.ttl), tries=2 * len(self.asker.nodes))
        if line["status"] in (404, 409):
            self.alive = False

    async def _insist(self, ask, tries: int = TRIES) -> dict:
        """Until it is done, or surely refused by the registry's rules."""
        for turn, node in enumerate(itertools.islice(itertools.cycle(self.asker.one_after_another()), tries)):
            if turn >= len(self.asker.nodes):
                await asyncio.sleep(0.2)  # each of them has been asked already
            line = await ask(node)
            if line["outcome"] == OK or line["status"] in (400, 404, 409):
                return line
        return line


class Rival(Owner):
    """One of several who take the same id from each other. Never beats for long: the next one comes."""

    def _choose_id(self) -> None:
        self.id, self.service = self.label.partition("/")[0], "contested"

    async def _live(self) -> None:
        dice = self.rng.random() if self.phase == "write" else 1.0
        if dice < 0.35:
            await self._update()
        elif dice < 0.5:
            await self._register()
        elif dice < 0.7:
            await self._leave()
        else:
            await self._beat()
