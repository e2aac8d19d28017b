"""Replicas that come to nothing: the back-off, what is told of it, and what serves on."""

from asyncio import sleep
from itertools import pairwise

import pytest

from autoscaler.errors import EngineError, ImageError
from autoscaler.model import EventKind, Phase, ReplicaState
from tests.support.controllers import Controller, policy
from tests.support.worlds import until

pytestmark = pytest.mark.looptime


def gaps(host: Controller) -> list[float]:
    times = [t for t, _ in host.world.engine.began]
    return [after - before for before, after in pairwise(times)]


async def test_a_crash_at_boot_backs_off_and_tells_the_last_words(host: Controller) -> None:
    host.write(policy())
    host.world.engine.crash_after_s = 0.2
    await host.start()
    await sleep(600)
    assert len(host.world.engine.began) <= 10
    dies_after_s = host.world.engine.create_s + 0.2
    expected = [1, 2, 4, 8, 16, 32, 64, 128]
    assert [gap - dies_after_s for gap in gaps(host)][:8] == pytest.approx(expected, abs=1.2)
    tails = host.operator.service("web").log_tail
    assert 0 < len(tails) <= 5
    assert all(lines == (f"last words of {name}",) for name, lines in tails.items())
    assert "exited: exit status 1" in host.operator.explain("web").text
    assert len(host.daemon.services["web"].loop.tracks) <= 1
    assert host.counted.ticks < 600 * 1.2


async def test_healthy_ones_serve_on_beside_a_crash_loop(host: Controller) -> None:
    host.write(policy(least=3))
    host.world.found("web-1")
    host.world.found("web-2")
    host.write(policy("shop", port=8081), "shop.yaml")
    host.world.found("shop-1", "shop")
    host.world.engine.crash_after_s = 0.2
    await host.start()
    await sleep(120)
    assert host.world.choosable() == ["web-1", "web-2"]
    assert {"web-1", "web-2"}.isdisjoint(host.world.engine.signals)
    host.world.engine.kill("shop-1")
    await until(lambda: host.world.engine.began[-1][1] == "shop-2", 0.5)
    host.world.engine.crash_after_s = None
    await until(lambda: len(host.world.choosable()) == 3, 300)


async def test_after_a_failure_one_starts_at_a_time_until_one_is_proven(host: Controller) -> None:
    host.write(policy(least=4))
    host.world.engine.crash_after_s = 0.2
    await host.start()
    await until(lambda: len(host.world.engine.began) == 5)
    host.world.engine.crash_after_s = None
    most = 0
    while len(host.world.choosable()) < 4:
        starting = [s for s in host.states().values() if s is ReplicaState.STARTING]
        most = max(most, len(starting))
        await sleep(0.1)
    assert most == 1
    await sleep(15)
    host.world.engine.kill("web-6")
    await until(lambda: len(host.world.choosable()) == 4, 5)


async def test_a_crash_soon_after_ready_each_time_backs_off_and_leaves_the_others(host: Controller) -> None:
    host.write(policy(least=3))
    host.world.found("web-1")
    host.world.found("web-2")
    host.world.engine.crash_after_s = 7.0
    await host.start()
    await until(lambda: len(host.ready()) == 2)
    for _ in range(600):
        await sleep(1)
        assert {"web-1", "web-2"} <= set(host.world.choosable())
    assert len(host.world.engine.began) <= 10
    assert host.told(EventKind.LAST_WORDS)


async def test_one_that_is_never_ready_is_ended_at_start_timeout(host: Controller) -> None:
    host.write(policy(least=2).replace("docker: true", "docker: true, start_timeout: 20s"))
    host.world.engine.never_ready = True
    await host.start()
    await until(lambda: host.told(EventKind.REPLICA_FAILED))
    failed = host.told(EventKind.REPLICA_FAILED)
    assert {(e.cause, e.facts["reason"]) for e in failed} == {("not ready within 20 s", "timeout")}
    await until(lambda: len(host.world.engine.began) == 3)
    await sleep(60)
    assert len(host.world.engine.running()) <= 1
    assert set(host.world.engine.signals) >= {"web-1", "web-2"}


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ("start", EngineError("name is in use", where="engine")),
        ("prepare", ImageError("no such image", where="image app:1")),
        ("start", EngineError("500 Internal Server Error")),
    ],
)
async def test_a_refused_start_is_told_in_the_engines_words_and_backs_off(
    host: Controller, operation: str, error: EngineError
) -> None:
    host.write(policy())
    host.world.engine.refuses[operation] = error
    await host.start()
    await sleep(100)
    failed = host.told(EventKind.START_FAILED)
    assert {event.cause for event in failed} == {str(error)}
    assert 5 <= len(failed) <= 8
    assert str(error) in str(host.operator.service("web").errors)
    host.world.engine.refuses.clear()
    await until(lambda: host.world.choosable(), 200)


