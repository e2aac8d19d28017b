"""The API's paths, each once: what the router is given and openapi.json is made from."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from pydantic import BaseModel

from autoscaler.web.handlers import METRICS_TYPE, Handlers
from autoscaler.web.models import (
    DownAnswer,
    DownAsk,
    EventAnswer,
    ExplainAnswer,
    HistoryAnswer,
    LogLine,
    OrderedAnswer,
    PauseAsk,
    ReloadAnswer,
    ScaleAsk,
    ServiceAnswer,
    ServicesAnswer,
)
from autoscaler.web.streams import NDJSON

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SERVICE = "/api/v1/services/{name}"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Route:
    """A path. `answer` is a model, or None for text of that `media`; `query` what may stand behind the question mark."""

    method: str
    path: str
    handler: Handler
    summary: str
    answer: type[BaseModel] | None = None
    ask: type[BaseModel] | None = None
    media: str = JSON
    query: tuple[str, ...] = ()
    refusals: tuple[int, ...] = ()


def routes(handlers: Handlers, openapi: Handler) -> tuple[Route, ...]:
    """All of them."""
    return (
        Route("GET", "/", handlers.page, "A page for people", media="text/html"),
        Route("GET", "/metrics", handlers.metrics_text, "Prometheus metrics", media=METRICS_TYPE),
        Route("GET", "/healthz", handlers.healthz, "Whether the process lives", media="text/plain"),
        Route("GET", "/readyz", handlers.readyz, "Whether it is ready, else 503 and why not", media="text/plain"),
        Route("GET", "/api/v1/services", handlers.services, "All services", ServicesAnswer),
        Route("GET", SERVICE, handlers.service, "One service", ServiceAnswer),
        Route("GET", f"{SERVICE}/explain", handlers.explain, "Why there are this many replicas", ExplainAnswer),
        Route("GET", f"{SERVICE}/history", handlers.history, "Its events", HistoryAnswer, query=("limit", "after", "kind")),
        Route(
            "GET",
            f"{SERVICE}/logs",
            handlers.logs,
            "Its replicas' log lines",
            LogLine,
            media=NDJSON,
            query=("tail", "follow"),
        ),
        Route("POST", f"{SERVICE}/scale", handlers.scale, "Override, or null to end that", OrderedAnswer, ScaleAsk),
        Route("POST", f"{SERVICE}/pause", handlers.pause, "Stop moves", OrderedAnswer, PauseAsk),
        Route("POST", f"{SERVICE}/resume", handlers.resume, "Let moves go on, and end a `down`", OrderedAnswer, PauseAsk),
        Route("POST", f"{SERVICE}/undo", handlers.undo, "Undo a rollout: not available yet", refusals=(404,)),
        Route("POST", "/api/v1/reload", handlers.reload, "Read the policy files again", ReloadAnswer, refusals=(422,)),
        Route(
            "POST", "/api/v1/down", handlers.down, "Drain and remove services, or all and the daemon", DownAnswer, DownAsk
        ),
        Route(
            "GET",
            "/api/v1/events",
            handlers.events,
            "Events as they happen (server-sent), each with its id",
            EventAnswer,
            media="text/event-stream",
            query=("service", "limit", "after", "follow"),
        ),
        Route("GET", "/api/v1/openapi.json", openapi, "This document"),
    )
