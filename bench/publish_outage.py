#!/usr/bin/python3
"""A broker that is away for as long as you say while services come and go: what its consumer has got in the end, and
what registrations took meanwhile.

    bench/publish_outage.py [--minutes 60] [--rate 5] [BINARY]

BINARY: the daemon (build/release/bin/rollcall). Needs RabbitMQ and python3-pika. Fails if a message is lost or out of
order.
"""
import argparse
import os
import pathlib
import statistics
import sys
import tempfile
import time

from publish_rate import ROOT, lag, wait_until

QUEUE = "outage"
WARM_UP = 200
TTL_S = 3600


class Traffic:
    """Each instance comes, and goes when the next one comes."""

    def __init__(self, client):
        self._client = client
        self.expected = []  # (routing key, instance), in the order of what was answered
        self.took = []      # seconds of each registration

    def step(self):
        number = len(self.took)
        begin = time.monotonic()
        self._client.register("outage", f"outage-{number}", ttl=TTL_S)
        self.took.append(time.monotonic() - begin)
        self.expected.append(("instance.registered", f"outage-{number}"))
        if number:
            assert self._client.delete(f"/instances/outage-{number - 1}").status == 204
            self.expected.append(("instance.removed", f"outage-{number - 1}"))

    def describe(self, name, first, last):
        took = sorted(self.took[first:last])
        return (f"{name}: median {statistics.median(took) * 1e3:.2f} ms, p99 {took[len(took) * 99 // 100] * 1e3:.2f} ms, "
                f"longest {took[-1] * 1e3:.1f} ms")


def keep_on(traffic, seconds, rate, client):
    begin = time.monotonic()
    told = 0
    while (elapsed := time.monotonic() - begin) < seconds:
        traffic.step()
        if elapsed // 60 > told:
            told = elapsed // 60
            print(f"  {told:.0f} min without a broker: {lag(client)} events wait", file=sys.stderr, flush=True)
        time.sleep(max(0.0, begin + (len(traffic.took) - WARM_UP) / rate - time.monotonic()))


def check(messages, expected):
    """How many came twice. All have to be there, first copies in order."""
    seen, order = set(), []
    for message in messages:
        if message.key.startswith("instance.") and message.id not in seen:
            seen.add(message.id)
            order.append((int(message.id.partition(":")[0]), message.key, message.content["instance"]["id"]))
    got = [(key, instance) for _, key, instance in order]
    missing = set(expected) - set(got)
    assert not missing, f"{len(missing)} of {len(expected)} are lost, such as {sorted(missing)[:3]}"
    wrong = next((place for place, pair in enumerate(zip(got, expected)) if pair[0] != pair[1]), None)
    assert wrong is None, f"not in order from {got[wrong:wrong + 3]} on, where {expected[wrong:wrong + 3]} should be"
    assert len(got) == len(expected), f"{got[len(expected):][:3]} are too many"
    assert order == sorted(order), "revisions aren't in order"
    instances = [message.id for message in messages if message.key.startswith("instance.")]
    return len(instances) - len(set(instances))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", nargs="?", default=ROOT / "build/release/bin/rollcall")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=5, help="registrations a second")
    arguments = parser.parse_args()
    os.environ["ROLLCALL_BIN"] = str(pathlib.Path(arguments.binary).resolve())
    from daemon import Daemon
    from rabbitmq import running_rabbitmq
    with tempfile.TemporaryDirectory() as folder, running_rabbitmq() as broker:
        broker.bind(QUEUE)
        daemon = Daemon(pathlib.Path(folder) / "rollcall", "--log-level", "ERROR", environment=broker.environment())
        try:
            with daemon.client() as client:
                traffic = Traffic(client)
                for _ in range(WARM_UP):
                    traffic.step()
                broker("kill")
                keep_on(traffic, arguments.minutes * 60, arguments.rate, client)
                waiting = lag(client)
                broker("up")
                begin = time.monotonic()
                wait_until(lambda: lag(client) == 0)
                caught_up = time.monotonic() - begin
                twice = check(broker.drain(QUEUE), traffic.expected)
        finally:
            daemon.kill()
    print(f"{arguments.minutes:g} min without a broker: {waiting} events waited, told {caught_up:.1f} s after it was back; of "
          f"{len(traffic.expected)} messages on instances none is lost, all are in order, {twice} came twice")
    print(traffic.describe("a registration with the broker", 0, WARM_UP))
    print(traffic.describe("and without it", WARM_UP, len(traffic.took)))


if __name__ == "__main__":
    main()
