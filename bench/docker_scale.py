#!/usr/bin/python3
"""A large Swarm, from an engine that isn't one: how long the first list and a comparison take, what the daemon uses while
nothing happens, and how soon a change is listed.

    bench/docker_scale.py [--services 1000] [--tasks 10] [--idle 60] [BINARY]

BINARY: the daemon (build/release/bin/rollcall). One line of figures each.
"""
import argparse
import os
import pathlib
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/docker"), str(ROOT / "tests/integration")]

from fake_engine import FakeEngine  # noqa: E402


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def figure(client, name):
    for line in client.get("/metrics").body.decode().splitlines():
        if line.startswith(f"rollcall_{name} "):
            return float(line.split()[1])
    return 0.0


def wait_until(condition, within_s=120):
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


def measure(engine, daemon, arguments):
    client, pid = daemon.client(), daemon.pid
    wanted = arguments.services * arguments.tasks
    begin, used = time.monotonic(), cpu_seconds(pid)
    wait_until(lambda: figure(client, "docker_tasks") == wanted)
    listed = figure(client, "docker_refresh_seconds")
    wait_until(lambda: figure(client, "instances") == wanted)
    print(f"first list: {listed:.2f} s, everything in the registry after {time.monotonic() - begin:.2f} s, "
          f"{cpu_seconds(pid) - used:.2f} s of CPU")
    begin = time.monotonic()
    delays = []
    services = list(engine.services)
    for change in range(200):
        service = services[change * 7 % len(services)]
        name = engine.services[service]["Spec"]["Name"]
        at = engine.touch(service, change=str(change)) / 1e9
        while client.get(f"/services/{name}").json["service"]["labels"].get("change") != str(change):
            pass
        delays.append(time.time() - at)
    delays.sort()
    print(f"event to /services: median {statistics.median(delays) * 1e3:.1f} ms, p99 {delays[197] * 1e3:.1f} ms")
    wait_until(lambda: figure(client, "docker_refresh_age_seconds") < 1)
    idle(daemon, arguments.idle)


def idle(daemon, seconds):
    pid = daemon.pid
    refreshes = figure(daemon.client(), "docker_refreshes_total")
    used, begin = cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)
    share = (cpu_seconds(pid) - used) / (time.monotonic() - begin)
    client = daemon.client()
    compared = figure(client, "docker_refreshes_total") - refreshes
    print(f"idle: {share * 100:.2f} % of a core over {seconds} s with {compared:.0f} comparisons of "
          f"{figure(client, 'docker_refresh_seconds') * 1e3:.0f} ms; {resident_mib(pid):.0f} MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", nargs="?", default=ROOT / "build/release/bin/rollcall")
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--tasks", type=int, default=10)
    parser.add_argument("--idle", type=int, default=60)
    arguments = parser.parse_args()
    os.environ["ROLLCALL_BIN"] = str(pathlib.Path(arguments.binary).resolve())
    from daemon import Daemon
    with tempfile.TemporaryDirectory() as folder, FakeEngine(pathlib.Path(folder) / "docker.sock") as engine:
        for number in range(arguments.services):
            engine.add_service(f"service-{number}", arguments.tasks, tell=False)
        for path in ("services", "tasks"):
            size = len(engine.reply(f"/{path}", {})[1])
            print(f"{path}: {size / 1e6:.1f} MB", end="\n" if path == "tasks" else ", ")
        daemon = Daemon(pathlib.Path(folder) / "rollcall", "--set", f"docker.url={engine.url}", "--log-level", "WARNING")
        try:
            measure(engine, daemon, arguments)
        finally:
            daemon.stop()


if __name__ == "__main__":
    main()
