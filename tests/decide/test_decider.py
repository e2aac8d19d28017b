"""The order of a decision: bounds, the largest, override and pause, missing metrics, modes and what is said of it."""

import pytest

from autoscaler.decide import EMPTY, decide
from autoscaler.decide.memory import Asked, Scaled
from autoscaler.decide.question import Answer, Question
from autoscaler.decide.recommend import RECOMMENDERS
from autoscaler.model import Decision, Limit, Mode, Observation, Orders, Override, PauseKind
from autoscaler.spec.models import Behavior, Policy, ServiceSpec
from tests.decide.builders import HPA, OPEN_DOWN, OPEN_UP, counts, fold, rules, seen, service, tracking

BLIND = tracking("queue_length", target=5.0)
BOTH = (tracking(), BLIND)


def first(spec: ServiceSpec, tick: Observation, orders: Orders = Orders()) -> Decision:  # noqa: B008
    return decide(spec, tick, EMPTY, orders)[0]


def missing(spec: ServiceSpec, **how: object) -> ServiceSpec:
    return spec.model_copy(update={"behavior": spec.behavior.model_copy(update=how)})


# ---------------------------------------------------------------- current


def test_current_is_the_given_desired_else_the_last_decision_else_what_is_there() -> None:
    spec = service()
    decisions, _ = fold(
        spec,
        [
            seen(0, ready=2, unready=1, request_rate=150.0),
            seen(1, ready=2, unready=1, request_rate=400.0),
            seen(2, ready=2, unready=1, request_rate=150.0),
            seen(3, ready=2, unready=1, desired=5, request_rate=150.0),
        ],
    )
    assert [decision.current for decision in decisions] == [3, 3, 8, 5]


# ---------------------------------------------------------------- 1. bounds


@pytest.mark.parametrize(
    ("current", "desired", "name"),
    [(20, 10, "above_max"), (2, 3, "below_min"), (0, 3, "below_min")],
)
def test_out_of_bounds_goes_to_the_bound_at_once(current: int, desired: int, name: str) -> None:
    slow = Behavior(scale_up=rules(300.0, select="disabled"), scale_down=rules(300.0, select="disabled"))
    decision, memory = decide(service(min=3, max=10, behavior=slow), seen(ready=current, request_rate=200.0), EMPTY)
    assert (decision.desired, decision.limited_by, decision.mode) == (desired, (name,), Mode.STABLE)
    assert decision.recommendations[0].value == 4
    assert memory.scaled == (Scaled(0.0, desired - current),)


@pytest.mark.parametrize(
    ("current", "orders", "limit"),
    [
        (20, Orders(), Limit("above_max", 20, 10, "20 is above max 10: to 10 at once")),
        (2, Orders(), Limit("below_min", 2, 3, "2 is below min 3: to 3 at once")),
        (
            8,
            Orders(override=Override(max=6, until=60.0)),
            Limit("above_max", 8, 6, "8 is above max 6 (narrowed by an operator): to 6 at once", 60.0),
        ),
        (
            4,
            Orders(override=Override(min=5)),
            Limit("below_min", 4, 5, "4 is below min 5 (narrowed by an operator): to 5 at once"),
        ),
    ],
)
def test_a_move_to_a_bound_says_which_and_until_when(current: int, orders: Orders, limit: Limit) -> None:
    assert first(service(min=3, max=10), seen(ready=current, request_rate=200.0), orders).limits == (limit,)


def test_nothing_asked_on_such_a_tick_is_remembered() -> None:
    spec = service(max=10, behavior=Behavior(scale_up=OPEN_UP, scale_down=rules(60.0)))
    _, before = fold(spec, [seen(0, ready=4, request_rate=200.0)])
    _, after = decide(spec, seen(1, ready=4, desired=20, request_rate=400.0), before)
    assert (*after.recent, after.latest) == (Asked(0.0, 4), None)
    assert counts(spec, [seen(0, ready=4, request_rate=200.0), seen(1, desired=20, request_rate=400.0), seen(2, ready=4, request_rate=50.0)]) == [4, 10, 4]  # fmt: skip # noqa: E501


def test_a_move_to_a_bound_asked_again_at_once_goes_no_further() -> None:
    tick = seen(5, ready=20, request_rate=50.0)
    first_time, memory = decide(service(max=10), tick, EMPTY)
    second_time, again = decide(service(max=10), tick, memory)
    assert (first_time, memory) == (second_time, again)
    assert decide(service(max=10), seen(6, ready=10, request_rate=50.0), again)[0].desired == 1


def test_a_change_asked_again_at_once_with_the_old_desired_is_counted_once() -> None:
    tick = seen(5, ready=4, desired=4, request_rate=5000.0)
    first_time, memory = decide(service(behavior=HPA), tick, EMPTY)
    assert (first_time.desired, memory.scaled) == (8, (Scaled(5.0, 4),))
    assert decide(service(behavior=HPA), tick, memory) == (first_time, memory)


