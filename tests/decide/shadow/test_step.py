"""A shadow beside a service, tick by tick: what it decides, and what it is said to cost and to make wait."""

from collections.abc import Callable
from dataclasses import replace
from math import pi, sin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.decide import EMPTY, Case, decide
from autoscaler.decide.memory import aged
from autoscaler.decide.shadow import Shadowing, step
from autoscaler.decide.shadow.kept import from_json, to_json
from autoscaler.model import NO_TALLY, Observation, Orders, Override, Sample
from autoscaler.spec.models import Policy, ServiceSpec
from tests.decide.builders import auto, concurrency, seen, service, tracking
from tests.decide.shadow.trials import Tried, alone, tried
from tests.decide.strategies import specs, streams

RATE_20 = tracking(target=20.0, window=10.0)
RATE_30 = tracking(target=30.0, window=10.0)
OF = "a against b"


def wave(t: float) -> float:
    return 120 + 90 * sin(2 * pi * t / 900)


def flash(t: float) -> float:
    return 60 if t % 1800 < 900 else 240


def state_of(trial: Tried) -> Shadowing:
    assert trial.state is not None
    return trial.state


@pytest.mark.parametrize("load", [lambda t: 150.0, wave, flash], ids=["steady", "wavy", "flash"])
@pytest.mark.parametrize("policy", [RATE_20, concurrency(2.0), auto()], ids=lambda policy: policy.type)
def test_the_running_policy_as_a_shadow_decides_the_same_and_scores_the_same(
    policy: Policy, load: Callable[[float], float]
) -> None:
    trial = tried(policy, policy)
    trial.run(1000, load)
    assert [each.desired for each in trial.shadows] == trial.counts
    total = state_of(trial).total
    assert total.seconds == 999
    assert total.ratio == 1.0
    assert total.late == total.ran_late is not None


def test_a_cheaper_one_needs_fewer_replicas_and_makes_more_wait() -> None:
    trial = tried(RATE_20, RATE_30)
    trial.run(1800, wave)
    total = state_of(trial).total
    assert total.ratio == pytest.approx(2 / 3, abs=0.06)
    assert total.late is not None
    assert total.ran_late is not None
    assert total.late > 10 * total.ran_late


@pytest.mark.parametrize("load", [wave, flash])
@pytest.mark.parametrize(
    ("runs", "shadow", "error"),
    [(RATE_20, RATE_30, 0.02), (RATE_20, concurrency(3.5), 0.1), (RATE_30, concurrency(2.0), 0.1)],
)
def test_its_replicas_are_about_those_that_it_would_have_had(
    runs: Policy, shadow: Policy, error: float, load: Callable[[float], float]
) -> None:
    trial, truly = tried(runs, shadow), alone(shadow)
    trial.run(1800, load)
    seconds = 0
    for _ in range(1800):
        truly.run(1, load)
        seconds += truly.ready + truly._starting
    assert state_of(trial).total.replica_seconds == pytest.approx(seconds, rel=error)


def test_it_begins_where_the_service_stands_with_what_that_remembers() -> None:
    """As if the file had its policies from then on: the window of 300 s goes on, too."""
    slow = service(RATE_20).model_copy(update={"behavior": service().behavior})
    memory = decide(slow, seen(t=0.0, ready=9, request_rate=180.0), EMPTY)[1]
    case = Case(slow, seen(t=1.0, ready=9, request_rate=100.0), memory)
    decision, state = step(slow, OF, case, case.decide()[0], None)
    assert decision == case.decide()[0]
    assert state.memory == case.decide()[1]
    assert (state.since, state.total) == (1.0, NO_TALLY)


def test_an_operators_order_is_its_order_too() -> None:
    orders = Orders(override=Override(replicas=7))
    case = Case(service(RATE_20), seen(ready=2, request_rate=40.0), EMPTY, orders)
    assert step(service(RATE_30), OF, case, case.decide()[0], None)[0].desired == 7


