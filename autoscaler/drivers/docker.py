"""The connection to one Docker engine: every call off the loop, bounded in time, its failure told as one of our errors.

Short looks have 2 threads and changes 8, so that creations that hang keep no look waiting; what is long by nature (stop,
pull, build, followed streams) has a thread of its own. The SDK's session is not thread-safe, so each thread has its own
client. The API version is agreed on once: the newest that both know, asked again when the engine could not be reached
(it may come back as another version).

What is asked each second goes past the SDK where the engine has a unix socket: see docker_get.py.
"""

import asyncio
import math
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, Generic, NoReturn, TypeVar

import requests
from docker import APIClient
from docker.utils import version_gte, version_lt

from autoscaler.drivers.docker_answers import mapping, version
from autoscaler.drivers.docker_endpoint import Endpoint, find_endpoint
from autoscaler.drivers.docker_errors import explain
from autoscaler.drivers.docker_get import UnixGet, is_unix
from autoscaler.drivers.threads import Blocking, DaemonThreads, draw, run_alone
from autoscaler.errors import EngineError, EngineUnavailable

OLDEST_API = "1.41"  # Engine 20.10
NEWEST_API = "1.47"  # Engine 27: nothing newer was read by us; engines keep older versions for years
LOOK_THREADS = 2
ACT_THREADS = 8
LOOK_TIMEOUT_S = 2.0
ACT_TIMEOUT_S = 30.0

T = TypeVar("T")
Ask = Callable[[APIClient], T]