def test_a_first_tick_above_max_still_remembers_current_so_that_it_does_not_fall_on() -> None:
    spec = service(max=10, behavior=HPA)
    assert counts(spec, [seen(0, ready=20, request_rate=50.0), seen(1, ready=10, request_rate=50.0)]) == [10, 10]


def test_min_0_keeps_one_while_nothing_knows_idleness() -> None:
    decision = first(service(min=0), seen(ready=1, request_rate=0.0))
    assert (decision.desired, decision.limited_by) == (1, ("min",))


@pytest.mark.parametrize(("rate", "desired", "names"), [(0.0, 3, ("min",)), (5000.0, 10, ("max",)), (250.0, 5, ())])
def test_min_and_max_come_last(rate: float, desired: int, names: tuple[str, ...]) -> None:
    decision = first(service(min=3, max=10), seen(ready=4, request_rate=rate))
    assert (decision.desired, decision.limited_by) == (desired, names)


# ---------------------------------------------------------------- 2. the largest, overrides, pauses


def test_the_largest_wins_and_all_are_told_in_the_files_order() -> None:
    decision = first(service(tracking(), BLIND), seen(ready=4, request_rate=300.0, queue_length=15.0))
    assert [(r.policy, r.type, r.value, r.metric) for r in decision.recommendations] == [
        (0, "target_tracking", 6, "request_rate"),
        (1, "target_tracking", 3, "queue_length"),
    ]
    assert (decision.wanted, decision.desired) == (6, 6)


SLOW = Behavior(scale_up=rules(600.0, select="disabled"), scale_down=rules(600.0, select="disabled"))


@pytest.mark.parametrize(("ordered", "desired", "names"), [(7, 7, ()), (50, 10, ("max",)), (0, 2, ("min",))])
def test_an_override_is_the_answer_within_bounds_past_windows_and_rates(
    ordered: int, desired: int, names: tuple[str, ...]
) -> None:
    spec = service(min=2, max=10, behavior=SLOW)
    orders = Orders(override=Override(replicas=ordered))
    decision, memory = decide(spec, seen(ready=4, request_rate=300.0), EMPTY, orders)
    assert (decision.desired, decision.limited_by, decision.mode) == (desired, names, Mode.OVERRIDE)
    assert (decision.recommendations[0].value, memory.latest) == (6, Asked(0.0, 6))


def test_an_override_holds_while_metrics_are_missing() -> None:
    decision = first(service(), seen(ready=4, request_rate=None), Orders(override=Override(replicas=2)))
    assert (decision.desired, decision.mode) == (2, Mode.OVERRIDE)


def test_an_override_ends_at_its_time() -> None:
    orders = Orders(override=Override(replicas=9, until=60.0, reason="sale"))
    spec = service()
    decisions, _ = fold(spec, [seen(t, ready=4, request_rate=200.0) for t in (0, 59.9, 60)], orders=orders)
    assert [(decision.desired, decision.mode) for decision in decisions] == [
        (9, Mode.OVERRIDE),
        (9, Mode.OVERRIDE),
        (9, Mode.STABLE),
    ]
    assert decisions[0].reason == "an operator ordered 9 for 1m (sale)"


@pytest.mark.parametrize(
    ("order", "rate", "desired"),
    [
        pytest.param(Override(max=6), 400.0, 6, id="a lower max"),
        pytest.param(Override(max=50), 5000.0, 10, id="a higher max widens nothing"),
        pytest.param(Override(min=4), 0.0, 4, id="a higher min"),
        pytest.param(Override(min=0), 0.0, 2, id="a lower min widens nothing"),
        pytest.param(Override(min=50), 0.0, 10, id="a min beyond the file's max is that max"),
        pytest.param(Override(max=1), 5000.0, 2, id="a max below the file's min is that min"),
        pytest.param(Override(min=8, max=5), 0.0, 5, id="where they cross, max wins"),
        pytest.param(Override(min=8, until=0.0), 0.0, 2, id="one that is over"),
    ],
)
def test_ordered_bounds_narrow_and_never_widen(order: Override, rate: float, desired: int) -> None:
    ticks = [seen(0, ready=4, request_rate=rate), seen(1, ready=4, request_rate=rate)]
    decisions, _ = fold(service(min=2, max=10), ticks, orders=Orders(override=order))
    assert decisions[-1].desired == desired
    assert decisions[-1].mode is Mode.STABLE


@pytest.mark.parametrize(
    ("pause", "rise", "fall"),
    [(PauseKind.ALL, 4, 4), (PauseKind.IN, 6, 4), (PauseKind.OUT, 4, 2)],
)
def test_a_pause_stops_moves_of_its_kind(pause: PauseKind, rise: int, fall: int) -> None:
    up = first(service(), seen(ready=4, request_rate=300.0), Orders(pause=pause))
    down = first(service(), seen(ready=4, request_rate=100.0), Orders(pause=pause))
    assert (up.desired, down.desired) == (rise, fall)
    assert {up.mode, down.mode} == {Mode.PAUSED}
    assert (up.limited_by, down.limited_by) == (
        () if rise == 6 else ("paused",),
        () if fall == 2 else ("paused",),
    )


