"""The aggregate engine tells what the exact one tells: of one plan of replicas closely, of a policy that reacts on average.

What chance does differs from seed to seed, whichever engine serves: a queue at 93% of capacity, and more so what a policy
makes of it. So all figures are means over seeds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from random import Random
from statistics import fmean
from typing import Any

import pytest

from autoscaler.decide.staffing import erlang_c
from autoscaler.simulate import fleet as fleets
from autoscaler.simulate.aggregate import Aggregate
from autoscaler.simulate.chance import binomial, poisson
from autoscaler.simulate.fleet import Fleet
from autoscaler.simulate.model import Model
from autoscaler.simulate.result import Result
from autoscaler.simulate.run import simulate
from autoscaler.simulate.service_time import ServiceTime
from autoscaler.simulate.tally import Objective, Tally
from autoscaler.simulate.trace import Trace, read_trace
from tests.decide.builders import service, tracking

NEVER = 1e12
Plan = Sequence[tuple[float, float, int]]  # until, requests/s, replicas


def followed(plan: Plan, model: Model) -> tuple[Tally, Fleet]:
    """What was counted as a fleet followed the plan."""
    tally = Tally(model.objective)
    fleet = Fleet(model, 10.0, tally, plan[0][2])
    for until, rate, replicas in plan:
        fleet.order(replicas)
        fleet.run(until, rate)
        tally.close()
    return tally, fleet


def ticks(*parts: tuple[int, float, int]) -> Plan:
    """A plan of one-second ticks: so many seconds of each rate and count."""
    plan: list[tuple[float, float, int]] = []
    for seconds, rate, replicas in parts:
        plan += [(len(plan) + second + 1.0, rate, replicas) for second in range(seconds)]
    return plan


CALM = ticks((30, 400, 57), (30, 700, 90), (30, 350, 50))
TIGHT = ticks((30, 400, 44), (30, 700, 75), (30, 350, 38))
DIP = ticks((20, 400, 57), (20, 700, 57), (30, 700, 90), (20, 350, 50))  # 20 s at 123% of what 57 replicas carry
SEEDS = range(6)


@dataclass(frozen=True)
class Told:
    """Means over the seeds."""

    p50: float
    p95: float
    p99: float
    late: float
    dropped: float
    replica_seconds: float
    by_number: bool


def means(plan: Plan, **keys: Any) -> Told:
    rows = []
    for seed in SEEDS:
        tally, fleet = followed(plan, Model(seed=seed, **keys))
        assert tally.requests == tally.answered + tally.dropped + fleet.in_flight
        percentiles = [tally.latencies.quantile(share) or 0.0 for share in (0.50, 0.95, 0.99)]
        rows.append([*percentiles, tally.late / tally.requests, tally.dropped, fleet.replica_seconds(), fleet.aggregate_s])
    p50, p95, p99, late, dropped, seconds, aggregate_s = [fmean(column) for column in zip(*rows, strict=True)]
    assert aggregate_s in (0, plan[-1][0])
    return Told(p50, p95, p99, late, dropped, seconds, aggregate_s > 0)


@pytest.mark.parametrize(
    ("plan", "cv", "slots", "within"),
    [
        pytest.param(CALM, 1.0, 1, 0.02, id="exponential, calm"),
        pytest.param(TIGHT, 1.0, 1, 0.06, id="exponential, tight"),
        pytest.param(CALM, 0.0, 1, 0.03, id="deterministic, calm"),
        pytest.param(TIGHT, 0.0, 1, 0.05, id="deterministic, tight"),
        pytest.param(CALM, 1.5, 1, 0.04, id="lognormal, calm"),
        pytest.param(TIGHT, 1.5, 1, 0.06, id="lognormal, tight"),
        pytest.param(CALM, 1.0, 4, 0.03, id="four slots, calm"),
        pytest.param(DIP, 0.0, 1, 0.04, id="deterministic, overloaded for a while"),
        pytest.param(DIP, 1.0, 1, 0.09, id="exponential, overloaded for a while"),
    ],
)
def test_of_one_plan_they_tell_the_same(
    monkeypatch: pytest.MonkeyPatch, plan: Plan, cv: float, slots: int, within: float
) -> None:
    service_s = 0.1 * slots
    keys = {"service": ServiceTime(service_s, cv), "slots": slots, "startup_s": 0.0, "objective": Objective(5 * service_s)}
    chosen = means(plan, **keys)
    monkeypatch.setattr(fleets, "AGGREGATE_RPS", NEVER)
    exact = means(plan, **keys)
    assert (chosen.by_number, exact.by_number) == (True, False)
    assert chosen.p50 == pytest.approx(exact.p50, rel=within)
    assert chosen.p95 == pytest.approx(exact.p95, rel=within)
    assert chosen.p99 == pytest.approx(exact.p99, rel=within)
    assert chosen.late == pytest.approx(exact.late, rel=2 * within, abs=0.0002)
    assert chosen.replica_seconds == pytest.approx(exact.replica_seconds, rel=0.001)


@pytest.mark.parametrize("rho", [0.8, 0.9])
def test_by_number_the_queue_is_that_of_mmc(rho: float) -> None:
    """The mean queue is C rho / (1 - rho)."""
    tally = Tally(Objective())
    made = Aggregate(ServiceTime(0.1), 1, 1e9, Random(4), tally)
    made.add(40)
    made.run(2000.0, 400 * rho)
    queued = (tally.tick.in_flight_s - tally.tick.busy_s) / 2000
    assert tally.tick.busy_s / 2000 == pytest.approx(40 * rho, rel=0.01)
    assert queued == pytest.approx(erlang_c(40, 40 * rho) * rho / (1 - rho), rel=0.08)


def test_by_number_what_is_in_service_ends_as_services_do() -> None:
    """Of exponential services exp(-1) are left after their mean."""
    made = Aggregate(ServiceTime(0.1), 1, 1e9, Random(4), Tally(Objective()))
    made.add(400_000)
    made.run(2.0, 2_000_000.0)
    before = made.in_service
    made.run(2.1, 0.0)
    assert made.in_service / before == pytest.approx(exp(-1), rel=0.03)


def test_of_an_overload_that_drops_they_tell_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = ticks((10, 400, 50), (30, 800, 50), (30, 400, 60))
    keys = {"startup_s": 5.0, "objective": Objective(wait_s=0.2)}
    chosen = means(plan, **keys)
    monkeypatch.setattr(fleets, "AGGREGATE_RPS", NEVER)
    exact = means(plan, **keys)
    assert exact.dropped > 3000
    assert chosen.dropped == pytest.approx(exact.dropped, rel=0.05)
    assert chosen.late == pytest.approx(exact.late, rel=0.02)
    assert chosen.p95 == pytest.approx(exact.p95, rel=0.01)


def scaled(trace: Trace) -> list[Result]:
    """The trace under a policy on the request rate."""
    spec = service(tracking("request_rate", 10.0, target=6.0), max=400)
    return [simulate(spec, trace, Model(seed=seed)) for seed in SEEDS]


def test_under_a_policy_they_tell_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"{10 * n},{rate}" for n, rate in enumerate((400, 440, 500, 440, 380, 340))]
    trace = read_trace(["timestamp_s,rps", *rows], "t.csv")
    chosen = scaled(trace)
    monkeypatch.setattr(fleets, "AGGREGATE_RPS", NEVER)
    exact = scaled(trace)
    assert ({each.engine for each in chosen}, {each.engine for each in exact}) == ({"aggregate"}, {"exact"})

    def ratio(name: str) -> float:
        return float(sum(getattr(each, name) for each in chosen) / sum(getattr(each, name) for each in exact))

    assert ratio("replica_seconds") == pytest.approx(1.0, rel=0.02)
    assert ratio("slo_violations") == pytest.approx(1.0, rel=0.10)
    assert ratio("latency_p95_s") == pytest.approx(1.0, rel=0.05)


def test_a_hand_over_loses_no_request_and_changes_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = ticks((20, 150, 22), (20, 400, 57), (20, 150, 22), (20, 400, 57), (20, 150, 22))

    def told() -> tuple[list[float], float]:
        rows, aggregate_s = [], 0.0
        for seed in SEEDS:
            tally, fleet = followed(plan, Model(seed=seed, startup_s=0.0))
            assert tally.requests == tally.answered + tally.dropped + fleet.in_flight
            rows.append([tally.latencies.quantile(share) or 0.0 for share in (0.50, 0.95, 0.99)])
            aggregate_s += fleet.aggregate_s
        return [fmean(column) for column in zip(*rows, strict=True)], aggregate_s / len(SEEDS)

    mixed, aggregate_s = told()
    assert 35 <= aggregate_s <= 45
    monkeypatch.setattr(fleets, "AGGREGATE_RPS", NEVER)
    exact, _ = told()
    assert mixed == pytest.approx(exact, rel=0.03)


def test_crashes_lose_no_request_in_the_aggregate_engine() -> None:
    told, fleet = followed(ticks((120, 500, 80)), Model(crashes_per_hour=600.0))
    assert fleet.aggregate_s == 120
    assert told.requests == told.answered + told.dropped + fleet.in_flight
    assert fleet.replica_seconds() == pytest.approx(120 * 80, rel=0.005)


@pytest.mark.parametrize("mean", [0.3, 7.0, 200.0, 2000.0])
def test_poisson_has_its_mean_and_variance(mean: float) -> None:
    drawn = poisson(Random(2), mean, 40_000)
    average = sum(drawn) / len(drawn)
    assert average == pytest.approx(mean, rel=0.02)
    assert sum((each - average) ** 2 for each in drawn) / len(drawn) == pytest.approx(mean, rel=0.04)


@pytest.mark.parametrize(("count", "chance"), [(10, 0.1), (40, 0.9), (1000, 0.02), (1000, 0.5), (5, 0.0), (5, 1.0)])
def test_binomial_has_its_mean_and_variance(count: int, chance: float) -> None:
    rng = Random(2)
    drawn = [binomial(rng, count, chance) for _ in range(20_000)]
    average = sum(drawn) / len(drawn)
    assert average == pytest.approx(count * chance, rel=0.02)
    variance = sum((each - average) ** 2 for each in drawn) / len(drawn)
    assert variance == pytest.approx(count * chance * (1 - chance), rel=0.06)
    assert all(0 <= each <= count for each in drawn)
