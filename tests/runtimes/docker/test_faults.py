"""An engine that hangs, ends, comes back, or isn't there: one of our own, so that the host's is left in peace.

Its replicas have no network; what is looked at here needs none.
"""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import docker
import pytest

from autoscaler.drivers.docker import ACT_THREADS, LOOK_TIMEOUT_S
from autoscaler.errors import EngineUnavailable
from autoscaler.model import Change, Phase
from autoscaler.runtimes.docker import DockerRuntime
from autoscaler.spec.models import ServiceSpec
from tests.support.engines import OwnEngine
from tests.support.images import root_file_system
from tests.support.runtimes import WallClock, service_spec

pytestmark = pytest.mark.real
TAG = "autoscaler-test-faults:1"


@pytest.fixture
def spec(engine: OwnEngine, tmp_path: Path) -> ServiceSpec:
    client = docker.DockerClient(engine.host, timeout=20).api
    repository, version = TAG.split(":")
    client.import_image_from_data(root_file_system(), repository=repository, tag=version)
    client.close()
    return service_spec("docker", tmp_path, image=TAG, command=("sleep", "600"), port=1)


@pytest.fixture
async def runtime(engine: OwnEngine, instance: str) -> AsyncIterator[DockerRuntime]:
    runtime = DockerRuntime(instance, engine.environ, WallClock())
    yield runtime
    for replica in await runtime.observe():
        await runtime.remove(replica.id)
    await runtime.close()


async def image_of(runtime: DockerRuntime, spec: ServiceSpec) -> str:
    return await runtime.prepare(spec, lambda _: None)


async def drain(changes: AsyncIterator[Change]) -> None:
    """Take all there is until it is cut."""
    async with asyncio.timeout(5):
        async for _ in changes:
            pass


async def test_a_hung_engine_is_told_in_time_and_the_loop_goes_on(
    runtime: DockerRuntime, engine: OwnEngine, spec: ServiceSpec
) -> None:
    await runtime.observe()
    late = 0.0

    async def beat() -> None:
        nonlocal late
        while True:
            due = time.monotonic() + 0.01
            await asyncio.sleep(0.01)
            late = max(late, time.monotonic() - due)

    beating = asyncio.create_task(beat())
    with engine.hung():
        begun = time.monotonic()
        with pytest.raises(EngineUnavailable, match=r"list replicas: no answer in 2 s; is dockerd running\?"):
            await runtime.observe()
        took = time.monotonic() - begun
    beating.cancel()
    assert LOOK_TIMEOUT_S <= took < 2 * LOOK_TIMEOUT_S
    assert late < LOOK_TIMEOUT_S / 2  # a loop that waited for the engine would be late by all of it
    assert list(await runtime.observe()) == []


async def test_creations_that_hang_keep_no_look_waiting(
    runtime: DockerRuntime, engine: OwnEngine, spec: ServiceSpec
) -> None:
    image = await image_of(runtime, spec)
    with engine.hung():
        starts = [asyncio.create_task(runtime.start(spec, f"web-{n}", image)) for n in range(2 * ACT_THREADS)]
        await asyncio.sleep(0.2)  # until they hang
        for start in starts:
            start.cancel()
        await asyncio.gather(*starts, return_exceptions=True)
    begun = time.monotonic()
    seen = await runtime.observe()
    assert time.monotonic() - begun < LOOK_TIMEOUT_S
    assert len(seen) <= ACT_THREADS
    assert threading.active_count() < 40


async def test_a_start_that_was_given_up_and_came_true_is_one_replica(
    runtime: DockerRuntime, engine: OwnEngine, spec: ServiceSpec
) -> None:
    image = await image_of(runtime, spec)
    with engine.hung():
        start = asyncio.create_task(runtime.start(spec, "web-1", image))
        await asyncio.sleep(0.3)  # until the request is on its way
        start.cancel()
        await asyncio.gather(start, return_exceptions=True)
    async with asyncio.timeout(10):
        while True:
            try:
                await runtime.start(spec, "web-1", image)
                break
            except EngineUnavailable:
                await asyncio.sleep(0.05)
    assert [(replica.replica, replica.phase) for replica in await runtime.observe()] == [("web-1", Phase.RUNNING)]


async def test_events_go_on_after_the_engine_came_back_and_none_is_lost_or_doubled(
    runtime: DockerRuntime, engine: OwnEngine, spec: ServiceSpec
) -> None:
    image = await image_of(runtime, spec)
    changes, told = runtime.changes(), []
    first = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0.3)  # let it connect: there is no event of that
    await runtime.start(spec, "web-1", image)
    told.append(await first)
    await changes.aclose()  # type: ignore[attr-defined]
    await runtime.start(spec, "web-2", image)  # nobody listens
    again = runtime.changes()
    async with asyncio.timeout(5):
        told.append(await anext(again))
    assert told == [Change("web", "web-1", "start"), Change("web", "web-2", "start")]

    waiting = asyncio.ensure_future(anext(again))
    await asyncio.sleep(0.1)
    engine.end()
    begun = time.monotonic()
    await waiting  # the engine ends its replicas first, and says so
    with pytest.raises(EngineUnavailable):
        await drain(again)
    assert time.monotonic() - begun < 1
    with pytest.raises(EngineUnavailable, match=r"no such socket|connection refused"):
        await runtime.observe()
    engine.start()
    assert {replica.phase for replica in await runtime.observe()} == {Phase.EXITED}


async def test_close_ends_the_events(engine: OwnEngine, instance: str) -> None:
    runtime = DockerRuntime(instance, engine.environ, WallClock())
    listening = asyncio.ensure_future(anext(runtime.changes()))
    await asyncio.sleep(0.3)  # let it connect: there is no event of that
    await runtime.close()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    async with asyncio.timeout(2):
        while any(thread.name == "docker-stream" for thread in threading.enumerate()):
            await asyncio.sleep(0.02)


async def test_no_engine_at_all(tmp_path: Path, instance: str) -> None:
    environ = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    runtime = DockerRuntime(instance, environ, WallClock())
    with pytest.raises(EngineUnavailable, match=r"docker unix://\S+: list replicas: no such socket; is Docker installed"):
        await runtime.observe()
    (finding,) = await runtime.diagnose()
    assert (finding.ok, "no such socket" in finding.what) == (False, True)
    await runtime.close()


async def test_an_exit_is_not_held_up_by_a_hung_engine(engine: OwnEngine, instance: str) -> None:
    program = f"""
import asyncio, os, time
from autoscaler.runtimes.docker import DockerRuntime
from tests.support.runtimes import WallClock
async def main():
    runtime = DockerRuntime({instance!r}, os.environ, WallClock())
    asyncio.ensure_future(runtime.remove("abc"))
    await asyncio.sleep(0.3)
asyncio.run(main())
"""
    with engine.hung():
        begun = time.monotonic()
        python = [sys.executable, "-c", program]
        done = await asyncio.to_thread(subprocess.run, python, env=engine.environ, timeout=20, check=False)
    assert done.returncode == 0
    assert time.monotonic() - begun < 5
