"""concurrency: Knative's KPA, sentence by sentence of DECISIONS."""

import pytest

from autoscaler.decide import EMPTY, decide
from autoscaler.decide.memory import Memory
from autoscaler.model import Decision, Mode, Observation, Recommendation
from tests.decide.builders import concurrency, counts, fold, seen, service, tracking

TEN = concurrency(10.0)
WINDOW = 60.0


def watched(t: float = -1.0) -> Memory:
    """A service that was seen before with one ready replica, so that no panic runs."""
    return decide(service(TEN), seen(t, ready=1, concurrency=None), EMPTY)[1]


def said(tick: Observation, memory: Memory, policy: object = TEN) -> Recommendation:
    assert policy is not None
    return decide(service(policy), tick, memory)[0].recommendations[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("policy", "ready", "mean", "value"),
    [
        pytest.param(TEN, 4, 40.0, 4, id="goal is target x utilization: exactly"),
        pytest.param(TEN, 4, 40.1, 5, id="ceil(mean / goal)"),
        pytest.param(concurrency(10.0, utilization=0.7), 4, 28.0, 4, id="70% of the target"),
        pytest.param(concurrency(0.1), 3, 0.1 + 0.1 + 0.1, 3, id="rounded to 9 decimals before the ceil"),
        pytest.param(TEN, 8, 10.0, 4, id="floor(r / max_scale_down_rate), 2 by default"),
        pytest.param(TEN, 7, 10.0, 3, id="and that is a floor"),
        pytest.param(concurrency(10.0, max_scale_down_rate=3.0), 8, 0.0, 2, id="another max_scale_down_rate"),
        pytest.param(concurrency(10.0, max_scale_up_rate=1.5), 4, 75.0, 6, id="ceil(r x max_scale_up_rate)"),
        pytest.param(concurrency(10.0, max_scale_up_rate=1.1), 2, 39.0, 3, id="and that is a ceil, so it grows"),
        pytest.param(TEN, 0, 15.0, 2, id="r is 1 with none ready"),
        pytest.param(concurrency(10.0, activation_scale=3), 1, 1.0, 3, id="activation_scale while there is load"),
        pytest.param(concurrency(10.0, activation_scale=3), 1, 0.0, 0, id="and none without"),
    ],
)
def test_each_want_is_of_the_mean_within_the_rates(policy: object, ready: int, mean: float, value: int) -> None:
    assert said(seen(0, ready=ready, concurrency=mean), watched(), policy).value == value


def test_stable_is_the_mean_over_its_window() -> None:
    ticks = [seen(float(t), ready=2, concurrency=10.0 if t < 30 else 20.0) for t in range(60)]
    decisions, _ = fold(service(TEN), ticks, watched())
    assert decisions[-1].recommendations[0].raw == 1.5
    assert decisions[-1].recommendations[0].reason == "concurrency 15 over 1m at 10 a replica asks for 2"


@pytest.mark.parametrize(
    ("level", "mode", "value"),
    [
        pytest.param(39.0, Mode.PANIC, 4, id="ceil(3.9) / 2 is the threshold of 200%"),
        pytest.param(30.0, Mode.STABLE, 2, id="ceil(3.0) / 2 is below it"),
    ],
)
def test_panic_starts_when_the_panic_mean_asks_for_panic_threshold_times_the_ready(
    level: float, mode: Mode, value: int
) -> None:
    calm = [seen(float(t), ready=2, concurrency=10.0) for t in range(54)]
    surge = [seen(float(t), ready=2, concurrency=level) for t in range(54, 60)]
    decisions, _ = fold(service(TEN), [*calm, *surge], watched())
    assert (decisions[-1].mode, decisions[-1].recommendations[0].value) == (mode, value)


def surged(then: float, until: int) -> list[Decision]:
    """A surge at t 0 of 8 replicas' worth over 2 ready, `then` that much load with 8 ready."""
    ticks = [seen(0, ready=2, concurrency=80.0)]
    ticks += [seen(float(t), ready=8, concurrency=then) for t in range(1, until + 1)]
    return fold(service(TEN), ticks, watched())[0]


def test_in_panic_the_highest_of_both_wants_since_it_began() -> None:
    decisions = surged(then=10.0, until=60)
    assert {decision.desired for decision in decisions} == {8}
    assert decisions[30].mode is Mode.PANIC
    assert (
        "the last 6s ask for 1, 16 is a surge; panic (after a surge or a start) for 30s more: asks for 8, the most"
        in decisions[30].reason
    )


def test_panic_ends_on_the_first_tick_more_than_stable_window_later() -> None:
    decisions = surged(then=10.0, until=61)
    assert [decision.mode for decision in decisions[-2:]] == [Mode.PANIC, Mode.STABLE]
    assert decisions[-1].desired == 4  # half of 8, by max_scale_down_rate


