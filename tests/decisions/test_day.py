"""The day of the plots: what its words say of it."""

from benchmarks.decisions.day import DAY_S, MONDAY, trace


def rate(days_before: int, hour: float) -> float:
    """Requests a second in that hour's first minute of the day."""
    rates = dict(trace(days_before).rates(60.0))
    return rates[MONDAY + 3600 * hour + 60]


def test_three_in_the_afternoon_brings_a_burst_of_ten_minutes() -> None:
    assert rate(0, 15) / rate(0, 14.9) > 1.4
    assert rate(0, 15 + 1 / 6) < rate(0, 15) / 1.4


def test_the_days_before_are_like_it() -> None:
    before = trace(2)
    assert (before.start, before.end) == (MONDAY - 2 * DAY_S, MONDAY + DAY_S)
    rates = dict(before.rates(60.0))
    assert 0.8 < rates[MONDAY - DAY_S + 36060] / rates[MONDAY + 36060] < 1.25


def test_the_day_is_the_same_whatever_was_before() -> None:
    assert rate(0, 11.5) == rate(3, 11.5)
