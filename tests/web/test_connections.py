"""Ten thousand idle connections, slow requests, and the limit."""

import asyncio
import resource
import time
from contextlib import AsyncExitStack

import aiohttp
import pytest

from autoscaler.web import connections
from autoscaler.web.connections import CONNECTIONS_MAX, connections_max
from tests.web.conftest import BEARER, Served

FILES_FOR_OTHERS = 200


def idle_count() -> int:
    """Ten thousand, or what the open files of this process allow: each takes two, until the server closes its end."""
    open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(10_000, open_files - CONNECTIONS_MAX - FILES_FOR_OTHERS)


async def healthz(served: Served) -> float:
    """How long a new connection takes to be answered."""
    began = time.monotonic()
    async with aiohttp.ClientSession(f"http://{served.server.address}") as session, session.get("/healthz") as answer:
        assert answer.status == 200
    return time.monotonic() - began


async def test_the_api_answers_though_ten_thousand_are_idle(served: Served) -> None:
    assert connections_max() == CONNECTIONS_MAX, "raise this process's open files to 2,000 for this test"
    count = idle_count()
    assert count > 2 * CONNECTIONS_MAX
    opened = []
    try:
        for _ in range(count):
            opened.append(await asyncio.open_connection(*served.host_port))
        took = [await healthz(served) for _ in range(5)]
        ended = [reader for reader, _ in opened if reader.at_eof()]
        assert max(took) < 1.0
        assert len(ended) >= count - CONNECTIONS_MAX
        assert len(ended) < count - CONNECTIONS_MAX / 2, "those within the limit may stay"
    finally:
        for _, writer in opened:
            writer.close()


@pytest.fixture
def at_most_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "CONNECTIONS_MAX", 3)


async def test_the_longest_idle_one_gives_way(at_most_three: None, served: Served) -> None:
    await served.restart("127.0.0.1:0")
    first, second, third, fourth = [await asyncio.open_connection(*served.host_port) for _ in range(4)]
    assert await asyncio.wait_for(first[0].read(), 5) == b""
    for reader, writer in (second, third, fourth):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in await asyncio.wait_for(reader.readline(), 5)
    for _, writer in (first, second, third, fourth):
        writer.close()


async def test_one_with_work_does_not_give_way(at_most_three: None, served: Served) -> None:
    await served.restart("127.0.0.1:0")
    served.control.gate = asyncio.Event()
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession(f"http://{served.server.address}"))
        path = "/api/v1/services/web/pause"
        waiting = [asyncio.ensure_future(session.post(path, headers=BEARER)) for _ in range(3)]
        async with asyncio.timeout(5):
            assert [await served.control.arrivals.get() for _ in range(3)] == ["pause"] * 3
        reader, writer = await asyncio.open_connection(*served.host_port)
        assert await asyncio.wait_for(reader.read(), 5) == b"", "the new one is closed"
        writer.close()
        served.control.gate.set()
        assert [(await one).status for one in waiting] == [200, 200, 200]


@pytest.fixture
async def hasty(monkeypatch: pytest.MonkeyPatch, served: Served) -> Served:
    monkeypatch.setattr(connections, "ASK_TIMEOUT_S", 0.5)
    monkeypatch.setattr("autoscaler.web.guards.BODY_TIMEOUT_S", 0.5)
    return served


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET /health", id="half a line"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", id="half a head"),
    ],
)
async def test_a_request_that_does_not_come_is_cut(hasty: Served, start: bytes) -> None:
    reader, writer = await asyncio.open_connection(*hasty.host_port)
    began = time.monotonic()

    async def drip() -> None:
        writer.write(start)
        while start:
            await asyncio.sleep(0.1)
            writer.write(b"a")

    dripping = asyncio.ensure_future(drip())
    assert await asyncio.wait_for(reader.read(), 5) == b""
    assert 0.3 < time.monotonic() - began < 3
    dripping.cancel()
    writer.close()


async def test_a_body_that_does_not_come_is_answered_408(hasty: Served) -> None:
    reader, writer = await asyncio.open_connection(*hasty.host_port)
    head = f"POST /api/v1/down HTTP/1.1\r\nHost: localhost\r\nAuthorization: {BEARER['Authorization']}\r\n"
    writer.write(head.encode() + b"Content-Length: 100\r\n\r\n{")
    answer = await asyncio.wait_for(reader.read(), 10)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"application/problem+json" in answer
    assert hasty.control.asked == []
    writer.close()


async def test_the_real_limit_is_ten_seconds() -> None:
    assert connections.ASK_TIMEOUT_S == 10.0
