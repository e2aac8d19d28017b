"""Minutes as rows of hours, and what can't be read of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.decide.history import KEPT
from autoscaler.model import Minutes
from autoscaler.store.hours import HOUR, HourRow, are_same, hours_of, read_hours, to_text

GOOD = to_text((1.5, *[None] * 59))


def rows_of(minutes: Minutes, service: str = "web", metric: str = "request_rate") -> list[HourRow]:
    return [(service, metric, hour, to_text(means)) for hour, means in sorted(hours_of(minutes).items())]


def test_an_hour_has_all_its_minutes_known_or_not() -> None:
    hours = hours_of(Minutes(119, (4.0, 5.0, None, 7.0)))
    assert list(hours) == [1, 2]
    assert hours[1] == (*[None] * 59, 4.0)
    assert hours[2] == (5.0, None, 7.0, *[None] * 57)


def test_an_hour_of_which_nothing_is_known_has_no_row() -> None:
    assert list(hours_of(Minutes(0, (1.0, *[None] * 150, 2.0)))) == [0, 2]
    assert hours_of(Minutes(500, ())) == {}


@given(st.integers(-300, 300), st.lists(st.none() | st.floats(0, 1e300), max_size=300))
def test_what_was_written_is_read_from_the_first_known_minute_to_the_last(first: int, means: list[float | None]) -> None:
    minutes = Minutes(first, tuple(means))
    read, unread = read_hours(rows_of(minutes))
    assert unread == {}
    if all(mean is None for mean in means):
        assert read == {}
        return
    found = read["web"]["request_rate"]
    assert None not in (found.means[0], found.means[-1])
    assert found.between(minutes.first, minutes.end) == minutes.means
    assert minutes.first <= found.first <= found.end <= minutes.end


def test_services_and_metrics_are_kept_apart() -> None:
    one, two = Minutes(60, (1.0,)), Minutes(60, (2.0,))
    rows = [*rows_of(one, "shop"), *rows_of(one, "web", "depth"), *rows_of(two, "web")]
    assert read_hours(rows)[0] == {"shop": {"request_rate": one}, "web": {"depth": one, "request_rate": two}}


def test_what_is_older_than_a_fortnight_is_left_out() -> None:
    means = read_hours(rows_of(Minutes(0, (1.0,) * (KEPT + 600))))[0]["web"]["request_rate"]
    assert KEPT <= len(means.means) <= KEPT + HOUR
    assert means.end == KEPT + 600


@pytest.mark.parametrize(
    ("hour", "text"),
    [
        pytest.param("1", GOOD, id="text for an hour"),
        pytest.param(None, GOOD, id="no hour"),
        pytest.param(10**15, GOOD, id="an hour beyond reason"),
        pytest.param(1, b"\xff\xfe", id="bytes"),
        pytest.param(1, None, id="nothing"),
        pytest.param(1, GOOD[:-5], id="cut"),
        pytest.param(1, "[" * 100_000, id="nested deeply"),
        pytest.param(1, "[1.5]", id="too few"),
        pytest.param(1, "{}", id="a mapping"),
        pytest.param(1, GOOD.replace("1.5", "NaN"), id="NaN"),
        pytest.param(1, GOOD.replace("1.5", "1e999"), id="infinity"),
        pytest.param(1, GOOD.replace("1.5", "true"), id="true"),
        pytest.param(1, GOOD.replace("1.5", '"1.5"'), id="text"),
        pytest.param(1, GOOD.replace("1.5", "null"), id="nothing known"),
    ],
)
def test_a_row_that_can_not_be_read_is_left_out_and_counted(hour: object, text: object) -> None:
    good = Minutes(120, (4.0,))
    read, unread = read_hours([("web", "request_rate", hour, text), *rows_of(good)])
    assert read == {"web": {"request_rate": good}}
    assert unread == {"web": 1}
    assert read_hours([("web", "request_rate", hour, text)]) == ({}, {"web": 1})


def test_the_same_values_are_known_without_comparing_a_fortnight() -> None:
    means = (1.0, 2.0)
    assert are_same({"a": Minutes(5, means)}, {"a": Minutes(5, means)})
    assert not are_same({"a": Minutes(5, means)}, {"a": Minutes(5, (1.0, 3.0))})
    assert not are_same({"a": Minutes(5, means)}, {"a": Minutes(6, means)})
    assert not are_same({"a": Minutes(5, means)}, {})
    assert not are_same({}, {"a": Minutes(5, means)})
