#!/usr/bin/python3
"""Rounds of faults against real daemons on PostgreSQL with a standby, each judged by what its clients saw.

    tests/robustness/run.py --seed 7                     one round
    tests/robustness/run.py --seed 7 --rounds 20         seeds 7 to 26
    tests/robustness/run.py --rounds 20 --seconds 30     fresh seeds, longer faults

A seed gives the same faults and the same clients' choices; what the machine makes of them differs from time to time. What a
failed round leaves (its history, the log, the daemons' and the servers' words) stays in --keep. The exit status is 0 if no
round failed, 77 if this machine can't run them. docs/robustness.md tells what is checked.
"""
import argparse
import asyncio
import json
import os
import pathlib
import random
import shutil
import sys

import database
import faults
import world

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = 77


def known_kinds(text: str) -> set[str]:
    kinds = set(text.split(","))
    if unknown := kinds - set(faults.KINDS):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: there are {', '.join(faults.KINDS)}")
    return kinds


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, help="of the first round; fresh if left out")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=12, help="of faults in a round (12)")
    parser.add_argument("--nodes", type=int, default=3, help="daemons (3)")
    parser.add_argument("--only", metavar="KIND,KIND", type=known_kinds, help="faults of these kinds alone: " + ", ".join(faults.KINDS))
    parser.add_argument("--asynchronous", action="store_true", help="the standby may lack what was acknowledged: a promotion "
                        "loses it, and the round must fail")
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "build/release/bin/rollcall")
    parser.add_argument("--keep", type=pathlib.Path, default=ROOT / "build/robustness", help="for what failed rounds leave")
    parser.add_argument("--json", action="store_true", help="a line of JSON a round, and no table")
    return parser.parse_args()


def why_not(chosen: argparse.Namespace) -> str | None:
    if not database.PROGRAMS:
        return "PostgreSQL isn't installed"
    if not chosen.binary.exists():
        return f"{chosen.binary} isn't built"
    for program in ("unshare", "nft", "ip", "tc", "psql"):
        if shutil.which(program) is None:
            return f"{program} isn't installed"
    return world.why_not()


async def play(chosen: argparse.Namespace, folder: pathlib.Path) -> list:
    from rounds import Round  # after the namespaces are entered: it needs nothing of the outside

    names = [chr(ord("a") + number) for number in range(chosen.nodes)]
    place = world.World("db0", "db1", *names)
    await place.make()
    pair = database.Pair(place, folder / "postgres", not chosen.asynchronous)
    results = []
    try:
        await pair.make()
        for number in range(chosen.rounds):
            seed = chosen.seed + number
            planned = faults.plan(seed, names, chosen.seconds, chosen.only)
            one = Round(seed, planned, chosen.seconds, place, pair, chosen.binary, names, folder / f"seed-{seed}")
            results.append(await one.run())
            report(results[-1], chosen)
            keep(results[-1], one.folder, folder / "postgres", chosen.keep)
    finally:
        await pair.stop()
    return results


def report(result, chosen: argparse.Namespace) -> None:
    if chosen.json:
        print(json.dumps(result._asdict()), flush=True)
        return
    print(f"seed {result.seed}: {'FAILED' if result.wrong else 'passed'}", flush=True)
    for fault in result.faults:
        print(f"    {fault}")
    for wrong in result.wrong:
        print(f"  ! {wrong}")
    print(f"    {' '.join(f'{name}={value}' for name, value in result.figures.items())}", flush=True)


def keep(result, folder: pathlib.Path, servers: pathlib.Path, where: pathlib.Path) -> None:
    if result.wrong:
        target = where / folder.name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder, target)
        for log in servers.glob("*/log"):
            shutil.copy(log, target / f"{log.parent.name}.log")
        (target / "result.json").write_text(json.dumps(result._asdict(), indent=1))
    shutil.rmtree(folder)


def table(results: list) -> None:
    columns = list(results[0].figures)
    print("\n" + " | ".join(["seed", "result", "faults", *columns]))
    for one in results:
        print(" | ".join(map(str, [one.seed, "FAILED" if one.wrong else "passed", len(one.faults), *one.figures.values()])))
    failed = sum(bool(one.wrong) for one in results)
    print(f"{len(results)} rounds, {failed} failed")


def main() -> int:
    chosen = options()
    os.environ["PATH"] += ":/usr/sbin:/sbin"  # where ip and nft are, for everyone but root
    if not world.is_inside() and (why := why_not(chosen)):
        print(f"skipped: {why}")
        return SKIPPED
    if chosen.seed is None:
        chosen.seed = random.SystemRandom().randrange(1, 10**6)
        sys.argv += ["--seed", str(chosen.seed)]
    world.enter()
    results = asyncio.run(play(chosen, world.own_folder()))
    if not chosen.json:
        table(results)
    return 1 if any(one.wrong for one in results) else 0


if __name__ == "__main__":
    sys.exit(main())
