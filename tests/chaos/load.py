"""What clients do while faults strike: each kind of request at a rate of its own, whatever the answers take.

    kept     GET, HEAD, OPTIONS over connections that are kept       slow       5 s until the answer
    fresh    GET over a connection of its own                        stream     4 s of pieces
    post     2 KB, answered with its SHA-256                         websocket  6 s of messages that are said back

Each request has an id (X-Request-Id, which the proxy keeps), by which the replicas' journal tells who took it.
"""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

import aiohttp

from tests.chaos.accounts import OK, Accounts, Request

TIMEOUT_S = 45.0
BODY = b"chaos" * 400
DIGEST = hashlib.sha256(BODY).hexdigest()
SLOW_S, STREAM_S, SOCKET_S = 5, 4, 6
STREAM_BYTES = STREAM_S * 10 * 100
MESSAGE_EVERY_S = 0.25


@dataclass(slots=True)
class Attempt:
    """A request under way, and what is known of its answer."""

    id: str
    kind: str
    method: str
    begun: bool = False
    replica: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What it is sent with."""
        return {"X-Request-Id": self.id}

    def began(self, answer: aiohttp.ClientResponse) -> None:
        """The head of an answer came; one with X-Replica is the replica's, any other the proxy's own."""
        self.replica = answer.headers.get("X-Replica", "")
        self.begun = bool(self.replica)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request: its share of the load, requests/s."""

    name: str
    method: str
    rate: float
    ask: Callable[["Clients", Attempt], Awaitable[str]]


async def _plain(clients: "Clients", attempt: Attempt, path: str = "/", *, fresh: bool = False) -> str:
    session = clients.fresh if fresh else clients.kept
    body = BODY if attempt.method == "POST" else None
    async with session.request(attempt.method, clients.url + path, headers=attempt.headers, data=body) as answer:
        attempt.began(answer)
        text = await answer.text()
        if answer.status == 503 and "Retry-After" not in answer.headers:
            return "wrong"
        if answer.status != 200:
            return f"status_{answer.status}"
        return OK if text == _expected(attempt) else "wrong"


def _expected(attempt: Attempt) -> str:
    match attempt.method:
        case "HEAD":
            return ""
        case "POST":
            return DIGEST
        case _:
            return attempt.replica


async def _fresh(clients: "Clients", attempt: Attempt) -> str:
    return await _plain(clients, attempt, fresh=True)


async def _slow(clients: "Clients", attempt: Attempt) -> str:
    return await _plain(clients, attempt, f"/slow?s={SLOW_S}")


async def _stream(clients: "Clients", attempt: Attempt) -> str:
    async with clients.kept.get(f"{clients.url}/stream?s={STREAM_S}", headers=attempt.headers) as answer:
        attempt.began(answer)
        body = await answer.read()
        if answer.status != 200:
            return f"status_{answer.status}"
        return OK if len(body) == STREAM_BYTES else "wrong"


async def _socket(clients: "Clients", attempt: Attempt) -> str:
    try:
        async with clients.fresh.ws_connect(f"{clients.url}/echo", headers=attempt.headers) as socket:
            attempt.begun = True
            for number in range(int(SOCKET_S / MESSAGE_EVERY_S)):
                await socket.send_str(f"message {number}")
                said = await socket.receive()
                if said.type is not aiohttp.WSMsgType.TEXT:
                    return "cut"
                if said.data != f"message {number}":
                    return "wrong"
                await asyncio.sleep(MESSAGE_EVERY_S)
        return OK
    except aiohttp.WSServerHandshakeError as error:
        return f"status_{error.status}"


async def _nonsense(clients: "Clients", attempt: Attempt) -> str:
    return await _plain(clients, attempt, "/nonsense")


MIX = (
    Kind("kept", "GET", 30, _plain),
    Kind("kept", "HEAD", 4, _plain),
    Kind("kept", "OPTIONS", 4, _plain),
    Kind("fresh", "GET", 10, _fresh),
    Kind("post", "POST", 14, _plain),
    Kind("slow", "GET", 1.6, _slow),
    Kind("stream", "GET", 0.6, _stream),
    Kind("websocket", "GET", 0.4, _socket),
)
BURST = Kind("burst", "GET", 0, _slow)
NONSENSE = Kind("nonsense", "GET", 0, _nonsense)


@dataclass
class Clients:
    """All of them, at `url`."""

    url: str
    accounts: Accounts
    chance: random.Random
    kept: aiohttp.ClientSession = field(init=False)
    fresh: aiohttp.ClientSession = field(init=False)
    sent: int = 0
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)
    _loops: list[asyncio.Task[None]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self.kept, self.fresh = _session(force_close=False), _session(force_close=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        await self.kept.close()
        await self.fresh.close()

    def start(self) -> None:
        """Send all of the mix from now on."""
        self._loops = [asyncio.create_task(self._keep_sending(kind)) for kind in MIX]

    async def stop(self) -> None:
        """Send no more, and wait until all that is under way has ended."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await asyncio.gather(*self._under_way)

    async def ask(self, kind: Kind) -> Request:
        """One request, accounted for."""
        self.sent += 1
        loop = asyncio.get_running_loop()
        attempt = Attempt(f"{kind.name}-{self.sent}", kind.name, kind.method)
        start = loop.time()
        outcome = await _outcome(kind, self, attempt)
        request = Request(attempt.id, kind.name, kind.method, start, loop.time(), outcome, attempt.begun, attempt.replica)
        self.accounts.requests.append(request)
        return request

    async def _keep_sending(self, kind: Kind) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += self.chance.expovariate(kind.rate)
            await asyncio.sleep(due - loop.time())
            task = asyncio.create_task(self._one(kind))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _one(self, kind: Kind) -> None:
        await self.ask(kind)


async def _outcome(kind: Kind, clients: Clients, attempt: Attempt) -> str:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await kind.ask(clients, attempt)
    except TimeoutError:
        return "timeout"
    except aiohttp.ClientConnectorError:
        return "refused"
    except (aiohttp.ClientError, ConnectionError):
        return "cut" if attempt.begun else "closed"


def _session(*, force_close: bool) -> aiohttp.ClientSession:
    """Without limits, and without aiohttp's own second try of what fails over a kept connection: it would hide a failure."""
    connector = aiohttp.TCPConnector(limit=0, force_close=force_close)
    session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None))
    session._retry_connection = False
    return session
