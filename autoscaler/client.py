"""Talks to a running daemon.

    --api URL                      http://, https:// or unix:///path/to/api.sock
    STATE_DIR/api.sock             no token needed
    STATE_DIR/api.address          the address that the daemon wrote there, with the token of --token-file

The first of the three that is there and answers. Answers are bounded in time and size; a problem document becomes the error
that it was in the daemon, or near enough. Streams of events come back by themselves after a cut, from where they were.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, urlsplit

import aiohttp
from pydantic import BaseModel

from autoscaler.errors import AutoscalerError, DaemonUnavailable, EngineUnavailable, PolicyError, UsageError
from autoscaler.web.models import (
    EventAnswer,
    ExplainAnswer,
    HistoryAnswer,
    LogLine,
    OrderedAnswer,
    Problem,
    ServiceAnswer,
    ServicesAnswer,
)

SOCKET = "api.sock"
ADDRESS_FILE = "api.address"
TOKEN = "token"
CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 30.0
DOWN_TIMEOUT_S = 3600.0  # as long as the longest drains
SILENCE_TIMEOUT_S = 60.0  # of a stream, which says each 15 s that it lives
ANSWER_MAX = 64 * 1024 * 1024
LINE_MAX = 1024 * 1024
RECONNECT_S = 1.0
RECONNECTS = 30  # in a row without a word from the daemon: it is not being restarted, it is gone
FIX = "is it running? start it with `autoscaler run`, or name it with --api or --state-dir"
ERRORS: Mapping[int, type[AutoscalerError]] = {400: UsageError, 404: UsageError, 422: PolicyError, 503: EngineUnavailable}

A = TypeVar("A", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a daemon may be: an http URL, or a socket (then the URL's host means nothing)."""

    url: str
    socket: Path | None = None
    token_file: Path | None = None

    def __str__(self) -> str:
        return str(self.socket or self.url)


