"""The stages on which the suite of the ReplicaRuntime port plays: a runtime each, and what the suite can't say portably.

A new runtime adds a stage: an async context manager of (instance, folder) that yields a Stage and leaves nothing behind,
and a line in STAGES. Replicas are given as a shell script; `stage.serves` is one that listens on the replica's port.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import docker

from autoscaler.drivers.children import send
from autoscaler.model import Instance
from autoscaler.ports import ReplicaRuntime
from autoscaler.runtimes.docker import DockerRuntime
from autoscaler.runtimes.process import ProcessRuntime, records
from autoscaler.spec.models import Bind, ReplicaSpec, Route, ServiceSpec
from tests.support.images import PORT, busybox_image

SLEEPS = "exec sleep 600"
IGNORES_TERM = "trap '' TERM; echo deaf; while true; do sleep 0.1; done"


class WallClock:
    """The real time."""

    def now(self) -> float:
        return time.time()

    def wall_offset(self) -> float:
        return 0.0


@dataclass(frozen=True)
class Stage:
    """`make` gives another runtime of the same instance, as a restarted daemon would have; `kill` ends a replica as
    `kill -9` from outside does."""

    runtime: ReplicaRuntime
    make: Callable[[], ReplicaRuntime]
    spec: Callable[..., ServiceSpec]
    kill: Callable[[Instance], None]
    serves: str


StageMaker = Callable[[str, Path], AbstractAsyncContextManager[Stage]]


@contextlib.asynccontextmanager
async def docker_stage(instance: str, folder: Path) -> AsyncIterator[Stage]:
    """The engine that `docker` talks to, with an image of this test's own."""

    def spec(script: str = SLEEPS, **keys: Any) -> ServiceSpec:
        return service_spec("docker", folder, **({"image": tag, "command": ("sh", "-c", script), "port": PORT} | keys))

    def make() -> DockerRuntime:
        return DockerRuntime(instance, os.environ, WallClock())

    def kill(replica: Instance) -> None:
        client = docker.from_env(timeout=10).api
        client.kill(replica.id)
        client.close()

    tag = f"autoscaler-test/{instance}:1"
    with busybox_image(tag):
        runtime = make()
        try:
            yield Stage(runtime, make, spec, kill, f"exec httpd -f -p {PORT} -h /www")
        finally:
            await runtime.close()
            await remove_all(make())


@contextlib.asynccontextmanager
async def process_stage(instance: str, folder: Path) -> AsyncIterator[Stage]:
    """Processes of this machine, recorded in a folder of this test's own."""

    def spec(script: str = SLEEPS, **keys: Any) -> ServiceSpec:
        return service_spec("process", folder, **({"command": ("sh", "-c", script), "port": PORT} | keys))

    def make() -> ProcessRuntime:
        return ProcessRuntime(folder / "process", WallClock(), os.environ)

    def kill(replica: Instance) -> None:
        running = records.read_running(folder / "process" / replica.id)
        assert running is not None
        send(running.leader, signal.SIGKILL)

    runtime = make()
    try:
        yield Stage(runtime, make, spec, kill, f"exec {sys.executable} -m http.server --bind 127.0.0.1 $PORT")
    finally:
        await remove_all(make())


def service_spec(runtime: Literal["docker", "process"], folder: Path, **replica: Any) -> ServiceSpec:
    """The service `web` with these `replica:` keys."""
    return ServiceSpec(
        service="web",
        runtime=runtime,
        replica=ReplicaSpec(**replica),
        route=Route(bind=Bind(host="127.0.0.1", port=1)),
        policies=(),
        spec_hash="cafe",
        folder=str(folder),
    )


async def remove_all(runtime: ReplicaRuntime) -> None:
    """End a stage: remove what is left, by a runtime that nobody has closed."""
    for instance in await runtime.observe():
        await runtime.remove(instance.id)
    await runtime.close()


STAGES: dict[str, StageMaker] = {"docker": docker_stage, "process": process_stage}
