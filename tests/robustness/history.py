"""What was done, and what came of it: a line of JSON each."""
import asyncio
import json
import pathlib
import time

# A write's outcome. `refused`: surely not done. `unknown`: perhaps done, or still to be done. `taken`: a heartbeat that
# was heard by a node that has lost touch with the others.
OK, REFUSED, UNKNOWN, TAKEN = "ok", "refused", "unknown", "taken"

LOOK_EVERY_S, STALL_S = 0.05, 0.25


def now() -> float:
    return time.monotonic()


class History:
    def __init__(self, file: pathlib.Path) -> None:
        self.lines: list[dict] = []
        self.newest = 0  # revision that anybody has been told
        self._file = file.open("w")
        self.wall_ahead = time.time() - now()

    def add(self, what: str, **rest) -> dict:
        line = {"what": what, **rest}
        self.lines.append(line)
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        return line

    def close(self) -> None:
        self._file.close()


async def watch_ourselves(history: History) -> None:
    """Notes when this process didn't run for a while: then what it missed says nothing of others."""
    while True:
        begin = now()
        await asyncio.sleep(LOOK_EVERY_S)
        if now() - begin > LOOK_EVERY_S + STALL_S:
            history.add("stall", begin=begin, end=now())
