"""step: AWS's steps, sentence by sentence of DECISIONS."""

import pytest

from autoscaler.decide import EMPTY, decide
from autoscaler.decide.memory import Memory
from autoscaler.model import Mode, Observation
from autoscaler.spec.models import Behavior
from tests.decide.builders import HPA, counts, fold, rules, seen, service, step, tracking

STEPS = step(
    {"above": 100, "add": 2}, {"above": 500, "add": "50%"}, {"below": 20, "remove": 1}, {"below": 5, "remove": "50%"}
)


def queue(t: float, length: float | None, ready: int = 4, desired: int | None = None) -> Observation:
    return seen(t, ready=ready, desired=desired, queue_length=length)


@pytest.mark.parametrize(
    ("length", "ready", "value"),
    [
        pytest.param(99.9, 4, None, id="below the lowest `above`: no step"),
        pytest.param(100.0, 4, 6, id="`above: X` at value >= X"),
        pytest.param(499.9, 4, 6, id="the highest such: not yet the next"),
        pytest.param(500.0, 4, 6, id="50% of 4"),
        pytest.param(500.0, 5, 7, id="a percentage is cut toward zero: 2.5 is 2"),
        pytest.param(500.0, 1, 2, id="but at least 1"),
        pytest.param(20.0, 4, 3, id="`below: X` at value <= X"),
        pytest.param(20.1, 4, None, id="above the highest `below`: no step"),
        pytest.param(5.0, 4, 2, id="the lowest such"),
        pytest.param(5.0, 5, 3, id="50% of 5 is cut to 2"),
        pytest.param(0.0, 1, 0, id="at least 1; never fewer than none"),
        pytest.param(99.9999999999, 4, 6, id="rounded to 9 decimals before it is compared"),
    ],
)
def test_which_step_applies_and_how_much(length: float, ready: int, value: int | None) -> None:
    decision, _ = decide(service(STEPS), queue(0, length, ready), EMPTY)
    assert decision.recommendations[0].value == value


def test_where_a_step_out_and_one_in_apply_the_one_out_does() -> None:
    policy = step({"above": 50, "add": 1}, {"below": 50, "remove": 1})
    assert decide(service(policy), queue(0, 50.0), EMPTY)[0].desired == 5


def run(lengths: dict[float, float], ready: int = 4, policy: object = STEPS, memory: Memory = EMPTY) -> list[int]:
    """The counts decided, each asked for with the one before as current."""
    ticks = [queue(t, length, ready) for t, length in lengths.items()]
    return [decision.desired for decision in fold(service(policy), ticks, memory)[0]]  # type: ignore[arg-type]


def test_for_cooldown_after_a_step_out_it_recommends_at_least_what_it_asked_for() -> None:
    assert run({0: 100.0, 1: 0.0, 59.9: 0.0}) == [6, 6, 6]


def test_a_cooldown_is_over_when_exactly_that_old() -> None:
    assert run({0: 100.0, 60: 100.0}) == [6, 8]
    assert run({0: 100.0, 60: 20.0}) == [6, 5]


def test_a_further_step_out_is_the_amount_of_the_base_beyond_the_base() -> None:
    policy = step({"above": 100, "add": 2}, {"above": 500, "add": 6})
    assert run({0: 100.0, 10: 500.0, 20: 500.0}, policy=policy) == [6, 10, 10]


def test_a_further_step_out_begins_a_cooldown_of_its_own() -> None:
    policy = step({"above": 100, "add": 2}, {"above": 500, "add": 6}, {"below": 20, "remove": 1})
    assert run({0: 100.0, 10: 500.0, 60: 0.0, 69.9: 0.0, 70: 0.0}, policy=policy) == [6, 10, 10, 10, 9]


def test_in_cooldown_it_recommends_at_least_current() -> None:
    _, memory = fold(service(STEPS), [queue(0, 100.0)])
    decision, _ = decide(service(STEPS), queue(10, 100.0, ready=9, desired=9), memory)
    assert decision.recommendations[0].value == 9


def test_a_step_in_waits_until_cooldown_after_the_last_step_in() -> None:
    assert run({0: 20.0, 1: 20.0, 59.9: 20.0, 60: 20.0}) == [3, 3, 3, 2]


def test_a_step_in_that_waits_holds_no_other_policy_up() -> None:
    spec = service(STEPS, tracking())
    ticks = [
        seen(0, ready=4, queue_length=20.0, request_rate=50.0),
        seen(1, ready=4, queue_length=20.0, request_rate=50.0),
    ]
    decisions, _ = fold(spec, ticks)
    assert [each.value for each in decisions[1].recommendations] == [None, 1]
    assert decisions[1].desired == 1


