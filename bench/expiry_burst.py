#!/usr/bin/env python3
"""How long readers and heartbeats wait while 100,000 leases run out in one second.

    bench/expiry_burst.py ADDRESS:PORT [INSTANCES]

Against a daemon of its own: registers the instances, renews them all at once, lets them run out, and times look-ups and
heartbeats of another instance all the while, a connection each.
"""
import http.client
import json
import sys
import threading
import time

SERVICES = 1000
TTL_S = 20
QUIET_S = 3
HEADERS = {"Content-Type": "application/json"}


def connect(address: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(address, timeout=30)


def ask(connection: http.client.HTTPConnection, method: str, target: str, body: object = None) -> bytes:
    connection.request(method, target, body=None if body is None else json.dumps(body), headers=HEADERS)
    response = connection.getresponse()
    answer = response.read()
    if response.status >= 400:
        sys.exit(f"{method} {target}: {response.status} {answer.decode()}")
    return answer


def register(address: str, first: int, last: int) -> None:
    connection = connect(address)
    for i in range(first, last):
        ask(connection, "PUT", f"/services/burst-{i % SERVICES}/instances/burst-{i}",
            {"address": "10.0.0.1", "port": 80, "ttl": TTL_S})


def register_all(address: str, count: int) -> None:
    lanes = 16
    threads = [threading.Thread(target=register, args=(address, count * k // lanes, count * (k + 1) // lanes))
               for k in range(lanes)]
    stop = threading.Event()

    def keep_alive() -> None:
        while not stop.wait(TTL_S / 4):
            renew_all(address, count)

    keeper = threading.Thread(target=keep_alive)
    for thread in [*threads, keeper]:
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    keeper.join()


def renew_all(address: str, count: int) -> float:
    connection = connect(address)
    begin = time.monotonic()
    for first in range(0, count, 10_000):
        ask(connection, "POST", "/heartbeats", {"ids": [f"burst-{i}" for i in range(first, min(first + 10_000, count))]})
    return time.monotonic() - begin


def instances(connection: http.client.HTTPConnection) -> int:
    return json.loads(ask(connection, "GET", "/health"))["cache"]["instances_count"]


def line(what: str, taken: list[float]) -> str:
    taken = sorted(taken)
    return (f"{what:<34}{len(taken):8} asked  median {taken[len(taken) // 2] * 1e6:7.0f} us  "
            f"p99 {taken[len(taken) * 99 // 100] * 1e6:7.0f} us  most {taken[-1] * 1e3:7.1f} ms")


def time_all(address: str, method: str, target: str, stop: threading.Event, out: list[tuple[float, float]]) -> None:
    connection = connect(address)
    while not stop.is_set():
        begin = time.monotonic()
        ask(connection, method, target)
        out.append((begin, time.monotonic() - begin))


def main() -> None:
    address = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    watch = connect(address)
    ask(watch, "PUT", "/services/other/instances/other-1", {"address": "10.0.0.2", "port": 80, "ttl": 600})
    register_all(address, count)
    renewed_in = renew_all(address, count)
    print(f"{count} leases renewed within {renewed_in:.2f} s, ttl {TTL_S} s")

    kinds = {"look-up": ("GET", "/services/other"), "heartbeat": ("PUT", "/instances/other-1/heartbeat")}
    stop = threading.Event()
    taken: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    threads = [threading.Thread(target=time_all, args=(address, *kinds[kind], stop, taken[kind])) for kind in kinds]
    time.sleep(TTL_S - QUIET_S - renewed_in)
    for thread in threads:
        thread.start()
    while instances(watch) > count:
        time.sleep(0.01)
    begin = time.monotonic()
    while instances(watch) > 1:
        time.sleep(0.01)
    end = time.monotonic()
    stop.set()
    for thread in threads:
        thread.join()
    print(f"all removed within {end - begin:.2f} s of the first")
    for kind, pairs in taken.items():
        print(line(f"{kind} before", [took for at, took in pairs if at < begin]))
        print(line(f"{kind} meanwhile", [took for at, took in pairs if begin <= at <= end]))


if __name__ == "__main__":
    main()
