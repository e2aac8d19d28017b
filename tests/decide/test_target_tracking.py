"""target_tracking: HPA's AverageValue, Value and Utilization, case by case."""

from dataclasses import replace
from math import inf, nan
from typing import Literal

import pytest

from autoscaler.decide import EMPTY, decide
from autoscaler.model import Mode, Observation, Recommendation, Sample
from autoscaler.spec.models import TargetTracking, Tolerance
from tests.decide.builders import OPEN, seen, service, tracking

RPS_50 = tracking(target=50.0)
TOTAL_100 = tracking("queue_length", total=100.0)
CPU_50 = tracking("cpu", target=0.5)
CPU_150 = tracking("cpu", target=1.5)


def asked(policy: TargetTracking, tick: Observation) -> Recommendation:
    return decide(service(policy), tick, EMPTY)[0].recommendations[0]


@pytest.mark.parametrize(
    ("ready", "unready", "rate", "value", "raw"),
    [
        pytest.param(4, 0, 200.0, 4, 4.0, id="exactly the target"),
        pytest.param(4, 0, 220.0, 4, 4.4, id="HPA: +10% is within the default tolerance, inclusive"),
        pytest.param(4, 0, 220.4, 5, 4.408, id="HPA: beyond it, round up"),
        pytest.param(4, 0, 180.0, 4, 3.6, id="HPA: -10% is within the default tolerance, inclusive"),
        pytest.param(8, 0, 350.0, 7, 7.0, id="beyond it downward"),
        pytest.param(2, 2, 220.0, 4, 4.4, id="starting ones carry their share too"),
        pytest.param(2, 2, 110.0, 3, 2.2, id="starting ones lower the ratio"),
        pytest.param(3, 0, 0.0, 0, 0.0, id="no load asks for none; min is another's business"),
        pytest.param(3, 0, 1e9, 20_000_000, 2e7, id="any size"),
        pytest.param(3, 0, -50.0, 0, -1.0, id="never fewer than none"),
    ],
)
def test_a_total_by_target(ready: int, unready: int, rate: float, value: int, raw: float) -> None:
    said = asked(RPS_50, seen(ready=ready, unready=unready, request_rate=rate))
    assert (said.value, said.raw) == (value, raw)


def test_with_no_replica_at_all_the_total_alone_counts() -> None:
    said = asked(RPS_50, seen(ready=0, unready=0, desired=3, request_rate=120.0))
    assert said.value == 3


def test_within_tolerance_the_recommendation_is_current_not_what_is_there() -> None:
    said = asked(RPS_50, seen(ready=4, desired=6, request_rate=200.0))
    assert said.value == 6


@pytest.mark.parametrize(
    ("ready", "desired", "value", "asks"),
    [
        pytest.param(3, None, 100.0, 3, id="exactly the target"),
        pytest.param(3, None, 110.0, 3, id="within tolerance: current"),
        pytest.param(3, 5, 110.0, 5, id="within tolerance: current, not ready"),
        pytest.param(3, None, 200.0, 6, id="ratio x ready"),
        pytest.param(3, 5, 140.0, 5, id="ready only, rounded up"),
        pytest.param(3, None, 133.4, 5, id="4.002 is five"),
        pytest.param(0, 4, 250.0, 4, id="none ready: current (the HPA says 0)"),
    ],
)
def test_a_total_by_total(ready: int, desired: int | None, value: float, asks: int) -> None:
    assert asked(TOTAL_100, seen(ready=ready, desired=desired, queue_length=value)).value == asks


@pytest.mark.parametrize(("value", "asks"), [(250.0, 3), (105.0, 2), (100.0, 1), (0.0, 0)])
def test_a_total_by_total_at_current_0_has_no_tolerance(value: float, asks: int) -> None:
    assert asked(TOTAL_100, seen(ready=0, desired=0, queue_length=value)).value == asks


