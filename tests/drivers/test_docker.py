"""The connection to an engine: lanes that don't hold each other up, and ways there other than the local socket."""

import asyncio
import contextlib
import gc
import os
import ssl
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from docker import APIClient

from autoscaler.drivers.docker import ACT_THREADS, NEWEST_API, OLDEST_API, Engine
from autoscaler.errors import EngineError, EngineUnavailable
from tests.support.certificates import certificates
from tests.support.ports import free_port

pytestmark = pytest.mark.real
SOCKET = "/var/run/docker.sock"


@contextlib.asynccontextmanager
async def door(tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A loopback port that leads to the host's engine."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def enter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        engine_reader, engine_writer = await asyncio.open_unix_connection(SOCKET)
        await asyncio.gather(copy(reader, engine_writer), copy(engine_reader, writer))

    server = await asyncio.start_server(enter, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def version_at(**variables: str) -> str:
    """Ask the engine that these variables lead to for its version."""
    engine = Engine({**os.environ, **variables})
    try:
        return str((await engine.look("ask", lambda client: client.version()))["Version"])
    finally:
        await engine.close()


async def test_the_version_is_one_that_both_know() -> None:
    engine = Engine(os.environ)
    api = await engine.look("ask", lambda client: client.api_version)
    told = await engine.look("ask", lambda client: client.version())
    await engine.close()
    assert api in (told["ApiVersion"], NEWEST_API)
    assert tuple(map(int, api.split("."))) >= tuple(map(int, OLDEST_API.split(".")))


async def test_changes_that_hang_keep_no_look_waiting() -> None:
    engine, gate = Engine(os.environ), threading.Event()
    hung = [asyncio.create_task(engine.act("hang", lambda client: gate.wait(10))) for _ in range(2 * ACT_THREADS)]
    await asyncio.sleep(0)
    assert await engine.look("ask", lambda client: client.ping())
    gate.set()
    assert all(await asyncio.gather(*hung))
    await engine.close()


async def test_a_client_a_thread() -> None:
    engine, together = Engine(os.environ), threading.Barrier(4)

    def ask(client: object) -> int:
        together.wait(5)
        return id(client)

    assert len(set(await asyncio.gather(*(engine.act("meet", ask) for _ in range(4))))) == 4
    await engine.close()


async def test_tcp_on_loopback_and_never_through_a_web_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("NO_PROXY", "")
    async with door() as address:
        assert await version_at(DOCKER_HOST=f"tcp://{address}") == await version_at(DOCKER_HOST=f"unix://{SOCKET}")


async def test_tls_with_certificates_at_both_ends(tmp_path: Path) -> None:
    await asyncio.to_thread(certificates, tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "ca.pem"))
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    async with door(tls) as address:
        host = f"tcp://{address}"
        assert await version_at(DOCKER_HOST=host, DOCKER_TLS_VERIFY="1", DOCKER_CERT_PATH=str(tmp_path))
        with pytest.raises(EngineUnavailable):
            await version_at(DOCKER_HOST=host, DOCKER_TLS_VERIFY="", DOCKER_CERT_PATH="")


async def test_a_proxy_that_refuses_is_named() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with pytest.raises(EngineError, match="a proxy in front of the engine is not available yet"):
        await version_at(DOCKER_HOST=f"tcp://{address}")
    server.close()


def sockets() -> int:
    """How many this process has open."""
    count = 0
    for file in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            count += os.readlink(file).startswith("socket:")
    return count


async def test_long_calls_and_streams_leave_no_connection_behind() -> None:
    """Not even until memory is collected: a daemon that lives for weeks collects its oldest seldom."""
    engine = Engine(os.environ)
    await engine.alone("ask", lambda client: client.version(), 30)
    gc.collect()
    gc.disable()
    try:
        before, now = sockets(), int(time.time())

        def follow(client: APIClient) -> Any:
            client.version()  # as logs ask for the container first, over another connection
            return client.events(since=now - 1, until=now, decode=True)

        for _ in range(5):
            await engine.alone("ask", lambda client: client.version(), 30)
            assert isinstance([event async for event in engine.stream("follow", follow, 30)], list)
            with pytest.raises(EngineError):
                await engine.alone("ask", lambda client: client.inspect_container("no-such-container"), 30)
            with pytest.raises(EngineError):
                await anext(engine.stream("follow", lambda client: client.inspect_container("no-such-container"), 30))
        assert sockets() == before
    finally:
        gc.enable()
        await engine.close()


async def test_connections_do_not_become_more_with_every_container_that_was_asked_about() -> None:
    engine = Engine(os.environ)
    before = sockets()
    for number in range(3 * ACT_THREADS):
        with pytest.raises(EngineError):
            await engine.act("ask", lambda client, n=number: client.inspect_container(f"no-such-container-{n}"))  # type: ignore[misc]
    assert sockets() == before
    await engine.close()
