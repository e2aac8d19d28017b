"""Minutes that policies learn from."""

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from autoscaler.decide.history import KEPT, History, begun, keep, minute_of, restored
from autoscaler.decide.history import told as over
from autoscaler.model import Minutes, Sample
from tests.decide.builders import auto, predictive, tracking


def told(*samples: tuple[int, float | None]) -> History:
    history = begun(samples[0][0])
    for minute, value in samples:
        history = history.seen(value, minute)
    return history


def test_a_minute_is_the_mean_of_its_samples_once_it_is_over() -> None:
    history = told((7, 1.0), (7, 3.0), (7, None))
    assert history.values == ()
    history = history.seen(9.0, 8)
    assert (history.first, history.values, history.at(7), history.at(8)) == (7, (2.0,), 2.0, None)


def test_minutes_that_nobody_saw_are_unknown_and_no_zero() -> None:
    history = told((7, 1.0), (10, 4.0), (11, None))
    assert history.values == (1.0, None, None, 4.0)
    assert history.highest(8, 10) is None
    assert history.highest(7, 12) == 4.0
    assert history.highest(0, 8) == 1.0


def test_a_clock_put_back_writes_its_minutes_anew() -> None:
    history = told((7, 1.0), (8, 2.0), (9, 3.0), (8, 5.0), (9, None))
    assert history.values == (1.0, 5.0)
    assert told((7, 1.0), (8, 2.0), (3, 5.0), (4, None)).values == (5.0,)


def test_it_is_as_long_as_a_fortnight() -> None:
    history = told((0, 1.0), (KEPT - 1, 2.0), (KEPT + 5, 3.0), (KEPT + 6, None))
    assert len(history.values) == KEPT
    assert (history.first, history.values[-1], history.at(KEPT - 1)) == (6, 3.0, 2.0)
    assert told((0, 1.0), (3 * KEPT, 2.0)).values == ()


@given(st.lists(st.tuples(st.integers(0, 50), st.none() | st.floats(0, 1e6)), min_size=1, max_size=60))
def test_what_is_told_is_before_the_minute_that_runs(samples: list[tuple[int, float | None]]) -> None:
    history = told(*samples)
    assert history.first + len(history.values) == history.minute or not history.values
    assert history.minute == samples[-1][0]


def test_the_rate_of_requests_is_kept_of_any_service_and_else_what_policies_learn_from() -> None:
    totals = {"request_rate": Sample(4.0, 0.0), "queue_length": Sample(9.0, 0.0)}
    for policies in ((), (tracking("queue_length"),), (tracking(), auto()), (predictive(),)):
        kept = keep(policies, totals, {}, 5)
        assert list(kept) == ["request_rate"]
        assert keep(policies, {}, kept, 6)["request_rate"].values == (4.0,)


def test_a_sum_beyond_floats_takes_no_part() -> None:
    assert told((7, 1e308), (7, 1e308), (7, math.inf), (8, None)).values == (1e308,)


@given(st.lists(st.tuples(st.integers(0, 50), st.none() | st.floats(0, 1e6)), min_size=1, max_size=60))
def test_a_history_saved_in_two_parts_comes_back(samples: list[tuple[int, float | None]]) -> None:
    history = told(*samples)
    running = replace(history, values=(None,) * len(history.values))
    assert restored({"request_rate": running}, over({"request_rate": history})) == {"request_rate": history}


def test_what_was_saved_without_the_minute_that_ran_goes_on_after_its_last() -> None:
    history = restored({}, {"request_rate": Minutes(7, (1.0, None, 3.0))})["request_rate"]
    assert history.seen(9.0, 12).seen(None, 13).values == (1.0, None, 3.0, None, None, 9.0)


def test_minutes_that_were_not_saved_are_unknown() -> None:
    running = {"request_rate": History(7, (None, None), 9, 4.0, 1)}
    assert restored(running, {}) == running
    assert restored(running, {"request_rate": Minutes(8, (2.0, 3.0, 4.0))})["request_rate"].values == (None, 2.0)


def test_a_minute_is_one_of_the_wall_clock() -> None:
    assert (minute_of(59.9), minute_of(60.0), minute_of(179.9999999999)) == (0, 1, 3)
