"""A process runtime in a folder of its own; whatever a test leaves running is ended and told."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from autoscaler.model import Instance, Phase
from autoscaler.runtimes.process import ProcessReader, ProcessRuntime
from autoscaler.spec.models import Bind, ReplicaSpec, Route, ServiceSpec

ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TZ": "UTC", "DAEMONS_OWN": "secret", "TOKEN": "t0ken"}

SpecOf = Callable[..., ServiceSpec]


class WallClock:
    """The real time."""

    def now(self) -> float:
        return time.time()

    def wall_offset(self) -> float:
        return 0.0


@pytest.fixture
def spec_of(tmp_path: Path) -> SpecOf:
    """A spec of a shell script (or of other `replica:` keys), its policy file in `tmp_path`."""

    def make(script: str = "exec sleep 60", **keys: Any) -> ServiceSpec:
        replica: dict[str, Any] = {"command": ("/bin/sh", "-c", script), "port": 1} | keys
        return ServiceSpec(
            service="web",
            runtime="process",
            replica=ReplicaSpec(**replica),
            route=Route(bind=Bind(host="127.0.0.1", port=1)),
            policies=(),
            spec_hash="cafe",
            folder=str(tmp_path),
        )

    return make


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[ProcessRuntime]:
    runtime = ProcessRuntime(tmp_path / "process", WallClock(), ENVIRON)
    yield runtime
    for instance in await runtime.observe():
        await runtime.remove(instance.id)


async def one(runtime: ProcessReader) -> Instance:
    """The only replica."""
    (instance,) = await runtime.observe()
    return instance


async def ended(runtime: ProcessReader) -> Instance:
    """The only replica, once it has ended."""
    async with asyncio.timeout(10):
        while (instance := await one(runtime)).phase is not Phase.EXITED:
            await asyncio.sleep(0.02)
    return instance


def processes_with(marker: str) -> Sequence[int]:
    """The pids of all processes that have this text in their environment or command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            text = Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if marker.encode() in text:
            found.append(int(pid))
    return found
