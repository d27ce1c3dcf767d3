#!/usr/bin/env python3
"""kill -9 of a process whose instance is bound to its connection: how long until a watcher knows.

bound_kill.py HTTP_ADDRESS SOCKET_ADDRESS [ROUNDS]
"""
import os
import signal
import socket
import sys
import time


def connect(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def doomed(address: str, tell: int) -> None:
    """A process that registers and then waits for its end."""
    bound = connect(address)
    bound.sendall(b"register doomed 10.0.0.1 80 bound\n")
    os.write(tell, bound.recv(100))
    signal.pause()


def await_event(stream: socket.socket, kind: bytes, uuid: bytes) -> None:
    told = b""
    while b"event: " + kind not in told or uuid not in told:
        more = stream.recv(65536)
        if not more:
            sys.exit("the stream ended")
        told += more


def one_round(stream: socket.socket, address: str) -> float:
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            doomed(address, tell)
        finally:
            os._exit(1)
    uuid = os.read(ready, 100).strip()
    await_event(stream, b"registered", uuid)
    begin = time.perf_counter()
    os.kill(child, signal.SIGKILL)
    await_event(stream, b"removed", uuid)
    took = time.perf_counter() - begin
    os.waitpid(child, 0)
    os.close(ready)
    os.close(tell)
    return took * 1000


def main() -> None:
    http, lines = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    stream = connect(http)
    stream.sendall(b"GET /watch?service=doomed HTTP/1.0\r\nHost: localhost\r\n\r\n")
    await_event(stream, b"ready", b"generation")
    took = sorted(one_round(stream, lines) for _ in range(rounds))
    at = lambda part: took[min(rounds - 1, int(rounds * part))]  # noqa: E731
    print(f"{rounds} kills: median {at(0.5):.2f} ms, 99th percentile {at(0.99):.2f} ms, longest {took[-1]:.2f} ms")


if __name__ == "__main__":
    main()
