"""A RabbitMQ broker of a test's own (tests/servers/rabbitmq.sh), and who reads from it."""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
from typing import NamedTuple

import pika
import pytest

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "servers" / "rabbitmq.sh"
EXCHANGE = "service-registry"


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody listens on."""
    for first in range(20_000, 32_000, count):
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(contextlib.closing(socket.socket())).bind(("127.0.0.1", port))
                return first
            except OSError:
                continue
    raise AssertionError("no ports are free")


class Message(NamedTuple):
    key: str
    id: str
    content: dict
    properties: pika.BasicProperties


class RabbitMq:
    def __init__(self, folder: pathlib.Path, tls: pathlib.Path | None = None) -> None:
        self.port = free_ports(4)
        self._place = None  # of a broker that is away
        self._settings = {"RABBIT_DIR": str(folder), "RABBIT_PORT": str(self.port)} | ({"RABBIT_TLS": str(tls)} if tls else {})
        self("start")

    def __call__(self, verb: str, *arguments: str) -> str:
        if self._place:
            self._place.close()
        done = subprocess.run([SCRIPT, verb, *arguments], env=os.environ | self._settings, check=True,
                              stdout=subprocess.PIPE, text=True, timeout=90)
        if verb == "kill":
            self._keep_place()
        return done.stdout.strip()

    def _keep_place(self) -> None:
        """Nobody else's broker gets the port: bound and not listening, it refuses connections."""
        self._place = socket.socket()
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._place.bind(("127.0.0.1", self.port))

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def environment(self) -> dict[str, str]:
        return {"RABBITMQ_URL": self.url}

    @contextlib.contextmanager
    def channel(self):
        connection = pika.BlockingConnection(pika.URLParameters(self.url))
        yield connection.channel()
        connection.close()

    def bind(self, queue: str, pattern: str = "#") -> None:
        """A durable queue that keeps what is published from now on."""
        with self.channel() as channel:
            channel.exchange_declare(EXCHANGE, "topic", durable=True)
            channel.queue_declare(queue, durable=True)
            channel.queue_bind(queue, EXCHANGE, pattern)

    def drain(self, queue: str) -> list[Message]:
        """What is in the queue now."""
        taken = []
        with self.channel() as channel:
            while True:
                method, properties, body = channel.basic_get(queue, auto_ack=True)
                if method is None:
                    return taken
                taken.append(Message(method.routing_key, properties.message_id, json.loads(body), properties))


@contextlib.contextmanager
def running_rabbitmq(**more):
    if not pathlib.Path("/usr/lib/rabbitmq/bin/rabbitmq-server").exists():
        pytest.skip("RabbitMQ isn't installed")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rollcall-rabbit-", dir="/tmp"))
    running = RabbitMq(folder, **more)
    try:
        yield running
    finally:
        running("stop")
        shutil.rmtree(folder, ignore_errors=True)
