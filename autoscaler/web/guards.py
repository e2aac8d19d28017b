"""Who may ask what, checked before a handler sees the request. In this order:

    414  a path beyond 8 KiB            413  a body said to be beyond 1 MiB
    421  over TCP, a Host that is neither the address listened at, nor localhost, nor allowed (DNS rebinding)
    401  over TCP, no token for a change; beyond loopback no token for reading either, /healthz aside
    429  more than 60 changes a second over one kind of listener

The unix socket asks for no Host and no token: only the daemon's own user can open it. No answer carries a CORS header, so
that a page of another origin can read none.
"""

import asyncio
import hmac
import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from autoscaler.web.problems import Refused

PATH_MAX = 8 * 1024
BODY_MAX = 1024 * 1024
BODY_TIMEOUT_S = 10.0
CHANGES_PER_S = 60.0
READING = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})
OPEN_PATHS = frozenset({"/healthz"})


class Bucket:
    """A token bucket: `rate` a second, as many at once."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._left = rate
        self._at = 0.0

    def take(self, at: float) -> bool:
        """Whether one more may pass at that time."""
        self._left = min(self._rate, self._left + (at - self._at) * self._rate)
        self._at = at
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Guards:
    """The checks of one daemon's API, listening at `host`."""

    def __init__(self, *, host: str, token: str, allowed_hosts: Collection[str]) -> None:
        self._token = token.encode()
        self._hosts = {name.lower() for name in ("localhost", host, *allowed_hosts)}
        self._open_reading = is_loopback(host)
        self._changes = {True: Bucket(CHANGES_PER_S), False: Bucket(CHANGES_PER_S)}

    def check(self, request: web.Request) -> None:
        """Raises Refused where the request may not pass."""
        if len(request.raw_path) > PATH_MAX:
            raise Refused(414, f"the path is longer than {PATH_MAX} bytes", close=True)
        if (request.content_length or 0) > BODY_MAX:
            raise too_large()
        is_local = _is_unix(request)
        changes = request.method not in READING
        if not is_local:
            self._check_host(request)
            if changes or not (self._open_reading or request.path in OPEN_PATHS):
                self._check_token(request)
        if changes and not self._changes[is_local].take(asyncio.get_running_loop().time()):
            raise Refused(
                429,
                f"more than {CHANGES_PER_S:g} changes a second",
                fix="ask again in a second",
                headers={"Retry-After": "1"},
            )

    def _check_host(self, request: web.Request) -> None:
        host = host_of(request.headers.get(hdrs.HOST, ""))  # two of them never come here: the parser answers 400
        if not request.raw_path.startswith("/") and urlsplit(request.raw_path).hostname != host:
            host = ""
        if host in self._hosts or (host and host == _local_address(request)):
            return
        raise Refused(
            421,
            "the Host of this request is not one of this daemon's",
            fix="name it by `autoscaler run --allowed-host NAME`",
        )

    def _check_token(self, request: web.Request) -> None:
        kind, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        matches = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), self._token)
        if kind.lower() == "bearer" and matches and self._token:
            return
        raise Refused(
            401,
            "this needs the daemon's token",
            fix="send `Authorization: Bearer TOKEN` with the content of the file `token` in its state dir",
            headers={"WWW-Authenticate": 'Bearer realm="autoscaler"'},
        )


async def read_body(request: web.Request) -> bytes:
    """The whole body, within its time and size."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await request.read()
    except TimeoutError:
        raise Refused(408, f"the body did not come within {BODY_TIMEOUT_S:g} s", close=True) from None
    except web.HTTPRequestEntityTooLarge:
        raise too_large() from None


def too_large() -> Refused:
    """A body that is not read to its end."""
    return Refused(413, f"the body is larger than {BODY_MAX} bytes", close=True)


def host_of(header: str) -> str:
    """The name or address in a Host header, without its port: `[::1]:9600` is `::1`."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    name, _, port = header.rpartition(":")
    return (name if name and port.isdigit() else header).lower()


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_unix(request: web.Request) -> bool:
    connected = request.transport.get_extra_info("socket") if request.transport else None
    return connected is not None and connected.family == socket.AF_UNIX


def _local_address(request: web.Request) -> str:
    """The address of ours that the client connected to."""
    name = request.transport.get_extra_info("sockname") if request.transport else None
    return str(name[0]).lower() if isinstance(name, tuple) else ""
