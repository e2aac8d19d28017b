"""predictive against modelled traffic: there before the ramp where traffic comes again, out of the way where it does not.

A season of two hours stands for a day: six hours of outcomes are judged, so that it acts after eight.
"""

from collections.abc import Callable
from random import Random

from autoscaler.simulate.model import Model
from autoscaler.simulate.result import Result
from autoscaler.simulate.run import simulate
from autoscaler.simulate.service_time import ServiceTime
from autoscaler.simulate.tally import Objective
from autoscaler.simulate.trace import Trace, read_trace
from tests.decide.builders import HPA, predictive, service, tracking

HOUR = 60
SERVICE_S = 0.2
TARGET = 0.7 / SERVICE_S
FORESEEN = predictive(target=TARGET, season="2h")


def trace_of(hours: float, rate: Callable[[int], float]) -> Trace:
    """A rate by the minute."""
    rows = (f"{60 * minute},{rate(minute):.3f}" for minute in range(int(hours * HOUR)))
    return read_trace(["timestamp_s,rps", *rows], "trace.csv")


def ran(trace: Trace, *, foreseen: bool) -> Result:
    """The HPA's algorithm, with a forecast beside it or without; replicas take a minute to start. Scored after 8.5 hours."""
    policies = (tracking(target=TARGET, window=10.0), *((FORESEEN,) if foreseen else ()))
    spec = service(*policies, max=100, behavior=HPA)
    objective = Objective(latency_s=5 * SERVICE_S)
    model = Model(ServiceTime(SERVICE_S), 1, 60.0, objective, seed=1, tick_s=5.0, warm_up_s=8.5 * 3600)
    return simulate(spec, trace, model)


def test_before_a_ramp_that_comes_again_replicas_are_there_at_little_cost() -> None:
    def shifts(minute: int) -> float:
        """An hour of 5 requests/s, then up to 50 within six minutes, and down in a quarter of an hour before the end."""
        at = minute % (2 * HOUR)
        return 5 + 45 * max(0.0, min(1.0, (at - 60) / 6, (2 * HOUR - at) / 15))

    trace = trace_of(11, shifts)
    without, with_it = ran(trace, foreseen=False), ran(trace, foreseen=True)
    assert without.slo_violations > 0.015 * without.requests, "the ramp is too steep for who only follows"
    assert with_it.slo_violations < 0.4 * without.slo_violations
    assert with_it.dropped <= without.dropped
    assert with_it.replica_seconds < 1.01 * without.replica_seconds


def test_where_traffic_wanders_it_changes_nothing() -> None:
    chance, rates = Random(5), [20.0]
    for _ in range(10 * HOUR):
        rates.append(min(40.0, max(5.0, rates[-1] + chance.gauss(0, 0.4))))
    trace = trace_of(10, lambda minute: rates[minute])
    assert ran(trace, foreseen=True) == ran(trace, foreseen=False)
