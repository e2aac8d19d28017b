"""A whole daemon: replicas follow the load, and none is stopped that may still be sent a request."""

from asyncio import sleep
from functools import partial

import pytest

from autoscaler.model import EventKind, ReplicaState, Usage
from tests.support.controllers import Controller, policy
from tests.support.worlds import until

pytestmark = pytest.mark.looptime


async def steady(host: Controller, count: int, service: str = "web") -> float:
    """Wait for exactly so many replicas, all behind the proxy."""
    return await until(lambda: len(host.world.choosable(service)) == len(host.world.engine.containers) == count)


async def test_replicas_follow_the_load_out_and_in(host: Controller) -> None:
    host.write(policy(least=1, most=6))
    await host.start()
    await steady(host, 1)
    host.world.proxy.rate["web"] = 200.0
    assert await steady(host, 4) < 30
    host.world.proxy.rate["web"] = 40.0
    await steady(host, 1)
    await host.stop()
    assert host.told(EventKind.SERVICE_FAULT) == []
    assert host.told(EventKind.ACTION_FAILED) == []


async def test_why_is_told_of_the_decision_in_force_and_worked_out_once(host: Controller) -> None:
    host.write(policy(least=1, most=6))
    await host.start()
    host.world.proxy.rate["web"] = 200.0
    await steady(host, 4)
    await sleep(15)
    why = host.operator.explain("web")
    assert why.account is not None
    assert why.account.decision == host.operator.service("web").decision
    assert [(turn.metric, turn.at, turn.asks) for turn in why.account.more.turns] == [("request_rate", 220.0, 5)]
    assert "   request_rate above 220 asks for 5\n" in why.text
    assert host.operator.explain("web").account is why.account
    await sleep(2)
    later = host.operator.explain("web").account
    assert later is not None
    assert later.decision == host.operator.service("web").decision != why.account.decision


async def test_starts_go_in_parallel(host: Controller) -> None:
    host.write(policy(least=8))
    await host.start()
    assert await steady(host, 8) < 5
    times = [t for t, _ in host.world.engine.began]
    assert max(times) - min(times) < 0.1


async def test_a_drain_waits_for_what_is_in_flight(host: Controller) -> None:
    host.write(policy(least=1))
    for number in (1, 2):
        host.world.found(f"web-{number}")
    await host.start()
    await until(lambda: len(host.ready()) == 2)
    host.world.proxy.hold("web-1", 200)
    host.world.proxy.hold("web-2", 90)
    await until(lambda: host.told(EventKind.REPLICA_DRAINING))
    (drained,) = host.told(EventKind.REPLICA_DRAINING)
    took = await until(lambda: host.world.engine.signals, 400)
    assert host.world.engine.signals == [drained.replica]
    assert took > 60
    await steady(host, 1)


async def test_a_request_that_never_ends_holds_a_drain_up_for_drain_timeout_at_most(host: Controller) -> None:
    host.write(policy(least=1))
    for number in (1, 2):
        host.world.found(f"web-{number}")
        host.world.proxy.hold(f"web-{number}", 10_000)
    await host.start()
    await until(lambda: host.told(EventKind.REPLICA_DRAINING))
    took = await until(lambda: host.world.engine.signals, 400)
    assert 300 <= took < 303
    (stopping,) = host.told(EventKind.REPLICA_STOPPING)
    assert stopping.cause == "still 1 in flight after route.drain_timeout"


async def test_a_draining_one_is_taken_back_before_a_new_one_is_started(host: Controller) -> None:
    host.write(policy(least=1))
    for number in (1, 2):
        host.world.found(f"web-{number}")
        host.world.proxy.hold(f"web-{number}", 100)
    await host.start()
    await until(lambda: host.told(EventKind.REPLICA_DRAINING))
    assert len(host.world.choosable()) == 1
    host.world.proxy.rate["web"] = 100.0
    await until(lambda: len(host.world.choosable()) == 2)
    assert host.world.engine.began == []
    assert [event.replica for event in host.told(EventKind.REPLICA_TAKEN_BACK)] == ["web-2"]


@pytest.mark.parametrize("told", [True, False], ids=["by an event", "by the next look"])
async def test_a_dead_one_is_replaced_at_once(host: Controller, told: bool) -> None:
    host.write(policy(least=4))
    await host.start()
    await steady(host, 4)
    await sleep(20)
    if not told:
        host.world.engine.cut_stream()
        host.world.engine.hangs.add("changes")
    host.world.engine.kill("web-3")
    took = await until(lambda: len(host.world.choosable()) == 4)
    assert took <= host.world.engine.create_s + host.world.engine.boot_s + (0.5 if told else 1.5)
    assert "web-5" in host.world.choosable()
    assert host.told(EventKind.BACK_OFF) == []
    assert [(e.replica, e.facts["reason"]) for e in host.told(EventKind.REPLICA_FAILED)] == [("web-3", "exited")]
    await steady(host, 4)


