"""Connections: how many at most, and how long one may take to ask.

    at most min(1000, half of the open files that this process may have)
    10 s to send a request's head, or between two requests: then the connection is closed

Where they are all taken, a new one pushes out the one that has been without a request in work for longest, so that ten
thousand silent strangers don't keep anyone from asking. Only where every connection has work is the new one closed.
"""

import asyncio
import contextlib
import logging
import resource
import socket

from aiohttp import hdrs, web
from aiohttp.web_protocol import RequestHandler

from autoscaler.web.problems import Refused, problem_response

CONNECTIONS_MAX = 1000
ASK_TIMEOUT_S = 10.0
LINGER_S = 2.0  # to read what is still being sent of a body that was refused, so that the client sees the answer
LINE_MAX = 64 * 1024  # beyond what is answered by 414, so that the answer is ours
ACCEPT_PAUSE_S = 0.1

log = logging.getLogger(__name__)


def connections_max() -> int:
    """How many connections may be open at once."""
    open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS_MAX if open_files == resource.RLIM_INFINITY else max(1, min(CONNECTIONS_MAX, open_files // 2))


class Connections:
    """The open ones of one listener, those without work in the order in which they came to be so."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._busy: set[Connection] = set()
        self._idle: dict[Connection, None] = {}

    def opened(self, connection: "Connection") -> None:
        self._idle[connection] = None

    def closed(self, connection: "Connection") -> None:
        self._idle.pop(connection, None)
        self._busy.discard(connection)

    def began(self, connection: "Connection") -> None:
        """It has sent a whole request, and waits for the answer."""
        if self._idle.pop(connection, connection) is None:
            self._busy.add(connection)

    def ended(self, connection: "Connection") -> None:
        """Its answer is on the way."""
        if connection in self._busy:
            self._busy.discard(connection)
            self._idle[connection] = None

    def make_room(self) -> bool:
        """Whether one more may be opened, having closed an idle one where that was needed."""
        if len(self._busy) + len(self._idle) < self.limit:
            return True
        if not self._idle:
            return False
        oldest = next(iter(self._idle))
        self.closed(oldest)
        oldest.force_close()
        return True


class Connection(RequestHandler):
    """aiohttp's, which tells when it opens and closes, and whose own errors are problem documents too."""

    __slots__ = ("_listing",)

    def __init__(self, server: web.Server, listing: Connections) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=ASK_TIMEOUT_S,
            lingering_time=LINGER_S,
            max_line_size=LINE_MAX,
            auto_decompress=False,
            access_log=None,  # type: ignore[arg-type]  # aiohttp's way to have none
        )
        self._listing = listing

    @property
    def listing(self) -> Connections:
        """The list that it is in."""
        return self._listing

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._listing.opened(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._listing.closed(self)
        super().connection_lost(exc)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        if isinstance(resp, web.HTTPException):  # an `Expect` that can't be met is refused before our own guards see it
            resp = problem_response(Refused(resp.status, resp.reason, close=True))
        return await super().finish_response(request, resp, start_time)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if isinstance(exc, UnicodeError) and hdrs.EXPECT in request.headers:  # aiohttp can't quote it in its refusal
            return problem_response(Refused(417, "that can't be expected here", close=True))
        if status >= 500:
            log.error("the API failed to answer", exc_info=exc)
            return problem_response(Refused(500, "the daemon's log says more", close=True))
        return problem_response(Refused(status, "that is no HTTP request that can be read", close=True))


class Listener:
    """Accepts connections on one bound socket until it is closed."""

    def __init__(self, server: web.Server, bound: socket.socket) -> None:
        self._server = server
        self._socket = bound
        self._connections = Connections(connections_max())
        self._task = asyncio.create_task(self._accept())

    @property
    def limit(self) -> int:
        """How many connections it keeps open at most."""
        return self._connections.limit

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(self._socket)
            except OSError as error:  # out of files, or the client has gone: what is open goes on
                log.warning("accepting a connection failed: %s", error)
                await asyncio.sleep(ACCEPT_PAUSE_S)
                continue
            if not self._connections.make_room():
                accepted.close()
                continue
            with contextlib.suppress(OSError):
                await loop.connect_accepted_socket(lambda: Connection(self._server, self._connections), accepted)

    async def close(self) -> None:
        """Accept no more; what is open is the server's to end."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._socket.close()
