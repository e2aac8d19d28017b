"""Events and logs as they come."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from autoscaler.errors import EngineUnavailable
from autoscaler.model import EventKind
from autoscaler.web import streams
from autoscaler.web.streams import LINE_MAX, Streams
from tests.support.fake_control import FakeControl, event
from tests.web.conftest import Served

EVENTS = "/api/v1/events"
LOGS = "/api/v1/services/web/logs"


async def next_event(answer: aiohttp.ClientResponse) -> dict[str, str]:
    """The fields of the next server-sent event that has data."""
    fields: dict[str, str] = {}
    async with asyncio.timeout(5):
        while True:
            line = (await answer.content.readline()).decode().rstrip("\r\n")
            if line:
                name, _, value = line.partition(":")
                fields[name] = value.strip()
            elif "data" in fields:
                return fields


async def test_events_come_as_they_happen_each_with_its_number(served: Served) -> None:
    async with served.tcp.get(EVENTS) as answer:
        assert answer.content_type == "text/event-stream"
        served.control.happen(7, event())
        told = await next_event(answer)
    assert (told["id"], told["event"]) == ("7", "replica_ready")
    assert json.loads(told["data"])["cause"] == "health check passed"


@pytest.mark.parametrize("given", [{"headers": {"Last-Event-ID": "2"}}, {"params": {"after": "2"}}])
async def test_one_that_comes_back_gets_what_it_missed_and_nothing_twice(
    served: Served, given: dict[str, dict[str, str]]
) -> None:
    served.control.journal = [(n, event()) for n in (1, 2, 3, 4)]
    async with served.tcp.get(EVENTS, **given) as answer:  # type: ignore[arg-type]
        served.control.listeners[0].put_nowait((4, event()))
        served.control.happen(5, event())
        assert [(await next_event(answer))["id"] for _ in range(3)] == ["3", "4", "5"]


async def test_the_newest_first_and_only_one_services(served: Served) -> None:
    served.control.services["api"] = served.control.services["web"]
    served.control.journal = [(n, event(service="web" if n % 2 else "api")) for n in range(1, 7)]
    async with served.tcp.get(f"{EVENTS}?limit=2&service=web") as answer:
        served.control.happen(7, event(service="api"))
        served.control.happen(8, event(service="web"))
        assert [(await next_event(answer))["id"] for _ in range(3)] == ["3", "5", "8"]


async def test_without_follow_it_ends(served: Served) -> None:
    served.control.journal = [(n, event()) for n in (1, 2)]
    async with served.tcp.get(f"{EVENTS}?follow=false&limit=5") as answer:
        text = await asyncio.wait_for(answer.text(), 5)
    assert text.count("data:") == 2
    assert served.control.listeners == []


@pytest.mark.parametrize("header", ["x", "-1", "1.5", "9" * 40])
async def test_a_number_that_is_none_is_refused(served: Served, header: str) -> None:
    async with served.tcp.get(EVENTS, headers={"Last-Event-ID": header}) as answer:
        assert (answer.status, answer.content_type) == (400, "application/problem+json")


async def test_a_line_break_in_an_event_stays_in_its_data(served: Served) -> None:
    async with served.tcp.get(EVENTS) as answer:
        served.control.happen(1, event(cause="a\nid: 99\r\n\r\ndata: evil"))
        told = await next_event(answer)
    assert told["id"] == "1"
    assert json.loads(told["data"])["cause"] == "a\nid: 99\r\n\r\ndata: evil"


async def test_a_listener_that_is_cut_off_sees_the_end(served: Served) -> None:
    async with served.tcp.get(EVENTS) as answer:
        await served.control.arrivals.get()
        served.control.listeners[0].put_nowait(None)
        assert b"retry: 1000" in await asyncio.wait_for(answer.content.read(), 5)


async def test_a_client_that_goes_away_leaves_no_listener(served: Served) -> None:
    async with served.tcp.get(EVENTS):
        assert len(served.control.listeners) == 1
    async with asyncio.timeout(5):
        while served.control.listeners:  # the far end of a real socket tells nothing
            await asyncio.sleep(0.01)
    assert served.control.listeners == []


async def test_closing_the_api_ends_its_streams_at_once(served: Served) -> None:
    async with served.tcp.get(EVENTS) as answer, served.tcp.get(f"{LOGS}?follow=true") as lines:
        began = asyncio.get_running_loop().time()
        await served.server.close()
        assert b"retry" in await asyncio.wait_for(answer.content.read(), 5)
        await asyncio.wait_for(lines.content.read(), 5)
        assert asyncio.get_running_loop().time() - began < 1.0
    assert served.control.listeners == []


async def test_so_many_streams_at_most(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "STREAMS_MAX", 2)
    async with served.tcp.get(EVENTS), served.tcp.get(EVENTS), served.tcp.get(EVENTS) as third:
        assert (third.status, third.headers["Retry-After"]) == (503, "10")
    async with asyncio.timeout(5):
        while served.control.listeners:  # the far end of a real socket tells nothing
            await asyncio.sleep(0.01)
    async with served.tcp.get(f"{EVENTS}?follow=false") as answer:
        assert answer.status == 200


async def test_logs_are_a_document_a_line(served: Served) -> None:
    served.control.lines = [("web-1", "one"), ("web-2", "two\x1b[31m"), ("web-1", "x" * (LINE_MAX + 10))]
    async with served.tcp.get(LOGS) as answer:
        assert answer.content_type == "application/x-ndjson"
        lines = [json.loads(line) for line in (await answer.text()).splitlines() if line]
    assert lines[:2] == [{"replica": "web-1", "line": "one"}, {"replica": "web-2", "line": "two\x1b[31m"}]
    assert len(lines[2]["line"]) == LINE_MAX


async def test_logs_tail_and_follow(served: Served) -> None:
    served.control.lines = [("web-1", str(n)) for n in range(5)]
    async with served.tcp.get(f"{LOGS}?tail=1&follow=true") as answer:
        await answer.content.readline()
        assert json.loads(await answer.content.readline())["line"] == "4"
        served.control.more_lines.put_nowait(("web-2", "new"))
        assert json.loads(await answer.content.readline()) == {"replica": "web-2", "line": "new"}
        served.control.more_lines.put_nowait(None)
        assert await asyncio.wait_for(answer.content.read(), 5) == b""


async def test_an_error_among_the_logs_is_their_last_line(served: Served) -> None:
    served.control.lines = [("web-1", "one")]
    served.control.fail = EngineUnavailable("no answer", where="docker")
    async with served.tcp.get(LOGS) as answer:
        last = json.loads((await answer.text()).splitlines()[-1])
    assert (last["status"], last["detail"], last["where"]) == (503, "no answer", "docker")


async def test_logs_of_no_service(served: Served) -> None:
    async with served.tcp.get("/api/v1/services/nope/logs") as answer:
        assert answer.status == 404


async def silence() -> AsyncIterator[int]:
    await asyncio.Event().wait()
    yield 1


@pytest.mark.looptime
async def test_a_silent_stream_says_that_it_lives() -> None:
    beats = []
    loop = asyncio.get_running_loop()
    async for item in Streams().relay(silence(), beat_s=15):
        assert item is None
        beats.append(loop.time())
        if len(beats) == 3:
            break
    assert [round(at - beats[0]) for at in beats] == [0, 15, 30]


async def test_what_breaks_the_source_breaks_the_stream() -> None:
    async def broken() -> AsyncIterator[int]:
        yield 1
        raise EngineUnavailable("gone")

    relay = Streams().relay(broken())
    assert [await anext(relay), await anext(relay)] == [None, 1]
    with pytest.raises(EngineUnavailable):
        await anext(relay)


async def test_a_stream_that_is_left_lets_go_of_its_source() -> None:
    ended = []

    async def source() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            ended.append(True)

    relay = Streams().relay(source())
    assert [await anext(relay), await anext(relay)] == [None, 1]
    assert ended == []
    await relay.aclose()
    assert ended == [True]


def test_the_fake_listens() -> None:
    control = FakeControl()
    control.happen(1, event(EventKind.DECIDED))
    assert control.journal[0][0] == 1
