"""Asking other systems over HTTP: one client for all of a daemon's sources.

An answer is read to a bound, as it comes (nothing is unpacked), redirects are not followed, nothing is kept between two
questions but connections, and no name leads to an address where clouds hand out credentials. The caller bounds the time.
"""

import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from autoscaler import __version__
from autoscaler.errors import SourceUnavailable
from autoscaler.spec.urls import is_link_local

# What asks for one number gets a few hundred bytes. JSON grows by up to 30 times when it is read: 8 MB of this.
LARGEST_ANSWER_BYTES = 256 * 1024
CHUNK_BYTES = 16 * 1024
HEADERS = {"User-Agent": f"autoscaler/{__version__}", "Accept": "application/json", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes


class Web:
    """The client. Its session begins with the first question. `trust` is how to have a certificate trusted that isn't."""

    def __init__(self, trust: str = "name who vouches for it by `tls: {ca_file: PATH}`") -> None:
        self._trust = trust
        self._session: aiohttp.ClientSession | None = None

    async def get(
        self, url: str, params: Mapping[str, str], authorization: str | None, tls: ssl.SSLContext | None
    ) -> Answer:
        """One question. Raises SourceUnavailable."""
        headers = {} if authorization is None else {"Authorization": authorization}
        session = self._opened()
        try:
            async with session.get(
                url, params=params, headers=headers, ssl=True if tls is None else tls, allow_redirects=False
            ) as response:
                return Answer(response.status, await _body(response))
        except aiohttp.ClientConnectorCertificateError as error:
            said = getattr(error.certificate_error, "verify_message", "") or str(error.certificate_error)
            raise SourceUnavailable(f"its certificate is not trusted: {said}", fix=self._trust) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise SourceUnavailable(_told(error), fix="is it up, is the address right?") from None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=_Resolver(), limit=0),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                headers=HEADERS,
            )
        return self._session

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            response.close()
            what = f"the answer is larger than {LARGEST_ANSWER_BYTES // 1024} KiB"
            raise SourceUnavailable(what, fix="ask for one number: sum(...)")
    return bytes(body)


def _told(error: Exception) -> str:
    """What went wrong, in one line without the address: that stands before it."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return _refusal(error.os_error)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "it closed the connection without an answer"
    text = str(error).splitlines()[0][:200] if str(error) else ""
    return text or type(error).__name__


def _refusal(error: OSError) -> str:
    """The system's own words, without the address that asyncio puts in their place."""
    if error.errno is None or error.errno <= 0:  # no number of the system's: a name that can't be looked up, say
        return error.strerror or str(error) or "can't connect"
    return os.strerror(error.errno)


class _Resolver(AbstractResolver):
    """Looks names up as the system does."""

    def __init__(self) -> None:
        self._system = aiohttp.ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        found = await self._system.resolve(host, port, family)
        for address in found:
            if is_link_local(address["host"]):
                raise OSError(None, f"{host} is {address['host']}, where clouds keep credentials")
        return found

    async def close(self) -> None:
        await self._system.close()