class Client:
    """One daemon's API. `async with` finds the daemon; it raises DaemonUnavailable where there is none."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = targets
        self._target = targets[0]
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def find(cls, api: str | None, state_dir: Path, token_file: Path | None) -> Self:
        """The daemon that the flags mean."""
        token = token_file or state_dir / TOKEN
        if api is not None:
            return cls([_named(api, token)])
        targets = [Target("http://localhost", socket=state_dir / SOCKET)]
        address = _address(state_dir / ADDRESS_FILE)
        return cls([*targets, Target(f"http://{address}", token_file=token)] if address else targets)

    async def __aenter__(self) -> Self:
        self._target = await self._first_there()
        connector = aiohttp.UnixConnector(str(self._target.socket)) if self._target.socket else aiohttp.TCPConnector()
        headers = {"Accept": "application/json, */*"}
        token = _token(self._target.token_file)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._session = aiohttp.ClientSession(connector=connector, headers=headers, read_bufsize=LINE_MAX)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    # ------------------------------------------------------------ questions

    async def services(self) -> Sequence[ServiceAnswer]:
        """All services."""
        return (await self._get("/api/v1/services", ServicesAnswer)).root

    async def service(self, name: str) -> ServiceAnswer:
        """One service."""
        return await self._get(_path(name), ServiceAnswer)

    async def explain(self, name: str) -> ExplainAnswer:
        """Why it has as many replicas as it has."""
        return await self._get(_path(name, "explain"), ExplainAnswer)

    async def history(self, name: str, limit: int, after: int = 0, kind: str = "") -> HistoryAnswer:
        """Its newest events above `after`, of one kind where it is given, oldest first."""
        of_kind = f"&kind={kind}" if kind else ""
        return await self._get(f"{_path(name, 'history')}?limit={limit}&after={after}{of_kind}", HistoryAnswer)

    async def ready(self) -> tuple[bool, Sequence[str]]:
        """Whether the daemon is ready, and its lines about it."""
        status, body, _ = await self._exchange("GET", "/readyz")
        return status == 200, body.decode("utf-8", "replace").splitlines()

    # ------------------------------------------------------------ orders

    async def scale(self, name: str, order: Mapping[str, object] | None) -> OrderedAnswer:
        """Order a count or bounds, as the API takes them; None takes that back."""
        return await self._post(_path(name, "scale"), order, OrderedAnswer)

    async def pause(self, name: str, only: str | None) -> OrderedAnswer:
        """Stop its moves, or only scale-in (`in`) or scale-out (`out`)."""
        return await self._post(_path(name, "pause"), {"only": only}, OrderedAnswer)

    async def resume(self, name: str, only: str | None) -> OrderedAnswer:
        """Let it move again."""
        return await self._post(_path(name, "resume"), {"only": only}, OrderedAnswer)

    async def reload(self) -> Sequence[str]:
        """Have the policy files read again; what is wrong with them, one line each."""
        status, body, kind = await self._exchange("POST", "/api/v1/reload", None, timeout_s=SILENCE_TIMEOUT_S)
        if status == 422:
            return _problem(status, body, kind).problems
        self._checked(status, body, kind)
        return ()

    async def down(self, services: Sequence[str] | None, timeout_s: float = DOWN_TIMEOUT_S) -> None:
        """Have services drained and removed, or (None) all, and then the daemon ends; returns when that is done."""
        answer = await self._exchange("POST", "/api/v1/down", {"services": services}, timeout_s=timeout_s)
        self._checked(*answer)

    # ------------------------------------------------------------ streams

    async def events(
        self, *, service: str | None = None, limit: int = 0, follow: bool = True
    ) -> AsyncGenerator[EventAnswer, None]:
        """The journal's newest `limit` events and (`follow`) each new one, for ever."""
        query = f"follow={'true' if follow else 'false'}" + (f"&service={quote(service, safe='')}" if service else "")
        last: int | None = None
        failures = 0
        while True:
            start = f"limit={limit}" if last is None else f"after={last}"
            try:
                async for line in self._lines(f"/api/v1/events?{query}&{start}"):
                    failures = 0
                    if line.startswith(b"data:"):
                        event = EventAnswer.model_validate_json(line[5:])
                        last = event.id
                        yield event
                if not follow:
                    return
            except DaemonUnavailable:
                failures += 1
                if not follow or failures > RECONNECTS:
                    raise
            await asyncio.sleep(RECONNECT_S)

    async def logs(self, name: str, tail: int, follow: bool) -> AsyncGenerator[LogLine, None]:
        """The replicas' last lines and (`follow`) each new one, until the service goes."""
        path = f"{_path(name, 'logs')}?tail={tail}&follow={'true' if follow else 'false'}"
        async for line in self._lines(path):
            document = json.loads(line)
            if "detail" in document:
                raise _error(Problem.model_validate(document))
            yield LogLine.model_validate(document)

    async def _lines(self, path: str) -> AsyncIterator[bytes]:
        """The lines of a stream that say something."""
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S, sock_read=SILENCE_TIMEOUT_S)
        try:
            async with self._open().get(self._target.url + path, timeout=timeout, allow_redirects=False) as answer:
                if answer.status != 200:
                    self._checked(answer.status, await _bounded(answer), answer.content_type)
                async for line in answer.content:
                    if line.strip():
                        yield line.strip()
        except aiohttp.ClientPayloadError as error:
            raise DaemonUnavailable("the daemon ended", where=str(self._target), fix="ask again when it is back") from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._unavailable(error) from error

    # ------------------------------------------------------------ beneath

    async def _get(self, path: str, kind: type[A]) -> A:
        answer = await self._exchange("GET", path)
        return self._document(kind, *answer)

    async def _post(self, path: str, document: object, kind: type[A]) -> A:
        answer = await self._exchange("POST", path, document)
        return self._document(kind, *answer)

    async def _exchange(
        self, method: str, path: str, document: object = None, timeout_s: float = ANSWER_TIMEOUT_S
    ) -> tuple[int, bytes, str]:
        """Status, body and content type of one answer."""
        timeout = aiohttp.ClientTimeout(total=timeout_s, connect=CONNECT_TIMEOUT_S)
        body = {"json": document} if method == "POST" else {}
        try:
            async with self._open().request(
                method,
                self._target.url + path,
                timeout=timeout,
                allow_redirects=False,
                **body,  # type: ignore[arg-type]
            ) as answer:
                return answer.status, await _bounded(answer), answer.content_type
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._unavailable(error) from error

    def _document(self, kind: type[A], status: int, body: bytes, content_type: str) -> A:
        self._checked(status, body, content_type)
        try:
            return kind.model_validate_json(body)
        except ValueError as error:
            raise self._stranger(f"its answer is none of ours ({content_type})") from error

    def _checked(self, status: int, body: bytes, content_type: str) -> None:
        """Raises what a problem document says."""
        if status >= 400 and content_type == "application/problem+json":
            raise _error(_problem(status, body, content_type))
        if status != 200:
            raise self._stranger(f"it answered {status}")

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the client is used before `async with`")
        return self._session

    def _unavailable(self, error: BaseException) -> DaemonUnavailable:
        what = "no answer in time" if isinstance(error, TimeoutError) else f"the connection failed ({error})"
        return DaemonUnavailable(f"{what}", where=f"daemon at {self._target}", fix="is it still running?")

    def _stranger(self, what: str) -> DaemonUnavailable:
        return DaemonUnavailable(what, where=f"daemon at {self._target}", fix="is that an autoscaler? see --api")

    async def _first_there(self) -> Target:
        """The first target that takes a connection."""
        failures = []
        for target in self._targets:
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    await _try(target)
            except TimeoutError:
                failures.append((target, "no answer"))
            except FileNotFoundError:
                failures.append((target, "no daemon is there"))
            except PermissionError:
                fix = "run this as the daemon's user, or use --api with --token-file"
                raise DaemonUnavailable("permission denied", where=f"daemon at {target}", fix=fix) from None
            except OSError as error:
                failures.append((target, error.strerror or str(error)))
            else:
                return target
        target, what = failures[-1]
        raise DaemonUnavailable(what.lower(), where=f"daemon at {target}", fix=FIX)


