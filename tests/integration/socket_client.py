"""The socket protocol from the client's side: frames as the original's client sends them, and lines."""
import json
import socket
import struct
import sys
from typing import Any

TIMEOUT_S = 10


def endpoint(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def frame(content: bytes, **header: Any) -> bytes:
    """Two bytes of length, a JSON header with four members, the content."""
    described = {"byteorder": sys.byteorder, "content-type": "text/json", "content-encoding": "utf-8",
                 "content-length": len(content)} | header
    encoded = json.dumps({key: value for key, value in described.items() if value is not None}).encode()
    return struct.pack(">H", len(encoded)) + encoded + content


def request(action: str, **members: Any) -> bytes:
    return frame(json.dumps({"action": action} | members).encode())


def read_frame(data: bytes) -> tuple[str, bytes]:
    """Media type and content of the one frame that `data` is."""
    length, = struct.unpack(">H", data[:2])
    header = json.loads(data[2:2 + length])
    assert set(header) == {"byteorder", "content-type", "content-encoding", "content-length"}
    content = data[2 + length:]
    assert len(content) == header["content-length"]
    return header["content-type"], content


def exchange(address: str, data: bytes, slice_bytes: int | None = None) -> bytes:
    """Sends, and reads until the server closes."""
    with socket.create_connection(endpoint(address), timeout=TIMEOUT_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for begin in range(0, len(data), slice_bytes or len(data)):
            connection.sendall(data[begin:begin + (slice_bytes or len(data))])
        received = b""
        while more := connection.recv(65536):
            received += more
        return received


def ask(address: str, action: str, **members: Any) -> Any:
    """As the original's client: one request, one answer. A list for a query, a text for the rest."""
    media_type, content = read_frame(exchange(address, request(action, **members)))
    assert media_type == ("text/json" if content.startswith(b"[") else "text/plain")
    return json.loads(content) if media_type == "text/json" else content.decode()


class Lines:
    """A connection that stays open."""

    def __init__(self, address: str) -> None:
        self.socket = socket.create_connection(endpoint(address), timeout=TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self) -> str:
        """The next line; empty at the end."""
        return self._file.readline().decode().rstrip("\n")

    def say(self, line: str) -> str:
        self.send(line.encode() + b"\n")
        return self.read()
