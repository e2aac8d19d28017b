"""What every ReplicaRuntime keeps, seen on each of them with real replicas (tests/support/runtimes.py has the stages)."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from autoscaler.errors import AutoscalerError
from autoscaler.model import Exit, Instance, Phase, Usage
from autoscaler.ports import ReplicaRuntime
from autoscaler.spec.models import ServiceSpec
from tests.support.runtimes import IGNORES_TERM, SLEEPS, STAGES, Stage

pytestmark = pytest.mark.real
SIGKILLED = 137
MARGIN_S = 1.0


@pytest.fixture(params=sorted(STAGES))
async def stage(request: pytest.FixtureRequest, instance: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with STAGES[request.param](instance, tmp_path) as stage:
        yield stage


async def started(stage: Stage, spec: ServiceSpec, replica: str = "web-1") -> Instance:
    """Prepare and start a replica; how it looks then."""
    await stage.runtime.start(spec, replica, await stage.runtime.prepare(spec, lambda _: None))
    return await named(stage.runtime, replica)


async def named(runtime: ReplicaRuntime, replica: str) -> Instance:
    """The only instance of that replica."""
    (instance,) = [instance for instance in await runtime.observe() if instance.replica == replica]
    return instance


async def until(runtime: ReplicaRuntime, holds: Callable[[Instance], bool], replica: str = "web-1") -> Instance:
    """The replica, once that holds for it."""
    async with asyncio.timeout(10):
        while not holds(instance := await named(runtime, replica)):  # no event tells of it
            await asyncio.sleep(0.02)
    return instance


async def until_written(runtime: ReplicaRuntime, id: str, word: str) -> None:
    """Wait until the replica has written this line."""
    async with asyncio.timeout(10):
        while word not in await runtime.logs(id, 100):  # no event tells of it
            await asyncio.sleep(0.02)


def is_gone(instance: Instance) -> bool:
    return instance.phase is Phase.EXITED


async def test_nothing_was_started_so_nothing_is_seen(stage: Stage) -> None:
    assert list(await stage.runtime.observe()) == []


async def test_a_started_replica_is_seen_with_all_that_names_it(stage: Stage) -> None:
    before = time.time()
    spec = stage.spec(stage.serves)
    image = await stage.runtime.prepare(spec, lambda _: None)
    await stage.runtime.start(spec, "web-7", image)
    seen = await named(stage.runtime, "web-7")
    assert (seen.service, seen.spec_hash, seen.phase, seen.image, seen.exit) == ("web", "cafe", Phase.RUNNING, image, None)
    assert before - 1 <= seen.created_at <= time.time() + 1


async def test_a_replica_answers_at_its_address(stage: Stage) -> None:
    seen = await started(stage, stage.spec(stage.serves))
    assert seen.address is not None
    async with asyncio.timeout(10):
        while not (answer := await ask(seen.address.host, seen.address.port)):  # no event tells of it
            await asyncio.sleep(0.02)
    assert answer.startswith(b"HTTP/1.")


async def ask(host: str, port: int) -> bytes:
    """The first line of what answers there, nothing where nobody does."""
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except ConnectionError:
        return b""
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    line = await reader.readline()
    writer.close()
    return line


async def test_starting_a_name_twice_makes_one(stage: Stage) -> None:
    spec = stage.spec()
    first = await started(stage, spec)
    assert await started(stage, spec) == first


async def test_starting_a_name_twice_at_once_makes_one(stage: Stage) -> None:
    spec = stage.spec()
    image = await stage.runtime.prepare(spec, lambda _: None)
    starts = (stage.runtime.start(spec, "web-1", image) for _ in range(4))
    results = await asyncio.gather(*starts, return_exceptions=True)
    assert all(result is None or isinstance(result, AutoscalerError) for result in results), results
    await stage.runtime.start(spec, "web-1", image)
    assert (await named(stage.runtime, "web-1")).phase is Phase.RUNNING


async def test_starting_one_that_has_ended_leaves_it_ended(stage: Stage) -> None:
    spec = stage.spec("exit 3")
    await started(stage, spec)
    ended = await until(stage.runtime, is_gone)
    await stage.runtime.start(spec, "web-1", ended.image)
    assert await named(stage.runtime, "web-1") == ended


async def test_many_start_at_once(stage: Stage) -> None:
    spec = stage.spec()
    image = await stage.runtime.prepare(spec, lambda _: None)
    names = {f"web-{number}" for number in range(12)}
    await asyncio.gather(*(stage.runtime.start(spec, name, image) for name in names))
    seen = await stage.runtime.observe()
    assert {instance.replica for instance in seen} == names
    assert {instance.phase for instance in seen} == {Phase.RUNNING}


async def test_a_restarted_daemon_finds_them(stage: Stage) -> None:
    before = await started(stage, stage.spec())
    await stage.runtime.close()
    again = stage.make()
    assert list(await again.observe()) == [before]
    await again.remove(before.id)
    await again.close()


async def test_its_exit_status_is_seen(stage: Stage) -> None:
    await started(stage, stage.spec("exit 3"))
    assert (await until(stage.runtime, is_gone)).exit == Exit(3)


async def test_a_killed_one_is_seen_so(stage: Stage) -> None:
    stage.kill(await started(stage, stage.spec()))
    assert (await until(stage.runtime, is_gone)).exit == Exit(SIGKILLED)


async def test_stop_lets_it_end_by_itself(stage: Stage) -> None:
    seen = await started(stage, stage.spec("trap 'echo bye; exit 0' TERM; echo up; while true; do sleep 0.1; done"))
    await until_written(stage.runtime, seen.id, "up")
    await stage.runtime.stop(seen.id, 10)
    assert (await named(stage.runtime, "web-1")).exit == Exit(0)
    assert list(await stage.runtime.logs(seen.id, 10)) == ["up", "bye"]


async def test_stop_sends_the_signal_that_the_spec_names(stage: Stage) -> None:
    script = "trap 'exit 7' QUIT; trap '' TERM; echo up; while true; do sleep 0.1; done"
    seen = await started(stage, stage.spec(script, stop_signal="SIGQUIT"))
    await until_written(stage.runtime, seen.id, "up")
    await stage.runtime.stop(seen.id, 10)
    assert (await named(stage.runtime, "web-1")).exit == Exit(7)


async def test_one_that_ignores_the_signal_is_killed_when_its_grace_is_over(stage: Stage) -> None:
    seen = await started(stage, stage.spec(IGNORES_TERM))
    await until_written(stage.runtime, seen.id, "deaf")
    begun = time.monotonic()
    await stage.runtime.stop(seen.id, 2)
    took = time.monotonic() - begun
    assert 2 <= took <= 2 + MARGIN_S
    assert (await named(stage.runtime, "web-1")).exit == Exit(SIGKILLED)


async def test_a_stopped_one_can_be_removed_and_leaves_nothing(stage: Stage) -> None:
    seen = await started(stage, stage.spec())
    await stage.runtime.stop(seen.id, 1)
    await stage.runtime.remove(seen.id)
    assert list(await stage.runtime.observe()) == []


async def test_one_that_runs_can_be_removed(stage: Stage) -> None:
    seen = await started(stage, stage.spec(IGNORES_TERM))
    await stage.runtime.remove(seen.id)
    assert list(await stage.runtime.observe()) == []


async def test_stopping_and_removing_what_is_gone_is_no_error(stage: Stage) -> None:
    seen = await started(stage, stage.spec())
    await stage.runtime.remove(seen.id)
    await stage.runtime.remove(seen.id)
    await stage.runtime.stop(seen.id, 1)
    assert list(await stage.runtime.observe()) == []


async def test_stopping_one_that_has_ended_changes_nothing(stage: Stage) -> None:
    await started(stage, stage.spec("exit 3"))
    ended = await until(stage.runtime, is_gone)
    await stage.runtime.stop(ended.id, 5)
    assert await named(stage.runtime, "web-1") == ended


async def test_the_last_lines_of_its_log(stage: Stage) -> None:
    await started(stage, stage.spec("for n in 1 2 3 4 5; do echo line $n; done"))
    ended = await until(stage.runtime, is_gone)
    await until_written(stage.runtime, ended.id, "line 5")
    assert list(await stage.runtime.logs(ended.id, 3)) == ["line 3", "line 4", "line 5"]


async def test_following_a_log_tells_each_line_and_ends_with_the_replica(stage: Stage) -> None:
    seen = await started(stage, stage.spec("echo one; sleep 0.3; echo two; sleep 0.3; echo three"))
    async with asyncio.timeout(10):
        assert [line async for line in stage.runtime.follow(seen.id, 100)] == ["one", "two", "three"]


async def test_leaving_a_followed_log_is_quick(stage: Stage) -> None:
    seen = await started(stage, stage.spec(f"echo up; {SLEEPS}"))
    lines = stage.runtime.follow(seen.id, 10)
    assert await anext(lines) == "up"
    begun = time.monotonic()
    waiting = asyncio.ensure_future(anext(lines))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert time.monotonic() - begun < 0.5


async def test_a_kill_is_told_within_a_second(stage: Stage) -> None:
    seen = await started(stage, stage.spec())
    told: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def listen() -> None:
        async for change in stage.runtime.changes():
            told.put_nowait((change.service, change.replica))

    listener = asyncio.create_task(listen())
    await asyncio.sleep(0.5)  # let it connect: there is no event of that
    while not told.empty():
        told.get_nowait()
    stage.kill(seen)
    async with asyncio.timeout(1):
        assert await told.get() == ("web", "web-1")
    listener.cancel()
    await asyncio.gather(listener, return_exceptions=True)


async def test_usage_counts_the_work_done(stage: Stage) -> None:
    seen = await started(stage, stage.spec("while true; do :; done"))
    async with asyncio.timeout(10):
        used = Usage(0.0, None)
        while (used.cpu_seconds or 0) <= 0.2:
            await asyncio.sleep(0.05)
            used = (await stage.runtime.usage([seen.id]))[seen.id]
    assert (used.memory_bytes or 0) > 0


async def test_usage_of_what_is_gone_is_left_out(stage: Stage) -> None:
    seen = await started(stage, stage.spec())
    await stage.runtime.remove(seen.id)
    assert dict(await stage.runtime.usage([seen.id])) == {}