def test_a_step_out_does_not_wait_for_a_step_in() -> None:
    assert run({0: 20.0, 1: 100.0}) == [3, 5]


def test_with_no_step_it_holds_no_other_policy_up_and_alone_the_count_stays() -> None:
    alone, _ = decide(service(STEPS), queue(0, 50.0), EMPTY)
    assert (alone.desired, alone.mode, alone.reason) == (4, Mode.STABLE, "queue_length 50: no step applies")
    beside, _ = decide(service(STEPS, tracking()), seen(0, ready=4, queue_length=50.0, request_rate=50.0), EMPTY)
    assert beside.desired == 1


def test_at_most_one_step_at_one_time() -> None:
    for length in (100.0, 20.0):
        first, memory = decide(service(STEPS), queue(0, length), EMPTY)
        again, _ = decide(service(STEPS), queue(0, length, desired=first.desired), memory)
        assert again.desired == first.desired
    without = step({"above": 100, "add": 2}, cooldown=0.0)
    first, memory = decide(service(without), queue(0, 100.0), EMPTY)
    assert decide(service(without), queue(0, 100.0, desired=6), memory)[0].desired == 6
    assert decide(service(without), queue(1, 100.0, desired=6), memory)[0].desired == 8


def test_the_metric_is_averaged_over_the_window() -> None:
    policy = step({"above": 100, "add": 2}, window=10.0)
    assert run({0: 0.0, 5: 190.0, 6: 190.0}, policy=policy) == [4, 4, 6]


def test_cpu_is_the_mean_over_the_ready_replicas_that_report_it() -> None:
    policy = step({"above": 0.8, "add": 1}, metric="cpu")
    decision, _ = decide(service(policy), seen(0, ready=3, per_replica={"cpu": [0.9, 0.7, None]}), EMPTY)
    assert decision.desired == 4
    blind, _ = decide(service(policy), seen(0, ready=3, per_replica={"cpu": [None, None, None]}), EMPTY)
    assert (blind.mode, blind.reason) == (Mode.HOLD, "cpu is missing: no replica reports it; held at 3 until it is back")


def test_a_step_out_outlasts_a_metric_that_goes_missing() -> None:
    _, memory = fold(service(STEPS), [queue(0, 100.0), queue(1, None)])
    assert decide(service(STEPS), queue(10, 0.0), memory)[0].desired == 6
    assert decide(service(STEPS), queue(60, 20.0), memory)[0].desired == 5


def test_behavior_bounds_it_as_it_does_the_hpa() -> None:
    policy = step({"above": 100, "add": 90})
    decision, _ = decide(service(policy, behavior=HPA), queue(0, 100.0), EMPTY)
    assert (decision.desired, decision.limited_by) == (8, ("scale_up_rate",))


@pytest.mark.parametrize(
    ("window_s", "last"),
    [
        pytest.param(0.0, 1, id="no window: it falls"),
        pytest.param(30.0, 4, id="between two steps in, current is remembered, so it never does"),
        pytest.param(300.0, 4, id="the default"),
    ],
)
def test_under_a_down_window_no_step_in_takes_effect(window_s: float, last: int) -> None:
    spec = service(STEPS, behavior=Behavior(scale_up=rules(), scale_down=rules(window_s)))
    assert counts(spec, [queue(t, 10.0) for t in range(1000)])[-1] == last


def test_why_for_people() -> None:
    decisions, _ = fold(service(STEPS), [queue(0, 100.0), queue(18.5, 120.0)])
    assert decisions[0].reason == "queue_length 100 at 100 and above: add 2, asks for 6"
    told = "queue_length 120 at 100 and above: add 2; the step out from 4 holds, 41.5s of its cooldown left, asks for 6"
    assert decisions[1].reason == told


def test_while_all_warm_up_it_stays() -> None:
    def count(metric: str, tick: Observation) -> int:
        return decide(service(step({"below": 0.5, "remove": 1}, metric=metric)), tick, EMPTY)[0].desired

    assert count("cpu", seen(ready=3, warming=3)) == 3
    assert count("cpu", seen(ready=3, warming=2, per_replica={"cpu": [0.1]})) == 2
    assert count("queue_length", seen(ready=3, warming=3, queue_length=0.1)) == 2
