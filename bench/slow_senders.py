#!/usr/bin/env python3
"""What senders that take their time cost the others: COUNT connections send a byte of a request each second, and begin
again when the daemon has had enough of them, while wrk looks up /services/web over 16 connections. Rounds without and
with them alternate.

    bench/slow_senders.py PORT [COUNT [ROUNDS [SECONDS]]]
"""

import re
import resource
import socket
import subprocess
import sys
import threading
import time

REQUEST = b"GET /services/web HTTP/1.1\r\nHost: localhost\r\nX-Padding: " + b"x" * 200


class SlowSenders:
    def __init__(self, port, count):
        self.port, self.stopped = port, threading.Event()
        self.connections = [[self.connect(), 0] for _ in range(count)]
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port))

    def run(self):
        pause = 1 / len(self.connections)
        while not self.stopped.is_set():
            begin = time.monotonic()
            for n, connection in enumerate(self.connections):
                self.send_byte(connection)
                late = begin + n * pause - time.monotonic()
                if late > 0.005:
                    self.stopped.wait(late)

    def send_byte(self, connection):
        server, sent = connection
        try:
            server.send(REQUEST[sent : sent + 1], socket.MSG_NOSIGNAL)
            connection[1] += 1
        except OSError:
            server.close()
            connection[:] = [self.connect(), 0]

    def stop(self):
        self.stopped.set()
        self.thread.join()
        for server, _ in self.connections:
            server.close()


def p99_ms(port, seconds):
    told = subprocess.run(
        ["wrk", "-t1", "-c16", f"-d{seconds}s", "--latency", f"http://127.0.0.1:{port}/services/web"],
        capture_output=True, text=True, check=True,
    ).stdout
    amount, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", told).groups()
    return float(amount) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]


def main():
    port = int(sys.argv[1])
    count, rounds, seconds = (int(sys.argv[n]) if len(sys.argv) > n else default
                              for n, default in ((2, 1000), (3, 5), (4, 5)))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    p99_ms(port, 1)
    print(f"| 99th percentile of a look-up | without | beside {count} slow senders | ratio |\n|---|---|---|---|")
    for number in range(1, rounds + 1):
        without = p99_ms(port, seconds)
        senders = SlowSenders(port, count)
        beside = p99_ms(port, seconds)
        senders.stop()
        print(f"| {number} | {without:.2f} ms | {beside:.2f} ms | {beside / without:.2f} |", flush=True)


main()
