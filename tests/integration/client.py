"""A client that holds every answer against the description, and a raw one for what no proper client sends."""
import http.client
import json
import socket
import time
from typing import Any, Callable, NamedTuple

from described import Description

DESCRIPTION = Description()
TIMEOUT_S = 10


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One keep-alive connection."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.host, self.port = host.strip("[]"), int(port)
        self._connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_S)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, method: str, target: str, body: Any = None, *, raw: bytes | None = None,
            headers: dict[str, str] | None = None, described: bool = True) -> Answer:
        """`body` goes as JSON, `raw` as it is. Answers that aren't as described fail the test."""
        sent = dict(headers or {})
        if body is not None:
            raw = json.dumps(body).encode()
        if raw is not None:
            sent.setdefault("Content-Type", "application/json")
        self._connection.request(method, target, body=raw, headers=sent)
        response = self._connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        if described:
            DESCRIPTION.judge(method, target, *answer)
        elif answer.status >= 400 and method != "HEAD":
            DESCRIPTION.judge_problem(answer.headers, answer.body)
        return answer

    def get(self, target: str, **more: Any) -> Answer:
        return self.ask("GET", target, **more)

    def put(self, target: str, body: Any = None, **more: Any) -> Answer:
        return self.ask("PUT", target, body, **more)

    def post(self, target: str, body: Any = None, **more: Any) -> Answer:
        return self.ask("POST", target, body, **more)

    def delete(self, target: str, **more: Any) -> Answer:
        return self.ask("DELETE", target, **more)

    def register(self, service: str, id_: str, **spec: Any) -> dict:
        answer = self.put(f"/services/{service}/instances/{id_}", {"address": "10.0.0.5", "port": 8080, **spec})
        assert answer.status in (200, 201), answer
        return answer.json


class Wire:
    """Bytes as they are, on a connection of its own."""

    def __init__(self, client: Client) -> None:
        self.socket = socket.create_connection((client.host, client.port), timeout=TIMEOUT_S)
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def status_line(self) -> str:
        return self._file.readline().decode().rstrip()

    def answer(self, head: bool = False) -> Answer:
        status = int(self.status_line().split()[1])
        headers = http.client.parse_headers(self._file)
        length = 0 if head or status in (204, 304) or status < 200 else int(headers["Content-Length"])
        return Answer(status, headers, self._file.read(length))

    def closed(self) -> bool:
        """Whether the peer has closed, waiting for it."""
        try:
            return self._file.read(1) == b""
        except ConnectionResetError:
            return True


def eventually(what: Callable[[], Any], within_s: float) -> Any:
    """The first true value of `what`, which is asked again and again until then."""
    deadline = time.monotonic() + within_s
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {within_s} s"
        time.sleep(0.01)
