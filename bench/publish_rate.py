#!/usr/bin/python3
"""What publishing to a real RabbitMQ costs: how soon a consumer has a registration, how fast a backlog is told, and how
many registrations a second there are with publishing and without.

    bench/publish_rate.py [--backlog 100000] [--seconds 10] [--rounds 6] [BINARY]

BINARY: the daemon (build/release/bin/rollcall). Needs RabbitMQ, wrk, and python3-pika. One line of figures each.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/integration")]
CONNECTIONS = 64


def wait_until(condition, within_s=600):
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.01)


def lag(client):
    return client.get("/events").json["lag"]["events"]


def registrations(daemon, seconds):
    """Registrations a second."""
    host, port = daemon.address.rpartition(":")[::2]
    done = subprocess.run(["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s", "-s", ROOT / "bench/register.lua",
                           f"http://{host}:{port}"], check=True, capture_output=True, text=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("Requests/sec"))
    assert "Non-2xx" not in done.stdout, done.stdout
    return float(line.split()[1])


def measure_delay(broker, daemon, count=1000):
    """From a registration's request to its message at a consumer."""
    broker.bind("delay", "instance.registered")
    came, arrived = {}, threading.Event()

    def consume():
        with broker.channel() as channel:
            for method, _, body in channel.consume("delay", inactivity_timeout=30):
                if method is None:
                    break
                came[len(came)] = time.monotonic()
                channel.basic_ack(method.delivery_tag)
                if len(came) == count:
                    break
        arrived.set()

    thread = threading.Thread(target=consume)
    thread.start()
    asked = []
    with daemon.client() as client:
        for number in range(count):
            asked.append(time.monotonic())
            client.register("delay", f"delay-{number}")
            wait_until(lambda number=number: number in came, 30)
    arrived.wait(60)
    thread.join()
    delays = sorted(came[number] - asked[number] for number in range(count))
    print(f"from a registration to its consumer: median {statistics.median(delays) * 1e3:.1f} ms, "
          f"p99 {delays[count * 99 // 100] * 1e3:.1f} ms")


def measure_backlog(broker, daemon, wanted):
    """All that was written while the broker was away, told once it is back, and kept by a durable queue."""
    broker.bind("backlog")
    broker("kill")
    with daemon.client() as client:
        while lag(client) < wanted:
            registrations(daemon, 2)
        backlog = lag(client)
        broker("up")
        wait_until(lambda: client.get("/events").json["connected"])
        begin, left = time.monotonic(), lag(client)
        wait_until(lambda: lag(client) == 0)
        took = time.monotonic() - begin
    with broker.channel() as channel:
        kept = channel.queue_declare("backlog", passive=True).method.message_count
        channel.queue_delete("backlog")
    assert kept >= backlog, f"the queue has {kept} messages"
    print(f"a backlog of {backlog} events: {left} of them in {took:.1f} s, {left / took:.0f} events a second, confirmed")


def measure_cost(make, broker, seconds, rounds):
    def rate(environment):
        daemon = make(environment)
        try:
            return registrations(daemon, seconds)
        finally:
            daemon.stop()

    for state, prepare in (("that is down", "kill"), ("that keeps it all on the same cores", "up")):
        broker(prepare)
        if prepare == "up":
            broker.bind("cost")
        rates = {"without": [], "with": []}
        for number in range(rounds):  # each goes first in turn
            for name in list(rates)[::-1 if number % 2 else 1]:
                rates[name].append(rate(broker.environment() if name == "with" else {}))
        without, with_it = rates.values()
        shares = [a / b for a, b in zip(with_it, without)]
        print(f"registrations a second, {CONNECTIONS} clients: {statistics.median(without):.0f} without publishing, "
              f"{statistics.median(with_it):.0f} with a broker {state}; pairwise {statistics.median(shares):.2f} "
              f"({min(shares):.2f} to {max(shares):.2f})")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", nargs="?", default=ROOT / "build/release/bin/rollcall")
    parser.add_argument("--backlog", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=6)
    arguments = parser.parse_args()
    os.environ["ROLLCALL_BIN"] = str(pathlib.Path(arguments.binary).resolve())
    from daemon import Daemon
    from rabbitmq import running_rabbitmq
    with tempfile.TemporaryDirectory() as folder, running_rabbitmq() as broker:
        made = []

        def make(environment):
            made.append(Daemon(pathlib.Path(folder) / f"rollcall-{len(made)}", "--log-level", "ERROR", environment=environment))
            return made[-1]

        try:
            daemon = make(broker.environment())
            measure_delay(broker, daemon)
            measure_backlog(broker, daemon, arguments.backlog)
            daemon.stop()
            measure_cost(make, broker, arguments.seconds, arguments.rounds)
        finally:
            for daemon in made:
                daemon.kill()


if __name__ == "__main__":
    main()
