"""Stabilization and rates, as HPA v2 has them: tables of ticks and counts, and when a limit lets go."""

import pytest

from autoscaler.decide import EMPTY, decide
from autoscaler.decide.behavior import allows_more, left
from autoscaler.decide.memory import Scaled
from autoscaler.model import Limit, Observation
from autoscaler.spec.models import Behavior, Rate
from tests.decide.builders import HPA, OPEN_DOWN, OPEN_UP, counts, fold, rules, seen, service, tracking

ONE_EACH = tracking(target=1.0)
DOWN_60 = service(ONE_EACH, behavior=Behavior(scale_up=OPEN_UP, scale_down=rules(60.0)))
UP_60 = service(ONE_EACH, behavior=Behavior(scale_up=rules(60.0), scale_down=OPEN_DOWN))


def wants(*asked: tuple[float, float], ready: int = 1) -> list[Observation]:
    """Ticks that ask for so many; the tolerance never says current, as there is never that many."""
    return [seen(t, ready=0, desired=ready if index == 0 else None, request_rate=n) for index, (t, n) in enumerate(asked)]


# ---------------------------------------------------------------- stabilization


def test_down_goes_no_lower_than_the_highest_of_the_window() -> None:
    assert counts(DOWN_60, wants((0, 10), (10, 6), (59, 3), (60, 3), (69, 3), (70, 3))) == [10, 10, 10, 6, 6, 3]


def test_up_goes_no_higher_than_the_lowest_of_the_window() -> None:
    assert counts(UP_60, wants((0, 2), (10, 6), (59, 9), (60, 9), (70, 9), ready=2)) == [2, 2, 2, 6, 9]


def test_the_first_tick_remembers_current() -> None:
    assert counts(DOWN_60, wants((0, 2), (59, 2), (60, 2), ready=8)) == [8, 8, 2]
    assert counts(UP_60, wants((0, 9), (59, 9), (60, 9), ready=2)) == [2, 2, 9]


def test_remembered_is_what_was_asked_before_any_limit() -> None:
    spec = service(ONE_EACH, max=5, behavior=Behavior(scale_up=OPEN_UP, scale_down=rules(60.0)))
    decisions, memory = fold(spec, wants((0, 50), (1, 2)))
    assert [decision.desired for decision in decisions] == [5, 5]
    assert [asked.count for asked in memory.recent] == [1, 50]


def test_stabilization_says_why_and_until_when() -> None:
    decision = fold(DOWN_60, wants((0, 10), (10, 6), (18, 3)))[0][-1]
    assert decision.limits == (
        Limit(
            "stabilization",
            before=3,
            after=10,
            reason="held at 10 by scale_down stabilization for 42s (highest asked for in the last 1m: 10)",
            until=60.0,
        ),
    )


def test_a_count_asked_for_again_holds_from_its_last_time() -> None:
    assert counts(DOWN_60, wants((0, 10), (30, 4), (40, 10), (50, 4), (99, 4), (100, 4))) == [10, 10, 10, 10, 10, 4]


def test_what_is_remembered_does_not_grow_with_time() -> None:
    ticks = wants(*((float(t), float(5 + t % 3)) for t in range(500)))
    _, memory = fold(service(ONE_EACH, behavior=HPA), ticks)
    assert len(memory.recent) <= 4


def test_what_no_window_needs_is_forgotten() -> None:
    _, memory = fold(service(ONE_EACH, behavior=HPA), wants((0, 9), (100, 5), (350, 3), (360, 2)))
    assert [(asked.t, asked.count) for asked in memory.recent] == [(100.0, 5), (350.0, 3)]


# ---------------------------------------------------------------- rates


def rated(*up: Rate, select: str = "max", down: tuple[Rate, ...] = ()) -> Behavior:
    return Behavior(scale_up=rules(0.0, *up, select=select), scale_down=rules(0.0, *down, select=select))


PERCENT_10 = Rate(percent=10.0, period=60.0)
THREE = Rate(replicas=3, period=60.0)