def test_panic_is_renewed_while_the_surge_lasts() -> None:
    ticks = [seen(float(t), ready=2, concurrency=80.0 if t <= 30 else 10.0) for t in range(97)]
    decisions, _ = fold(service(TEN), ticks, watched())
    last = max(decision.t for decision in decisions if decision.mode is Mode.PANIC)
    # the panic window of 6 s asks for four and more until the second tick after t = 30 that holds a few of the surge
    assert 90.0 < last <= 96.0


def test_a_new_panic_starts_from_nothing() -> None:
    first = [seen(0, ready=2, concurrency=80.0)]
    calm = [seen(float(t), ready=2, concurrency=10.0) for t in range(1, 120)]
    second = [seen(float(t), ready=2, concurrency=50.0) for t in range(120, 126)]
    decisions, _ = fold(service(TEN), [*first, *calm, *second], watched())
    assert (decisions[-1].mode, decisions[-1].desired) == (Mode.PANIC, 5)


def test_a_service_first_seen_with_more_than_one_ready_starts_in_panic_at_that_count() -> None:
    ticks = [seen(float(t), ready=5, concurrency=1.0) for t in range(62)]
    decisions, _ = fold(service(TEN), ticks)
    assert [decision.desired for decision in decisions[:61]] == [5] * 61
    assert (decisions[0].mode, decisions[61].mode, decisions[61].desired) == (Mode.PANIC, Mode.STABLE, 2)


def test_a_service_first_seen_with_one_ready_does_not() -> None:
    decision, _ = decide(service(TEN), seen(0, ready=1, unready=4, concurrency=1.0), EMPTY)
    assert (decision.mode, decision.desired) == (Mode.STABLE, 1)


def test_its_first_tick_counts_though_the_metric_is_missing_then() -> None:
    ticks = [seen(0, ready=5, concurrency=None), *[seen(float(t), ready=5, concurrency=1.0) for t in range(1, 62)]]
    decisions, _ = fold(service(TEN), ticks)
    assert [decisions[0].mode, decisions[1].mode, decisions[60].mode] == [Mode.HOLD, Mode.PANIC, Mode.PANIC]
    assert (decisions[61].mode, decisions[61].desired) == (Mode.STABLE, 2)


@pytest.mark.parametrize("gone", [7, 61])
def test_it_is_missing_when_a_window_of_it_has_no_value(gone: int) -> None:
    ticks = [seen(0, ready=1, concurrency=10.0)]
    ticks += [seen(float(t), ready=1, concurrency=None) for t in range(1, gone + 1)]
    decision = fold(service(TEN), ticks, watched())[0][-1]
    assert (decision.recommendations[0].value, decision.mode) == (None, Mode.HOLD)
    assert decision.reason.startswith("concurrency is missing: it is gone")


def test_a_panic_outlasts_missing_metrics() -> None:
    ticks = [seen(0, ready=2, concurrency=80.0), *[seen(float(t), ready=8, concurrency=None) for t in range(1, 30)]]
    ticks += [seen(30.0, ready=8, concurrency=1.0)]
    decision = fold(service(TEN), ticks, watched())[0][-1]
    assert (decision.mode, decision.desired) == (Mode.PANIC, 8)


def test_who_comes_back_after_a_long_absence_keeps_the_count_for_a_stable_window() -> None:
    _, memory = fold(service(TEN), [seen(float(t), ready=5, concurrency=50.0) for t in range(5)], watched())
    restored = Memory.from_json(memory.to_json(), now=4000.0)
    ticks = [seen(4000.0 + t, ready=5, concurrency=1.0) for t in range(62)]
    decisions, _ = fold(service(TEN), ticks, restored)
    assert {decision.desired for decision in decisions[:61]} == {5}
    assert decisions[61].desired == 2


def test_a_surge_is_followed_at_once() -> None:
    loaded, ticks = service(TEN), [seen(0, ready=1, concurrency=500.0)]
    assert counts(loaded, ticks) == [50]


def test_the_mode_is_panic_though_another_policy_asks_for_more() -> None:
    decision, _ = decide(service(TEN, tracking()), seen(0, ready=2, concurrency=80.0, request_rate=900.0), watched())
    assert (decision.mode, decision.desired) == (Mode.PANIC, 18)


def test_a_number_that_is_too_large_is_missing() -> None:
    decision, _ = decide(service(concurrency(1e-300)), seen(0, ready=2, concurrency=1e300), watched())
    assert decision.mode is Mode.HOLD
    assert "too large" in decision.reason
