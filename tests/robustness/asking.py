"""One request to one node, with what came of it in the history."""
import random

from history import OK, REFUSED, TAKEN, UNKNOWN, History, now
from node import HTTP, Node
from wire import Answer, Connection, Lost

# What a stopped or vanished node costs. Above the daemons' own patience with PostgreSQL, so that most answers are heard.
PATIENCE_S = 2.5
READ_PATIENCE_S = 1.5


def outcome_of(answer: Answer) -> str:
    if answer.status == 202:
        return TAKEN
    if answer.status < 300:
        return OK
    return UNKNOWN if answer.problem == "unknown_outcome" or answer.status == 500 else REFUSED


class Asker:
    """A client's connections, one to each node."""

    def __init__(self, name: str, nodes: list[Node], history: History, rng: random.Random) -> None:
        self.name, self.nodes, self.history, self.rng = name, nodes, history, rng
        self._connections = {node.name: Connection(node.address, HTTP) for node in nodes}

    def one_after_another(self) -> list[Node]:
        """Any of them first, then the others."""
        return self.rng.sample(self.nodes, len(self.nodes))

    async def ask(self, node: Node, what: str, method: str, target: str, body: dict | None = None, *,
                  keep=None, timeout_s: float = PATIENCE_S, **about) -> dict:
        """`keep`: what of a good answer belongs in the history."""
        invoked, life = now(), node.life
        line = {"client": self.name, "node": node.name, "life": life, **about, "invoked": invoked}
        try:
            answer = await self._connections[node.name].ask(method, target, body, timeout_s=timeout_s)
        except Lost as lost:
            line |= {"outcome": UNKNOWN if lost.sent else REFUSED, "status": 0, "why": str(lost)}
        else:
            line |= {"outcome": outcome_of(answer), "status": answer.status}
            if answer.status >= 400:
                line["why"] = answer.problem
            elif keep is not None:
                line |= keep(answer)
        self.history.newest = max(self.history.newest, line.get("revision", 0))
        return self.history.add(what, **line, returned=now(), same_life=life == node.life)

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    # ---- reads ----

    async def read_service(self, node: Node, service: str) -> dict:
        return await self._read(node, service, "")

    async def read_consistent(self, node: Node, service: str) -> dict:
        return await self._read(node, service, "?consistent", consistent=True)

    async def read_what_is_known(self, node: Node, service: str) -> dict:
        newest = self.history.newest
        return await self._read(node, service, f"?min_revision={newest}", at_least=newest)

    async def _read(self, node: Node, service: str, query: str, **about) -> dict:
        return await self.ask(node, "read_service", "GET", f"/services/{service}{query}", keep=seen_of_service,
                              timeout_s=READ_PATIENCE_S, service=service, **about)

    async def read_instance(self, node: Node, id_: str) -> dict:
        return await self.ask(node, "read_instance", "GET", f"/instances/{id_}", keep=seen_of_instance,
                              timeout_s=READ_PATIENCE_S, id=id_)


def seen(instance: dict) -> list:
    """What tells one state of an instance from another."""
    return [instance["id"], instance["revision"], instance["metadata"]["op"], instance["status"]]


def seen_of_service(answer: Answer) -> dict:
    service = answer.json["service"]
    return {"revision": service["revision"], "instances": sorted(map(seen, service["instances"]))}


def seen_of_instance(answer: Answer) -> dict:
    return {"revision": answer.json["revision"], "instance": seen(answer.json)}


def seen_of_write(answer: Answer) -> dict:
    return {"revision": answer.json["revision"]}


def seen_of_removal(answer: Answer) -> dict:
    return {"revision": int(answer.headers["x-rollcall-revision"])}
