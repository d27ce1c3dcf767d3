#!/usr/bin/env python3
"""Says the lines of standard input to the socket protocol at 127.0.0.1:PORT and prints the answers, a line each.

    bench/talk_lines.py PORT < LINES
"""

import socket
import sys
import threading


def main():
    lines = sys.stdin.buffer.read()
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as server:
        threading.Thread(target=server.sendall, args=(lines,), daemon=True).start()
        left = lines.count(b"\n")
        while left > 0 and (answers := server.recv(1 << 16)):
            left -= answers.count(b"\n")
            sys.stdout.buffer.write(answers)


main()
