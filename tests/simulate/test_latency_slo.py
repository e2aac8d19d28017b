"""latency_slo against modelled services: it keeps its percentile within the objective, at a cost near the oracle's."""

from math import cos, pi

import pytest

from autoscaler.simulate.model import Model
from autoscaler.simulate.result import Result
from autoscaler.simulate.run import simulate
from autoscaler.simulate.service_time import ServiceTime
from autoscaler.simulate.tally import Objective
from autoscaler.simulate.trace import Trace, read_trace
from tests.decide.builders import latency_slo, service

SERVICE_S = 0.1
MINUTES = 24


def day_and_step(most: float) -> Trace:
    """A day in 24 minutes, from a tenth of `most` to all of it, and for three minutes of the morning twice of what comes."""
    day = [0.55 - 0.45 * cos(2 * pi * minute / MINUTES) for minute in range(MINUTES)]
    rates = [most * part * (2 if 5 <= minute < 8 else 1) for minute, part in enumerate(day)]
    return read_trace(["timestamp_s,rps", *(f"{60 * minute},{rate:.3f}" for minute, rate in enumerate(rates))], "day.csv")


def ran(slots: int, cv: float, objective: float, *, most: int, believed: int | None = None) -> Result:
    """A policy for 95% within `objective` s, at a peak of so many replicas at 70%; it is told of `believed` slots."""
    spec = service(latency_slo(objective), min=1, max=60)
    spec = spec.model_copy(update={"route": spec.route.model_copy(update={"max_concurrency": believed or slots})})
    model = Model(ServiceTime(SERVICE_S, cv), slots, 5.0, Objective(latency_s=objective), seed=1)
    return simulate(spec, day_and_step(most * 0.7 * slots / SERVICE_S), model)


@pytest.mark.parametrize(
    ("slots", "cv", "objective"),
    [
        pytest.param(1, 0.5, 0.5, id="one at a time, even"),
        pytest.param(1, 1.0, 0.6, id="one at a time, exponential"),
        pytest.param(1, 2.0, 0.8, id="one at a time, uneven"),
        pytest.param(4, 0.5, 0.3, id="four at a time, even"),
        pytest.param(4, 1.0, 0.4, id="four at a time, exponential"),
        pytest.param(4, 2.0, 0.6, id="four at a time, uneven"),
        pytest.param(20, 0.5, 0.25, id="twenty at a time, even"),
        pytest.param(20, 1.0, 0.35, id="twenty at a time, exponential"),
        pytest.param(20, 2.0, 0.5, id="twenty at a time, uneven"),
    ],
)
def test_95_per_cent_are_in_time_at_a_cost_near_the_oracles(slots: int, cv: float, objective: float) -> None:
    told = ran(slots, cv, objective, most=8 if slots < 20 else 3)
    assert told.latency_p95_s is not None
    assert told.latency_p95_s <= objective
    assert told.slo_violations <= 0.05 * told.requests
    assert told.dropped == 0
    assert told.replica_seconds <= 1.45 * told.oracle_replica_seconds


def test_that_a_replica_takes_fewer_at_once_than_it_is_told_is_learned() -> None:
    told = ran(1, 1.0, 0.6, most=8, believed=20)
    assert told.slo_violations <= 0.05 * told.requests
    assert told.replica_seconds <= 1.3 * told.oracle_replica_seconds


def test_an_objective_that_no_count_meets_costs_no_more_than_one_that_is_easy() -> None:
    easy = ran(4, 1.0, 0.6, most=8)
    out_of_reach = ran(4, 1.0, 0.2, most=8)
    assert out_of_reach.replica_seconds <= 1.1 * easy.replica_seconds