@pytest.mark.parametrize(
    ("policy", "cpu", "unready", "value"),
    [
        pytest.param(CPU_50, [0.5, 0.5], 0, 2, id="exactly the target"),
        pytest.param(CPU_50, [0.9, 0.8, 1.0], 0, 6, id="mean 0.9: 1.8 x 3, rounded up"),
        pytest.param(CPU_50, [0.2, 0.2, 0.2, 0.2], 0, 2, id="0.4 x 4, rounded up"),
        pytest.param(CPU_50, [0.55, 0.55], 0, 2, id="within tolerance, inclusive"),
        pytest.param(CPU_50, [0.9, 0.9, None], 0, 4, id="HPA: above, a null counts as idle: 1.2 x 3"),
        pytest.param(CPU_50, [0.7, 0.7, None], 0, 3, id="HPA: above, corrected below 1: current"),
        pytest.param(CPU_50, [0.2, 0.2, 0.2, None], 0, 4, id="HPA: below, a null counts as full: 0.8 x 4 is 4"),
        pytest.param(CPU_50, [0.1, 0.1, 0.1, None], 0, 3, id="HPA: below, 0.65 x 4"),
        pytest.param(CPU_50, [0.4, 0.4, None], 0, 3, id="HPA: below, corrected above 1: current"),
        pytest.param(CPU_150, [1.2, 1.2, None], 0, 3, id="HPA: a target above 100% counts as itself"),
        pytest.param(CPU_150, [1.2, 1.2, 1.2, 1.2, None], 0, 5, id="HPA: 0.84 x 5; as 100% it would be 4"),
        pytest.param(CPU_50, [1.0, 1.0], 2, 4, id="above, starting ones count as idle: within tolerance, current"),
        pytest.param(CPU_50, [1.0, 1.0], 1, 4, id="above, starting ones count as idle: 1.33 x 3"),
        pytest.param(CPU_50, [0.2, 0.2, 0.2, 0.2], 2, 2, id="below, starting ones don't count: 0.4 x 4"),
        pytest.param(CPU_50, [0.48, 0.48], 1, 3, id="below, starting ones don't count: within tolerance, current"),
        pytest.param(CPU_50, [0.5, 0.5, None], 0, 3, id="at the target a null moves nothing (the HPA would scale in)"),
        pytest.param(CPU_50, [0.9, 0.9, nan], 0, 4, id="NaN is a null"),
    ],
)
def test_a_metric_of_each_replica(policy: TargetTracking, cpu: list[float | None], unready: int, value: int) -> None:
    tick = seen(ready=len(cpu), unready=unready, per_replica={"cpu": cpu})
    assert asked(policy, tick).value == value


def test_a_corrected_ratio_that_asks_for_fewer_than_current_on_the_way_up_stays() -> None:
    assert asked(CPU_50, seen(ready=3, desired=6, per_replica={"cpu": [0.9, 0.9, None]})).value == 6


def test_an_uncorrected_ratio_is_the_hpas_even_where_replicas_are_on_their_way() -> None:
    assert asked(CPU_50, seen(ready=3, desired=6, per_replica={"cpu": [0.6, 0.6, 0.6]})).value == 4


def test_a_list_shorter_than_ready_counts_as_nulls() -> None:
    short = asked(CPU_50, seen(ready=3, per_replica={"cpu": [0.2, 0.2]}))
    assert short.value == asked(CPU_50, seen(ready=3, per_replica={"cpu": [0.2, 0.2, None]})).value == 3


@pytest.mark.parametrize("cpu", [[], [None, None], [nan], [inf, -inf]])
def test_no_value_at_all_is_a_missing_metric(cpu: list[float | None]) -> None:
    decision, _ = decide(service(CPU_50), seen(ready=2, per_replica={"cpu": cpu}), EMPTY)
    assert (decision.mode, decision.desired, decision.recommendations[0].value) == (Mode.HOLD, 2, None)


@pytest.mark.parametrize("rate", [None, nan, inf, -inf])
def test_a_total_that_is_no_number_is_missing(rate: float | None) -> None:
    decision, _ = decide(service(), seen(ready=7, request_rate=rate), EMPTY)
    assert (decision.mode, decision.desired, decision.recommendations[0].value) == (Mode.HOLD, 7, None)


@pytest.mark.parametrize("policy", [tracking(target=1e-9), tracking(total=1e-9)])
def test_a_total_beyond_all_numbers_is_missing(policy: TargetTracking) -> None:
    said = asked(policy, seen(ready=2, request_rate=1e308))
    assert (said.value, said.reason) == (None, "request_rate is missing: 1e+308 is too large")


def test_floats_that_add_up_to_a_little_more_are_rounded() -> None:
    assert asked(tracking(target=0.1), seen(ready=1, request_rate=0.1 + 0.1 + 0.1)).value == 3


def test_each_way_has_its_tolerance_and_zero_is_none() -> None:
    exact = tracking(target=50.0, tolerance=Tolerance(up=0.0, down=0.5))
    assert asked(exact, seen(ready=4, request_rate=200.0)).value == 4
    assert asked(exact, seen(ready=4, request_rate=201.0)).value == 5
    assert asked(exact, seen(ready=4, request_rate=100.0)).value == 4
    assert asked(exact, seen(ready=4, request_rate=99.0)).value == 2


def test_the_reason_tells_what_why_and_how_many() -> None:
    assert asked(RPS_50, seen(ready=4, request_rate=221.0)).reason == "request_rate 221 at 50 a replica asks for 5"
    assert asked(RPS_50, seen(ready=4, request_rate=None)).reason == "request_rate is missing: it is gone"