def test_a_tick_without_numbers_counts_for_neither() -> None:
    trial = tried(RATE_20, RATE_30)
    trial.run(100, 150.0)
    before = state_of(trial).total
    trial.blind = True
    trial.run(50, 150.0)
    assert state_of(trial).total == before
    trial.blind = False
    trial.run(1, 150.0)
    assert state_of(trial).total.seconds == before.seconds + 1


def test_a_while_that_nobody_saw_counts_for_neither() -> None:
    trial = tried(RATE_20, RATE_30)
    trial.run(100, 150.0)
    before = state_of(trial).total
    trial.t += 600.0
    trial.run(1, 150.0)
    assert state_of(trial).total == before


def test_while_no_request_came_waits_are_not_known_and_replicas_are_counted() -> None:
    trial = tried(RATE_20, RATE_30, ready=1)
    trial.run(50, 0.0)
    total = state_of(trial).total
    assert (total.replicas, total.ratio, total.late, total.ran_late) == (1.0, 1.0, None, None)


def test_the_last_day_forgets_and_the_whole_does_not() -> None:
    trial = tried(RATE_20, RATE_30)
    trial.run(200, 150.0)
    state = state_of(trial)
    trial.state = replace(state, recent=replace(state.recent, seconds=86400.0))
    trial.run(1, 150.0)
    assert state_of(trial).recent.seconds == pytest.approx(86400.0 - 1 + 1, abs=0.01)
    assert state_of(trial).total.seconds == 200


def test_other_policies_begin_anew() -> None:
    trial = tried(RATE_20, RATE_30)
    trial.run(100, 150.0)
    state = state_of(trial)
    _, after = step(trial.shadow, "other", trial.case, trial.decisions[-1], state)
    assert (after.since, after.total) == (trial.t, NO_TALLY)


@given(specs(), specs(), streams())
@settings(max_examples=50)
def test_a_shadow_never_changes_what_the_service_decides(
    spec: ServiceSpec, other: ServiceSpec, ticks: list[Observation]
) -> None:
    memory, beside, state = EMPTY, EMPTY, None
    for tick in ticks:
        decision, memory = decide(spec, tick, memory)
        case = Case(spec, tick, beside)
        again, beside = case.decide()
        _, state = step(other, OF, case, again, state)
        assert (again, beside) == (decision, memory)


@given(specs(), streams())
@settings(max_examples=50)
def test_the_services_own_policies_as_a_shadow_decide_the_same(spec: ServiceSpec, ticks: list[Observation]) -> None:
    memory, state = EMPTY, None
    for tick in ticks:
        tick = replace(tick, desired=None)
        case = Case(spec, tick, aged(memory, tick.t))
        decided, memory = case.decide()
        shadow, state = step(spec, OF, case, decided, state)
        assert shadow == decided
        assert state.total.replica_seconds == state.total.ran_replica_seconds
        assert state.total.late_requests == state.total.ran_late_requests


@given(specs(), specs(), streams(), st.sets(st.integers(0, 9)))
@settings(max_examples=50)
def test_restarts_at_any_tick_change_nothing(
    spec: ServiceSpec, other: ServiceSpec, ticks: list[Observation], restarts: set[int]
) -> None:
    memory, state, restarted = EMPTY, None, None
    for number, tick in enumerate(ticks):
        tick = replace(
            tick, totals={**tick.totals, "request_rate": Sample(40.0, tick.t), "queue_length": Sample(1.0, tick.t)}
        )
        case = Case(spec, tick, memory)
        decided, memory = case.decide()
        first, state = step(other, OF, case, decided, state)
        second, restarted = step(other, OF, case, decided, restarted)
        if number in restarts:
            restarted = from_json(to_json(restarted), tick.t)
        assert second.desired == first.desired
        assert (restarted.total, restarted.recent, restarted.fleet) == (state.total, state.recent, state.fleet)


def test_what_it_remembers_does_not_grow() -> None:
    trial = tried(concurrency(2.0), concurrency(3.5))
    trial.run(900, wave)
    size = len(to_json(state_of(trial)))
    trial.run(2700, wave)
    assert len(to_json(state_of(trial))) < 1.2 * size
