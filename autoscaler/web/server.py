"""The API's life: bind, serve, end.

STATE_DIR/api.sock (0600)      no token: only the daemon's own user can open it
--listen ADDRESS:PORT          the guards of guards.py
STATE_DIR/api.address          the address listened at, for commands that can't use the socket
"""

import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Middleware

from autoscaler.errors import AutoscalerError
from autoscaler.ports import Control
from autoscaler.web.connections import Connection, Listener
from autoscaler.web.guards import BODY_MAX, Guards
from autoscaler.web.handlers import Handlers
from autoscaler.web.openapi import openapi_document
from autoscaler.web.problems import Refused, problem_response, refused
from autoscaler.web.routes import routes
from autoscaler.web.sockets import bind_address, bind_path, split_address, told_address, write_address
from autoscaler.web.streams import Streams

ADDRESS_FILE = "api.address"
SHUTDOWN_S = 1.0

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Server:
    """An API that serves, at `address` (`127.0.0.1:9600`) and at its socket, until it is closed."""

    address: str
    _socket_path: Path
    _runner: web.AppRunner
    _listeners: tuple[Listener, ...]
    _streams: Streams

    async def close(self) -> None:
        """Accept no more, end streams, let answers under way go out, remove the socket."""
        for listener in self._listeners:
            await listener.close()
        for path in (self._socket_path, self._socket_path.with_name(ADDRESS_FILE)):
            path.unlink(missing_ok=True)
        self._streams.close()
        await self._runner.cleanup()


async def serve(
    control: Control,
    *,
    listen: str,
    socket_path: Path,
    token: str,
    allowed_hosts: Collection[str],
    metrics: Callable[[], bytes],
    now: Callable[[], float] = time.time,
) -> Server:
    """Serve until closed. `now` is the clock of overrides' ends; port 0 is one that is free.

    Raises UsageError for an address that is none, StateError for a socket that can't be made, AutoscalerError for an
    address that is taken.
    """
    host, port = split_address(listen)
    streams = Streams()
    app = application(control, streams, Guards(host=host, token=token, allowed_hosts=allowed_hosts), metrics, now)
    with contextlib.ExitStack() as undo:
        at_address = undo.enter_context(await bind_address(host, port))
        at_path = undo.enter_context(bind_path(socket_path))
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        assert runner.server is not None
        address = told_address(at_address)
        write_address(socket_path.with_name(ADDRESS_FILE), address)
        undo.pop_all()
    listeners = (Listener(runner.server, at_path), Listener(runner.server, at_address))
    return Server(address, socket_path, runner, listeners, streams)


def application(
    control: Control, streams: Streams, guards: Guards, metrics: Callable[[], bytes], now: Callable[[], float]
) -> web.Application:
    """The paths, behind their guards."""
    documents: list[bytes] = []

    async def openapi(_: web.Request) -> web.StreamResponse:
        return web.Response(body=documents[0], content_type="application/json")

    table = routes(Handlers(control, streams, metrics, now), openapi)
    documents.append(openapi_document(table))
    app = web.Application(client_max_size=BODY_MAX, middlewares=[_guarded(guards)])
    app.on_response_prepare.append(_signed)
    for route in table:
        app.router.add_route(route.method, route.path, route.handler)
        if route.method == "GET":
            app.router.add_route("HEAD", route.path, route.handler)
    return app


async def _signed(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "autoscaler"
    response.headers["X-Content-Type-Options"] = "nosniff"


def _guarded(guards: Guards) -> Middleware:
    """Every request passes the guards, and every error becomes a problem document."""

    @web.middleware
    async def guarded(request: web.Request, handler: Answer) -> web.StreamResponse:
        connection = request.protocol
        try:
            guards.check(request)
            if isinstance(connection, Connection) and not request.body_exists:
                connection.listing.began(connection)
            return await handler(request)
        except Refused as problem:
            return problem_response(problem)
        except AutoscalerError as error:
            return problem_response(refused(error))
        except web.HTTPException as error:
            return problem_response(Refused(error.status, _words(error), headers=_allow(error)))
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            return problem_response(Refused(500, "the daemon's log says more"))
        finally:
            if isinstance(connection, Connection):
                connection.listing.ended(connection)

    return guarded


def _words(error: web.HTTPException) -> str:
    return {404: "nothing is at this path", 405: "that can't be done with this path"}.get(error.status, error.reason)


def _allow(error: web.HTTPException) -> dict[str, str]:
    return {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