@pytest.mark.parametrize(
    ("policy", "tick", "raw", "reason"),
    [
        pytest.param(
            TOTAL_100,
            seen(ready=4, queue_length=150.0),
            6.0,
            "queue_length 150 at a total of 100 with 4 ready asks for 6",
            id="total",
        ),
        pytest.param(
            TOTAL_100,
            seen(ready=4, queue_length=105.0),
            4.2,
            "queue_length 105 at a total of 100: 105% of it, within tolerance (90% to 110%), asks for 4",
            id="total, within",
        ),
        pytest.param(
            TOTAL_100,
            seen(ready=0, unready=2, queue_length=150.0),
            0.0,
            "queue_length 150 at a total of 100, but none is ready, asks for 2",
            id="total, none ready",
        ),
        pytest.param(
            TOTAL_100,
            seen(ready=0, queue_length=150.0),
            1.5,
            "queue_length 150 at a total of 100 asks for 2",
            id="total at 0",
        ),
        pytest.param(
            CPU_50,
            seen(ready=4, per_replica={"cpu": [0.52] * 4}),
            4.16,
            "cpu 0.52 a replica, target 0.5: 104% of it, within tolerance (90% to 110%), asks for 4",
            id="each, within",
        ),
        pytest.param(
            CPU_50,
            seen(ready=4, per_replica={"cpu": [0.1, 0.1, None, None]}),
            4.4,
            "cpu 0.1 a replica, target 0.5 (2 silent, 0 starting count as 1), so 0.55: no clear move, asks for 4",
            id="each, silent ones count as full on the way down",
        ),
        pytest.param(
            CPU_50,
            seen(ready=3, unready=1, per_replica={"cpu": [2.0, 2.0, 2.0]}),
            12.0,
            "cpu 2 a replica, target 0.5 (0 silent, 1 starting count as 0) asks for 12",
            id="each, starting ones count as idle on the way up",
        ),
        pytest.param(
            CPU_50,
            seen(ready=2, per_replica={"cpu": [None, None]}),
            None,
            "cpu is missing: no replica reports it",
            id="none",
        ),
        pytest.param(
            CPU_50,
            seen(ready=2, per_replica={"cpu": [1e308, 1e308]}),
            None,
            "cpu is missing: its values are too large",
            id="too large",
        ),
        pytest.param(
            RPS_50, seen(ready=2), None, "request_rate is missing: it is not among the measured", id="not measured"
        ),
    ],
)
def test_each_way_to_decide_tells_its_numbers(
    policy: TargetTracking, tick: Observation, raw: float | None, reason: str
) -> None:
    said = asked(policy, tick)
    assert (said.raw if raw is None else pytest.approx(said.raw), said.reason) == (raw, reason)


def test_a_missing_value_without_a_reason_is_said_to_be_none() -> None:
    tick = replace(seen(ready=2), totals={"request_rate": Sample(None, 0.0)})
    assert asked(RPS_50, tick).reason == "request_rate is missing: no value"


# ---------------------------------------------------------------- replicas that warm up


@pytest.mark.parametrize(
    ("cpu", "silent", "starting", "warming"),
    [
        pytest.param([0.9, 0.9], 0, 2, 2, id="above: idle, as starting ones"),
        pytest.param([0.2, 0.2], 0, 2, 2, id="below: not at all"),
        pytest.param([0.2, None], 1, 2, 2, id="apart from one that is silent"),
    ],
)
def test_who_warms_up_counts_as_who_starts(cpu: list[float | None], silent: int, starting: int, warming: int) -> None:
    ready = len(cpu)
    warm = asked(CPU_50, seen(ready=ready + warming, warming=warming, desired=4, per_replica={"cpu": cpu}))
    started = asked(CPU_50, seen(ready=ready, unready=starting, desired=4, per_replica={"cpu": cpu}))
    assert (warm.value, warm.raw, warm.reason) == (started.value, started.raw, started.reason)
    assert f"({silent} silent" in warm.reason or not silent


def test_those_that_burn_cpu_because_they_just_started_bring_no_more() -> None:
    assert asked(CPU_50, seen(ready=4, warming=2, per_replica={"cpu": [0.6, 0.6]})).value == 4
    assert asked(CPU_50, seen(ready=4, per_replica={"cpu": [0.6, 0.6, 1.0, 1.0]})).value == 7


@pytest.mark.parametrize("missing", ["hold", "scale_up", "fallback"])
def test_while_all_warm_up_it_stays_and_nothing_is_missing(missing: Literal["hold", "scale_up", "fallback"]) -> None:
    spec = service(CPU_50, behavior=OPEN.model_copy(update={"on_missing_metrics": missing, "fallback_replicas": 9}))
    decision, _ = decide(spec, seen(ready=2, warming=2), EMPTY)
    assert (decision.desired, decision.mode) == (2, Mode.STABLE)
    assert decision.reason == "all 2 ready are warming up, asks for 2"