@pytest.mark.parametrize(
    ("behavior", "start", "wanted", "reached"),
    [
        pytest.param(HPA, 1, 100, 5, id="HPA's default: the more of 100% and 4"),
        pytest.param(HPA, 10, 100, 20, id="HPA's default: 100% of ten"),
        pytest.param(rated(PERCENT_10), 100, 500, 110, id="100 and 10% are 110, where HPA's floats make 111"),
        pytest.param(rated(PERCENT_10), 3, 500, 4, id="percent up is rounded up"),
        pytest.param(rated(PERCENT_10, THREE), 10, 500, 13, id="max: the rate that allows more"),
        pytest.param(rated(PERCENT_10, THREE, select="min"), 10, 500, 11, id="min: the rate that allows less"),
        pytest.param(rated(PERCENT_10, select="disabled"), 10, 500, 10, id="disabled"),
        pytest.param(rated(), 10, 500, 500, id="no rates: as fast as asked"),
        pytest.param(rated(down=(PERCENT_10,)), 25, 1, 22, id="percent down is cut toward zero: 22.5"),
        pytest.param(rated(down=(PERCENT_10,)), 100, 1, 90, id="10% of 100"),
        pytest.param(rated(down=(PERCENT_10, THREE)), 100, 1, 90, id="max down: more change, so fewer"),
        pytest.param(rated(down=(PERCENT_10, THREE), select="min"), 100, 1, 97, id="min down: less change"),
        pytest.param(rated(down=(THREE,), select="disabled"), 100, 1, 100, id="down disabled"),
    ],
)
def test_one_step(behavior: Behavior, start: int, wanted: int, reached: int) -> None:
    spec = service(ONE_EACH, max=1000, behavior=behavior)
    assert counts(spec, [seen(0, ready=0, desired=start, request_rate=float(wanted))]) == [reached]


def test_a_period_starts_from_current_without_what_it_added() -> None:
    spec = service(ONE_EACH, behavior=HPA)
    assert counts(spec, wants((0, 50), (1, 50), (14.9, 50), (15, 50), (29, 50), (30, 50))) == [5, 5, 5, 10, 10, 20]


def test_changes_in_both_directions_count_whatever_the_direction_limited() -> None:
    behavior = rated(THREE, down=(Rate(replicas=50, period=60.0),))
    spec = service(ONE_EACH, behavior=behavior)
    # 10 -> 13 (full); -> 8; the period started from 13 - 3 + 5 - ... = 10, so up to 13 again
    assert counts(spec, wants((0, 20), (1, 8), (2, 20), ready=10)) == [13, 8, 13]


def test_a_limit_on_the_wrong_side_of_current_means_current() -> None:
    spec = service(ONE_EACH, behavior=rated(THREE))
    # the runtime was set to 5 by hand; the 3 added are still counted: 5 - 3 + 3 is no room to go up
    first, second = (
        seen(0, ready=0, desired=10, request_rate=50.0),
        seen(1, ready=0, desired=5, request_rate=50.0),
    )
    assert counts(spec, [first, second]) == [13, 5]


def test_a_move_to_a_bound_uses_up_the_rate_and_is_not_taken_back() -> None:
    behavior = rated(THREE, down=(THREE,))
    _, raised = fold(service(ONE_EACH, min=10, behavior=behavior), [seen(0, ready=0, request_rate=50.0)])
    _, lowered = fold(service(ONE_EACH, max=10, behavior=behavior), [seen(0, ready=20, request_rate=5.0)])
    since = service(ONE_EACH, behavior=behavior)
    up, down = [seen(t, request_rate=50.0) for t in (1, 60)], [seen(t, request_rate=5.0) for t in (1, 60)]
    assert [decision.desired for decision in fold(since, up, raised)[0]] == [10, 13]
    assert [decision.desired for decision in fold(since, down, lowered)[0]] == [10, 7]


