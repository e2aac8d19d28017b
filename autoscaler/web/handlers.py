"""What each path answers: the request's words to `Control`, and its values to documents."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from autoscaler.errors import UsageError
from autoscaler.model import EventKind, Override, PauseKind
from autoscaler.ports import Control
from autoscaler.spec.models import NAME_PATTERN
from autoscaler.status import ServiceStatus
from autoscaler.web.answers import (
    explain_answer,
    history_answer,
    ordered_answer,
    service_answer,
    services_answer,
)
from autoscaler.web.guards import read_body
from autoscaler.web.models import DownAnswer, DownAsk, PauseAsk, ReloadAnswer, ScaleAsk
from autoscaler.web.problems import Refused
from autoscaler.web.streams import Streams, stream_events, stream_logs

HISTORY_LIMIT = 100
HISTORY_MAX = 10_000
TAIL_MAX = 100_000
PROBLEMS_SHOWN = 10
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>autoscaler</title></head>
<body><h1>autoscaler</h1>
<p>This daemon's state is at <a href="/api/v1/services">/api/v1/services</a>,
its events at <a href="/api/v1/events">/api/v1/events</a>, its metrics at <a href="/metrics">/metrics</a>,
whether it is ready at <a href="/readyz">/readyz</a>, and all that it can be asked at
<a href="/api/v1/openapi.json">/api/v1/openapi.json</a>. In a terminal: <code>autoscaler status</code>.</p>
</body></html>
"""

A = TypeVar("A", bound=BaseModel)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Handlers:
    """One method a path, over what they need."""

    control: Control
    streams: Streams
    metrics: Callable[[], bytes]
    now: Callable[[], float]
    changing: set[asyncio.Future[Any]] = field(default_factory=set)

    async def page(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text=PAGE, content_type="text/html")

    async def metrics_text(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=self.metrics(), headers={"Content-Type": METRICS_TYPE})

    async def healthz(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text="ok\n")

    async def readyz(self, request: web.Request) -> web.StreamResponse:
        status = self.control.status()
        lines = ["ready" if status.ready else "not ready", *status.problems]
        lines += [f"degraded: {reason}: {detail}" for reason, detail in status.degraded.items()]
        code = HTTPStatus.OK if status.ready else HTTPStatus.SERVICE_UNAVAILABLE
        return web.Response(text="\n".join(lines) + "\n", status=code)

    async def services(self, request: web.Request) -> web.StreamResponse:
        return answered(services_answer(self.control.status()))

    async def service(self, request: web.Request) -> web.StreamResponse:
        return answered(service_answer(self._named(request)))

    async def explain(self, request: web.Request) -> web.StreamResponse:
        status = self._named(request)
        return answered(explain_answer(status, self.control.explain(status.name)))

    async def history(self, request: web.Request) -> web.StreamResponse:
        name = self._named(request).name
        limit = number(request, "limit", HISTORY_LIMIT, HISTORY_MAX)
        after = number(request, "after", 0)
        kind = request.query.get("kind", "")
        if kind and kind not in set(EventKind):
            raise Refused(400, f"`kind` is no kind of event, such as {EventKind.DECIDED}")
        return answered(history_answer(name, await self.control.history(name, limit, after, kind)))

    async def events(self, request: web.Request) -> web.StreamResponse:
        last = request.headers.get("Last-Event-ID") or request.query.get("after")
        service = request.query.get("service")
        return await stream_events(
            request,
            self.control,
            self.streams,
            service=self._known(service).name if service is not None else None,
            after=None if last is None else natural("Last-Event-ID", last),
            limit=number(request, "limit", 0, HISTORY_MAX),
            follow=flag(request, "follow", default=True),
        )

    async def logs(self, request: web.Request) -> web.StreamResponse:
        return await stream_logs(
            request,
            self.control,
            self.streams,
            service=self._named(request).name,
            tail=number(request, "tail", HISTORY_LIMIT, TAIL_MAX),
            follow=flag(request, "follow", default=False),
        )

    async def scale(self, request: web.Request) -> web.StreamResponse:
        name = self._named(request).name
        asked = await asked_for(request, ScaleAsk)
        override = None
        if asked is not None:
            until = None if asked.for_s is None else self.now() + asked.for_s
            override = Override(replicas=asked.replicas, min=asked.min, max=asked.max, until=until, reason=asked.reason)
        return answered(ordered_answer(await self._whole(self.control.scale(name, override))))

    async def pause(self, request: web.Request) -> web.StreamResponse:
        name = self._named(request).name
        asked = await asked_for(request, PauseAsk)
        kind = PauseKind(asked.only) if asked is not None and asked.only else PauseKind.ALL
        return answered(ordered_answer(await self._whole(self.control.pause(name, kind))))

    async def resume(self, request: web.Request) -> web.StreamResponse:
        status = self._named(request)
        asked = await asked_for(request, PauseAsk)
        only = PauseKind(asked.only) if asked is not None and asked.only else PauseKind.ALL
        left = left_paused(status.orders.pause, only)
        return answered(ordered_answer(await self._whole(self.control.pause(status.name, left))))

    async def undo(self, request: web.Request) -> web.StreamResponse:
        self._named(request)
        raise Refused(404, "rollouts are not available yet", fix="apply the previous policy file")

    async def reload(self, request: web.Request) -> web.StreamResponse:
        problems = await self._whole(self.control.reload())
        if problems:
            raise Refused(422, f"{len(problems)} problems; {problems[0]}", problems=tuple(problems))
        return answered(ReloadAnswer())

    async def down(self, request: web.Request) -> web.StreamResponse:
        asked = await asked_for(request, DownAsk)
        services = asked.services if asked is not None else None
        for name in services or ():
            self._known(name)
        await self._whole(self.control.down(services))
        return answered(DownAnswer(services=services))

    async def _whole(self, change: Awaitable[T]) -> T:
        """A change is made to its end, though the client that asked for it goes away."""
        task = asyncio.ensure_future(change)
        self.changing.add(task)
        task.add_done_callback(self.changing.discard)
        return await asyncio.shield(task)

    def _named(self, request: web.Request) -> ServiceStatus:
        return self._known(request.match_info["name"])

    def _known(self, name: str) -> ServiceStatus:
        """The service of that name; 404 where there is none."""
        if not NAME_PATTERN.fullmatch(name):
            raise Refused(404, "that is no service's name", fix="see `autoscaler status`")
        try:
            return self.control.service(name)
        except UsageError as error:
            raise Refused(404, error.what, where=error.where, fix=error.fix or "see `autoscaler status`") from None


