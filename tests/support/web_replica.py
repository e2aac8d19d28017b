"""A small real web server for tests: one asyncio server that counts what it was sent and can be told to misbehave.

/slow?MS       answers after so many milliseconds          /status?N    answers with status N
/drip?N        N chunks, one each 50 ms                    /die         closes the connection without an answer
/echo          becomes a WebSocket in name, and sends back each line that comes
/held          one chunk, and another when `released` is set
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from autoscaler.model import Address

CHUNK = b"5\r\nchunk\r\n"
SWITCHED = (  # the answer to WebSocket key dGhlIHNhbXBsZSBub25jZQ== in RFC 6455, 1.3
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


@dataclass
class WebReplica:
    """Started by `start`; `heads` are the request heads as they came, `busiest` the most that were in flight at once."""

    name: str
    idle_timeout_s: float | None = None
    heads: list[bytes] = field(default_factory=list)
    healthy: bool = True
    hangs: bool = False
    raw_answer: bytes | None = None
    in_flight: int = 0
    busiest: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self, port: int = 0) -> "WebReplica":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=256 * 1024, backlog=1024)
        return self

    @property
    def address(self) -> Address:
        assert self._server is not None
        return Address("127.0.0.1", self._server.sockets[0].getsockname()[1])

    @property
    def requests(self) -> int:
        """How many came, health checks apart."""
        return sum(not head.startswith(b"GET /healthz ") for head in self.heads)

    async def stop(self) -> None:
        """Stop listening and cut all connections."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._writers):
                writer.transport.abort()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            while True:
                async with asyncio.timeout(self.idle_timeout_s):
                    head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                if self.hangs:
                    await asyncio.Event().wait()
                if not await self._answer(head, reader, writer):
                    break
        self._writers.discard(writer)
        writer.close()

    async def _answer(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                await reader.readexactly(int(line.split(b":")[1]))
            if line.lower() == b"transfer-encoding: chunked":
                await _read_chunks(reader)
        path, _, argument = head.split(b" ")[1].partition(b"?")
        if path == b"/healthz":
            return await _send(writer, 200 if self.healthy else 500, b"")
        self.in_flight += 1
        self.busiest = max(self.busiest, self.in_flight)
        try:
            return await self._work(path, argument, reader, writer)
        finally:
            self.in_flight -= 1

    async def _work(self, path: bytes, argument: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if self.raw_answer is not None:
            writer.write(self.raw_answer)
            await writer.drain()
            return False
        if path == b"/die":
            return False
        if path == b"/echo":
            writer.write(SWITCHED)
            while line := await reader.readline():
                writer.write(line)
            return False
        if path in (b"/drip", b"/held"):
            await self._chunks(path, argument, writer)
            return True
        if path == b"/slow":
            await asyncio.sleep(int(argument) / 1000)
        status = int(argument) if path == b"/status" else 200
        return await _send(writer, status, self.name.encode())

    async def _chunks(self, path: bytes, argument: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(int(argument or b"2")):
            writer.write(CHUNK)
            await writer.drain()
            await (asyncio.sleep(0.05) if path == b"/drip" else self.released.wait())
        writer.write(b"0\r\n\r\n")
        await writer.drain()


async def _read_chunks(reader: asyncio.StreamReader) -> None:
    while size := int(await reader.readuntil(b"\r\n"), 16):
        await reader.readexactly(size + 2)
    await reader.readuntil(b"\r\n")


async def _send(writer: asyncio.StreamWriter, status: int, body: bytes) -> bool:
    writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))
    await writer.drain()
    return True
