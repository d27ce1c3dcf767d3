#!/usr/bin/python3
"""What it costs that each node knows what another one samples: one of two follows a large Swarm, from an engine that isn't
one, and the other hears of its samples.

    bench/sample_exchange.py [--tasks 10000] [--interval 20] [--seconds 60] [BINARY]

BINARY: the daemon (build/release/bin/rollcall). Needs PostgreSQL.
"""
import argparse
import os
import pathlib
import sys
import tempfile
import time

from docker_scale import ROOT, cpu_seconds, wait_until

TASKS_PER_SERVICE = 10


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", nargs="?", default=ROOT / "build/release/bin/rollcall")
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--interval", type=int, default=20, help="seconds from one sample of a task to the next")
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    os.environ["ROLLCALL_BIN"] = str(pathlib.Path(arguments.binary).resolve())
    from daemon import Daemon
    from postgres import running_postgres
    from test_container_usage import MeasuredEngine
    with tempfile.TemporaryDirectory() as folder, running_postgres() as postgres, \
            MeasuredEngine(pathlib.Path(folder) / "docker.sock") as engine:
        for number in range(arguments.tasks // TASKS_PER_SERVICE):
            engine.make_busy(engine.add_service(f"shop-{number}", replicas=TASKS_PER_SERVICE), 30.125)
        nodes = []
        for name, more in (("follower", {"docker.url": engine.url, "metrics.refresh_interval": f"{arguments.interval}s"}),
                           ("other", {})):
            settings = [word for key, value in more.items() for word in ("--set", f"{key}={value}")]
            nodes.append(Daemon(pathlib.Path(folder) / name, "--node", name, *settings, environment=postgres.environment()))
        try:
            measure(nodes, postgres, arguments)
        finally:
            for node in nodes:
                node.stop()


def measure(nodes, postgres, arguments):
    with nodes[1].client() as client:
        wait_until(lambda: client.get("/cache/stats").json["cache_stats"]["metrics_count"] == arguments.tasks)
    begin, before = time.monotonic(), [cpu_seconds(node.pid) for node in nodes]
    time.sleep(arguments.seconds)
    took = time.monotonic() - begin
    follower, other = (100 * (cpu_seconds(node.pid) - used) / took for node, used in zip(nodes, before))
    rows, row_bytes, whole = postgres.ask("SELECT count(*), max(length(body)), pg_total_relation_size('rollcall.samples') "
                                          "FROM rollcall.samples").split("|")
    print(f"{arguments.tasks} tasks, each sampled every {arguments.interval} s: the node that samples them uses {follower:.2f} % of "
          f"a core, the one that hears of them {other:.2f} %; {rows} rows are kept, of {int(row_bytes) / 1024:.0f} KiB at most, in "
          f"{int(whole) / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
