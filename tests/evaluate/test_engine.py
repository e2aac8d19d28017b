"""The compiled engine against closed forms, and beside autoscaler.simulate."""

from math import exp

import pytest

from autoscaler.decide.staffing import erlang_c
from benchmarks.evaluate import agreement
from benchmarks.evaluate.compiled import Numbers, zeros
from benchmarks.evaluate.fleet import SERVICE_S, TIMEOUT_S, WAIT_S, Fleet


def constant(rate: float, seconds: int) -> Numbers:
    rates = zeros(seconds)
    for second in range(seconds):
        rates[second] = rate
    return rates


def fleet(rate: float, seconds: int, replicas: int, *, startup_s: float = 5.0, crashes_an_hour: float = 0.0) -> Fleet:
    rates = constant(rate, seconds)
    return Fleet(rates, start=0, startup_s=startup_s, replicas=replicas, seed=1, crashes_an_hour=crashes_an_hour)


@pytest.mark.parametrize(("replicas", "rate"), [(1, 5.0), (3, 20.0)])
def test_queue_and_late_share_are_those_of_erlang_c(replicas: int, rate: float) -> None:
    seconds = 10_000
    served = fleet(rate, seconds, replicas)
    seen = served.run(seconds, replicas)
    waits = erlang_c(replicas, rate * SERVICE_S)
    spare = replicas / SERVICE_S - rate
    assert seen.rate == pytest.approx(rate, rel=0.02)
    assert seen.queue == pytest.approx(waits * rate / spare, rel=0.1)
    assert seen.concurrency - seen.queue == pytest.approx(rate * SERVICE_S, rel=0.02)
    assert sum(served.late) / sum(served.came) == pytest.approx(waits * exp(-spare * WAIT_S), rel=0.1)


def test_a_replica_serves_from_when_its_start_is_over() -> None:
    served = fleet(0.0, 60, 1, startup_s=5.0)
    before = served.run(4, 3)
    after = served.run(1, 3)
    assert (before.ready, before.starting) == (1, 2)
    assert (after.ready, after.starting) == (3, 0)


def test_starting_replicas_are_cancelled_first() -> None:
    served = fleet(0.0, 60, 2, startup_s=30.0)
    served.run(5, 6)
    seen = served.run(1, 3)
    assert (seen.ready, seen.starting) == (2, 1)


def test_replicas_cost_from_the_order_on() -> None:
    served = fleet(0.0, 60, 1, startup_s=30.0)
    served.run(10, 3)
    assert served.replica_s == pytest.approx(30.0)


def test_a_draining_replica_costs_until_its_answer() -> None:
    served = fleet(400.0, 60, 40)
    served.run(10, 40)
    before = served.replica_s
    served.run(1, 0)
    assert 20 * SERVICE_S < served.replica_s - before < 60 * SERVICE_S


def test_who_waits_too_long_is_dropped_and_late() -> None:
    served = fleet(50.0, 120, 1)
    seen = served.run(120, 1)
    assert seen.waiting <= 50.0 * TIMEOUT_S * 1.1
    assert sum(served.late) > 0.85 * sum(served.came)
    assert served.violated(0, 2, 0.01) == 2


def test_crashed_replicas_are_replaced_after_a_start() -> None:
    served = fleet(0.0, 3600, 10, startup_s=60.0, crashes_an_hour=600.0)
    seen = served.run(3600, 10)
    assert seen.starting == pytest.approx(10, abs=6)  # 10 start a minute, and each takes one
    assert seen.ready + seen.starting in (9, 10)


def test_with_no_replica_who_waits_too_long_is_dropped() -> None:
    seen = fleet(50.0, 60, 0).run(60, 0)
    assert seen.waiting == pytest.approx(50.0 * TIMEOUT_S, rel=0.2)


def test_a_crash_loses_no_request() -> None:
    served = fleet(20.0, 600, 100, startup_s=0.0, crashes_an_hour=360_000.0)
    seen = served.run(600, 100)
    # What was begun is begun again. Without memory it takes as long in all; lost, an eighth less.
    assert seen.concurrency - seen.queue == pytest.approx(20.0 * SERVICE_S, rel=0.05)


@pytest.mark.parametrize("crashes_an_hour", [0.0, 120.0])
def test_it_agrees_with_simulate(crashes_an_hour: float) -> None:
    compared = agreement.compared(600, 5, crashes_an_hour)
    assert {name: z for name, (_, _, z) in compared.items() if z > 3} == {}