def test_a_change_asked_again_at_once_is_counted_once() -> None:
    _, memory = fold(service(ONE_EACH, behavior=HPA), [*wants((0, 50)), seen(0, ready=0, request_rate=50.0)])
    assert memory.scaled == (Scaled(0.0, 4),)


def test_up_is_held_until_the_lowest_leaves() -> None:
    decision = fold(UP_60, wants((0, 2), (10, 6), ready=2))[0][-1]
    assert [(limit.name, limit.after, limit.until) for limit in decision.limits] == [("stabilization", 2, 60.0)]


def test_a_given_desired_that_differs_is_no_scale_event() -> None:
    spec = service(ONE_EACH, behavior=rated(THREE))
    assert counts(spec, [seen(0, ready=0, desired=5, request_rate=5.0), seen(1, ready=0, desired=9, request_rate=50.0)]) == [
        5,
        12,
    ]


def test_a_rate_says_when_the_oldest_counted_change_leaves_its_period() -> None:
    spec = service(ONE_EACH, behavior=HPA)
    decision = fold(spec, wants((0, 3), (5, 50), (6, 50)))[0][-1]
    assert decision.desired == 5
    assert decision.limits[0].name == "scale_up_rate"
    assert decision.limits[0].until == 15.0
    assert decision.limits[0].reason == (
        "scale_up_rate allows 5 for now (the most of 100% in 15s and 4 replicas in 15s), more in 9s"
    )


def test_until_is_the_first_moment_at_which_more_is_allowed() -> None:
    slow = rules(0.0, Rate(replicas=2, period=10.0), Rate(replicas=3, period=60.0), select="min")
    changes = (Scaled(0.0, 2), Scaled(20.0, 1))
    assert allows_more(slow, 10, changes, 20.0, up=True) == 60.0


def test_a_disabled_direction_never_lets_go() -> None:
    spec = service(ONE_EACH, behavior=rated(THREE, select="disabled"))
    decision, _ = decide(spec, seen(0, ready=0, desired=2, request_rate=50.0), EMPTY)
    assert [(limit.name, limit.until) for limit in decision.limits] == [("scale_up_rate", None)]


def test_changes_are_forgotten_when_no_period_counts_them() -> None:
    _, memory = fold(service(ONE_EACH, behavior=HPA), wants((0, 50), (15, 50), (40, 50), (100, 50)))
    assert [change.t for change in memory.scaled] == [100.0]


def test_stabilization_comes_before_rates_and_bounds_last() -> None:
    behavior = Behavior(scale_up=rules(10.0, Rate(percent=100.0, period=15.0)), scale_down=OPEN_DOWN)
    spec = service(ONE_EACH, max=7, behavior=behavior)
    decision = fold(spec, wants((0, 30), (5, 30), (10, 40), ready=5))[0][-1]
    assert decision.limited_by == ("stabilization", "scale_up_rate", "max")
    assert [(limit.before, limit.after) for limit in decision.limits] == [(40, 30), (30, 10), (10, 7)]


@pytest.mark.parametrize(
    ("until", "told"),
    [(None, "an unknown time"), (99.0, "0s"), (100.5, "500ms"), (109.94, "9.9s"), (110.0, "10s"), (160.4, "1m")],
)
def test_how_long_until_a_limit_lets_go(until: float | None, told: str) -> None:
    assert left(until, 100.0) == told


def test_a_direction_held_says_by_which_rules() -> None:
    fixed = Behavior(scale_up=rules(select="disabled"), scale_down=rules(0.0, Rate(percent=10, period=60.0)))
    spec = service(ONE_EACH, behavior=fixed)
    (up,) = decide(spec, seen(0, ready=4, request_rate=9.0), EMPTY)[0].limits
    assert (up.name, up.after, up.until) == ("scale_up_rate", 4, None)
    assert up.reason.endswith("disabled)")
    (down,) = decide(spec, seen(0, ready=20, request_rate=9.0), EMPTY)[0].limits
    assert (down.name, down.before, down.after, down.until) == ("scale_down_rate", 9, 18, 60.0)
    assert down.reason.endswith("(10% in 1m), more in 1m")
