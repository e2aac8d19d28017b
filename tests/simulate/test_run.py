"""A policy against a trace: what the service does as it is scaled, and that the two engines tell the same of it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.simulate.model import Model
from autoscaler.simulate.result import Result
from autoscaler.simulate.run import simulate
from autoscaler.simulate.service_time import ServiceTime
from autoscaler.simulate.tally import Objective
from autoscaler.simulate.trace import Trace, constant, read_trace
from tests.decide.builders import HPA, OPEN, service, tracking


def steps(*rates: float, bucket: float = 60.0) -> Trace:
    """A trace of these rates, each held for a bucket."""
    return read_trace(["timestamp_s,rps", *(f"{bucket * n},{rate}" for n, rate in enumerate(rates))], "t.csv")


def ran(trace: Trace, *, target: float = 7.0, least: int = 1, most: int = 100, behavior: Any = OPEN, **model: Any) -> Result:
    """What a policy on the request rate makes of it: by default with slots of 10 requests/s at 70%."""
    spec = service(tracking("request_rate", 10.0, target=target), min=least, max=most, behavior=behavior)
    return simulate(spec, trace, Model(**model))


def test_a_fixed_count_costs_its_time_and_never_moves() -> None:
    told = ran(constant(10.0, 100.0), least=3, most=3)
    assert (told.replica_seconds, told.scale_ups, told.scale_downs, told.peak_replicas) == (300.0, 0, 0, 3)
    assert (told.seconds, told.engine, told.over_provisioned_fraction) == (100.0, "exact", 0.0)


def test_a_rise_waits_for_the_start_and_is_paid_from_the_order() -> None:
    quick = ran(steps(10, 60, 60), startup_s=0.0)
    slow = ran(steps(10, 60, 60), startup_s=30.0)
    assert slow.slo_violations > 3 * quick.slo_violations
    assert slow.under_provisioned_fraction > quick.under_provisioned_fraction + 20 / 180
    assert slow.replica_seconds == pytest.approx(quick.replica_seconds, rel=0.05)


def test_turns_are_counted_both_ways() -> None:
    told = ran(steps(10, 60, 10, 60))
    assert told.direction_changes >= 2
    assert told.scale_ups > 0
    assert told.scale_downs > 0


def test_without_an_answer_there_is_no_latency() -> None:
    told = ran(constant(0.0, 10.0), least=0)
    assert (told.requests, told.latency_p99_s, told.windows_violated_fraction) == (0, None, 0.0)


def test_too_few_replicas_drop_what_waits_too_long() -> None:
    told = ran(constant(30.0, 120.0), most=1)
    assert told.dropped == pytest.approx(120 * 20 - 100, rel=0.1)
    assert told.slo_violations > told.dropped
    assert told.windows_violated_fraction == 1.0


def test_an_objective_on_the_wait_is_not_one_on_latency() -> None:
    told = ran(constant(5.0, 600.0), least=50, most=50, objective=Objective(wait_s=0.2))
    late = ran(constant(5.0, 600.0), least=50, most=50, objective=Objective(latency_s=0.2))
    assert told.slo_violations == 0
    assert late.slo_violations / late.requests == pytest.approx(0.1353, rel=0.1)


def test_an_outage_of_the_metrics_never_scales_in() -> None:
    falls = steps(60, 60, 5, 5)
    before = ran(constant(60.0, 118.0)).scale_downs
    assert ran(falls).scale_downs > before
    assert ran(falls, outages=((118.0, 240.0),)).scale_downs == before


def test_crashed_replicas_are_replaced() -> None:
    told = ran(constant(30.0, 600.0), least=10, most=10, objective=Objective(wait_s=0.2), crashes_per_hour=120.0)
    assert told.replica_seconds == pytest.approx(6000 - 20 * 0.5, abs=6)  # 20 crashes, each seen half a tick later
    assert told.requests == told.answered + told.dropped + told.in_flight


def test_what_was_before_the_score_is_not_counted() -> None:
    told = ran(steps(10, 60, 10, 10), least=9, most=9, warm_up_s=120.0)
    assert told.seconds == 120.0
    assert told.replica_seconds == pytest.approx(9 * 120.0)
    assert told.requests == pytest.approx(1200, rel=0.1)
    assert told.requests == told.answered + told.dropped + told.in_flight


def test_one_seed_gives_one_result() -> None:
    trace = steps(10, 60, 10)
    assert ran(trace, seed=3) == ran(trace, seed=3)
    assert ran(trace, seed=3) != ran(trace, seed=4)


@pytest.mark.parametrize("metric", ["latency_p95", "concurrency", "queue_length", "error_ratio", "cpu"])
def test_policies_on_other_metrics_follow_the_load(metric: str) -> None:
    aims: dict[str, dict[str, Any]] = {
        "latency_p95": {"total": 0.4},
        "concurrency": {"target": 0.7},
        "queue_length": {"target": 0.1},
        "error_ratio": {"total": 0.01},
        "cpu": {"target": 0.7},
    }
    spec = service(tracking(metric, 10.0, **aims[metric]), max=60, behavior=HPA)
    spec = spec.model_copy(update={"route": spec.route.model_copy(update={"queue_timeout": 2.0})})
    told = simulate(spec, steps(10, 150, 150), Model())
    assert told.scale_ups > 0
    assert 10 <= told.peak_replicas <= 60


def test_memory_is_not_modelled_and_so_missing() -> None:
    told = simulate(service(tracking("memory", 10.0, target=0.5)), steps(10, 100), Model())
    assert (told.scale_ups, told.scale_downs) == (0, 0)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.floats(0, 80), min_size=2, max_size=5),
    st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.3, 7.0]),
    st.sampled_from([0.0, 500.0]),
    st.integers(0, 99),
)
def test_whatever_comes_nothing_is_lost_and_the_figures_fit(
    rates: list[float], cv: float, slots: int, startup: float, crashes: float, seed: int
) -> None:
    told = ran(
        steps(*rates, bucket=10.0),
        most=12,
        service=ServiceTime(0.1, cv),
        slots=slots,
        startup_s=startup,
        crashes_per_hour=crashes,
        seed=seed,
    )
    assert told.requests == told.answered + told.dropped + told.in_flight
    assert 0 <= told.dropped <= told.slo_violations <= told.requests
    assert 0 <= told.replica_seconds <= 14 * told.seconds
    assert told.under_provisioned_fraction + told.over_provisioned_fraction <= 1.000002
    assert 0 <= told.windows_violated_fraction <= 1
    assert told.oracle_replica_seconds >= told.seconds