async def _try(target: Target) -> None:
    if target.socket is not None:
        _, writer = await asyncio.open_unix_connection(str(target.socket))
    else:
        parts = urlsplit(target.url)
        _, writer = await asyncio.open_connection(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
    writer.close()


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    """The body, unless it is longer than an answer of ours can be."""
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > ANSWER_MAX:
            raise DaemonUnavailable(f"an answer of more than {ANSWER_MAX} bytes", where=str(answer.url.origin()))
    return bytes(body)


def _named(api: str, token_file: Path) -> Target:
    """The target that --api names."""
    parts = urlsplit(api)
    try:
        if parts.scheme == "unix" and parts.path:
            return Target("http://localhost", socket=Path(parts.path))
        if parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port):
            return Target(api.rstrip("/"), token_file=token_file)
    except ValueError:  # a port that is none
        pass
    raise UsageError("no URL of an API", where=f"--api {api}", fix="write it like http://127.0.0.1:9600")


def _address(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def _token(path: Path | None) -> str:
    """The token; without one, reading still works where it is open, and the daemon says what is missing."""
    if path is None:
        return ""
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
    return token if token.isprintable() else ""


def _path(service: str, *rest: str) -> str:
    return "/".join(("/api/v1/services", quote(service, safe=""), *rest))


def _problem(status: int, body: bytes, content_type: str) -> Problem:
    try:
        return Problem.model_validate_json(body)
    except ValueError:
        return Problem(title="", status=status, detail=f"it answered {status} ({content_type})")


def _error(problem: Problem) -> AutoscalerError:
    return ERRORS.get(problem.status, AutoscalerError)(problem.detail, where=problem.where, fix=problem.fix)
