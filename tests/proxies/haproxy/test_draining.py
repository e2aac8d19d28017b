"""What is long under way when its replica is drained: WebSockets and streams go on, new requests go elsewhere."""

import asyncio

import pytest

from autoscaler.model import ServerState
from autoscaler.proxies.haproxy import HAProxy
from autoscaler.spec.models import Bind, HealthCheck
from tests.support.proxied import backend, of, replicas, service, until
from tests.support.web_client import ask

pytestmark = pytest.mark.real

UPGRADE = (
    b"GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def websocket(bind: Bind) -> Ends:
    reader, writer = await asyncio.open_connection(bind.host, bind.port)
    writer.write(UPGRADE)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    return reader, writer


async def echoed(ends: Ends, line: bytes) -> bytes:
    reader, writer = ends
    writer.write(line)
    async with asyncio.timeout(10):
        return await reader.readline()


async def test_websockets_and_streams_outlive_the_draining_of_their_replica(proxy: HAProxy) -> None:
    web = service(max_concurrency=100, check=HealthCheck(tcp=True))
    one, two = await replicas(2)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    sockets = [await websocket(web.route.bind) for _ in range(12)]
    streams = [asyncio.create_task(ask(web.route.bind, "/held")) for _ in range(12)]
    await until(proxy, lambda view: of(view)["web-1"].in_flight == 24)
    await proxy.assign("web", [backend(one, draining=True), backend(two)])
    assert {(await ask(web.route.bind)).body for _ in range(6)} == {b"web-2"}
    one.released.set()
    assert [(await stream).body for stream in streams] == [b"chunk" * 2] * 12
    assert [await echoed(each, b"still there\n") for each in sockets] == [b"still there\n"] * 12
    seen = of(await proxy.observe())["web-1"]
    assert (seen.state, seen.in_flight) == (ServerState.DRAIN, 12)  # so it gets no stop signal yet
    for _, writer in sockets:
        writer.close()
    await until(proxy, lambda view: of(view)["web-1"].in_flight == 0, timeout_s=10)
