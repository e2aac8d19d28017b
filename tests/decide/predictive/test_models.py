"""What each model forecasts, from histories that can be told by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.decide.history import DAY
from autoscaler.decide.predictive.models import CHALLENGERS, FLATS, Forecast, Model
from autoscaler.decide.predictive.past import came, look
from tests.decide.predictive.histories import FIRST, day, history_of, minutes

HOUR = 60
TREND, LAST, AT_5, AT_15, AT_60, MOVED, WEEKS = CHALLENGERS


def told(model: Model, values: list[float | None], slots: int = 2, season: int = HOUR) -> Forecast | None:
    """What a model says at the end of these minutes, of two slots and an hour's season where nothing else is said."""
    history = history_of(values)
    return model.forecast(look(history, history.minute, season, slots))


def hours(*of: float) -> list[float | None]:
    """Hours of which each has this much, and twice of it in its first ten minutes."""
    return [2 * level if minute < 10 else level for level in of for minute in range(HOUR)]


def test_as_it_is_stays_at_the_mean_of_the_last_minutes() -> None:
    values: list[float | None] = [*[10.0] * 45, *[16.0] * 10, *[20.0] * 4, 70.0]
    assert [told(model, values) for model in FLATS] == [(70.0, 70.0), (30.0, 30.0), (310 / 15,) * 2, (760 / 60,) * 2]


def test_the_trend_goes_on_from_the_middle_of_the_last_five_minutes() -> None:
    rising: list[float | None] = [float(minute) for minute in range(60)]
    assert told(TREND, rising) == pytest.approx((62.0, 67.0))


def test_the_trend_never_falls_below_none() -> None:
    falling: list[float | None] = [float(60 - minute) for minute in range(60)]
    assert told(TREND, falling, slots=3) == (0.0, 0.0, 0.0)


def test_the_last_season_is_taken_at_the_present_level() -> None:
    assert told(LAST, hours(100.0, 10.0, 15.0), slots=3) == pytest.approx((45.0, 45.0, 22.5))


def test_of_the_seasons_the_median_is_taken_at_the_present_level() -> None:
    for model in (AT_5, AT_15, AT_60):
        assert told(model, hours(10.0, 10.0, 70.0, 15.0), slots=3) == pytest.approx((37.5, 37.5, 18.75))


def test_the_seasons_may_be_moved_instead() -> None:
    assert told(MOVED, hours(10.0, 10.0, 10.0, 15.0), slots=3) == pytest.approx((25.0, 25.0, 15.0))


def test_a_level_counts_for_twice_of_what_was_usual_at_most() -> None:
    surge = hours(10.0, 10.0, 90.0)
    assert told(AT_15, surge, slots=3) == pytest.approx((40.0, 40.0, 20.0))
    assert told(MOVED, surge, slots=3) == pytest.approx((30.0, 30.0, 20.0))


def test_weeks_tell_of_a_monday_what_days_can_not() -> None:
    def working(minute: int) -> float:
        return 900.0 if (minute - FIRST) // DAY % 7 < 5 else 100.0

    ahead: list[float | None] = [*minutes(14, working)]
    assert told(WEEKS, ahead, season=DAY) == pytest.approx((900.0, 900.0))
    assert told(LAST, ahead, season=DAY) == pytest.approx((100.0, 100.0))


@pytest.mark.parametrize("model", [LAST, AT_5, AT_15, AT_60, MOVED, WEEKS])
def test_no_season_ago_nothing_is_said(model: Model) -> None:
    assert told(model, hours(10.0)) is None


@pytest.mark.parametrize("model", [*FLATS, *CHALLENGERS])
def test_of_no_minute_nothing_is_said(model: Model) -> None:
    assert told(model, []) is None
    assert told(model, [None] * (3 * HOUR)) is None


@pytest.mark.parametrize("model", [*FLATS, *CHALLENGERS])
def test_numbers_beyond_all_bounds_are_no_forecast(model: Model) -> None:
    assert told(model, [1e308] * (3 * HOUR), season=HOUR) is None or model is FLATS[0]


def test_a_level_beside_a_usual_none_says_nothing() -> None:
    quiet: list[float | None] = [*[0.0] * (2 * HOUR), *[5.0] * HOUR]
    assert told(AT_15, quiet) is None
    assert told(MOVED, quiet) == (0.0, 0.0)


def test_minutes_that_nobody_saw_have_no_part() -> None:
    gaps = [None if minute % 3 == 1 else value for minute, value in enumerate(hours(10.0, 10.0, 10.0, 15.0))]
    assert told(MOVED, gaps, slots=3) == pytest.approx((25.0, 25.0, 15.0))
    lost = [*hours(10.0, 10.0), *[None] * HOUR, *hours(15.0)]
    assert told(LAST, lost, slots=3) == pytest.approx((45.0, 45.0, 22.5)), "of each the newest that is known"


@settings(deadline=None)
@given(st.lists(st.none() | st.floats(0, 1e6), min_size=80, max_size=400), st.integers(60, 120), st.integers(1, 6))
def test_a_forecast_knows_nothing_of_what_came_after_it(values: list[float | None], season: int, slots: int) -> None:
    now, later = FIRST + len(values) // 2, history_of(values)
    then = history_of(values[: len(values) // 2])
    assert look(later, now, season, slots) == look(then, now, season, slots)


def test_what_came_is_the_mean_of_each_slot() -> None:
    history = history_of([1.0, 3.0, None, None, 5.0, None, None, None, None, None])
    assert came(history, FIRST, 2) == (3.0, None)


def test_the_day_that_a_clock_changes_is_a_day_like_others() -> None:
    """Seasons go by elapsed time: a traffic that moves by an hour is off by it for one day, and known the next by `last`."""
    moved = [*minutes(7), *minutes(2, lambda minute: day(minute - 60))]
    history = history_of(moved)
    now = FIRST + 8 * DAY + 300
    usual, last = (model.forecast(look(history, now, DAY, 12)) for model in (AT_15, LAST))
    actual = came(history, now, 12)
    assert usual is not None
    assert last is not None
    assert None not in actual
    errors = [abs(told[-1] / (actual[-1] or 1.0) - 1) for told in (usual, last)]
    assert errors[1] < 0.001 < errors[0] < 0.2
