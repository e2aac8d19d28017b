"""The exact engine agrees with queueing theory's closed forms, loses no request, and has the proxy's rules."""

from math import exp, log
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.decide.staffing import erlang_c
from autoscaler.simulate.exact import Exact
from autoscaler.simulate.service_time import ServiceTime
from autoscaler.simulate.tally import Objective, SinceTick, Tally

LONG = 1e9


def engine(
    service_s: float = 0.1,
    cv: float = 1.0,
    slots: int = 1,
    timeout_s: float = LONG,
    seed: int = 1,
    objective: Objective | None = None,
) -> tuple[Exact, Tally]:
    """An engine without replicas, and what counts for it."""
    tally = Tally(objective or Objective())
    return Exact(ServiceTime(service_s, cv), slots, timeout_s, Random(seed), tally), tally


def ran(replicas: int, rate: float, requests: int, **settings: float) -> tuple[SinceTick, Tally, float]:
    """What so many requests saw with a fixed count of replicas, and for how long they came."""
    made, tally = engine(**settings)  # type: ignore[arg-type]
    made.add(replicas)
    seconds = requests / rate
    for step in range(1, 101):
        made.run(seconds * step / 100, rate)
    return tally.close(), tally, seconds


@pytest.mark.parametrize(("rho", "requests"), [(0.5, 600_000), (0.7, 1_200_000)])
def test_mm1(rho: float, requests: int) -> None:
    """Latency is exponential with mean S / (1 - rho); the mean in the system is rho / (1 - rho)."""
    tick, tally, seconds = ran(1, rho * 10, requests)
    assert tick.in_flight_s / seconds == pytest.approx(rho / (1 - rho), rel=0.02)
    assert tick.busy_s / seconds == pytest.approx(rho, rel=0.02)
    for share in (0.5, 0.95, 0.99):
        assert tally.latencies.quantile(share) == pytest.approx(-log(1 - share) * 0.1 / (1 - rho), rel=0.02)


@pytest.mark.parametrize(("replicas", "slots", "rho"), [(4, 1, 0.8), (2, 5, 0.85)])
def test_mmc(replicas: int, slots: int, rho: float) -> None:
    """The mean wait is C S / (c (1 - rho)); C of the requests wait, each wait beyond w by C exp(-(c / S) (1 - rho) w)."""
    c = replicas * slots
    rate = c * rho * 10
    chance = erlang_c(c, rate * 0.1)
    tick, tally, seconds = ran(replicas, rate, 1_000_000, slots=slots, objective=Objective(wait_s=0.05))  # type: ignore[arg-type]
    queued = (tick.in_flight_s - tick.busy_s) / seconds
    assert queued == pytest.approx(chance * rho / (1 - rho), rel=0.02)
    assert tally.late / tally.requests == pytest.approx(chance * exp(-c * 10 * (1 - rho) * 0.05), rel=0.02)


@pytest.mark.parametrize("cv", [0.0, 0.5, 1.0, 1.2])
def test_mg1(cv: float) -> None:
    """Pollaczek-Khinchine: the mean queue is rho^2 (1 + cv^2) / (2 (1 - rho))."""
    rho = 0.5
    tick, _, seconds = ran(1, rho * 10, 1_500_000 if cv > 1 else 600_000, cv=cv, seed=2)
    assert (tick.in_flight_s - tick.busy_s) / seconds == pytest.approx(rho**2 * (1 + cv**2) / (2 * (1 - rho)), rel=0.02)


def test_what_waits_longer_than_the_timeout_is_dropped() -> None:
    made, tally = engine(service_s=1.0, cv=0, timeout_s=2.0)
    made.add()
    for t in range(1, 101):
        made.run(t, 10.0)
        assert made.queued <= 40
    tick = tally.close()
    assert tick.answered == pytest.approx(99, abs=1)
    assert tick.dropped == pytest.approx(1000 - 99 - 20, abs=120)
    assert tally.latencies.quantile(1.0) == pytest.approx(3.0, rel=0.01)
    assert tally.late == tick.dropped


def test_without_a_replica_requests_wait_until_one_is_there() -> None:
    made, tally = engine(cv=0)
    made.run(1.0, 20.0)
    waiting = made.queued
    assert waiting == tally.tick.arrivals > 0
    made.add(100)
    assert (made.queued, made.in_service) == (0, waiting)
    made.run(2.0, 0.0)
    assert tally.tick.answered == waiting


