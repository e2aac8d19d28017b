"""What a shadow would have seen."""

from dataclasses import replace

import pytest
from hypothesis import given

from autoscaler.decide.shadow.fleet import Fleet
from autoscaler.decide.shadow.view import Lines, view
from autoscaler.decide.shadow.waits import Line
from autoscaler.model import Observation
from tests.decide.builders import seen
from tests.decide.strategies import observations


def lines(own: int = 2, ran: int = 4, rate: float = 15.0) -> Lines:
    """One request at a time, 100 ms each."""
    return Lines(rate, Line(float(own), 0.1, 0.0, 10.0), Line(float(ran), 0.1, 0.0, 10.0))


@given(observations())
def test_with_the_same_replicas_it_sees_the_same(tick: Observation) -> None:
    fleet = Fleet(3, ((5.0, 2),))
    tick = replace(tick, desired=None)
    assert view(tick, fleet, fleet, lines(3, 3)) == tick
    assert view(tick, fleet, fleet, None) == tick


def test_it_has_the_replicas_seen_and_those_that_its_model_has_more() -> None:
    tick = seen(ready=4, unready=1)
    told = view(tick, Fleet(2, ((9.0, 2),)), Fleet(4, ((9.0, 1),)), None)
    assert (told.ready, told.unready) == (2, 2)
    told = view(tick, Fleet(7), Fleet(4, ((9.0, 1),)), None)
    assert (told.ready, told.unready) == (7, 0)
    assert view(tick, Fleet(0), Fleet(8), None).ready == 0


def test_what_others_changed_is_no_count_of_its() -> None:
    assert view(seen(desired=7), Fleet(1), Fleet(1), None).desired is None


def test_cpu_is_the_same_work_shared_out_among_others() -> None:
    tick = seen(ready=4, per_replica={"cpu": [0.2, 0.4, None, 0.3], "memory": [0.5, 0.5, 0.7, 0.7]})
    told = view(tick, Fleet(2), Fleet(4), None)
    assert told.per_replica["cpu"] == pytest.approx((0.6, 0.6))
    assert told.per_replica["memory"] == pytest.approx((0.6, 0.6))


def test_those_that_warm_up_have_no_value() -> None:
    tick = seen(ready=4, warming=1, per_replica={"cpu": [0.2, 0.2, 0.2]})
    told = view(tick, Fleet(8), Fleet(4), None)
    assert told.warming == 1
    assert told.per_replica["cpu"] == pytest.approx((0.1,) * 7)
    silent = view(seen(ready=2, per_replica={"cpu": [None, None]}), Fleet(3), Fleet(2), None)
    assert silent.per_replica["cpu"] == (None, None, None)


def test_fewer_replicas_have_a_longer_queue_and_longer_latencies() -> None:
    tick = seen(ready=4, request_rate=15.0, concurrency=1.6, queue_length=0.1, latency_p95=0.3, error_ratio=0.01)
    told = view(tick, Fleet(2), Fleet(4), lines())
    waiting = lines().own.queue(15.0) - lines().ran.queue(15.0)
    assert waiting > 1
    assert told.totals["queue_length"].value == pytest.approx(0.1 + waiting)
    assert told.totals["concurrency"].value == pytest.approx(1.6 + waiting)
    assert told.waiting == round(waiting)
    delay_s = lines().own.delay_s(15.0, 0.95) - lines().ran.delay_s(15.0, 0.95)
    assert told.totals["latency_p95"].value == pytest.approx(0.3 + delay_s)
    assert told.totals["request_rate"].value == 15.0
    assert told.totals["error_ratio"].value == 0.01


def test_full_replicas_have_no_more_in_service_than_their_slots() -> None:
    tick = seen(ready=4, concurrency=3.0, queue_length=0.0)
    told = view(tick, Fleet(2), Fleet(4), lines(rate=30.0))
    queue = lines().own.queue(30.0) - lines().ran.queue(30.0)
    assert told.totals["concurrency"].value == pytest.approx(3.0 - 1.0 + queue)


def test_what_is_missing_stays_missing_and_nothing_falls_below_zero() -> None:
    tick = seen(ready=2, concurrency=None, queue_length=0.1, latency_p95=0.01)
    told = view(tick, Fleet(4), Fleet(2), lines(4, 2))
    assert told.totals["concurrency"] == tick.totals["concurrency"]
    assert told.totals["queue_length"].value == 0.0
    assert told.totals["latency_p95"].value == 0.0
