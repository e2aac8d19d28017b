"""The generator against a small server that does as it is told by the path."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from autoscaler.errors import UsageError
from autoscaler.load import Kind, Live, Load, Result, Summary, constant, run
from tests.support.ports import free_port


class Server:
    """Answers `/ok`; `/slow` after 0.3 s; `/500`; `/close` with Connection: close; misbehaves on the others."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.open = 0
        self.most_open = 0
        self.paths: Counter[str] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split()[1].decode()
                self.paths[path] += 1
                if not await self.answer(path, writer) or b"Connection: close" in head:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def answer(self, path: str, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection stays."""
        good = b"HTTP/1.1 200 OK\r\nX-Replica: web-1\r\nContent-Length: 2\r\n\r\nok"
        match path:
            case "/slow":
                await asyncio.sleep(0.3)
                writer.write(good)
            case "/500":
                writer.write(b"HTTP/1.1 500 Oops\r\nX-Replica: web-2\r\nContent-Length: 0\r\n\r\n")
            case "/close":
                writer.write(good.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
                return False
            case "/until-close":
                writer.write(b"HTTP/1.1 200 OK\r\nX-Replica: web-1\r\n\r\nok")
                return False
            case "/cut":
                writer.write(good[:-1])
                return False
            case "/nothing":
                return False
            case "/reset":
                writer.transport.abort()
                return False
            case "/garbage":
                writer.write(b"garbage\r\n\r\n")
            case "/never":
                await asyncio.sleep(30)
            case _:
                writer.write(good)
        return True


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    yield server
    listener.close()


async def load(server: Server, *paths: str, **keys: object) -> Summary:
    """A second of 100 requests/s."""
    given = {"rate": constant(100), "duration_s": 1.0, "connections": 8, "fresh": 0.0, "poisson": False} | keys
    spec = Load(port=server.port, kinds=tuple(Kind(path) for path in paths), **given)  # type: ignore[arg-type]
    return await run(spec, Live(), asyncio.Event())


async def test_all_are_sent_over_the_kept_connections() -> None:
    async with serving() as server:
        summary = await load(server, "/ok")
    assert (summary.requests, summary.failed, summary.by_replica) == (100, {}, {"web-1": 100})
    assert (server.connections, server.most_open, summary.connections_opened) == (8, 8, 8)


async def test_it_is_open_loop_slow_answers_hold_up_nothing() -> None:
    async with serving() as server:
        before = time.monotonic()
        summary = await load(server, "/slow", connections=1)
        took = time.monotonic() - before
    assert (summary.requests, summary.failed) == (100, {})
    assert took < 10, "100 answers of 0.3 s in a closed loop over one connection take 30 s"
    assert summary.p50_s is not None
    assert 0.3 <= summary.p50_s < 1
    assert server.most_open > 20


async def test_latency_counts_from_when_it_was_due() -> None:
    async with serving() as server:
        asyncio.get_running_loop().call_later(0.4, time.sleep, 0.5)
        summary = await load(server, "/ok", connections=2)
    assert summary.requests == 100
    assert summary.p99_s is not None
    assert summary.p99_s > 0.4, "the generator itself was held up, and its requests with it"


async def test_some_get_new_connections() -> None:
    async with serving() as server:
        summary = await load(server, "/ok", fresh=0.2)
    assert summary.failed == {}
    assert 8 + 8 < server.connections < 8 + 40


async def test_connections_that_are_closed_are_made_again() -> None:
    async with serving() as server:
        summary = await load(server, "/close", "/until-close", "/ok")
    assert (summary.requests, summary.failed) == (100, {})
    assert server.connections > 20


@pytest.mark.parametrize(
    ("path", "failure"),
    [
        ("/500", "status_500"),
        ("/cut", "cut"),
        ("/nothing", "closed"),
        ("/reset", "reset"),
        ("/garbage", "garbage"),
        ("/never", "timeout"),
    ],
)
async def test_each_failure_has_its_name(path: str, failure: str) -> None:
    async with serving() as server:
        summary = await load(server, path, rate=constant(20), timeout_s=0.5)
    assert summary.failed == {failure: 20} or (failure == "reset" and summary.failed == {"closed": 20})
    assert {failed.failure for failed in summary.failures} == set(summary.failed)


async def test_where_nobody_listens_all_are_refused() -> None:
    server = Server()
    server.port = free_port()
    summary = await load(server, "/ok", rate=constant(20))
    assert summary.failed == {"refused": 20}


async def test_kinds_are_mixed_by_weight() -> None:
    async with serving() as server:
        kinds = (Kind("/ok", 9), Kind("/500", 1))
        results: list[Result] = []
        spec = Load(port=server.port, rate=constant(500), duration_s=1.0, kinds=kinds, poisson=False)
        summary = await run(spec, Live(), asyncio.Event(), results.append)
    assert server.paths.total() == summary.requests == len(results) == 500
    assert 30 < server.paths["/500"] < 70
    assert summary.failed == {"status_500": server.paths["/500"]}
    assert [result.t for result in results if not 0 <= result.t <= 1] == []


async def test_a_body_is_sent() -> None:
    async with serving() as server:
        spec = Load(server.port, constant(10), 0.5, kinds=(Kind("/ok", method="POST", body=b"12345"),), poisson=False)
        summary = await run(spec, Live(), asyncio.Event())
    assert (summary.requests, summary.failed) == (5, {})


async def test_aborting_ends_it_at_once_and_counts_what_was_in_flight() -> None:
    async with serving() as server:
        live, abort = Live(), asyncio.Event()
        spec = Load(server.port, constant(50), 60.0, kinds=(Kind("/never"),), connections=4, poisson=False)
        running = asyncio.create_task(run(spec, live, abort))
        async with asyncio.timeout(5):
            while live.in_flight < 10:
                await asyncio.sleep(0.02)
        before = time.monotonic()
        abort.set()
        summary = await running
    assert time.monotonic() - before < 0.5
    assert summary.requests == 0
    assert summary.aborted == live.due >= 10


async def test_it_is_bounded_in_count() -> None:
    async with serving() as server:
        assert (await load(server, "/ok", duration_s=60.0, max_requests=30)).requests == 30


async def test_beyond_its_own_bound_a_request_is_unsent_and_counted() -> None:
    async with serving() as server:
        summary = await load(server, "/slow", connections=1, max_in_flight=10)
    assert summary.requests == 100
    assert summary.failed.keys() == {"unsent"}
    assert server.most_open <= 11


async def test_live_counters_can_be_read_meanwhile() -> None:
    async with serving() as server:
        live = Live()
        spec = Load(server.port, constant(100), 1.5, poisson=False)
        running = asyncio.create_task(run(spec, live, asyncio.Event()))
        async with asyncio.timeout(5):
            while live.done < 80:
                await asyncio.sleep(0.02)
        recent = live.recent(5)
        await running
    assert recent.rate == pytest.approx(100, rel=0.1)
    assert (recent.failed, recent.replicas) == (0, 1)
    assert recent.p95_s is not None


@pytest.mark.parametrize("host", ["example.com", "10.0.0.1", "0.0.0.0", "127.0.0.1.example.com", ""])
async def test_it_goes_nowhere_but_to_this_machine(host: str) -> None:
    with pytest.raises(UsageError, match="this machine alone"):
        await run(Load(80, constant(1), 1.0, host=host), Live(), asyncio.Event())
