"""Who wins, when it acts, and that each outcome is judged once and cheaply."""

from dataclasses import replace
from random import Random

import pytest

from autoscaler.decide.history import DAY, History
from autoscaler.decide.predictive import contest as contests
from autoscaler.decide.predictive.contest import BEGINS_AT, JUDGED, UNKNOWN, Contest, begun, forecast, gone_on
from autoscaler.decide.predictive.models import CHALLENGERS, FLATS
from autoscaler.decide.predictive.past import SLOT
from tests.decide.predictive.histories import FIRST, day, history_of, judged, minutes

DAYS = history_of(minutes(6))
SLOTS_A_DAY = DAY // SLOT


def noisy(days: int, seed: int = 1) -> History:
    """Days without any shape."""
    chance = Random(seed)
    return history_of([chance.gauss(100, 10) for _ in range(days * DAY)])


def wandering(days: int, seed: int = 1) -> History:
    """Days that go on from where they are."""
    chance, rate, values = Random(seed), 200.0, []
    for _ in range(days * DAY):
        rate = max(20.0, rate + chance.gauss(0, 1))
        values.append(rate)
    return history_of(values)


def test_on_days_that_are_alike_the_seasons_win_and_act() -> None:
    contest = judged(DAYS)
    assert contest.best is not None
    assert "season" in CHALLENGERS[contest.best].name
    error, flat, count = contest.challengers[contest.best]
    assert contest.acts
    assert error < 0.1 * flat
    assert count == JUDGED // SLOT
    assert forecast(contest, DAYS) == pytest.approx(sum(day(DAYS.minute + minute) for minute in range(5)) / 5, rel=1e-3)


@pytest.mark.parametrize("slots", [1, 6])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_where_there_is_no_season_nobody_acts(seed: int, slots: int) -> None:
    for history in (noisy(5, seed), wandering(5, seed)):
        contest = judged(history, slots=slots)
        assert contest.best is not None
        assert not contest.acts
        assert forecast(contest, history) is None


def test_where_nothing_ever_changes_there_is_nothing_to_beat() -> None:
    contest = judged(history_of([7.0] * 4 * DAY))
    assert (contest.best, contest.acts) == (None, False)


def test_nobody_acts_before_a_day_was_judged_of_a_days_season() -> None:
    late = judged(history_of(minutes(2.2)))
    assert [score[2] > SLOTS_A_DAY for score in late.challengers[1:6]] == [True] * 5
    early = judged(history_of(minutes(1.9)))
    assert early.challengers[0][2] > SLOTS_A_DAY, "the trend needs no day before"
    assert [score[2] < SLOTS_A_DAY for score in early.challengers[1:6]] == [True] * 5
    assert early.best == 0
    assert late.best != 0
    assert late.challengers[6] == UNKNOWN


@pytest.mark.parametrize(("season", "needed"), [(60, 72), (360, 72), (720, 144), (DAY, 288), (7 * DAY, 288)])
def test_a_season_is_judged_six_hours_at_least_a_day_at_most(season: int, needed: int) -> None:
    assert Contest(season, 1, 0).needed == needed


def test_who_acts_goes_on_until_it_is_worse_than_as_it_is() -> None:
    def led(ratio: float, *, acts: bool) -> bool:
        scores = (UNKNOWN, (ratio, 1.0, 300.0), *[(9.0, 1.0, 300.0)] * 5)
        return contests._led(Contest(DAY, 1, 0, challengers=scores, acts=acts)).acts

    assert [led(BEGINS_AT, acts=False), led(BEGINS_AT + 0.001, acts=False)] == [True, False]
    assert [led(1.0, acts=True), led(1.001, acts=True)] == [True, False]


def test_as_it_is_is_the_span_that_was_best_so_far() -> None:
    contest = judged(noisy(3))
    errors = [score[0] for score in contest.flats]
    assert errors.index(min(errors)) == len(FLATS) - 1, "where all is noise the longest"
    for challenger in contest.challengers[1:6]:
        assert challenger[1] == pytest.approx(min(errors), rel=0.1)


def test_a_tick_judges_one_outcome_at_most_and_none_twice() -> None:
    contest, count = begun(DAY, 1, DAYS), 0
    while (after := gone_on(contest, DAYS)) != contest:
        assert after.due == contest.due + SLOT
        assert after.flats[0][2] - contest.flats[0][2] <= 1
        contest, count = after, count + 1
    assert count == JUDGED // SLOT
    assert contest.due + SLOT > DAYS.minute


def test_an_outcome_is_judged_when_the_whole_horizon_is_over() -> None:
    ahead = Contest(DAY, 3, due=FIRST + DAY)
    assert gone_on(ahead, history_of(minutes(2)[: DAY + 3 * SLOT - 1])) == ahead
    assert gone_on(ahead, history_of(minutes(2)[: DAY + 3 * SLOT])).due == FIRST + DAY + SLOT


def test_outcomes_that_are_missing_are_passed_over() -> None:
    values: list[float | None] = [*minutes(5)]
    values[4 * DAY : 4 * DAY + 120] = [None] * 120
    contest = judged(history_of(values))
    assert contest.acts
    assert contest.flats[0][2] < JUDGED // SLOT - 23
    assert contest.due + SLOT > FIRST + len(values)


def test_a_clock_put_back_or_a_long_absence_stops_nothing() -> None:
    contest = judged(DAYS)
    back = history_of(minutes(4))
    assert judged(back, contest=contest).due <= back.minute
    assert judged(back, contest=contest).flats[0][2] == JUDGED // SLOT
    later = history_of(minutes(14, first=FIRST + 100 * DAY), first=FIRST + 100 * DAY)
    assert gone_on(contest, later).due == later.minute - JUDGED + -(later.minute - JUDGED) % SLOT + SLOT
    assert gone_on(replace(contest, due=10**9), DAYS).due < DAYS.minute


def test_numbers_beyond_all_bounds_judge_nobody() -> None:
    huge = history_of([1e308 if minute % 2 else 0.0 for minute in range(2 * DAY)])
    contest = judged(huge)
    assert all(number < float("inf") for score in (*contest.flats, *contest.challengers) for number in score)