async def test_one_that_fails_its_check_is_drained_and_replaced(host: Controller) -> None:
    host.write(policy(least=3))
    await host.start()
    await steady(host, 3)
    host.world.engine.containers["web-2"].hung = True
    await until(lambda: "web-2" not in host.world.engine.containers)
    await steady(host, 3)
    assert len(host.world.engine.began) == 4
    (failed,) = host.told(EventKind.REPLICA_FAILED)
    assert (failed.replica, failed.facts["reason"]) == ("web-2", "unhealthy")


async def test_when_all_fail_their_check_they_serve_on_and_one_at_a_time_is_replaced(host: Controller) -> None:
    host.write(policy(least=4))
    await host.start()
    await steady(host, 4)
    began = len(host.world.engine.began)
    host.world.proxy.check_is_bad = True
    await until(lambda: len(host.world.engine.began) == began + 1)
    await until(lambda: host.operator.service("web").health_suspect)
    assert len([b for b in host.world.proxy.servers["web"].values() if not b.draining]) >= 4
    assert host.world.engine.signals == []


async def test_a_suspect_that_is_replaced_after_long_still_finishes_its_requests(host: Controller) -> None:
    """`drain_timeout` runs from when it is told to drain, not from when it began to fail."""
    host.write(policy(least=3))
    await host.start()
    await steady(host, 3)
    host.world.engine.never_ready = True
    host.world.proxy.check_is_bad = True
    await until(lambda: host.operator.service("web").health_suspect)
    await sleep(400)
    assert {"web-1", "web-2", "web-3"} <= set(host.world.engine.running())
    for name in ("web-1", "web-2", "web-3"):
        host.world.proxy.hold(name, 1000)
    host.world.engine.never_ready = False
    await host.operator.scale("web", None)
    await until(lambda: any(b.draining for b in host.world.proxy.servers["web"].values()), 700)
    await sleep(20)
    assert host.world.broken == []


async def test_a_replica_is_never_stopped_while_the_proxy_does_not_take_its_drain(host: Controller) -> None:
    host.write(policy(least=1))
    for number in (1, 2):
        host.world.found(f"web-{number}")
    await host.start()
    await until(lambda: len(host.ready()) == 2)
    host.world.proxy.refuses_assign = "its socket is full"
    await until(lambda: host.told(EventKind.REPLICA_DRAINING))
    await sleep(400)
    assert host.world.engine.signals == []
    assert "its socket is full" in str(host.operator.service("web").errors)
    host.world.proxy.refuses_assign = ""
    await steady(host, 1)


async def test_a_long_pull_is_no_part_of_start_timeout(host: Controller) -> None:
    host.write(policy(least=2))
    host.world.engine.pull_s = 200.0
    await host.start()
    await until(lambda: len(host.world.choosable()) == 2, 300)
    assert host.told(EventKind.REPLICA_FAILED) == []
    assert host.world.engine.prepared == 1
    assert [e.replica for e in host.told(EventKind.REPLICA_STARTING)] == ["web-1", "web-2"]


async def test_starting_ones_are_unready_and_no_more_than_desired_start(host: Controller) -> None:
    host.write(policy(least=1, most=8))
    await host.start()
    await steady(host, 1)
    host.world.engine.boot_s = 30.0
    for rate in (100.0, 150.0, 250.0):
        host.world.proxy.rate["web"] = rate
        await until(partial(_wants, host, rate / 50))
        states = list(host.states().values())
        assert states.count(ReplicaState.READY) == 1
        assert len(host.world.engine.began) <= rate / 50
    await until(lambda: len(host.world.choosable()) == 5)
    assert len(host.world.engine.began) == 5


def _wants(host: Controller, count: float) -> bool:
    return host.desired() == count


async def test_replica_seconds_are_counted(host: Controller) -> None:
    host.write(policy(least=2))
    await host.start()
    await steady(host, 2)
    before = host.counted.seconds["web"]
    await sleep(30)
    assert host.counted.seconds["web"] - before == pytest.approx(60, abs=3)


async def test_a_count_that_turns_back_is_told(host: Controller) -> None:
    host.write(policy(least=1, most=6))
    await host.start()
    await steady(host, 1)
    host.world.proxy.rate["web"] = 200.0
    await steady(host, 4)
    host.world.proxy.rate["web"] = 40.0
    await steady(host, 1)
    await host.stop()
    (flap,) = host.told(EventKind.FLAPPED)
    assert flap.facts == {"before": 4, "desired": 3}
    assert flap.cause.startswith("4 -> 3, ")


async def test_who_burns_cpu_because_it_just_started_brings_no_more(host: Controller) -> None:
    """All of a core for the first 20 s, then 40% of it, at a target of 70%."""

    def used(id: str) -> Usage:
        age = host.world.now() - host.world.engine.containers[id.removeprefix("id-")].created_at
        return Usage(min(age, 20.0) + 0.4 * max(age - 20.0, 0.0), None)

    host.world.engine.usage_now = used
    host.write(policy(least=2).replace("metric: request_rate, target: 50", "metric: cpu, target: 70%"))
    await host.start()
    await steady(host, 2)
    await sleep(90)
    assert len(host.world.engine.began) == 2
    assert host.told(EventKind.METRICS_MISSING) == []
    (cpu,) = [metric for metric in host.operator.service("web").metrics if metric.name == "cpu"]
    assert cpu.sample.value == pytest.approx(0.4, abs=0.01)
