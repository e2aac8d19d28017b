"""latency_slo in a closed loop with a service that is known: what it learns, where it goes, and what it says."""

from dataclasses import replace
from itertools import pairwise
from math import pi, sin

import pytest

from autoscaler.decide import EMPTY, Memory, account, decide, explain
from autoscaler.model import Decision, Mode, Sample
from autoscaler.spec.models import ServiceSpec
from tests.decide.builders import fold, latency_slo, seen, service
from tests.decide.fluid import Fluid


def slo(objective: float = 0.5, *, most: int = 60, **keys: float) -> ServiceSpec:
    return service(latency_slo(objective, **keys), min=1, max=most)


def learned(fluid: Fluid) -> dict[str, float]:
    return dict(fluid.memory.policies["0:latency_slo"])


def out_of_reach(decision: Decision) -> bool:
    return decision.recommendations[0].out_of_reach


# ---------------------------------------------------------------- what it learns


def test_the_service_time_is_learned_by_littles_law() -> None:
    fluid = Fluid(slo(), ready=4, u=10, bend=0)
    fluid.run(60, 100.0)
    assert 1 / learned(fluid)["pace"] == pytest.approx(0.1)


def test_the_percentile_is_learned_as_so_many_times_the_mean() -> None:
    fluid = Fluid(slo(), ready=4, u=10, bend=0, kappa=1.8)
    fluid.run(400, 100.0)
    assert learned(fluid)["kappa"] == pytest.approx(1.8, rel=0.02)


@pytest.mark.parametrize("bend", [0.0, 0.25, 1.0])
def test_how_load_bends_a_replica_is_learned_where_it_changes(bend: float) -> None:
    fluid = Fluid(slo(), ready=8, u=20, bend=bend)
    fluid.run(1200, lambda t: 60 + 30 * sin(t / 100))
    assert learned(fluid)["bend"] == pytest.approx(bend, abs=0.2)


def test_slots_are_learned_where_requests_wait() -> None:
    fluid = Fluid(slo(), ready=3, u=10, bend=0, slots=4)
    fluid.run(60, 130.0)
    assert learned(fluid)["slots"] == pytest.approx(4)


def test_until_it_knows_it_stays_and_says_so() -> None:
    fluid = Fluid(slo(), ready=4, u=10, bend=0)
    fluid.run(15, 100.0)
    assert set(fluid.counts) == {4}
    assert "too few requests yet to know what a replica carries" in fluid.decisions[-1].reason


def test_what_it_remembers_does_not_grow() -> None:
    fluid = Fluid(slo(), ready=4, u=20, bend=1)
    fluid.run(300, lambda t: 60 + 30 * sin(t / 50))
    before = fluid.memory.policies["0:latency_slo"].keys()
    fluid.run(1500, lambda t: 60 + 30 * sin(t / 50))
    assert len(learned(fluid).keys() | before) <= 21


# ---------------------------------------------------------------- where it goes


@pytest.mark.parametrize("start", [3, 8, 30])
def test_from_anywhere_it_comes_to_what_a_shared_processor_needs(start: int) -> None:
    fluid = Fluid(slo(), ready=start, u=20, bend=1)
    fluid.run(900, 100.0)
    assert fluid.counts[-1] == 8  # 3 / (20 - 100/8) = 0.4 s, at 7 it were 0.525 s
    assert fluid.latency_s <= 0.5


@pytest.mark.parametrize("start", [2, 6, 30])
def test_from_anywhere_it_comes_to_what_slots_before_a_queue_need(start: int) -> None:
    fluid = Fluid(slo(), ready=start, u=10, bend=0, slots=4)
    fluid.run(900, 100.0)
    assert fluid.counts[-1] in (3, 4)
    assert fluid.latency_s <= 0.5


def test_steady_load_comes_to_rest() -> None:
    fluid = Fluid(slo(), ready=5, u=20, bend=1, kappa=1.0)
    fluid.run(2000, 90.0)
    assert len(set(fluid.counts[-1000:])) == 1


@pytest.mark.parametrize(("before", "after"), [(20.0, 10.0), (10.0, 20.0)], ids=["half as fast", "twice as fast"])
@pytest.mark.parametrize("bend", [0.0, 1.0], ids=["slots", "shared processor"])
def test_a_capacity_that_changes_is_learned_again_within_five_minutes(before: float, after: float, bend: float) -> None:
    slots = 20.0 if bend else 2.0
    changed = Fluid(slo(), ready=20, u=before, bend=bend, slots=slots)
    changed.run(600, 100.0)
    changed.u = after
    changed.run(300, 100.0)
    other = Fluid(slo(), ready=20, u=after, bend=bend, slots=slots)
    other.run(900, 100.0)
    assert changed.latency_s <= 0.5
    assert other.counts[-1] <= changed.counts[-1] <= 1.2 * other.counts[-1]


def test_a_wave_is_followed_without_being_late() -> None:
    fluid = Fluid(slo(), ready=8, u=20, bend=1)
    fluid.run(1200, 100.0)
    late = 0
    for _ in range(1200):
        fluid.run(1, lambda t: 100 + 60 * sin(2 * pi * t / 1200))
        late += fluid.latency_s > 0.5
    assert late / 1200 < 0.05


