"""The replica: HTTP/1.1 by the standard library alone, so that it boots at once, and it misbehaves when asked to.

/            answers                          /slow?s=N     after so many seconds
/stream?s=N  a piece each 100 ms              /echo         a WebSocket that says everything back
/nonsense    what is no HTTP                  POST          answers the body's SHA-256

What is idle for a second is closed, as some servers do. SIGTERM: what is in flight is answered, then it ends.

SHARED is a folder that the suite shares with all replicas. In `journal` each request taken gets a line, each stop signal
too; `wishes/WISH` asks all of them and `wishes/WISH-NAME` one to misbehave:

    crash   ends while it boots       slow    boots for 4 s                   sick   /healthz says 500
    mute    never listens             deaf    goes on after SIGTERM
    refuse  closes its listener       eat     takes memory until it is killed
"""

import asyncio
import base64
import hashlib
import os
import signal
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

SHARED = Path(os.environ["SHARED"])
NAME = os.environ.get("AUTOSCALER_REPLICA") or os.uname().nodename
PORT = int(os.environ.get("PORT", "5000"))
IDLE_S = 1.0
SLOW_BOOT_S = 4.0
LOOK_S = 0.05
PIECE = b"64\r\n" + b"." * 100 + b"\r\n"
WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
CLOSE = 8

journal = os.open(SHARED / "journal", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
in_flight: set[str] = set()  # their ids
writers: set[asyncio.StreamWriter] = set()


def note(*words: object) -> None:
    """A line in the journal; one write, so that replicas don't mix theirs."""
    os.write(journal, (" ".join(map(str, words)) + "\n").encode())


def wished(wish: str) -> bool:
    """Whether this replica was asked to misbehave so."""
    wishes = SHARED / "wishes"
    return (wishes / wish).exists() or (wishes / f"{wish}-{NAME}").exists()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, for as many requests as come."""
    writers.add(writer)
    try:
        while True:
            async with asyncio.timeout(IDLE_S):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            if head.startswith("GET /healthz "):
                await send(writer, 500 if wished("sick") else 200, "")
                continue
            id = request_id(head)
            note("took", id, NAME)
            in_flight.add(id)
            try:
                await answer(head, reader, writer)
            finally:
                in_flight.discard(id)
    except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
        pass
    finally:
        writers.discard(writer)
        writer.close()


def request_id(head: str) -> str:
    """What the suite calls the request."""
    return next((line[14:] for line in head.split("\r\n") if line.lower().startswith("x-request-id: ")), "-")


async def answer(head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request."""
    line, *lines = head.split("\r\n")
    method, target, _ = line.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (header.partition(":") for header in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    url = urlsplit(target)
    seconds = float(parse_qs(url.query).get("s", ["0"])[0])
    if url.path == "/echo":
        await echo(headers["sec-websocket-key"].encode(), reader, writer)
    elif url.path == "/stream":
        await stream(round(seconds / 0.1), writer)
    elif url.path == "/nonsense":
        writer.write(b"\x00\xff this is no HTTP\r\n\r\n")
        raise ConnectionError
    else:
        await asyncio.sleep(seconds)
        await send(writer, 200, hashlib.sha256(body).hexdigest() if method == "POST" else NAME, bare=method == "HEAD")


async def send(writer: asyncio.StreamWriter, status: int, text: str, *, bare: bool = False) -> None:
    """An answer; `bare`: without its body."""
    head = f"HTTP/1.1 {status} X\r\nX-Replica: {NAME}\r\nContent-Length: {len(text)}\r\n\r\n"
    writer.write((head if bare else head + text).encode())
    await writer.drain()


async def stream(pieces: int, writer: asyncio.StreamWriter) -> None:
    """So many pieces."""
    writer.write(f"HTTP/1.1 200 OK\r\nX-Replica: {NAME}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    for _ in range(pieces):
        writer.write(PIECE)
        await writer.drain()
        await asyncio.sleep(0.1)
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def echo(key: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A WebSocket (RFC 6455) of short messages."""
    accept = base64.b64encode(hashlib.sha1(key + WEBSOCKET).digest()).decode()
    words = ("HTTP/1.1 101 X", f"X-Replica: {NAME}", "Upgrade: websocket", "Connection: Upgrade")
    writer.write("\r\n".join((*words, f"Sec-WebSocket-Accept: {accept}", "", "")).encode())
    opcode = 0
    while opcode != CLOSE:
        first, second = await reader.readexactly(2)
        opcode, length = first & 0x0F, second & 0x7F
        mask = await reader.readexactly(4)
        message = bytes(byte ^ mask[i % 4] for i, byte in enumerate(await reader.readexactly(length)))
        writer.write(bytes([0x80 | opcode, length]) + message)
        await writer.drain()
    raise ConnectionError  # its connection ends with it


async def misbehave() -> None:
    """Do what is wished of a running replica."""
    server = await listen()
    memory: list[bytes] = []
    while True:
        await asyncio.sleep(LOOK_S)
        if wished("eat"):
            memory.append(os.urandom(8 * 1024 * 1024))
        if wished("refuse") == server.is_serving():
            if server.is_serving():
                server.close()
            else:
                server = await listen()


async def listen() -> asyncio.Server:
    """Take connections, on all addresses: in a container the engine chooses which."""
    return await asyncio.start_server(serve, os.environ.get("HOST", "0.0.0.0"), PORT, backlog=512)


def told_to_end(ended: asyncio.Event) -> None:
    """The stop signal."""
    note("term", NAME, time.monotonic(), *in_flight)
    if not wished("deaf"):
        ended.set()


async def main() -> int:
    """Serve until told to end."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told_to_end, ended)
    if wished("crash"):
        return 1
    if wished("slow"):
        await asyncio.sleep(SLOW_BOOT_S)
    while wished("mute") and not ended.is_set():
        await asyncio.sleep(LOOK_S)
    serving = asyncio.create_task(misbehave())
    await ended.wait()
    while in_flight:
        await asyncio.sleep(0.02)
    serving.cancel()
    for writer in list(writers):
        writer.close()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
