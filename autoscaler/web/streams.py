"""Answers that go on: events as server-sent events, replicas' log lines as JSON Lines.

Nothing is read ahead: a client that is slow makes `Control` wait, which keeps a bounded queue a listener and cuts off one
that can't keep up. One that was cut off comes back with Last-Event-ID for what it missed. A stream without news says
every BEAT_S that it lives, and ends at once when the API closes.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import TypeVar

from aiohttp import web
from aiohttp_sse import EventSourceResponse, sse_response

from autoscaler.errors import AutoscalerError
from autoscaler.model import Event
from autoscaler.ports import Control
from autoscaler.web.answers import event_answer
from autoscaler.web.models import LogLine
from autoscaler.web.problems import Refused, refused

STREAMS_MAX = 100
REPLAY_MAX = 10_000
LINE_MAX = 64 * 1024
BEAT_S = 15.0
RECONNECT_MS = 1000
EVENT_TIMEOUT_S = 10.0
LOG_TIMEOUT_S = 600.0  # a person in a pager reads slowly, and no one else waits for that stream
NDJSON = "application/x-ndjson"

T = TypeVar("T")


class Streams:
    """The streams that are open: so many at most, and all end with the API."""

    def __init__(self) -> None:
        self._open = 0
        self._closing = asyncio.Event()

    def close(self) -> None:
        """End them all."""
        self._closing.set()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Room for one stream while it lasts."""
        if self._open >= STREAMS_MAX:
            raise Refused(503, f"{STREAMS_MAX} streams are open already", headers={"Retry-After": "10"})
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    async def relay(self, source: AsyncIterator[T], beat_s: float = BEAT_S) -> AsyncGenerator[T | None, None]:
        """The source's items until it or the API ends, None wherever none came for `beat_s`; the first None at once,
        when the source has begun to listen."""
        closing = asyncio.ensure_future(self._closing.wait())
        coming = asyncio.ensure_future(_next(source))
        try:
            await asyncio.sleep(0)
            yield None
            while not closing.done():
                await asyncio.wait({closing, coming}, timeout=beat_s, return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    yield None
                    continue
                item = coming.result()
                if item is None:
                    return
                yield item
                coming = asyncio.ensure_future(_next(source))
        finally:
            closing.cancel()
            coming.cancel()
            await asyncio.gather(closing, coming, return_exceptions=True)
            if isinstance(source, AsyncGenerator):
                await source.aclose()


async def _next(source: AsyncIterator[T]) -> T | None:
    """The source's next item, None at its end."""
    return await anext(source, None)


async def stream_events(
    request: web.Request,
    control: Control,
    streams: Streams,
    *,
    service: str | None,
    after: int | None,
    limit: int,
    follow: bool,
) -> web.StreamResponse:
    """The journal above `after`, or its newest `limit` events, and then (`follow`) each new one."""
    with streams.slot():
        async with aclosing(streams.relay(control.listen())) as news:
            await anext(news)  # listen first, then look back: nothing falls between, what is seen twice is left out
            past = await _past(control, service, after, limit)
            async with sse_response(request, ping_interval=BEAT_S, send_timeout=EVENT_TIMEOUT_S) as response:
                try:
                    await response.write(f"retry: {RECONNECT_MS}\n\n".encode())
                    await _send_events(response, service, past, news if follow else None)
                except (ConnectionError, TimeoutError):
                    return response  # the client went away or doesn't read; it knows where it was
            return response


async def _past(control: Control, service: str | None, after: int | None, limit: int) -> Sequence[tuple[int, Event]]:
    if after is not None:
        return await control.history(service, limit or REPLAY_MAX, after)
    return await control.history(service, limit) if limit else ()


async def _send_events(
    response: EventSourceResponse,
    service: str | None,
    past: Sequence[tuple[int, Event]],
    news: AsyncIterator[tuple[int, Event] | None] | None,
) -> None:
    sent = 0
    for number, event in past:
        await _send_event(response, number, event)
        sent = number
    if news is None:
        return
    async for item in news:
        if item is not None and item[0] > sent and service in (None, item[1].service):
            await _send_event(response, *item)


async def _send_event(response: EventSourceResponse, number: int, event: Event) -> None:
    document = event_answer(number, event).model_dump_json(fallback=str)
    await response.send(document, id=str(number), event=event.kind.value)


async def stream_logs(
    request: web.Request, control: Control, streams: Streams, *, service: str, tail: int, follow: bool
) -> web.StreamResponse:
    """(replica, line) of all replicas, a JSON document a line; an error on the way is the last line, a problem document."""
    with streams.slot():
        response = web.StreamResponse(headers={"Content-Type": NDJSON, "Cache-Control": "no-store"})
        await response.prepare(request)
        try:
            async with aclosing(streams.relay(control.logs(service, tail, follow))) as lines:
                async for item in lines:
                    await _send_line(response, "" if item is None else _log_line(*item))
        except AutoscalerError as error:
            await _send_line(response, refused(error).problem.model_dump_json())
        except (ConnectionError, TimeoutError):
            return response
        return response


async def _send_line(response: web.StreamResponse, line: str) -> None:
    async with asyncio.timeout(LOG_TIMEOUT_S):
        await response.write(f"{line}\n".encode("utf-8", "replace"))


def _log_line(replica: str, line: str) -> str:
    return LogLine(replica=replica, line=line[:LINE_MAX]).model_dump_json()
