"""Clients that ask who is there, and clients that follow what happens."""
import asyncio
import json

from asking import READ_PATIENCE_S, Asker, seen_of_service
from history import OK
from node import HTTP, Node
from owners import SERVICES
from wire import Connection, Lost

READ_EVERY_S = 0.08
SILENCE_S = 3.0  # daemons say something each second
ALL = [f"s{number}" for number in range(SERVICES)] + ["contested"]


class Reader:
    """Asks any node; where there is no answer, the others."""

    def __init__(self, asker: Asker) -> None:
        self.asker = asker
        self.running = True
        self._known: dict[str, int] = {}

    async def run(self) -> None:
        while self.running:
            await self._look()
            await asyncio.sleep(READ_EVERY_S)

    async def _look(self) -> None:
        service = self.asker.rng.choice(ALL)
        read = self._choose(service)
        for node in self.asker.one_after_another():
            line = await read(node, service)
            if line["status"] in (200, 404):
                break
        if line["outcome"] == OK:
            self._known[service] = line["revision"]

    def _choose(self, service: str):
        dice = self.asker.rng.random()
        if dice < 0.2 and service in self._known:
            return self._wait
        if dice < 0.35:
            return self.asker.read_consistent
        return self.asker.read_what_is_known if dice < 0.5 else self.asker.read_service

    async def _wait(self, node: Node, service: str) -> dict:
        target = f"/services/{service}?index={self._known[service]}&wait=500ms"
        return await self.asker.ask(node, "read_service", "GET", target, keep=seen_of_service,
                                    timeout_s=READ_PATIENCE_S + 0.5, service=service, waited=True)


class Follower:
    """Of one service's events, from node to node. A `chain` is what must be without gap or repeat: it ends where a node
    tells to start over."""

    def __init__(self, asker: Asker, service: str) -> None:
        self.asker, self.service = asker, service
        self.running = True
        self.position: tuple[int, int] | None = None  # generation, revision
        self.chain = 0
        self._tried: Node | None = None

    async def run(self) -> None:
        while self.running:
            others = [node for node in self.asker.one_after_another() if node is not self._tried]
            self._tried = (others or self.asker.nodes)[0]
            await self._follow(self._tried)

    async def _follow(self, node: Node) -> None:
        segment = {"client": self.asker.name, "service": self.service, "node": node.name, "chain": self.chain,
                   "after": self.position and self.position[1], "events": [], "ended": "closed"}
        headers = {} if self.position is None else {"Last-Event-ID": "{}-{}".format(*self.position)}
        stream = Connection(node.address, HTTP).stream(f"/watch?service={self.service}", headers,
                                                       timeout_s=READ_PATIENCE_S, silence_s=SILENCE_S)
        try:
            await self._take(stream, segment)
        except Lost as lost:
            segment["ended"] = str(lost)
            await asyncio.sleep(0.1)
        finally:
            await stream.aclose()
            if segment["after"] is not None or segment["ended"] == "start over":
                self.asker.history.add("follow", **segment, upto=self.position and self.position[1])
        if segment["ended"] == "start over":
            self.position = None
            self.chain += 1

    async def _take(self, stream, segment: dict) -> None:
        status = await anext(stream)
        if status == "410":
            segment["ended"] = "start over"
        elif status != "200":
            raise Lost(f"status {status}", True)
        fields: dict[str, str] = {}
        async for line in stream:
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            else:
                self._heard(fields, segment)
                fields = {}

    def _heard(self, fields: dict[str, str], segment: dict) -> None:
        if "id" in fields:
            self.position = tuple(map(int, fields["id"].split("-")))
        kind = fields.get("event")
        if kind == "ready":
            if segment["after"] is None:
                segment["after"] = self.position[1]
        elif kind == "end":
            segment["ended"] = fields["data"]
        elif kind == "coalesced":
            segment["coalesced"] = True
        elif kind:
            event = json.loads(fields["data"])
            segment["events"].append([event["revision"], kind, event["instance"]["id"],
                                      event["instance"]["metadata"]["op"]])
