#!/usr/bin/env python3
"""What gzip saves and costs: lists of instances, fetched as they are and compressed.

    bench/compression.py ADDRESS:PORT [INSTANCES]

Against a daemon of its own: registers the instances in one service and four in another, fetches each list with curl, and
times look-ups of a third service all the while.
"""
import http.client
import json
import statistics
import subprocess
import sys
import threading
import time

FEW = 4
ROUNDS = 21
HEADERS = {"Content-Type": "application/json"}


def ask(connection: http.client.HTTPConnection, method: str, target: str, body: object = None) -> None:
    connection.request(method, target, body=None if body is None else json.dumps(body), headers=HEADERS)
    response = connection.getresponse()
    answer = response.read()
    if response.status >= 400:
        sys.exit(f"{method} {target}: {response.status} {answer.decode()}")


def register_all(address: str, service: str, count: int) -> None:
    connection = http.client.HTTPConnection(address, timeout=30)
    for i in range(count):
        ask(connection, "PUT", f"/services/{service}/instances/{i * 2654435761 % 2**32:08x}-{service}-{i}",
            {"address": f"10.0.{i // 256 % 256}.{i % 256}", "port": 8000 + i % 100, "ttl": 3600, "tags": ["blue"],
             "metadata": {"zone": f"zone-{i % 7}"}})


def fetch(address: str, target: str, *arguments: str) -> tuple[int, float]:
    """Bytes on the wire, and seconds."""
    done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{size_download} %{time_total}", *arguments,
                           f"http://{address}{target}"], capture_output=True, check=True, text=True)
    size, took = done.stdout.split()
    return int(size), float(took)


def time_look_ups(address: str, stop: threading.Event, taken: list[float]) -> None:
    connection = http.client.HTTPConnection(address, timeout=30)
    while not stop.is_set():
        begin = time.monotonic()
        ask(connection, "GET", "/services/other")
        taken.append(time.monotonic() - begin)


def measure(address: str, target: str, *arguments: str) -> str:
    stop, look_ups = threading.Event(), []
    beside = threading.Thread(target=time_look_ups, args=(address, stop, look_ups))
    beside.start()
    fetched = [fetch(address, target, *arguments) for _ in range(ROUNDS)]
    stop.set()
    beside.join()
    size = fetched[0][0]
    took = statistics.median(seconds for _, seconds in fetched)
    look_ups.sort()
    return (f"{size:>9} bytes  {took * 1e3:7.1f} ms  look-ups meanwhile: median {look_ups[len(look_ups) // 2] * 1e6:5.0f} us, "
            f"p99 {look_ups[len(look_ups) * 99 // 100] * 1e6:5.0f} us, most {look_ups[-1] * 1e3:5.1f} ms")


def main() -> None:
    address = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    for service, size in ("many", count), ("few", FEW), ("other", 1):
        register_all(address, service, size)
    for target in "/services/many/instances", "/services/few/instances":
        for name, arguments in (("plain", []), ("gzip", ["--compressed"]),
                                ("gzip, HTTP/2", ["--compressed", "--http2-prior-knowledge"])):
            print(f"{target:<26} {name:<13} {measure(address, target, *arguments)}", flush=True)


if __name__ == "__main__":
    main()