class Engine:
    """One engine, found in `environ` at the first call. A read-only one refuses every request that could change anything."""

    def __init__(self, environ: Mapping[str, str], *, read_only: bool = False) -> None:
        self.environ = environ
        self._read_only = read_only
        self._endpoint: Endpoint | None = None
        self._version: str | None = None
        self._look = DaemonThreads(LOOK_THREADS, "docker-look")
        self._act = DaemonThreads(ACT_THREADS, "docker-act")
        self._mine = threading.local()

    @property
    def endpoint(self) -> Endpoint:
        """Where the engine is; EngineError where we can't use it."""
        if self._endpoint is None:
            self._endpoint = find_endpoint(self.environ)
        return self._endpoint

    @property
    def where(self) -> str:
        """The engine, for messages."""
        return str(self.endpoint)

    async def look(self, doing: str, ask: Ask[T], timeout_s: float = LOOK_TIMEOUT_S) -> T:
        """A question that the engine answers at once."""
        return await self._bounded(doing, self._look.run(lambda: self._ask(ask, timeout_s)), timeout_s)

    async def get(
        self, doing: str, path: str, query: Mapping[str, str], ask: Ask[T], timeout_s: float = LOOK_TIMEOUT_S
    ) -> T:
        """What the engine has at `path`, the cheap way where there is one; `ask` is the SDK's call for the same."""
        return await self.look(doing, lambda client: self._get(client, path, query, ask), timeout_s)

    def _get(self, client: APIClient, path: str, query: Mapping[str, str], ask: Ask[T]) -> T:
        if not is_unix(self.endpoint.host):
            return ask(client)
        mine: UnixGet | None = getattr(self._mine, "get", None)
        if mine is None:
            mine = self._mine.get = UnixGet(self.endpoint.host)
        found: T | None = mine.json(f"/v{client.api_version}{path}", query, client.timeout)
        return ask(client) if found is None else found

    async def act(self, doing: str, ask: Ask[T], timeout_s: float = ACT_TIMEOUT_S) -> T:
        """A change; one that was given up may still come true."""
        return await self._bounded(doing, self._act.run(lambda: self._ask(ask, timeout_s)), timeout_s)

    async def alone(self, doing: str, ask: Ask[T], timeout_s: float) -> T:
        """A call that is long by nature, on a thread of its own."""

        def call() -> T:
            with self.client(timeout_s) as client:
                return ask(client)

        return await self._bounded(doing, run_alone(call, "docker-long"), timeout_s)

    async def stream(self, doing: str, open_stream: Ask[Blocking[T]], silence_s: float) -> AsyncIterator[T]:
        """The items of a stream as they come; `silence_s` is how long the engine may take to say anything at all."""
        items = draw(lambda: _Owned(self.client(silence_s), open_stream), "docker-stream")
        try:
            async for item in items:
                yield item
        except Exception as error:
            self._tell(error, doing, silence_s)
        finally:
            await items.aclose()

    def client(self, timeout_s: float) -> APIClient:
        """A new client, to be closed; it waits `timeout_s` for each piece of an answer."""
        if self._version is None:
            self._version = self._agree(timeout_s)
        return self._connect(self._version, timeout_s)

    async def close(self) -> None:
        """Let go of the threads; calls under way end by their own bounds."""
        self._look.close()
        self._act.close()

    async def _bounded(self, doing: str, call: Awaitable[T], timeout_s: float) -> T:
        try:
            async with asyncio.timeout(timeout_s):
                return await call
        except Exception as error:
            self._tell(error, doing, timeout_s)

    def _tell(self, error: Exception, doing: str, timeout_s: float) -> NoReturn:
        if isinstance(error, EngineError):
            error.where = error.where or self.where
            raise error
        ours = explain(error, where=self.where, doing=doing, timeout_s=timeout_s)
        if ours is None:
            raise error
        if isinstance(ours, EngineUnavailable) and isinstance(error, requests.ConnectionError):
            self._version = None
        raise ours from None  # the SDK's own text may quote a request, and so a secret

    def _ask(self, ask: Ask[T], timeout_s: float) -> T:
        client = self._own_client(timeout_s)
        try:
            return ask(client)
        finally:
            client.close()  # its connections: the SDK keeps one for each of the last 25 URLs, and so for each container

    def _own_client(self, timeout_s: float) -> APIClient:
        mine: APIClient | None = getattr(self._mine, "client", None)
        if mine is None or mine.api_version != self._version:
            mine = self._mine.client = self.client(timeout_s)
        mine.timeout = math.ceil(timeout_s)
        return mine

    def _agree(self, timeout_s: float) -> str:
        with self._connect(OLDEST_API, timeout_s) as client:
            told = mapping(client.version(api_version=False), "the version")
        newest, oldest = version(told.get("ApiVersion"), "ApiVersion"), version(told.get("MinAPIVersion"), "MinAPIVersion")
        if version_lt(newest, OLDEST_API):
            what = f"engine {told.get('Version')} with API {newest} is too old"
            raise EngineError(what, where=self.where, fix="Docker Engine 20.10 or later is needed")
        if version_gte(newest, NEWEST_API) and version_gte(NEWEST_API, oldest):
            return NEWEST_API
        return str(newest)

    def _connect(self, version: str, timeout_s: float) -> APIClient:
        kind = _ReadOnlyClient if self._read_only else APIClient
        endpoint = self.endpoint
        client = kind(endpoint.host, version=version, timeout=math.ceil(timeout_s), tls=endpoint.tls or False)
        client.trust_env = False  # a web proxy of the environment must not get what is meant for a loopback engine
        return client


class _Owned(Generic[T]):
    """A stream and its own client, closed together: else the client's connections stay until memory is collected."""

    def __init__(self, client: APIClient, open_stream: Ask[Blocking[T]]) -> None:
        self._client = client
        try:
            self._stream = open_stream(client)
        except BaseException:
            client.close()
            raise

    def __iter__(self) -> Iterator[T]:
        return iter(self._stream)

    def close(self) -> None:
        """From any thread."""
        try:
            self._stream.close()
        finally:
            self._client.close()


class _ReadOnlyClient(APIClient):
    """Asks only what changes nothing."""

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        if method not in ("GET", "HEAD"):
            raise EngineError(f"{method!r} {url!r} was asked of a client that only reads")
        return super().request(method, url, *args, **kwargs)
