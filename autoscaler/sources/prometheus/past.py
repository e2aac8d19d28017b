"""What a query gave minute by minute in the past.

    GET {server}/api/v1/query_range?query=...&start=...&end=...&step=60&timeout=...        POINTS at a time

The number at the end of a minute is that minute's: `rate(...[1m])` then is its mean. Where the server has none, or none
that is finite, the minute is missing; a number that is no load is an error, as it is where one number is asked for.
Source: prometheus.io, "HTTP API", Range queries: at most 11,000 points of a series.
"""

import asyncio

from autoscaler.drivers.credentials import Who
from autoscaler.drivers.web import Web
from autoscaler.errors import SourceError, SourceUnavailable
from autoscaler.model import MINUTE_S, Minutes
from autoscaler.sources.prometheus.answer import read_series
from autoscaler.sources.prometheus.source import OK, refusal
from autoscaler.units import format_duration

POINTS = 5000  # in 40 bytes each they fit into what is read of an answer; the server's own limit is further off
TIMEOUT_S = 30.0


async def read_minutes(server: str, query: str, first: int, end: int, who: Who, allow: str, web: Web) -> Minutes:
    """The minutes from `first` to before `end`. `allow` is how to be let in, told where one isn't. Raises SourceError."""
    means: list[float | None] = []
    try:
        for start in range(first, end, POINTS):
            stop = min(start + POINTS, end)
            async with asyncio.timeout(TIMEOUT_S):
                found = await _part(server, query, start, stop, who, allow, web)
            means += [found.get(minute) for minute in range(start, stop)]
    except TimeoutError:
        what, fix = f"no answer in {format_duration(TIMEOUT_S)}", "is it up, is the query light?"
        raise SourceUnavailable(what, where=server, fix=fix) from None
    except SourceError as error:
        raise type(error)(error.what, where=server, fix=error.fix) from None
    return Minutes(first, tuple(means))


async def _part(server: str, query: str, start: int, stop: int, who: Who, allow: str, web: Web) -> dict[int, float]:
    """By minute, what is known of those from `start` to before `stop`."""
    params = {
        "query": query,
        "start": f"{(start + 1) * MINUTE_S:.0f}",
        "end": f"{stop * MINUTE_S:.0f}",
        "step": f"{MINUTE_S:.0f}",
        "timeout": f"{TIMEOUT_S:g}",
    }
    answer = await web.get(f"{server}/api/v1/query_range", params, who.authorization, who.tls)
    if answer.status != OK:
        raise refusal(answer.status, answer.body, allow)
    found = {round(at / MINUTE_S) - 1: value for at, value in read_series(answer.body)}
    if any(not start <= minute < stop for minute in found):
        raise SourceUnavailable("it answered for another time than it was asked", fix="is a cache before it?")
    return found
