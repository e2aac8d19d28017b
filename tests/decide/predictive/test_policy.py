"""The policy: beside others, alone, with gaps, restarts and clocks put back; and that it never lowers a count."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.decide import Case, Memory, account, decide, explain
from autoscaler.decide.history import DAY, History
from autoscaler.decide.memory import MAX_COUNT
from autoscaler.decide.predictive.contest import Contest, begun
from autoscaler.decide.predictive.kept import Kept, read, written
from autoscaler.model import Decision, Mode, Observation, Orders, Sample
from autoscaler.spec.models import Policy, Predictive, ServiceSpec
from tests.decide.builders import fold, predictive, schedule, seen, service, step, tracking, why
from tests.decide.predictive.histories import day, history_of, judged, minutes, remembering
from tests.decide.strategies import histories, observations, orders, specs

RPS_50 = predictive(window=0.0)
BESIDE = service(tracking(), RPS_50)
ALONE = service(RPS_50)
DAYS = history_of(minutes(6 + 1 / 3))  # until 8:00 of a morning
NOW = DAYS.minute * 60.0


def knowing(history: History, spec: ServiceSpec, t: float, *, held: tuple[tuple[float, int], ...] = ()) -> Memory:
    """A memory that has a history and has judged all of it, for the last policy of `spec`."""
    policy = spec.policies[-1]
    assert isinstance(policy, Predictive)
    contest = judged(history, round(policy.season / 60), round(policy.horizon / 300))
    kept = Kept(t, contest, history.minute - 1, held=held)
    slot = f"{len(spec.policies) - 1}:predictive"
    numbers, tables = written(kept)
    return replace(remembering(history, t), policies={slot: numbers}, tables={slot: tables})


def decided(spec: ServiceSpec, memory: Memory, t: float = NOW, ready: int = 1, **totals: float | None) -> Decision:
    tick = seen(t, ready, desired=ready, **(totals or {"request_rate": 100.0}))  # type: ignore[arg-type]
    return decide(spec, tick, memory)[0]


def test_the_forecast_asks_for_what_will_come_before_it_comes() -> None:
    said = decided(BESIDE, knowing(DAYS, BESIDE, NOW - 1)).recommendations[1]
    ahead = sum(day(DAYS.minute + minute) for minute in range(5)) / 5
    assert said.value == -(-ahead // 50)
    assert said.raw == pytest.approx(ahead / 50, rel=1e-3)
    assert (
        " within 5m at 50 a replica, by the past seasons scaled to the last 60 min; its error over the last 3d was "
        in said.reason
    )
    assert said.reason.endswith("% of that of taking request_rate to stay as it is, asks for 16")


def test_the_highest_of_the_horizon_is_asked_for() -> None:
    hill = history_of(minutes(6, lambda minute: 1000.0 if 20 <= minute % 60 < 25 else 100.0))
    near = service(tracking(), predictive(season="1h", horizon="5m", window=0.0))
    far = service(tracking(), predictive(season="1h", horizon="30m", window=0.0))
    counts = []
    for spec in (near, far):
        memory = knowing(hill, spec, hill.minute * 60.0 - 1)
        counts.append(decided(spec, memory, hill.minute * 60.0).recommendations[1].value)
    assert counts == [2, 20]


def test_what_was_asked_for_is_asked_for_another_minute() -> None:
    memory = knowing(DAYS, BESIDE, NOW - 1, held=((NOW - 50, 70), (NOW - 1, 3)))
    assert decided(BESIDE, memory).recommendations[1].value == 70
    assert "; held at the most of the last 1m for 10s more, asks for 70" in decided(BESIDE, memory).recommendations[1].reason
    memory = knowing(DAYS, BESIDE, NOW - 1, held=((NOW - 60, 70), (NOW - 1, 3)))
    assert (decided(BESIDE, memory).recommendations[1].value or 0) < 70


# ---------------------------------------------------------------- standing aside


def test_in_its_first_days_it_gives_no_count_and_holds_nobody_up() -> None:
    ticks = [seen(float(t), ready=8, request_rate=50.0) for t in range(3)]
    decisions, _ = fold(BESIDE, ticks)
    assert [(each.desired, each.mode, each.limits) for each in decisions] == [(1, Mode.STABLE, ())] * 3
    said = decisions[-1].recommendations[1]
    assert (said.value, said.raw) == (None, None)
    assert said.reason == "stands aside: forecasts judged 0 of 288 times so far, once in 5m, asks for no count"


def test_where_no_model_was_better_it_says_which_came_nearest() -> None:
    flat = history_of([100.0 + minute * 7919 % 13 for minute in range(5 * DAY)])
    t = flat.minute * 60.0
    said = decided(BESIDE, knowing(flat, BESIDE, t - 1), t).recommendations[1]
    assert said.value is None
    assert said.reason.startswith("stands aside: the best model, the ")
    assert " is not good enough; its error over the last 3d was " in said.reason
    assert said.reason.endswith(
        "% of that of taking request_rate to stay as it is, 90% at most is wanted, asks for no count"
    )


def test_without_its_history_the_winner_can_not_tell() -> None:
    memory = replace(knowing(DAYS, BESIDE, NOW - 1), history={})
    said = decided(BESIDE, memory).recommendations[1]
    assert said.value is None
    assert said.reason.endswith(", the best, has too few minutes to tell, asks for no count")


def test_beside_steps_that_ask_for_nothing_it_takes_nothing_away() -> None:
    spec = service(step({"above": 9, "add": 1}), RPS_50)
    memory = knowing(DAYS, spec, NOW - 1)
    totals = {"request_rate": 100.0, "queue_length": 0.0}
    assert decided(spec, memory, ready=60, **totals).desired == 60
    assert "is no more than there are" in decided(spec, memory, ready=60, **totals).recommendations[1].reason
    assert decided(spec, memory, ready=2, **totals).desired > 2


def test_a_metric_that_is_missing_is_another_thing() -> None:
    memory = knowing(DAYS, BESIDE, NOW - 1)
    spec = service(tracking("queue_length"), RPS_50)
    for value in (None, float("nan"), float("inf")):
        decision, after = decide(spec, seen(NOW, 70, desired=70, queue_length=0.0, request_rate=value), memory)
        assert (decision.desired, decision.mode) == (70, Mode.HOLD)
        assert decision.recommendations[1].reason.startswith("request_rate is missing: ")
        assert after.policies["1:predictive"] == memory.policies["1:predictive"]


def test_a_value_that_no_count_can_carry_is_missing() -> None:
    tiny = service(tracking("queue_length"), predictive(target=1e-300, window=0.0))
    said = decided(tiny, remembering(DAYS, NOW - 1), request_rate=1e300, queue_length=0.0).recommendations[1]
    assert (said.value, said.reason) == (None, "request_rate is missing: 1e+300 is too large")


# ---------------------------------------------------------------- alone


def test_alone_it_follows_the_present_from_the_first_day_on() -> None:
    said = decided(ALONE, remembering(DAYS, NOW - 1, replace(Memory(), desired=1)), request_rate=260.0)
    assert said.desired == 6
    assert said.reason == (
        "request_rate 260 at 50 a replica; stands aside: forecasts judged 0 of 288 times so far, once in 5m, asks for 6"
    )


def test_alone_the_forecast_goes_on_top() -> None:
    memory = knowing(DAYS, ALONE, NOW - 1)
    low, high = decided(ALONE, memory, request_rate=100.0), decided(ALONE, memory, request_rate=5000.0)
    assert low.desired == decided(BESIDE, knowing(DAYS, BESIDE, NOW - 1)).recommendations[1].value
    assert high.desired == 100


def test_alone_it_takes_nothing_away_before_five_minutes_are_over() -> None:
    ticks = [seen(float(t), ready=8, request_rate=100.0) for t in (0, 150, 299, 300)]
    assert [each.desired for each in fold(ALONE, ticks)[0]] == [8, 8, 8, 2]


def test_alone_nothing_is_taken_away_in_the_first_five_minutes_after_a_long_absence() -> None:
    _, memory = fold(ALONE, [seen(float(t), ready=2, request_rate=100.0) for t in range(0, 400, 50)])
    ticks = [seen(9000.0 + t, ready=8, desired=8, request_rate=100.0) for t in (0, 299)]
    assert [each.desired for each in fold(ALONE, ticks, memory)[0]] == [8, 8]


def test_beside_a_schedule_it_is_alone_and_beside_another_of_its_kind_too() -> None:
    floor = schedule({"cron": "0 0 1 1 *", "for": "1m", "min": 3})
    assert decided(service(floor, RPS_50), Memory(), request_rate=260.0).desired == 6
    other = predictive("queue_length", 10.0, window=0.0)
    assert decided(service(other, RPS_50), Memory(), request_rate=10.0, queue_length=95.0).desired == 10
    assert decided(service(other, RPS_50), Memory(), request_rate=260.0, queue_length=5.0).desired == 6


def test_a_schedule_beside_it_only_raises() -> None:
    floor = schedule({"cron": "* * * * *", "for": "1m", "min": 3})
    assert decided(service(floor, RPS_50), Memory(), ready=8, request_rate=None).desired == 8


# ---------------------------------------------------------------- what it remembers


def test_a_forecast_is_made_once_a_minute() -> None:
    memory = knowing(DAYS, BESIDE, NOW - 1)
    _, after = decide(BESIDE, seen(NOW, 1, request_rate=100.0), memory)
    _, later = decide(BESIDE, seen(NOW + 30, 1, request_rate=900.0), after)
    forecasts = [each.policies["1:predictive"]["forecast"] for each in (after, later)]
    assert forecasts[0] == forecasts[1]
    _, next_minute = decide(BESIDE, seen(NOW + 61, 1, request_rate=900.0), later)
    assert next_minute.policies["1:predictive"]["forecast"] != forecasts[0]


def test_another_horizon_or_season_is_judged_anew() -> None:
    memory = knowing(DAYS, BESIDE, NOW - 1)
    for season, horizon in (("24h", "20m"), ("12h", "5m")):
        other = service(tracking(), predictive(window=0.0, season=season, horizon=horizon))
        said = decided(other, memory).recommendations[1]
        assert said.reason.startswith("stands aside: forecasts judged 0 of ")


def test_a_horizon_is_rounded_up_to_slots_of_five_minutes() -> None:
    for horizon, slots in (("1m", 1), ("5m", 1), ("5m1s", 2), ("2h", 24)):
        _, after = decide(service(tracking(), predictive(horizon=horizon)), seen(NOW, 1, request_rate=1.0), Memory())
        assert after.policies["1:predictive"]["slots"] == slots


def test_what_was_saved_in_another_shape_is_begun_anew() -> None:
    memory = knowing(DAYS, BESIDE, NOW - 1)
    for broken in ({"flats": ((1.0,),)}, {"challengers": ()}, {"held_at": ((1.0, 2.0, 3.0),)}):
        tables = {"1:predictive": {**memory.tables["1:predictive"], **broken}}
        said = decided(BESIDE, replace(memory, tables=tables)).recommendations[1]
        assert said.reason.startswith("stands aside: forecasts judged 0 of 288 times")


def test_what_is_written_is_read() -> None:
    kept = Kept(5.0, replace(Contest(1440, 2, 20), best=3, acts=True), 9, 4.5, ((1.0, 7), (5.0, 3)))
    assert read(*written(kept)) == kept
    assert read(*written(replace(kept, forecast=None))) == replace(kept, forecast=None)
    assert read({}, {}) is None


def test_asked_again_at_the_same_time_nothing_more_is_learned() -> None:
    numbers, tables = written(Kept(NOW - 1, begun(DAY, 1, DAYS), 0))
    memory = remembering(DAYS, NOW - 1)
    memory = replace(memory, policies={"1:predictive": numbers}, tables={"1:predictive": tables})
    tick = seen(NOW, 1, request_rate=100.0)
    first, after = decide(BESIDE, tick, memory)
    again, same = decide(BESIDE, tick, after)
    assert after.policies["1:predictive"]["due"] == numbers["due"] + 5
    assert (again.recommendations, same.policies, same.tables) == (first.recommendations, after.policies, after.tables)


def test_a_clock_put_back_an_hour_asks_for_what_that_hour_had() -> None:
    memory = knowing(DAYS, BESIDE, NOW - 1)
    tick = Observation("web", NOW, 1, 0, {"request_rate": Sample(100.0, NOW)}, wall_offset=-3600.0)
    decision, after = decide(BESIDE, tick, memory)
    then = sum(day(DAYS.minute - 60 + minute) for minute in range(5)) / 5
    assert after.history["request_rate"].minute == DAYS.minute - 60
    assert decision.recommendations[1].raw == pytest.approx(then / 50, rel=1e-2)


def test_a_count_is_no_larger_than_counts_are() -> None:
    huge = history_of([value * 1e12 for value in minutes(6)])
    spec = service(tracking(target=1e12), predictive(target=1e-6, window=0.0))
    said = decided(spec, knowing(huge, spec, NOW - 86400), huge.minute * 60.0).recommendations[1]
    assert said.value == MAX_COUNT
    tiny = service(tracking(), predictive(target=1e-306, window=0.0))
    said = decided(tiny, knowing(DAYS, tiny, NOW - 1), request_rate=1e-300).recommendations[1]
    assert (said.value, said.raw) == (MAX_COUNT, None)


def test_explain_tells_the_model_how_good_it_was_and_when_it_stands_aside() -> None:
    text = why(BESIDE, *[seen(float(t), ready=2, request_rate=100.0) for t in range(3)])
    assert "[1] predictive, request_rate now: no count" in text
    assert "       stands aside: forecasts judged 0 of 288 times so far, once in 5m, asks for no count" in text


def test_explain_tells_how_long_a_forecast_beside_others_keeps_its_count() -> None:
    tick = seen(NOW, 1, desired=1, request_rate=100.0)
    text = explain(account(Case(BESIDE, tick, knowing(DAYS, BESIDE, NOW - 1))), BESIDE.behavior)
    assert text.endswith("now\n   predictive asks for fewer after needing fewer for 1m")


# ---------------------------------------------------------------- never below what the others ask


@st.composite
def known(draw: st.DrawFn) -> Kept:
    """What the policy may remember at t 0 or later: a forecast, or none, and what it asked for."""
    asked = draw(st.lists(st.integers(0, 40), max_size=3))
    held = tuple((0.0, count) for count in sorted(asked, reverse=True))
    contest = replace(Contest(1440, 1, 10), best=draw(st.integers(0, 6)), acts=draw(st.booleans()))
    contest = replace(contest, challengers=((0.5, 1.0, 300.0),) * 7)
    return Kept(0.0, contest, 0, draw(st.none() | st.floats(0, 3000)), held)


@settings(max_examples=150, deadline=None)
@given(st.data(), specs(), orders, known())
def test_with_it_a_count_is_never_lower_than_without(
    data: st.DataObject, spec: ServiceSpec, ordered: Orders, kept: Kept
) -> None:
    memory, t = data.draw(histories(spec))
    tick = data.draw(observations(t=t))
    without, _ = decide(spec, tick, memory, ordered)
    policies: tuple[Policy, ...] = (*spec.policies, predictive())
    numbers, tables = written(kept)
    slot = f"{len(spec.policies)}:predictive"
    if data.draw(st.booleans()):
        memory = replace(memory, policies={**memory.policies, slot: numbers}, tables={**memory.tables, slot: tables})
    beside, _ = decide(spec.model_copy(update={"policies": policies}), tick, memory, ordered)
    assert beside.desired >= without.desired
