"""A small real web client for tests: whole answers, raw bytes, and a closed loop of connections that counts failures."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from autoscaler.spec.models import Bind


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str | None:
        for line in self.head.decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return None


class Connection:
    """One keep-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, bind: Bind) -> "Connection":
        return cls(*await asyncio.open_connection(bind.host, bind.port, limit=1024 * 1024))

    async def ask(self, path: str = "/", method: str = "GET", body: bytes = b"", headers: str = "") -> Answer:
        """Raises ConnectionError or IncompleteReadError where no whole answer came."""
        length = f"Content-Length: {len(body)}\r\n" if body or method == "POST" else ""
        host = "" if headers.lower().startswith("host:") else "Host: localhost\r\n"
        self._writer.write(f"{method} {path} HTTP/1.1\r\n{host}{length}{headers}\r\n".encode() + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        answer = Answer(int(head.split(b" ")[1]), head, b"")
        if answer.header("Transfer-Encoding") == "chunked":
            return Answer(answer.status, head, await self._chunks())
        size = int(answer.header("Content-Length") or 0)
        body = await self._reader.readexactly(size) if method != "HEAD" else b""
        if answer.header("Connection") == "close":
            self.close()
        return Answer(answer.status, head, body)

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self._reader.readline(), 16):
            body += await self._reader.readexactly(size)
            await self._reader.readexactly(2)
        await self._reader.readexactly(2)
        return body

    @property
    def closed(self) -> bool:
        return self._writer.is_closing() or self._reader.at_eof()

    def close(self) -> None:
        self._writer.close()


async def ask(bind: Bind, path: str = "/", method: str = "GET", body: bytes = b"", headers: str = "") -> Answer:
    """One request over a connection of its own."""
    connection = await Connection.to(bind)
    try:
        return await connection.ask(path, method, body, headers)
    finally:
        connection.close()


async def send_raw(bind: Bind, sent: bytes, timeout_s: float = 2.0) -> bytes:
    """Everything that comes back until the other end closes, or for `timeout_s`."""
    reader, writer = await asyncio.open_connection(bind.host, bind.port)
    answer = b""
    with suppress(TimeoutError, ConnectionError):
        writer.write(sent)
        async with asyncio.timeout(timeout_s):
            while part := await reader.read(65536):
                answer += part
    writer.close()
    return answer


@dataclass
class Load:
    """What a load led to: answers by status, and connections that ended without one."""

    statuses: Counter[int] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.statuses.total() + len(self.broken)

    @property
    def failed(self) -> list[str]:
        """What was not a 2xx."""
        return [str(status) for status in self.statuses.elements() if not 200 <= status < 300] + self.broken


@asynccontextmanager
async def load(
    bind: Bind, connections: int, path: Callable[[int], str] = lambda n: "/", pause_s: float = 0.0, headers: str = ""
) -> AsyncIterator[Load]:
    """Requests over so many keep-alive connections, a tenth of them POSTs, each 20th on a new connection."""
    seen = Load()
    stopping = asyncio.Event()

    async def client(number: int) -> None:
        connection: Connection | None = None
        sent = number
        while not stopping.is_set():
            sent += 1
            try:
                if connection is None or connection.closed or sent % 20 == 0:
                    if connection is not None:
                        connection.close()
                    connection = await Connection.to(bind)
                method, body = ("POST", b"hello") if sent % 10 == 0 else ("GET", b"")
                answer = await connection.ask(path(sent), method, body, headers)
                seen.statuses[answer.status] += 1
            except (OSError, asyncio.IncompleteReadError) as error:
                seen.broken.append(f"{type(error).__name__}: {error}")
                connection = None
                await asyncio.sleep(0.01)
            await asyncio.sleep(pause_s)
        if connection is not None:
            connection.close()

    tasks = [asyncio.create_task(client(number)) for number in range(connections)]
    try:
        yield seen
    finally:
        stopping.set()
        await asyncio.wait(tasks, timeout=10)
        for task in tasks:
            task.cancel()
