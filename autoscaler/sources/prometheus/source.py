"""One number of a Prometheus server, by an instant query.

    GET {server}/api/v1/query?query=...&timeout=...        within `timeout`

A number is as old as its sample is by the server's word; one older than three intervals, or from the future, is none.
Who asks is read anew each time, so that a token or certificate that changes counts at once.
"""

import asyncio
from collections.abc import Mapping

from autoscaler.drivers.credentials import Credentials
from autoscaler.drivers.web import Web
from autoscaler.errors import SourceError, SourceUnavailable
from autoscaler.model import Reading
from autoscaler.ports import Clock
from autoscaler.sources.prometheus.answer import parse, read_answer, words
from autoscaler.spec.models import STANDS_INTERVALS, PrometheusMetric
from autoscaler.units import format_duration

OK = 200
MOVED = range(300, 400)
REFUSED = (401, 403)
ALLOW = "give a token or password that it takes by `auth:`"


class Prometheus:
    """The metric of one mapping; `folder` is where its policy file lies."""

    def __init__(self, metric: PrometheusMetric, folder: str, environ: Mapping[str, str], clock: Clock, web: Web) -> None:
        self._metric = metric
        self._credentials = Credentials(metric.auth, metric.tls, folder, environ)
        self._clock = clock
        self._web = web

    async def read(self) -> Reading:
        """The number now. Raises SourceError where it can't be had, SourceUnavailable where the server doesn't answer."""
        try:
            async with asyncio.timeout(self._metric.timeout):
                return await self._read()
        except TimeoutError:
            what = f"no answer in {format_duration(self._metric.timeout)}"
            raise SourceUnavailable(what, where=self._metric.server, fix="is it up, is the query light?") from None
        except SourceError as error:
            raise type(error)(error.what, where=self._metric.server, fix=error.fix) from None

    async def _read(self) -> Reading:
        metric = self._metric
        who = await self._credentials.read()
        params = {"query": metric.query, "timeout": f"{metric.timeout:g}"}
        answer = await self._web.get(f"{metric.server}/api/v1/query", params, who.authorization, who.tls)
        if answer.status != OK:
            raise refusal(answer.status, answer.body, ALLOW)
        value, at = read_answer(answer.body)
        now, oldest = self._clock.now(), STANDS_INTERVALS * metric.interval
        age = now + self._clock.wall_offset() - at
        if age > oldest:
            raise SourceError(f"its sample is {age:.0f} s old", fix="is a cache before it, is its clock right?")
        if age < -oldest:
            raise SourceError(f"its sample is {-age:.0f} s from the future", fix="is its clock right, and ours?")
        return Reading(value, now - max(age, 0.0))


def refusal(status: int, body: bytes, allow: str) -> SourceError:
    """What an answer other than 200 means; `allow` is how to be let in."""
    if status in REFUSED:
        return SourceUnavailable(f"it answered {status}", fix=allow)
    if status in MOVED:
        return SourceUnavailable(f"it answered {status}, and is not followed", fix="name the server itself by `server:`")
    try:
        told = f": {words(parse(body))}"
    except SourceError:
        told = ""
    fix = "correct the query" if status == 400 else "see its log"
    return SourceUnavailable(f"it answered {status}{told}", fix=fix)
