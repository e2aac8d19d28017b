"""What a decision is told of the modelled service."""

import pytest

from autoscaler.simulate.fleet import Fleet
from autoscaler.simulate.histogram import Histogram
from autoscaler.simulate.model import Model
from autoscaler.simulate.observe import Eyes, Window
from autoscaler.simulate.service_time import ServiceTime
from autoscaler.simulate.tally import Objective, SinceTick, Tally
from tests.decide.builders import service, tracking


def tick(*latencies: float, arrivals: int = 0, dropped: int = 0) -> SinceTick:
    told = SinceTick(arrivals=arrivals or len(latencies), answered=len(latencies), dropped=dropped)
    told.latencies.add(latencies)
    return told


def test_percentiles_are_of_the_window() -> None:
    window = Window(2.0)
    window.add(1.0, tick(*[9.0] * 10))
    window.add(2.0, tick(*[0.1] * 90))
    assert window.sample(2.0, 0.5).value == pytest.approx(0.1, rel=0.005)
    assert window.sample(2.0, 0.95).value == pytest.approx(9.0, rel=0.005)
    window.add(3.0, tick(0.2))
    assert window.sample(3.0, 0.98).value == pytest.approx(0.1, rel=0.005)
    assert window.sample(3.0, 1.0).value == pytest.approx(0.2, rel=0.005)


def test_no_request_in_the_window_is_a_fact_and_no_answer_a_riddle() -> None:
    window = Window(2.0)
    window.add(1.0, tick(0.1))
    window.add(3.0, tick())
    assert window.sample(3.0, 0.95).value == 0.0
    window.add(4.0, tick(arrivals=3))
    assert window.sample(4.0, 0.95).value is None
    assert window.sample(4.0, 0.95).problem == "none of 3 requests was answered"


def test_a_tick_is_told_as_the_meter_tells_it() -> None:
    tally = Tally(Objective())
    fleet = Fleet(Model(ServiceTime(1000.0, 0.0), slots=2), 1e9, tally, 2)
    eyes = Eyes(service(tracking("latency_p95", 10.0, total=1.0)))
    fleet.run(2.0, 20.0)
    fleet.order(3)
    came = tally.tick.arrivals
    first = eyes.see(102.0, 2.0, tally.close(), fleet, outage=False)
    assert (first.t, first.ready, first.unready, first.waiting) == (102.0, 2, 1, came - 4)
    assert first.totals["request_rate"].value == came / 2
    assert first.totals["error_ratio"].value is None
    assert first.totals["latency_p95"].value is None
    fleet.run(4.0, 0.0)
    then = eyes.see(104.0, 2.0, tally.close(), fleet, outage=False)
    assert then.per_replica["cpu"] == pytest.approx((1.0, 1.0))
    assert then.totals["concurrency"].value == pytest.approx(came)
    assert then.totals["queue_length"].value == pytest.approx(came - 4)
    assert then.totals["error_ratio"].value is None or then.totals["request_rate"].value == 0


def test_each_policy_is_told_its_percentile() -> None:
    tally = Tally(Objective())
    fleet = Fleet(Model(ServiceTime(0.1)), 1e9, tally, 100)
    eyes = Eyes(service(tracking("latency_p50", 10.0, total=1.0), tracking("latency_p99", 10.0, total=1.0)))
    fleet.run(1000.0, 20.0)
    totals = eyes.see(1000.0, 1000.0, tally.close(), fleet, outage=False).totals
    assert totals["latency_p50"].value == pytest.approx(0.0693, rel=0.03)
    assert totals["latency_p99"].value == pytest.approx(0.4605, rel=0.03)


def test_in_an_outage_every_metric_is_missing() -> None:
    tally = Tally(Objective())
    fleet = Fleet(Model(), 1e9, tally, 2)
    eyes = Eyes(service(tracking("latency_p95", 10.0, total=1.0)))
    fleet.run(1.0, 20.0)
    seen = eyes.see(1.0, 1.0, tally.close(), fleet, outage=True)
    assert {sample.value for sample in seen.totals.values()} == {None}
    assert seen.per_replica["cpu"] == (None, None)


def test_a_percentile_is_within_a_quarter_of_a_percent() -> None:
    counted = Histogram()
    counted.add([0.001 * n for n in range(1, 1001)])
    for share in (0.01, 0.5, 0.95, 0.99):
        assert counted.quantile(share) == pytest.approx(share, rel=0.004)


def test_what_is_taken_out_of_a_histogram_is_gone() -> None:
    counted, other = Histogram(), Histogram()
    other.add([0.1, 0.2])
    counted.merge(other)
    counted.merge(other, sign=-1)
    assert (counted.counts, counted.total, counted.quantile(0.5)) == ({}, 0.0, None)
