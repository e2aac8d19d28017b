"""A shape that follows the clock, on the day that the clocks change and after."""

from autoscaler.decide.history import DAY
from autoscaler.decide.predictive.contest import Contest, forecast
from tests.decide.predictive.histories import FIRST, history_of, judged, minutes

CHANGE = 8
EIGHT = 480


def shift(minute: int) -> float:
    """20 in the night, 200 from 8:30 to 17:00, with ramps of half an hour and an hour; an hour later from the change on."""
    later = 60 if minute >= FIRST + CHANGE * DAY else 0
    hour = (minute - later) / 60 % 24
    return 20 + 180 * max(0.0, min(1.0, (hour - 8) / 0.5, 18 - hour))


def morning(day: int, contest: Contest | None = None) -> tuple[Contest, list[float | None]]:
    """The contest on that day at 8:00 and at 9:00, and what is forecast then for the next ten minutes."""
    told = []
    for minute in (EIGHT, EIGHT + 60):
        history = history_of(minutes(day + minute / DAY, shift))
        contest = judged(history, slots=2, contest=contest)
        told.append(forecast(contest, history))
    assert contest is not None
    return contest, told


def test_it_is_an_hour_early_then_does_without_days_and_knows_them_again_after_three() -> None:
    contest, told = morning(CHANGE - 1)
    assert told[0] is not None
    assert told[0] > 40, "before the change the ramp of 8:00 is foreseen"
    contest, told = morning(CHANGE, contest)
    assert told[0] is not None
    assert told[0] > 40, "an hour early on the day itself"
    for day in (CHANGE + 1, CHANGE + 2):
        contest, told = morning(day, contest)
        assert [value is None or value < 25 for value in told] == [True, True], "nobody's day is believed"
    contest, told = morning(CHANGE + 3, contest)
    assert told[0] is not None
    assert told[1] is not None
    assert told[0] < 25
    assert told[1] > 40, "the ramp of 9:00 is foreseen"