def answered(document: BaseModel) -> web.Response:
    """A document as JSON."""
    body = document.model_dump_json(fallback=str).encode()
    return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})


async def asked_for(request: web.Request, model: type[A]) -> A | None:
    """The request's body, checked; None where it is empty or null."""
    body = await read_body(request)
    try:
        given = json.loads(body) if body.strip() else None
        return None if given is None else model.model_validate_json(body)
    except ValidationError as error:
        raise Refused(400, told(error)) from None
    except (ValueError, RecursionError):
        raise Refused(400, "the body is no JSON document") from None


def told(error: ValidationError) -> str:
    """What is wrong with a request, in our words where they are ours; never what was given."""
    problems = []
    for problem in error.errors(include_url=False, include_input=False)[:PROBLEMS_SHOWN]:
        where = ".".join(str(part) for part in problem["loc"])
        what = problem["msg"].removeprefix("Value error, ")
        problems.append(f"`{where}`: {what}" if where else what)
    return "; ".join(problems)


def left_paused(paused: PauseKind | None, resumed: PauseKind) -> PauseKind | None:
    """What stays paused when moves of that kind are let go."""
    if paused is None or resumed in (PauseKind.ALL, paused):
        return None
    if paused is PauseKind.ALL:
        return PauseKind.OUT if resumed is PauseKind.IN else PauseKind.IN
    return paused


def number(request: web.Request, name: str, default: int, most: int | None = None) -> int:
    """A whole number of the query, at most `most`."""
    given = request.query.get(name)
    found = default if given is None else natural(name, given)
    return found if most is None else min(found, most)


def natural(name: str, given: str) -> int:
    """A number not below zero."""
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise Refused(400, f"`{name}` is no whole number")
    return int(given)


def flag(request: web.Request, name: str, *, default: bool) -> bool:
    """A yes or no of the query."""
    given = request.query.get(name, str(default).lower())
    if given not in ("true", "false", "1", "0"):
        raise Refused(400, f"`{name}` is neither true nor false")
    return given in ("true", "1")
