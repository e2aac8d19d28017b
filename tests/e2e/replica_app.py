"""The service of the end-to-end tests: HTTP/1.1 with keep-alive by the standard library alone, so that it boots at once.

/            answers                      /wait?ms=N    after so many milliseconds
/stream?mb=N in pieces, over 3 s          /burn?ms=N    after so much CPU
POST         answers the body's SHA-256

/healthz     500 while the file BAD_HEALTH says `all`, or says `old` and is younger than this process; else 200

SIGTERM: no new connections, what is in flight is answered, then it ends; it writes how many requests that were.
It writes when it listens: `open NAME UNIX-SECONDS`.
"""

import asyncio
import hashlib
import os
import signal
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

NAME = os.environ.get("AUTOSCALER_REPLICA") or os.uname().nodename
PORT = int(os.environ.get("PORT", "5000"))
HOST = os.environ.get("HOST", "0.0.0.0")
PIECE = b"." * 65536

STARTED = time.time()
BAD_HEALTH = Path(os.environ.get("BAD_HEALTH", "/nowhere"))

in_flight = 0
writers: set[asyncio.StreamWriter] = set()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, for as many requests as come."""
    global in_flight
    writers.add(writer)
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            in_flight += 1
            try:
                await answer(head, reader, writer)
            finally:
                in_flight -= 1
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writers.discard(writer)
        writer.close()


async def answer(head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request."""
    line, *headers = head.split("\r\n")
    method, target, _ = line.split(" ")
    length = next((int(h.partition(":")[2]) for h in headers if h.lower().startswith("content-length:")), 0)
    body = await reader.readexactly(length)
    url = urlsplit(target)
    asked = {key: float(values[0]) for key, values in parse_qs(url.query).items()}
    if url.path == "/wait":
        await asyncio.sleep(asked["ms"] / 1000)
    if url.path == "/burn":
        end = time.thread_time() + asked["ms"] / 1000
        while time.thread_time() < end:
            pass
    if url.path == "/healthz":
        writer.write(b"HTTP/1.1 %d Health\r\nContent-Length: 0\r\n\r\n" % (200 if is_healthy() else 500))
        await writer.drain()
        return
    if url.path == "/stream":
        await stream(int(asked["mb"] * 16), writer)
        return
    text = hashlib.sha256(body).hexdigest() if method == "POST" else f"hello from {NAME}"
    writer.write(f"HTTP/1.1 200 OK\r\nX-Replica: {NAME}\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
    await writer.drain()


def is_healthy() -> bool:
    """Unless the file says otherwise."""
    try:
        who, since = BAD_HEALTH.read_text(), BAD_HEALTH.stat().st_mtime
    except OSError:
        return True
    return not (who == "all" or (who == "old" and since > STARTED))


async def stream(pieces: int, writer: asyncio.StreamWriter) -> None:
    """So many pieces, over some three seconds."""
    writer.write(f"HTTP/1.1 200 OK\r\nX-Replica: {NAME}\r\nContent-Length: {pieces * len(PIECE)}\r\n\r\n".encode())
    for _ in range(pieces):
        writer.write(PIECE)
        await writer.drain()
        await asyncio.sleep(3 / pieces)


async def main() -> None:
    """Serve until told to end."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await asyncio.sleep(float(os.environ.get("BOOT_S", "0")))
    server = await asyncio.start_server(serve, HOST, PORT, backlog=512)
    print(f"open {NAME} {time.time():.3f}", flush=True)
    await ended.wait()
    print(f"SIGTERM with {in_flight} in flight", flush=True)
    server.close()
    while in_flight:
        await asyncio.sleep(0.02)
    for writer in list(writers):
        writer.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