# ---------------------------------------------------------------- more replicas do not help


def test_a_slow_database_does_not_make_it_grow() -> None:
    fluid = Fluid(slo(0.25), ready=6, u=1, bend=0)
    fluid.run(900, 40.0)
    assert max(fluid.counts) == 6
    last = fluid.decisions[-1]
    assert out_of_reach(last)
    assert last.recommendations[0].reason.startswith(
        "more replicas do not help: latency_p95 is 3s at idle ones, beyond 250ms"
    )
    assert "more replicas do not help" in explain(account(fluid.case), fluid.spec.behavior)


def test_where_it_could_be_the_replicas_it_is_tried_once_with_half_as_many_more() -> None:
    fluid = Fluid(slo(0.25), ready=6, u=1, bend=0)
    fluid.run(900, 100.0)
    assert max(fluid.counts) == 9
    assert set(fluid.counts[300:]) == {6}
    assert out_of_reach(fluid.decisions[-1])
    assert any("to see whether more help" in decision.reason for decision in fluid.decisions)


def test_with_the_database_slow_it_goes_on_to_follow_the_load() -> None:
    fluid = Fluid(slo(0.25), ready=6, u=1, bend=0)
    fluid.run(600, 40.0)
    fluid.run(600, 400.0)
    assert 20 <= fluid.counts[-1] <= 30  # 400 in flight at 20 each
    assert fluid.queue == 0


def test_when_the_database_is_well_again_it_is_in_reach_again() -> None:
    fluid = Fluid(slo(0.25), ready=6, u=1, bend=0)
    fluid.run(600, 40.0)
    assert out_of_reach(fluid.decisions[-1])
    fluid.u = 20.0
    fluid.run(300, 40.0)
    assert not out_of_reach(fluid.decisions[-1])
    assert fluid.latency_s <= 0.25


def test_a_floor_near_the_objective_changes_its_mind_once() -> None:
    fluid = Fluid(slo(0.3), ready=6, u=10, bend=0)
    fluid.run(300, 40.0)
    fluid.run(600, lambda t: 40 + 2 * sin(t / 20))
    said = [out_of_reach(decision) for decision in fluid.decisions[300:]]
    assert sum(a != b for a, b in pairwise(said)) <= 1


# ---------------------------------------------------------------- what waits


def test_what_waits_makes_it_grow_though_it_believes_a_replica_carries_more() -> None:
    fluid = Fluid(slo(), ready=10, u=10, bend=0, slots=2)
    fluid.run(300, 20.0)
    believes = dict(fluid.memory.policies["0:latency_slo"]) | {"slots": 200.0}
    fluid.memory = replace(fluid.memory, policies={"0:latency_slo": believes})
    fluid.run(90, 100.0)
    assert fluid.queue == 0
    assert fluid.counts[-1] >= 6


def test_what_waits_makes_it_grow_before_anything_is_known() -> None:
    ticks = [seen(t, ready=2, request_rate=0.0, concurrency=40.0, queue_length=30.0, latency_p95=0.0) for t in range(20)]
    assert fold(slo(), ticks)[0][-1].desired > 2


def test_what_waits_makes_it_grow_though_no_latency_is_known() -> None:
    ticks = [seen(t, ready=2, request_rate=9.0, concurrency=40.0, queue_length=30.0, latency_p95=None) for t in range(20)]
    decisions, _ = fold(slo(), ticks)
    assert decisions[-1].desired > 2
    assert decisions[-1].mode is Mode.STABLE


# ---------------------------------------------------------------- more at once, fewer after a while


def test_more_at_once_fewer_after_a_minute() -> None:
    fluid = Fluid(slo(), ready=8, u=20, bend=1)
    fluid.run(1200, 100.0)
    assert fluid.counts[-1] == 8
    fluid.run(15, 200.0)
    assert fluid.counts[-1] >= 15
    begun = len(fluid.counts)
    fluid.run(200, 100.0)
    after = fluid.counts[begun:]
    assert min(after[:60]) >= 15
    assert min(after) < 15
    assert any("; held at 19 for 31s more, asks for 19" in decision.reason for decision in fluid.decisions[begun:])


def test_no_request_needs_none_after_two_minutes_at_most() -> None:
    fluid = Fluid(slo(), ready=8, u=20, bend=1)
    fluid.run(300, 100.0)
    fluid.run(150, 0.0)
    assert fluid.counts[-1] == 1
    assert "no request comes" in fluid.decisions[-1].reason


def test_after_a_long_silence_nothing_falls_before_a_minute() -> None:
    fluid = Fluid(slo(), ready=8, u=20, bend=1)
    fluid.run(300, 100.0)
    fluid.t += 3600
    fluid.run(50, 0.0)
    assert fluid.counts[-1] == fluid.counts[299]


# ---------------------------------------------------------------- what is missing or makes no sense