def test_a_draining_replica_takes_nothing_new_and_goes_when_it_has_answered() -> None:
    made, tally = engine(service_s=10.0, cv=0, slots=100)
    made.add(2)
    made.run(1.0, 20.0)
    there = made.in_service
    made.drain(1)
    assert (made.ready, made.draining) == (1, 1)
    made.run(5.0, 5.0)
    assert (made.ready, made.draining, made.drained_s) == (1, 1, 4.0)
    made.run(12.0, 0.0)
    assert made.draining == 0
    assert 9.0 < made.drained_s <= 10.0
    assert tally.tick.answered >= there


def test_the_newest_replica_is_drained_first() -> None:
    made, _ = engine(service_s=10.0, cv=0, slots=100)
    made.add(1)
    made.run(1.0, 20.0)
    made.add(1)
    made.drain(1)
    assert (made.ready, made.draining) == (1, 0)


def test_a_draining_replica_leaves_the_queue_to_others() -> None:
    made, tally = engine(service_s=2.0, cv=0)
    made.add(1)
    made.run(1.0, 20.0)
    waiting = made.queued
    made.drain(1)
    made.run(10.0, 0.0)
    assert (made.queued, made.in_service, tally.tick.answered) == (waiting, 0, 1)


def test_what_a_crash_puts_back_is_as_old_as_it_was() -> None:
    made, tally = engine(service_s=1000.0, cv=0, slots=3, timeout_s=5.0)
    made.add(2)
    made.run(0.6, 20.0)
    early = tally.tick.arrivals
    assert early > 6
    made.run(1.0, 20.0)
    made.crash()
    made.run(5.6, 0.0)
    assert tally.tick.dropped == early - 3


def test_a_crash_puts_back_what_was_in_flight_before_what_waits() -> None:
    made, tally = engine(service_s=1000.0, cv=0, slots=3)
    made.add(2)
    made.run(1.0, 20.0)
    waiting = made.queued
    made.crash()
    assert (made.ready, made.in_service, made.queued) == (1, 3, waiting + 3)
    made.add(1)
    assert made.queued == waiting
    assert tally.tick.arrivals == made.in_service + made.queued


def test_busy_shares_are_of_each_ready_replica() -> None:
    made, _ = engine(service_s=1000.0, cv=0, slots=2)
    made.add(2)
    made.run(10.0, 20.0)
    made.busy(10.0)
    made.add(1)
    made.run(12.0, 0.0)
    assert made.busy(12.0) == pytest.approx((1.0, 1.0, 1.0), abs=1e-6)


MOVES = st.lists(
    st.tuples(st.sampled_from(["add", "drain", "crash", "none"]), st.floats(0, 60), st.floats(0.1, 3)), max_size=25
)


@settings(deadline=None, max_examples=60)
@given(MOVES, st.sampled_from([0.0, 0.7, 1.0]), st.integers(1, 3), st.integers(0, 1000))
def test_no_request_is_lost_whatever_happens(
    moves: list[tuple[str, float, float]], cv: float, slots: int, seed: int
) -> None:
    made, tally = engine(cv=cv, slots=slots, timeout_s=1.0, seed=seed, objective=Objective(0.5))
    made.add(1)
    now = busy_s = 0.0
    for move, rate, seconds in moves:
        match move:
            case "add":
                made.add(2)
            case "drain":
                made.drain(1)
            case "crash":
                made.crash()
        now += seconds
        made.run(now, rate)
        shares = made.busy(now)
        assert all(0 <= share <= 1 for share in shares)
        tick = tally.close()
        busy_s += tick.busy_s
        assert -1e-6 <= tick.busy_s <= tick.in_flight_s + 1e-6
        assert tally.requests == tally.answered + tally.dropped + made.queued + made.in_service
        assert tally.dropped <= tally.late <= tally.requests
    assert tally.latencies.total == pytest.approx(tally.answered)


def test_one_seed_gives_one_history() -> None:
    def told(seed: int) -> tuple[int, float]:
        tick, _, _ = ran(2, 15.0, 5000, seed=seed)
        return tick.answered, tick.in_flight_s

    assert told(5) == told(5)
    assert told(5) != told(6)
