"""Replicas start, are called off, drain and cost, whichever engine serves."""

from autoscaler.measure.usage import WARM_UP_S
from autoscaler.simulate.fleet import Fleet
from autoscaler.simulate.model import Model
from autoscaler.simulate.service_time import ServiceTime
from autoscaler.simulate.tally import Objective, Tally


def fleet(replicas: int, service_s: float = 0.1, slots: int = 1, startup_s: float = 5.0) -> Fleet:
    model = Model(ServiceTime(service_s, 0.0), slots, startup_s=startup_s)
    return Fleet(model, 1e9, Tally(Objective()), replicas)


def counts(given: Fleet) -> tuple[int, int]:
    return given.ready, given.starting


def test_a_replica_is_ready_so_long_after_its_order_to_the_fraction_of_a_tick() -> None:
    made = fleet(1, service_s=1000.0, startup_s=1.5)
    made.order(3)
    made.run(1.0, 0.0)
    assert counts(made) == (1, 2)
    made.run(2.0, 0.0)
    assert counts(made) == (3, 0)
    assert made.replica_seconds() == 6.0


def test_without_a_start_it_is_ready_at_once() -> None:
    made = fleet(1, startup_s=0.0)
    made.order(3)
    assert counts(made) == (3, 0)


def test_starting_ones_are_called_off_before_ready_ones_drain() -> None:
    made = fleet(3)
    made.order(5)
    made.run(1.0, 0.0)
    made.order(4)
    assert counts(made) == (3, 1)
    made.order(2)
    assert counts(made) == (2, 0)


def test_the_latest_order_is_called_off_first() -> None:
    made = fleet(0)
    made.order(1)
    made.run(4.0, 0.0)
    made.order(2)
    made.order(1)
    made.run(5.0, 0.0)
    assert counts(made) == (1, 0)


def test_a_drain_is_paid_until_the_last_answer() -> None:
    made = fleet(2, service_s=10.0, slots=100)
    made.run(1.0, 20.0)
    made.order(1)
    made.run(6.0, 0.0)
    assert made.replica_seconds() == 6 + 6
    made.run(20.0, 0.0)
    assert 20 + 10 < made.replica_seconds() <= 20 + 11


def test_a_drain_by_number_is_paid_until_the_last_answer() -> None:
    made = fleet(20, service_s=10.0, slots=200)
    made.run(10.0, 260.0)
    assert made.aggregate_s == 10
    made.order(19)
    made.run(15.0, 260.0)
    assert made.replica_seconds() == 20 * 15
    made.run(25.0, 260.0)
    assert 20 * 10 + 19 * 15 + 8 < made.replica_seconds() <= 20 * 10 + 19 * 15 + 10


def test_a_replica_that_is_ready_within_a_tick_serves_from_then_on() -> None:
    tally = Tally(Objective())
    made = Fleet(Model(ServiceTime(0.1, 0.0), startup_s=0.55), 1e9, tally, 0)
    made.order(1)
    made.run(1.0, 1000.0)
    assert tally.tick.answered == 4


def test_who_was_just_ready_warms_up_and_tells_no_cpu() -> None:
    made = fleet(2, startup_s=5.0)
    made.order(5)
    made.run(6.0, 0.0)
    assert (made.ready, made.warming, len(made.busy())) == (5, 3, 2)
    made.order(4)
    assert (made.ready, made.warming, len(made.busy())) == (4, 2, 2)
    made.run(5.0 + WARM_UP_S, 0.0)
    assert (made.warming, len(made.busy())) == (0, 4)
