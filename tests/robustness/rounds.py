"""One round: daemons, clients, faults; then quiet, and the question what is there."""
import asyncio
import contextlib
import pathlib
import random
import signal
import traceback
from typing import NamedTuple

import checks
import faults
from asking import Asker
from database import Pair
from history import OK, History, now, watch_ourselves
from node import HTTP, Node
from owners import Numbers, Owner, Rival
from readers import ALL, Follower, Reader
from check_reads import until_written
from story import Event, Story, event_of
from wire import Connection
from world import World, until

OWNERS, RIVALS, CONTESTED, READERS = 18, 6, 2, 3
WRITES_GO_ON_S = 1.5
READY_S, AGREE_S, EMPTY_S, CAUGHT_UP_S = 20, 15, 45, 10
SETTINGS = {"probe.enabled": "false", "docker.url": "off", "watch.keepalive": "1s", "postgres.connect_timeout": "500ms",
            "postgres.request_timeout": "1s", "cluster.fence_after": "3s"}



class Result(NamedTuple):
    seed: int
    faults: list[str]
    wrong: list[str]
    figures: dict


class Round:
    def __init__(self, seed: int, planned: list[faults.Fault], seconds: float, world: World, pair: Pair,
                 binary: pathlib.Path, nodes: list[str], folder: pathlib.Path) -> None:
        self.seed, self.planned, self.seconds = seed, planned, seconds
        self.world, self.pair, self.folder = world, pair, folder
        self.schema = f"round_{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        self.history = History(folder / "history.jsonl")
        self.wrong: list[str] = []
        self.nodes = [Node(world, name, self._command(binary, name), folder) for name in nodes]
        self.owners: list[Owner] = []
        self.readers: list[Reader] = []
        self.followers: list[Follower] = []
        self._tasks: dict[object, asyncio.Task] = {}

    def _command(self, binary: pathlib.Path, name: str) -> list[str]:
        settings = SETTINGS | {"postgres.schema": self.schema}
        return [str(binary), "serve", "--store", self.pair.url(), "--node", name, "--socket", "off",
                *[word for key, value in settings.items() for word in ("--set", f"{key}={value}")]]

    async def run(self) -> Result:
        log: list[Event] = []
        try:
            await self._start()
            await self._play()
            log = await self._calm_down()
        except Exception:  # whatever it is, the next round may tell more
            self.wrong.append(f"the round broke off: {traceback.format_exc()}")
        finally:
            await self._end()
        self.wrong += [complaint for node in self.nodes for complaint in node.complaints]
        story = Story(self.history.lines, log)
        self.wrong += checks.judge(story) if log else []
        return Result(self.seed, list(map(str, self.planned)), self.wrong, figures(story))

    # ---- clients and daemons ----

    def _asker(self, name: str) -> Asker:
        return Asker(name, self.nodes, self.history, random.Random(f"{self.seed} {name}"))

    async def _start(self) -> None:
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            if not await node.is_ready(READY_S):
                raise RuntimeError(f"node {node.name} didn't start")
        self._tasks["watch"] = asyncio.create_task(watch_ourselves(self.history))
        numbers = Numbers()
        self.owners = [Owner(self._asker(f"o{one}"), numbers, f"o{one}") for one in range(OWNERS)]
        self.owners += [Rival(self._asker(f"r{one}"), numbers, f"c{one % CONTESTED}/r{one}") for one in range(RIVALS)]
        self.readers = [Reader(self._asker(f"q{one}")) for one in range(READERS)]
        self.followers = [Follower(self._asker(f"w{one}"), service) for one, service in enumerate(ALL)]
        for client in [*self.followers, *self.readers, *self.owners]:
            self._tasks[client] = asyncio.create_task(client.run())

    async def _play(self) -> None:
        begun = now()
        await faults.Faults(self.world, self.pair, self.nodes, self.history).carry_out(self.planned)
        await self.world.heal()
        for node in self.nodes:
            if not await node.is_ready(READY_S):
                self.wrong.append(f"node {node.name} isn't ready {READY_S} s after the faults")
        self.history.add("healed", at=now())
        await asyncio.sleep(max(WRITES_GO_ON_S, begun + self.seconds - now()))

    async def _calm_down(self) -> list[Event]:
        for owner in self.owners:
            owner.phase = "hold"
        await self._agree("while instances live", AGREE_S)
        for owner in self.owners:
            owner.phase = "silent"
        await self._finish(self.owners)
        await until(self._is_empty, EMPTY_S, 0.2)
        await self._agree("in the end", AGREE_S)
        await self._agree_on_each_other()
        log = await self._read_log()
        for reader in self.readers:
            reader.running = False
        await self._finish(self.readers)
        await self._finish_followers(log)
        return log

    async def _finish(self, clients: list) -> None:
        for client in clients:
            await self._tasks.pop(client)
            client.asker.close()

    async def _finish_followers(self, log: list[Event]) -> None:
        newest = {event.service: event.revision for event in log}

        def behind() -> list[str]:
            return [f"{one.service} at {one.position} of {newest[one.service]}" for one in self.followers
                    if one.service in newest and (not one.position or one.position[1] < newest[one.service])]

        async def caught_up() -> bool:
            return not behind()
        if not await until(caught_up, CAUGHT_UP_S):
            self.wrong.append(f"followers are behind: {behind()}")
        for follower in self.followers:
            follower.running = False
            self._tasks[follower].cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._tasks.pop(follower)

    async def _end(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for node in self.nodes:
            await node.end(signal.SIGTERM)
        self.history.close()

    # ---- what is there ----

    async def _agree(self, when: str, within_s: float) -> None:
        """All nodes and the table say the same."""
        async def same() -> bool:
            self._states = [await self._table()] + [await self._shown_by(node) for node in self.nodes]
            return all(state == self._states[0] for state in self._states)
        if not await until(same, within_s, 0.2):
            names = ["the table", *[node.name for node in self.nodes]]
            self.wrong.append(f"no agreement {when}: {dict(zip(names, self._states))}")

    async def _agree_on_each_other(self) -> None:
        """Each knows all others, and the same one as the reaper."""
        async def same() -> bool:
            self._views = [await self._view_of(node) for node in self.nodes]
            names = sorted(node.name for node in self.nodes)
            return all(view["nodes"] == names and len(view["reapers"]) == 1 and view["in_touch"]
                       and view == self._views[0] for view in self._views)
        if not await until(same, AGREE_S, 0.2):
            self.wrong.append(f"the nodes don't agree on each other: {self._views}")

    async def _view_of(self, node: Node) -> dict:
        connection = Connection(node.address, HTTP)
        view = (await connection.ask("GET", "/cluster")).json
        connection.close()
        return {"nodes": sorted(one["name"] for one in view["nodes"]), "in_touch": view["in_touch"],
                "reapers": [one["name"] for one in view["nodes"] if one["reaper"]]}

    async def _table(self) -> list:
        rows = await self.pair.primary.ask(
            f"SELECT id || ' ' || modified || ' ' || (metadata->>'op') || ' ' || status FROM {self.schema}.instance_list",
            check=False)
        return sorted(rows.splitlines())

    async def _shown_by(self, node: Node) -> list:
        asker = self._asker("judge")
        shown: list[str] = []
        for service in ALL:
            line = await asker.read_service(node, service)
            if line["status"] not in (200, 404):
                shown.append(f"{service}: {line['status']}")
            shown += [" ".join(map(str, instance)) for instance in line.get("instances", [])]
        asker.close()
        return sorted(shown)

    async def _is_empty(self) -> bool:
        return not await self._table() and not any([await self._shown_by(node) for node in self.nodes])

    async def _read_log(self) -> list[Event]:
        log: list[Event] = []
        connection, after = Connection(self.nodes[0].address, HTTP), 0
        while after is not None:
            answer = await connection.ask("GET", f"/history?order=asc&limit=1000&after={after}", timeout_s=10)
            if answer.status != 200:
                raise RuntimeError(f"the log can't be read: {answer}")
            log += [event_of(told, self.history.wall_ahead) for told in answer.json["events"]]
            after = answer.json.get("resume")
        connection.close()
        table = await self.pair.primary.ask(f"SELECT revision || ' ' || kind || ' ' || id FROM {self.schema}.event_list"
                                            " ORDER BY revision")
        if table.splitlines() != [f"{event.revision} {event.kind} {event.id}" for event in log]:
            self.wrong.append("the log that a node tells isn't the table's")
        (self.folder / "log.txt").write_text("\n".join(map(str, log)))
        return log


def figures(story: Story) -> dict:
    def count(lines: list[dict], outcome: str) -> int:
        return sum(line["outcome"] == outcome for line in lines)
    back = [took for fault in story.faults if (took := until_written(story, fault)) is not None]
    return {"writes": count(story.writes, OK), "refused": count(story.writes, "refused"),
            "unknown": count(story.writes, "unknown"), "beats": count(story.beats, OK), "taken": count(story.beats, "taken"), "reads": count(story.reads, OK),
            "events": len(story.log), "expired": sum(event.by_silence for event in story.log),
            "started_over": sum(segment["ended"] == "start over" for segment in story.follows),
            "stalls": len(story.stalls), "writes_after_promotion_s": round(max(back), 2) if back else None}


