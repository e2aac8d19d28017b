"""Errors as RFC 9457 problem documents, for people and programs alike.

    UsageError 400 · PolicyError 422 · what we depend on is down 503 · it refused 502 · anything else of ours 500

What isn't an `AutoscalerError` is a bug: its text may hold a secret, so the answer says nothing of it and the log all.
"""

from http import HTTPStatus

from aiohttp import web

from autoscaler.errors import (
    AutoscalerError,
    EngineError,
    EngineUnavailable,
    PolicyError,
    ProxyError,
    ProxyUnavailable,
    SourceError,
    StateError,
    UsageError,
)
from autoscaler.web.models import Problem

CONTENT_TYPE = "application/problem+json"

STATUS_OF = {
    UsageError: 400,
    PolicyError: 422,
    EngineUnavailable: 503,
    ProxyUnavailable: 503,
    StateError: 503,
    EngineError: 502,
    ProxyError: 502,
    SourceError: 502,
}


class Refused(Exception):
    """A request that is answered by a problem document, raised wherever that shows."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        where: str = "",
        fix: str = "",
        problems: tuple[str, ...] = (),
        headers: dict[str, str] | None = None,
        close: bool = False,
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(
            title=HTTPStatus(status).phrase, status=status, detail=detail, where=where, fix=fix, problems=problems
        )
        self.headers = headers or {}
        self.close = close


def refused(error: AutoscalerError) -> Refused:
    """The problem that an error of ours is."""
    status = next((STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF), 500)
    return Refused(status, error.what, where=error.where, fix=error.fix)


def problem_response(refused: Refused) -> web.Response:
    """The answer itself; the connection is closed where its request was not read to the end."""
    empty = {name for name in ("where", "fix", "problems") if not getattr(refused.problem, name)}
    response = web.Response(
        status=refused.problem.status,
        body=refused.problem.model_dump_json(exclude=empty).encode(),
        content_type=CONTENT_TYPE,
        headers=refused.headers,
    )
    if refused.close:
        response.force_close()
    return response
