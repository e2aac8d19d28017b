"""schedule: bounds by the clock, sentence by sentence of DECISIONS; days on which clocks change."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.decide import EMPTY, decide
from autoscaler.decide.schedule import active, last_start
from autoscaler.model import Decision, Orders, Override
from autoscaler.spec.models import Schedule
from tests.decide.builders import counts, schedule, seen, service, tracking, why

BERLIN = "Europe/Berlin"
OFFICE = schedule({"cron": "0 8 * * 1-5", "for": 36000.0, "min": 4}, timezone=BERLIN)
SALE = schedule({"cron": "0 0 24 12 *", "for": 172800.0, "min": 8, "max": 40})


def at(text: str, zone: str = BERLIN, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def asked(policy: Schedule, t: float, **tick: float | None) -> Decision:
    return decide(service(policy), seen(t, ready=2, **tick), EMPTY)[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("when", "running"),
    [
        pytest.param("2026-11-23T07:59:59.9", False, id="before its start"),
        pytest.param("2026-11-23T08:00:00", True, id="start included"),
        pytest.param("2026-11-23T17:59:59.9", True, id="until its end"),
        pytest.param("2026-11-23T18:00:00", False, id="end not included"),
        pytest.param("2026-11-28T12:00:00", False, id="not on Saturday"),
    ],
)
def test_a_rule_is_active_from_each_start_for_so_long(when: str, running: bool) -> None:
    assert bool(active(OFFICE, at(when))) is running


@pytest.mark.parametrize(
    ("cron", "when", "start"),
    [
        pytest.param("30 6 * * 7", "2026-11-25T12:00", "2026-11-22T06:30", id="7 is Sunday"),
        pytest.param("30 6 * * 0", "2026-11-25T12:00", "2026-11-22T06:30", id="so is 0"),
        pytest.param("0 0 13 * 5", "2026-11-18T12:00", "2026-11-13T00:00", id="the 13th or a Friday, where both are set"),
        pytest.param("0 0 13 * 5", "2026-11-21T12:00", "2026-11-20T00:00", id="a Friday or the 13th"),
        pytest.param("0 0 29 2 *", "2026-11-21T12:00", "2024-02-29T00:00", id="a day that comes each four years"),
        pytest.param("*/20 * * * *", "2026-11-21T12:39:59", "2026-11-21T12:20", id="each 20 minutes"),
    ],
)
def test_the_last_start_of_a_cron(cron: str, when: str, start: str) -> None:
    assert last_start(cron, BERLIN, int(at(when) // 60)) == at(start)


@pytest.mark.parametrize(
    ("cron", "when", "start"),
    [
        pytest.param("30 2 * * *", "2026-03-29T03:00", "2026-03-29T03:00", id="skipped: the first moment after it"),
        pytest.param("30 2 * * *", "2026-03-29T03:20", "2026-03-29T03:00", id="and once"),
        pytest.param("30 2 * * *", "2026-03-29T01:59", "2026-03-28T02:30", id="and not before"),
        pytest.param("0 3 * * *", "2026-03-29T03:00", "2026-03-29T03:00", id="what lies after it comes when it would"),
    ],
)
def test_a_start_in_the_hour_that_a_clock_change_skips(cron: str, when: str, start: str) -> None:
    assert last_start(cron, BERLIN, int(at(when) // 60)) == at(start)


@pytest.mark.parametrize(
    ("cron", "minutes_after_the_first", "start"),
    [
        pytest.param("30 2 * * *", -1, "2026-10-24T02:30", id="before it"),
        pytest.param("30 2 * * *", 0, "2026-10-25T02:30", id="the first time"),
        pytest.param("30 2 * * *", 30, "2026-10-25T02:30", id="as the clock is put back"),
        pytest.param("30 2 * * *", 59, "2026-10-25T02:30", id="before the hands are there again"),
        pytest.param("30 2 * * *", 60, "2026-10-25T02:30", id="and not a second time"),
        pytest.param("30 2 * * *", 600, "2026-10-25T02:30", id="nor later"),
    ],
)
def test_a_start_in_the_hour_that_a_clock_change_repeats(cron: str, minutes_after_the_first: int, start: str) -> None:
    first = at("2026-10-25T02:30", fold=0)
    assert last_start(cron, BERLIN, int(first // 60) + minutes_after_the_first) == at(start)


def test_a_rule_with_a_star_goes_by_elapsed_time() -> None:
    first = int(at("2026-10-25T02:30", fold=0) // 60)
    assert last_start("30 * * * *", BERLIN, first + 60) == (first + 60) * 60.0


def test_for_is_elapsed_time() -> None:
    policy = schedule({"cron": "0 1 * * *", "for": 7200.0, "min": 2}, timezone=BERLIN)
    night = at("2026-10-25T01:00")
    assert [bool(active(policy, night + hours * 3600.0)) for hours in (0, 1.99, 2)] == [True, True, False]


@given(st.integers(20_000_000, 40_000_000), st.sampled_from(["30 2 * * *", "15 */6 * * 1-5", "*/7 3 * * *", "0 0 1 * 1"]))
def test_the_last_start_never_lies_ahead_and_never_goes_back(minute: int, cron: str) -> None:
    starts = [last_start(cron, BERLIN, minute + later) for later in (0, 1, 45, 90)]
    known = [start for start in starts if start is not None]
    assert len(known) == 4
    assert known == sorted(known)
    assert known[0] <= minute * 60


# ---------------------------------------------------------------- floor and ceiling


def test_alone_it_recommends_the_floor_up_and_down() -> None:
    ticks = [seen(t, ready=2) for t in (at("2026-11-23T07:59"), at("2026-11-23T08:00"), at("2026-11-23T18:00"))]
    assert counts(service(OFFICE), ticks) == [1, 4, 1]


def test_beside_metric_policies_it_only_raises() -> None:
    spec = service(OFFICE, tracking())
    t = at("2026-11-23T12:00")
    assert decide(spec, seen(t, ready=4, request_rate=50.0), EMPTY)[0].desired == 4
    assert decide(spec, seen(t, ready=4, request_rate=500.0), EMPTY)[0].desired == 10


def test_where_no_metric_policy_gives_a_number_it_recommends_at_least_current() -> None:
    spec = service(OFFICE, tracking())
    for when, desired in (("2026-11-23T12:00", 9), ("2026-11-23T20:00", 9)):
        decision, _ = decide(spec, seen(at(when), ready=9, request_rate=None), EMPTY)
        assert [each.value for each in decision.recommendations] == [desired, None]
        assert decision.desired == 9


def test_the_floor_is_met_at_once_past_windows_and_rates() -> None:
    policy = schedule({"cron": "0 8 * * *", "for": 3600.0, "min": 50})
    decision, _ = decide(service(policy, tracking(), max=100), seen(8 * 3600.0, ready=2, request_rate=50.0), EMPTY)
    assert (decision.desired, decision.limited_by) == (50, ("below_min",))
    assert decision.reason.endswith("2 is below min 50 (by schedule): to 50 at once")


def test_a_rules_max_may_raise_the_ceiling() -> None:
    spec = service(SALE, tracking(), max=20)
    during, after = at("2026-12-24T12:00", "UTC"), at("2026-12-26T00:00", "UTC")
    ticks = [seen(during, ready=20, request_rate=1900.0), seen(after, ready=38, request_rate=1900.0)]
    assert counts(spec, ticks) == [38, 20]


def test_the_ceiling_is_the_lowest_active_rules_max_and_the_floor_the_highest_min() -> None:
    rules = [
        {"cron": "0 0 * * *", "for": 86400.0, "min": 2, "max": 30},
        {"cron": "0 0 * * *", "for": 86400.0, "min": 5, "max": 25},
        {"cron": "0 0 * * *", "for": 86400.0, "min": 3},
    ]
    decision = asked(schedule(*rules), 3600.0)
    assert (decision.within.min, decision.within.max, decision.desired) == (5, 25, 5)


def test_where_overlaps_cross_max_wins() -> None:
    rules = [{"cron": "0 0 * * *", "for": 86400.0, "min": 9}, {"cron": "0 0 * * *", "for": 86400.0, "max": 3}]
    decision = asked(schedule(*rules), 3600.0)
    assert (decision.within.min, decision.within.max, decision.desired) == (3, 3, 3)


def test_two_schedules_are_one() -> None:
    policies = [schedule({"cron": "0 0 * * *", "for": 86400.0, "min": least}) for least in (3, 6)]
    assert decide(service(*policies), seen(0, ready=1), EMPTY)[0].desired == 6


def test_an_operators_order_narrows_within_it() -> None:
    spec, t = service(OFFICE, tracking(), max=20), at("2026-11-23T12:00")
    narrowed = Orders(override=Override(max=6))
    decision, _ = decide(spec, seen(t, ready=5, request_rate=900.0), EMPTY, narrowed)
    assert (decision.desired, str(decision.within)) == (6, "min 4 (by schedule), max 6 (narrowed by an operator)")
    below = Orders(override=Override(max=2))
    assert decide(spec, seen(t, ready=5, request_rate=900.0), EMPTY, below)[0].desired == 4


def test_it_goes_by_the_wall_clock_not_by_t() -> None:
    noon = at("2026-11-23T12:00")
    tick = seen(1000.0, ready=2)
    moved = type(tick)(tick.service, tick.t, tick.ready, tick.unready, wall_offset=noon - 1000.0)
    assert decide(service(OFFICE), moved, EMPTY)[0].desired == 4
    assert decide(service(OFFICE), tick, EMPTY)[0].desired == 1


def test_why_for_people() -> None:
    decision, _ = decide(service(OFFICE), seen(at("2026-11-23T12:00"), ready=2), EMPTY)
    assert decision.recommendations[0].reason == "'0 8 * * 1-5' is active, asks for 4"
    assert decision.limits[0].until == at("2026-11-23T18:00")
    text = why(service(OFFICE), seen(at("2026-11-23T12:00"), ready=2))
    assert "   [0] schedule: 4\n" in text
    assert "   below_min: 2 -> 4\n" in text
    assert "to 4 at once; that bound ends in 6h\n" in text
    assert text.endswith("fewer: not below min 4 (by schedule) for the next 6h")
    assert asked(OFFICE, at("2026-11-23T20:00")).recommendations[0].reason == "no rule is active, asks for 1"


@pytest.mark.parametrize("minute", [10**12, -(10**12)])
def test_beyond_any_calendar_nothing_has_started(minute: int) -> None:
    assert last_start("0 8 * * *", BERLIN, minute) is None


def test_when_a_bound_by_schedule_ends_is_told_in_the_ticks_own_time() -> None:
    noon, end = at("2026-12-24T12:00", "UTC"), at("2026-12-26T00:00", "UTC")
    tick = seen(1000.0, ready=2)
    tick = type(tick)(tick.service, tick.t, tick.ready, tick.unready, wall_offset=noon - 1000.0)
    within = decide(service(SALE, max=20), tick, EMPTY)[0].within
    assert (within.min, within.min_by, within.min_until) == (8, "by schedule", 1000.0 + end - noon)
    assert (within.max, within.max_by, within.max_until) == (40, "by schedule", 1000.0 + end - noon)
