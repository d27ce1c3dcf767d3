#!/usr/bin/env python3
"""What a connection costs that has asked once and is kept open, in bytes of the daemon's resident memory.

    bench/idle_connections.py PORT PID [COUNT]
"""

import resource
import socket
import sys


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def ask(server):
    server.sendall(b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n")
    if not server.recv(4096).startswith(b"HTTP/1.1 200"):
        sys.exit("it answers otherwise than expected")


def main():
    port, pid = int(sys.argv[1]), int(sys.argv[2])
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 10_000
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with socket.create_connection(("127.0.0.1", port)) as first:
        ask(first)  # what the first request allocates for good isn't the connections'
        before = resident_bytes(pid)
        connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
        for connection in connections:
            ask(connection)
        each = (resident_bytes(pid) - before) / count
        print(f"{count} connections, each {each / 1024:.2f} KiB")


main()