@pytest.mark.parametrize("gone", ["request_rate", "concurrency", "queue_length", "latency_p95"])
def test_any_of_its_metrics_missing_holds_the_count_and_what_is_known(gone: str) -> None:
    fluid = Fluid(slo(), ready=8, u=20, bend=1)
    fluid.run(300, 100.0)
    known = learned(fluid)
    tick = seen(400.0, ready=8, request_rate=1.0, concurrency=0.1, queue_length=0.0, latency_p95=0.1)
    tick = replace(tick, totals={**tick.totals, gone: Sample(None, 400.0, "it is gone")})
    decision, memory = decide(fluid.spec, tick, fluid.memory)
    assert (decision.desired, decision.mode) == (fluid.counts[-1], Mode.HOLD)
    assert f"{gone} is missing" in decision.reason
    assert memory.policies["0:latency_slo"] == known


@pytest.mark.parametrize("value", [-1.0, 1e300])
def test_a_load_that_can_not_be_is_missing(value: float) -> None:
    tick = seen(1.0, ready=3, request_rate=value, concurrency=1.0, queue_length=0.0, latency_p95=0.1)
    decision, _ = decide(slo(), tick, EMPTY)
    assert (decision.desired, decision.mode) == (3, Mode.HOLD)
    assert "is no number to decide by" in decision.reason


@pytest.mark.parametrize(
    "spoilt",
    [{"pace": 0.0}, {"pace": -1.0}, {"kappa": 0.0}, {"kappa": 1e9}, {"slots": 0.0}, {"bend": 7.0}, {"pace0": -2.0}],
    ids=str,
)
def test_a_memory_that_makes_no_sense_is_begun_anew(spoilt: dict[str, float]) -> None:
    fluid = Fluid(slo(), ready=8, u=20, bend=1)
    fluid.run(300, 100.0)
    memory = replace(fluid.memory, policies={"0:latency_slo": learned(fluid) | spoilt})
    tick = seen(301.0, ready=8, request_rate=100.0, concurrency=10.0, queue_length=0.0, latency_p95=0.3)
    decision, after = decide(fluid.spec, tick, memory)
    assert decision.desired == fluid.counts[-1]
    assert "pace" not in after.policies["0:latency_slo"]


def test_saved_and_loaded_at_any_tick_it_goes_on_the_same() -> None:
    straight = Fluid(slo(), ready=3, u=20, bend=1)
    restarted = Fluid(slo(), ready=3, u=20, bend=1)
    for _ in range(30):
        for fluid in (straight, restarted):
            fluid.run(17, lambda t: 100 + 60 * sin(t / 60))
        restarted.memory = Memory.from_json(restarted.memory.to_json(), now=restarted.t)
    assert restarted.decisions == straight.decisions


# ---------------------------------------------------------------- at the edges


def test_out_of_reach_it_keeps_the_percentile_within_twice_the_floor() -> None:
    fluid = Fluid(slo(0.25), ready=20, u=10, bend=1)  # 0.3 s at idle ones; 0.6 s at 5 requests/s each
    fluid.run(300, lambda t: 100 if t < 60 else 60)
    fluid.run(600, 100.0)
    assert out_of_reach(fluid.decisions[-1])
    assert fluid.counts[-1] in (20, 21)


def test_an_objective_just_beyond_the_floor_does_not_cost_replicas_without_end() -> None:
    fluid = Fluid(slo(0.31), ready=10, u=10, bend=1)  # within it 31, within a tenth of the floor 11
    fluid.run(300, lambda t: 10 if t < 60 else 14)
    fluid.run(600, 10.0)
    assert not out_of_reach(fluid.decisions[-1])
    assert fluid.counts[-1] in (10, 11, 12)


def test_a_floor_that_moves_about_the_objective_does_not_change_its_mind_again_and_again() -> None:
    fluid = Fluid(slo(0.3), ready=6, u=9.7, bend=0)
    fluid.run(300, 40.0)
    for _ in range(40):
        fluid.u = 10.3 if fluid.u == 9.7 else 9.7
        fluid.run(60, 40.0)
    said = [out_of_reach(decision) for decision in fluid.decisions]
    assert sum(a != b for a, b in pairwise(said)) == 1


def test_while_no_latency_is_known_it_never_falls() -> None:
    fluid = Fluid(slo(), ready=8, u=20, bend=1)
    fluid.run(600, 100.0)
    before, memory = fluid.counts[-1], fluid.memory
    for second in range(120):
        tick = seen(601.0 + second, ready=8, request_rate=20.0, concurrency=3.5, queue_length=1.5, latency_p95=None)
        decision, memory = decide(fluid.spec, tick, memory)
        assert decision.desired >= before


def test_a_rise_beyond_chance_is_met_within_three_seconds() -> None:
    fluid = Fluid(slo(), ready=8, u=20, bend=1)
    fluid.run(1200, 100.0)
    fluid.run(3, 140.0)
    assert fluid.counts[-1] >= 10
    assert fluid.queue == 0


def test_what_waits_is_served_within_about_the_objective() -> None:
    fluid = Fluid(slo(), ready=10, u=10, bend=0, slots=2)
    fluid.run(300, 150.0)
    fluid.run(5, 400.0)
    assert fluid.counts[-1] >= 25
    assert "to serve them" in fluid.decisions[-1].reason
