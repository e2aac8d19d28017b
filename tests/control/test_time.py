"""Time that jumps: a daemon stopped for a while, clocks that are set, an engine whose clock differs. Nothing moves."""

import asyncio
import time
from asyncio import sleep

import pytest

from autoscaler.control.clock import SystemClock
from autoscaler.model import EventKind
from tests.support.controllers import Controller, policy
from tests.support.worlds import LoopClock, until

HOUR_S = 3600.0
JUMPS = [HOUR_S, -HOUR_S, 10 * 365 * 24 * HOUR_S]


async def steady(host: Controller, count: int) -> None:
    await until(lambda: len(host.world.choosable()) == len(host.ready()) == count)


def stopped_for(seconds: float) -> None:
    """SIGSTOP and SIGCONT: nobody runs, monotonic time goes on, and all that was due meanwhile is due at once."""
    loop = asyncio.get_running_loop()
    loop.setup_looptime(start=loop.time() + seconds)  # type: ignore[attr-defined]


@pytest.mark.looptime
async def test_a_daemon_stopped_for_a_minute_makes_no_burst_and_no_move(host: Controller) -> None:
    host.write(policy(least=1, most=6))
    host.world.proxy.rate["web"] = 140.0
    await host.start()
    await steady(host, 3)
    await sleep(20)
    began, ticks, decided = len(host.world.engine.began), host.counted.ticks, len(host.told(EventKind.DECIDED))
    stopped_for(60)
    await sleep(3)
    assert host.counted.ticks - ticks <= 5
    await sleep(30)
    assert len(host.world.engine.began) == began
    assert host.world.engine.signals == []
    assert host.told(EventKind.REPLICA_DRAINING) == []
    assert len(host.told(EventKind.DECIDED)) == decided


@pytest.mark.looptime
async def test_load_that_fell_while_it_was_stopped_is_believed_after_a_full_window(host: Controller) -> None:
    host.write(policy(least=1, most=6).replace("stabilization_window: 5s", "stabilization_window: 20s"))
    host.world.proxy.rate["web"] = 140.0
    await host.start()
    await steady(host, 3)
    await sleep(30)
    stopped_for(90)
    host.world.proxy.rate["web"] = 10.0
    woken_at = host.world.now()
    await until(lambda: host.told(EventKind.REPLICA_DRAINING))
    assert host.told(EventKind.REPLICA_DRAINING)[0].t - woken_at >= 20


@pytest.mark.parametrize("jump_s", JUMPS)
def test_who_sets_the_wall_clock_moves_no_time(jump_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, real = SystemClock(), time.time
    before = clock.now()
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: real() + jump_s)
        now, offset = clock.now(), clock.wall_offset()
    assert 0 <= now - before < 60
    assert offset == pytest.approx(jump_s, abs=60)


@pytest.mark.looptime
@pytest.mark.parametrize("jump_s", JUMPS)
async def test_a_clock_set_while_the_daemon_was_away_causes_no_move(host: Controller, jump_s: float) -> None:
    host.write(policy(least=1, most=6))
    host.world.proxy.rate["web"] = 140.0
    await host.start()
    await steady(host, 3)
    await sleep(20)
    await host.kill()
    host.world.clock = LoopClock(set_by_s=jump_s)
    began = len(host.world.engine.began)
    await host.start()
    await steady(host, 3)
    await sleep(30)
    assert len(host.world.engine.began) == began
    assert host.world.engine.signals == []
    assert host.told(EventKind.REPLICA_DRAINING) == []
    host.world.engine.kill("web-1")
    await until(lambda: set(host.world.choosable()) == {"web-2", "web-3", "web-4"}, 5)


@pytest.mark.looptime
@pytest.mark.parametrize("ahead_s", [300.0, -300.0])
async def test_an_engine_whose_clock_differs_is_no_reason_to_do_anything(host: Controller, ahead_s: float) -> None:
    host.write(policy(least=2).replace("docker: true", "docker: true, start_timeout: 20s"))
    host.world.engine.clock_ahead_s = ahead_s
    await host.start()
    await steady(host, 2)
    took = [event.facts["start_seconds"] for event in host.told(EventKind.REPLICA_READY)]
    assert all(isinstance(seconds, float) and 0 < seconds < 5 for seconds in took)
    await sleep(30)
    await host.kill()
    await host.start()
    await steady(host, 2)
    assert len(host.world.engine.began) == 2
    host.world.engine.never_ready = True
    host.world.engine.kill("web-1")
    took_s = await until(lambda: any(e.replica == "web-3" for e in host.told(EventKind.REPLICA_FAILED)))
    assert took_s == pytest.approx(20, abs=2)