async def test_a_registry_that_says_when_to_come_back_is_obeyed(host: Controller) -> None:
    host.write(policy())
    host.world.engine.refuses["prepare"] = ImageError("429 Too Many Requests", retry_after_s=90.0)
    await host.start()
    await sleep(85)
    assert host.world.engine.prepared == 1
    await until(lambda: host.world.engine.prepared == 2, 10)


async def test_a_bug_in_a_start_is_told_and_backs_off_too(host: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    host.write(policy())
    tried = 0

    async def fails(*_: object) -> None:
        nonlocal tried
        tried += 1
        raise KeyError("Id")

    monkeypatch.setattr(host.world.engine, "start", fails)
    await host.start()
    await sleep(100)
    assert 5 <= tried <= 8
    assert "KeyError('Id')" in host.told(EventKind.SERVICE_FAULT)[0].cause


async def test_a_bug_in_a_tick_is_told_once_and_harms_no_other(host: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    host.write(policy())
    host.write(policy("shop", port=8081), "shop.yaml")
    await host.start()
    await until(lambda: host.ready() and host.ready("shop"))

    async def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(host.daemon.services["web"].loop.deciding, "decide", fails)
    await sleep(30)
    assert [event.service for event in host.told(EventKind.SERVICE_FAULT)] == ["web"]
    assert "ZeroDivisionError" in str(host.operator.service("web").errors)
    host.world.engine.kill("shop-1")
    await until(lambda: host.world.choosable("shop") == ["shop-2"], 4)


async def test_a_stop_that_fails_is_tried_again_after_a_pause(host: Controller) -> None:
    host.write(policy())
    for number in (1, 2):
        host.world.found(f"web-{number}")
    host.world.engine.refuses["stop"] = EngineError("permission denied")
    await host.start()
    await until(lambda: host.told(EventKind.ACTION_FAILED))
    await sleep(60)
    times = [event.t for event in host.told(EventKind.ACTION_FAILED)]
    assert 20 <= len(times) <= 31
    host.world.engine.refuses.clear()
    await until(lambda: list(host.world.engine.containers) == ["web-1"])


async def test_a_paused_one_is_replaced(host: Controller) -> None:
    host.write(policy(least=2))
    await host.start()
    await until(lambda: len(host.world.choosable()) == 2)
    container = host.world.engine.containers["web-1"]
    container.phase = Phase.PAUSED
    host.world.engine.tell(container, "pause")
    await until(lambda: host.told(EventKind.REPLICA_FAILED), 1)
    await until(lambda: host.world.choosable() == ["web-2", "web-3"], 5)
    await until(lambda: "web-1" not in host.world.engine.containers)


async def test_one_that_someone_removes_is_replaced_and_that_is_told(host: Controller) -> None:
    host.write(policy(least=2))
    await host.start()
    await until(lambda: len(host.world.choosable()) == 2)
    container = host.world.engine.containers.pop("web-1")
    host.world.engine.tell(container, "destroy")
    await until(lambda: host.world.choosable() == ["web-2", "web-3"], 4)
    assert [(e.replica, e.cause) for e in host.told(EventKind.REPLICA_REMOVED)] == [("web-1", "removed by someone else")]
    assert {backend.replica for backend in host.world.proxy.assigned[-1][1]} == {"web-2", "web-3"}


async def test_one_that_could_not_be_started_is_not_told_as_removed_by_someone_else(host: Controller) -> None:
    host.write(policy())
    host.world.found("web-1")
    made = host.world.found("web-2", behind=False)
    made.phase = Phase.CREATED
    host.world.engine.refuses["start"] = EngineError("no such command")
    await host.start()
    await until(lambda: host.told(EventKind.REPLICA_REMOVED))
    assert [(e.replica, e.cause) for e in host.told(EventKind.REPLICA_REMOVED)] == [("web-2", "")]