def test_under_a_pause_policies_are_asked_and_remembered() -> None:
    _, memory = decide(service(), seen(ready=4, request_rate=300.0), EMPTY, Orders(pause=PauseKind.ALL))
    assert memory.latest == Asked(0.0, 6)


def test_a_pause_does_not_keep_a_count_beyond_its_bounds() -> None:
    assert first(service(max=3), seen(ready=4, request_rate=300.0), Orders(pause=PauseKind.ALL)).desired == 3


# ---------------------------------------------------------------- missing metrics


def test_hold_keeps_the_count_and_remembers_nothing() -> None:
    decision, memory = decide(service(), seen(ready=4, request_rate=None), EMPTY)
    assert (decision.desired, decision.mode, decision.limited_by) == (4, Mode.HOLD, ("missing_metrics",))
    assert memory.latest is None


@pytest.mark.parametrize(
    ("rate", "desired", "mode"),
    [
        pytest.param(300.0, 6, Mode.STABLE, id="up by the other"),
        pytest.param(100.0, 4, Mode.HOLD, id="not down by the other"),
        pytest.param(200.0, 4, Mode.STABLE, id="the other asks for current: nothing is held"),
    ],
)
def test_one_of_two_is_missing(rate: float, desired: int, mode: Mode) -> None:
    decision = first(service(*BOTH), seen(ready=4, request_rate=rate, queue_length=None))
    assert (decision.desired, decision.mode) == (desired, mode)
    assert decision.recommendations[1].value is None


def test_scale_up_recommends_max_and_grows_at_its_pace() -> None:
    spec = missing(service(max=50, behavior=HPA), on_missing_metrics="scale_up")
    decision = first(spec, seen(ready=4, request_rate=None))
    assert (decision.recommendations[0].value, decision.desired, decision.mode) == (50, 8, Mode.STABLE)
    assert decision.limited_by == ("scale_up_rate",)


@pytest.mark.parametrize(("ready", "desired"), [(2, 5), (7, 7)])
def test_fallback_recommends_the_more_of_current_and_it(ready: int, desired: int) -> None:
    spec = missing(service(), on_missing_metrics="fallback", fallback_replicas=5)
    decision = first(spec, seen(ready=ready, request_rate=None))
    assert (decision.recommendations[0].value, decision.desired, decision.mode) == (desired, desired, Mode.STABLE)


def test_fallback_is_three_where_the_file_does_not_say() -> None:
    assert first(missing(service(), on_missing_metrics="fallback"), seen(ready=1, request_rate=None)).desired == 3


def test_missing_for_ten_minutes_loses_no_replica() -> None:
    spec = service(behavior=HPA)
    ticks = [seen(float(t), ready=8, request_rate=400.0 if t < 10 else None) for t in range(600)]
    assert set(counts(spec, ticks)) == {8}


# ---------------------------------------------------------------- rooms for other policy types


def test_a_policy_type_is_a_function_with_a_slot_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def count_ticks(policy: Policy, asked: Question) -> Answer:
        ticks = asked.memory.get("ticks", 0.0) + 1
        return Answer(int(ticks), ticks, f"tick {ticks:g}", memory={"ticks": ticks})

    monkeypatch.setitem(RECOMMENDERS, "target_tracking", count_ticks)
    decisions, memory = fold(service(), [seen(float(t)) for t in range(3)])
    assert [decision.desired for decision in decisions] == [1, 2, 3]
    assert memory.policies == {"0:target_tracking": {"ticks": 3.0}}


def test_a_policy_that_gives_none_without_being_blind_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(policy: Policy, asked: Question) -> Answer:
        return Answer(None, None, "no step applies")

    monkeypatch.setitem(RECOMMENDERS, "target_tracking", silent)
    decision = first(service(), seen(ready=4))
    assert (decision.desired, decision.mode, decision.limited_by) == (4, Mode.STABLE, ())


# ---------------------------------------------------------------- what is said


def test_the_reason_is_one_sentence_with_all_numbers() -> None:
    behavior = Behavior(scale_up=OPEN_UP, scale_down=OPEN_DOWN)
    decision = first(service(max=5, behavior=behavior), seen(ready=4, request_rate=400.0))
    assert decision.reason == "request_rate 400 at 50 a replica asks for 8; bounded by max 5"


def test_a_hold_says_what_is_missing_and_what_the_others_asked() -> None:
    decision = first(service(*BOTH), seen(ready=4, request_rate=100.0, queue_length=None))
    assert decision.reason == (
        "queue_length is missing: it is gone; request_rate 100 at 50 a replica asks for 2; held at 4 until it is back"
    )


def test_a_bound_that_an_operator_ordered_says_so() -> None:
    decision = first(service(), seen(ready=4, request_rate=400.0), Orders(override=Override(max=5, until=90.0)))
    assert decision.limits[0].reason == "bounded by max 5 (narrowed by an operator)"
    assert decision.limits[0].until == 90.0
