"""What anyone may send to the API: paths, query strings, headers and bodies, or what is no HTTP at all.

An answer is one of ours (below 500, a problem document from 400 on, of a few kilobytes), and it ends: whoever asks hears it
or has the connection closed. No order goes on that the API's own models would not allow.
"""

import asyncio
import json
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

from autoscaler.model import Event, Override
from autoscaler.web import guards
from autoscaler.web.models import REPLICAS_MAX
from autoscaler.web.server import serve
from tests.fuzz.mutate import NUMBERS, as_json, broken, misshapen
from tests.fuzz.runs import Check, Target
from tests.support.fake_control import FakeControl, T

QUIET_S = 0.05
STUCK_S = 60.0  # a busy machine needs no part of it
TEN_YEARS_S = 10 * 365 * 86400.0
LONGEST_PROBLEM = 20_000
NAMES = (
    *("web",) * 12, "shop", "", "%00", "..%2f..%2fetc", "%ff", "a" * 300, "a" * 9000, "w%65b", "web%0a", "%C3%A9", "{name}",
    "we%", "é",
)  # fmt: skip
PATHS = (
    "/", "/metrics", "/healthz", "/readyz", "/api/v1/services", "/api/v1/events", "/api/v1/openapi.json", "/api/v1/reload",
    "/api/v1/down", "//", "/..", "/%", "*", "http://[", "http://a:99999/",
    "/api/v1/services/web/scale/x", "/?" + "a=b&" * 900,
)  # fmt: skip
LEAVES = (
    "",
    "/explain",
    "/history",
    "/logs",
    "/scale",
    "/scale",
    "/scale",
    "/pause",
    "/resume",
    "/undo",
    "/SCALE",
    "/scale/",
)
CHANGES = frozenset(("/scale", "/pause", "/resume", "/undo"))
KEYS = ("limit", "after", "tail", "follow", "service", "x", "", "%ff", "%00")
VALUES = (*NUMBERS, "true", "false", "1", "web", "%ff", "%00", "%", "a%0d%0ab", "[]", "%F0%9F")
METHODS = (*("GET",) * 4, *("POST",) * 6, "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "A" * 50)
ASKS: tuple[Any, ...] = (
    {"replicas": 3, "for": "10m", "reason": "sale"},
    {"replicas": 3, "for": "10m", "reason": "sale"},
    {"min": 1, "max": 4},
    {"only": "in"},
    {"services": ["web"]},
    None,
)
WORDS = (
    b"%00",
    b"%ff",
    b"\r\n",
    b"\r\n\r\n",
    b"\0",
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"HTTP/9.9",
    b"Transfer-Encoding: chunked\r\n",
    b":",
)
HEADERS = (
    "Content-Type: application/json", "Content-Encoding: gzip", "Content-Encoding: br", "Expect: 100-continue", "Expect: x",
    "Upgrade: websocket\r\nConnection: Upgrade", "Last-Event-ID: 9", "Last-Event-ID: " + "9" * 400, "Last-Event-ID: x",
    "Authorization: Bearer \xff", "Cookie: a=" + "b" * 300, "Range: bytes=0-", "If-None-Match: *", "X: " + "a" * 70_000,
    "Content-Type: multipart/form-data; boundary=x", "Content-Type: \xff;charset=none", "Accept: x",
)  # fmt: skip
FRAMING = ("Transfer-Encoding: chunked", "Content-Length: 5", "Content-Length: 99999999", "Content-Length: -1")
LAST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_STATUS = re.compile(rb"HTTP/[0-9]\.[0-9] ([0-9]{3}) [^\r\n]*\r\n")


class Ending(FakeControl):
    """A daemon whose streams end, so that each answer does."""

    async def listen(self) -> AsyncIterator[tuple[int, Event]]:
        return
        yield

    async def logs(self, service: str, tail: int, follow: bool) -> AsyncIterator[tuple[str, str]]:
        yield "web-1", "a line"


def make(random: Random) -> bytes:
    """One request, of which some are broken."""
    leaf, method = random.choice(LEAVES), random.choice(METHODS)
    if random.random() < 0.7:
        method = "POST" if leaf in CHANGES else "GET"
    name = "web" if random.random() < 0.7 else random.choice(NAMES)
    path = f"/api/v1/services/{name}{leaf}" if random.random() < 0.7 else random.choice(PATHS)
    if random.random() < 0.5:
        path += "?" + "&".join(f"{random.choice(KEYS)}={_value(random)}" for _ in range(random.randint(1, 3)))
    body = b""
    if random.random() < 0.8:
        good = random.choice(ASKS)
        body = as_json(random, misshapen(random, good) if random.random() < 0.6 else good)
    headers = ["Host: localhost", f"Content-Length: {len(body)}"] if random.random() < 0.95 else []
    headers += random.choices(HEADERS, k=random.choice((0, 0, 0, 0, 1, 2)))
    headers += [random.choice(FRAMING)] if random.random() < 0.05 else []
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{header}\r\n" for header in headers) + "\r\n"
    request = head.encode("utf-8", "surrogateescape") + body
    return broken(random, request, words=WORDS) if random.random() < 0.15 else request


def _value(random: Random) -> str:
    value = random.choice(VALUES)
    return value if random.random() < 0.03 else quote(value, safe="%")


@contextmanager
def ready() -> Iterator[Check]:
    """An API that serves, and a loop."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name, asyncio.Runner() as runner:
        path, control = Path(name, "api.sock"), Ending()
        serving = _serving(path, control)
        runner.run(serving.__aenter__())
        try:
            yield lambda case: runner.run(check(path, control, case))
        finally:
            runner.run(serving.__aexit__(None, None, None))


@asynccontextmanager
async def _serving(path: Path, control: FakeControl) -> AsyncIterator[None]:
    with patch.object(guards, "CHANGES_PER_S", 1e9):  # so that each reaches its handler
        server = await serve(
            control,
            listen="127.0.0.1:0",
            socket_path=path,
            token="",
            allowed_hosts=(),
            metrics=lambda: b"",
            now=lambda: T,
        )
    try:
        yield
    finally:
        await server.close()


async def check(path: Path, control: FakeControl, case: bytes) -> None:
    control.asked.clear()
    async with asyncio.timeout(STUCK_S):
        check_answers(await _answers(path, case), case)
    for order in control.asked:
        check_order(*order)


async def _answers(path: Path, case: bytes) -> bytes:
    """All that comes back. Behind the case a last request asks for the end; where it is taken for a part of the case, the
    API waits for more, and is told that nothing comes."""
    reader, writer = await asyncio.open_unix_connection(path, limit=2**24)
    writer.write(case + LAST)
    answers = b""
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(QUIET_S):
                while piece := await reader.read(2**16):
                    answers += piece
        writer.write_eof()
        return answers + await reader.read()
    except ConnectionError:
        return answers
    finally:
        writer.close()


def check_answers(answers: bytes, case: bytes) -> None:
    """The first has a status below 500, and from 400 on is a problem document."""
    head, end, body = answers.removeprefix(CONTINUE).partition(b"\r\n\r\n")
    if not end:
        return
    found = _STATUS.match(head + b"\r\n")
    assert found, f"no answer: {answers!r:.80}"
    status = int(found[1])
    assert status < 500, f"status {status}"
    if status < 400 or case.startswith(b"HEAD"):
        return
    assert b"application/problem+json" in head, f"status {status} without a problem document: {head!r:.200}"
    length = re.search(rb"Content-Length: ([0-9]+)", head)
    assert length, "a problem without its length"
    size = int(length[1])
    assert size < LONGEST_PROBLEM, f"{size} bytes"
    if len(body) < size:
        return  # the end of what came was told while it answered
    problem = json.loads(body[:size])
    assert problem["status"] == status
    assert body[size:] == b"" or body[size:].startswith(b"HTTP/"), "more than its length"


def check_order(order: object, *given: Any) -> None:
    """Nothing that the contract doesn't know of."""
    override = given[-1] if order == "scale" else None
    if not isinstance(override, Override):
        return
    counts = (override.replicas, override.min, override.max)
    assert all(count is None or 0 <= count <= REPLICAS_MAX for count in counts)
    assert override.until is None or T < override.until <= T + TEN_YEARS_S


TARGET = Target("api_requests", make, ready, 50_000)
