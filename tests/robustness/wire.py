"""A small HTTP/1.1 client with deadlines, over asyncio's streams."""
import asyncio
import json
from typing import Any, AsyncIterator, NamedTuple

HEAD_BYTES = 64 * 1024


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> str:
        """The last word of a problem's type."""
        return self.json.get("type", "").rpartition(":")[2] if self.status >= 400 else ""


class Lost(Exception):
    """No answer. `sent`: perhaps the request has arrived."""

    def __init__(self, why: str, sent: bool) -> None:
        super().__init__(why)
        self.sent = sent


class Connection:
    """To one server, kept alive; opened when it is needed."""

    def __init__(self, address: str, port: int) -> None:
        self.address, self.port = address, port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, method: str, target: str, body: Any = None, *, timeout_s: float = 2.5) -> Answer:
        sent = False
        try:
            async with asyncio.timeout(timeout_s):
                await self._open()
                sent = True
                self._send(method, target, body)
                await self._writer.drain()
                return await self._answer()
        except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError) as error:
            self.close()
            raise Lost(type(error).__name__, sent) from None
        except asyncio.CancelledError:
            self.close()
            raise

    async def stream(self, target: str, headers: dict[str, str], *, timeout_s: float,
                     silence_s: float) -> AsyncIterator[str]:
        """The lines of a streamed answer, "" between its events. First comes the status, as text."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._open()
                self._send("GET", target, None, headers)
                status, fields = await self._head()
            yield str(status)
            while status == 200 and fields.get("transfer-encoding") == "chunked":
                async with asyncio.timeout(silence_s):
                    chunk = await self._chunk()
                if not chunk:
                    return
                for line in self._lines(chunk):
                    yield line
        except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError) as error:
            raise Lost(type(error).__name__, True) from None
        finally:
            self.close()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None

    async def _open(self) -> None:
        self._rest = b""
        if self._writer is not None and not self._reader.at_eof() and not self._writer.is_closing():
            return
        self.close()
        self._reader, self._writer = await asyncio.open_connection(self.address, self.port, limit=HEAD_BYTES)

    def _send(self, method: str, target: str, body: Any, headers: dict[str, str] | None = None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        fields = {"Host": f"{self.address}:{self.port}", **(headers or {})}
        if body is not None:
            fields |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self._writer.write(head.encode() + b"\r\n" + content)

    async def _head(self) -> tuple[int, dict[str, str]]:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = dict(line.split(": ", 1) for line in head[1:] if line)
        return int(head[0].split()[1]), {name.lower(): value for name, value in fields.items()}

    async def _answer(self) -> Answer:
        status, fields = await self._head()
        body = await self._reader.readexactly(int(fields.get("content-length", 0)))
        if fields.get("connection") == "close":
            self.close()
        return Answer(status, fields, body)

    async def _chunk(self) -> bytes:
        size = int(await self._reader.readuntil(b"\r\n"), 16)
        return (await self._reader.readexactly(size + 2))[:-2]

    def _lines(self, chunk: bytes) -> list[str]:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [line.decode() for line in lines]
