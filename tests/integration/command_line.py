"""`rollcall` as its users run it."""
import os
import socket
import subprocess

import client
from daemon import binary

BOUND_S = 15


def plain_environment(**more):
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ROLLCALL_")}
    return kept | more


def run(*words, server=None, **environment):
    more = {"ROLLCALL_SERVER": server} if server else {}
    return subprocess.run([binary(), *words], capture_output=True, text=True, timeout=BOUND_S, stdin=subprocess.DEVNULL,
                          env=plain_environment(**more, **environment))


def keep(address, name, *command, **more):
    return subprocess.Popen([binary(), "register", name, "--id", name, "--port", "1", "--ttl", "1s", "--", *command],
                            env=plain_environment(ROLLCALL_SERVER=address, **more), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def eventually(what):
    return client.eventually(what, BOUND_S)
