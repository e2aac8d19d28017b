"""The oracle: what the queueing formula gives, and what starting in time costs."""

from math import exp, factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.decide.staffing import erlang_c
from autoscaler.simulate.staffing import Staffing, oracle_replica_seconds


@pytest.mark.parametrize(("slots", "offered"), [(1, 0.3), (2, 1.5), (7, 4.9), (20, 18.0)])
def test_erlang_c_is_the_textbooks(slots: int, offered: float) -> None:
    last = offered**slots / factorial(slots) * slots / (slots - offered)
    sum_before = sum(offered**count / factorial(count) for count in range(slots))
    assert erlang_c(slots, offered) == pytest.approx(last / (sum_before + last))


@pytest.mark.parametrize(("slots", "offered"), [(900, 800.0), (1010, 1000.0), (5100, 5000.0)])
def test_erlang_c_of_many_slots_is_that_of_the_whole_recursion(slots: int, offered: float) -> None:
    blocked = 1.0
    for count in range(1, slots + 1):
        blocked = offered * blocked / (count + offered * blocked)
    assert erlang_c(slots, offered) == pytest.approx(blocked / (1 - offered * (1 - blocked) / slots), rel=1e-9)


def test_beyond_capacity_everyone_waits() -> None:
    assert erlang_c(3, 3.0) == erlang_c(3, 10.0) == 1.0


@pytest.mark.parametrize(("rate", "slots"), [(1.0, 1), (10.0, 1), (95.0, 1), (95.0, 4), (300.0, 20)])
def test_the_least_count_that_keeps_99_percent_from_waiting_too_long(rate: float, slots: int) -> None:
    def late(replicas: int) -> float:
        c = replicas * slots
        return erlang_c(c, rate * 0.1) * exp(-(c / 0.1 - rate) * 0.2)

    count = Staffing(0.1, 1.0, slots, 0.2).needed(rate, most=1000)
    assert late(count) <= 0.01
    assert count == 1 or rate * 0.1 >= (count - 1) * slots or late(count - 1) > 0.01


def test_no_load_needs_none_and_no_more_than_there_may_be_is_needed() -> None:
    staffing = Staffing(0.1, 1.0, 1, 0.2)
    assert (staffing.needed(0.0, 10), staffing.needed(1e6, 10), staffing.needed(5.0, 10)) == (0, 10, 2)


@given(st.lists(st.floats(0, 100), min_size=2, max_size=8))
def test_a_higher_rate_never_needs_fewer(rates: list[float]) -> None:
    staffing = Staffing(0.1, 2.0, 2, 0.2)
    counts = [staffing.needed(rate, 50) for rate in sorted(rates)]
    assert counts == sorted(counts)


def test_the_oracle_pays_for_what_starts_in_time() -> None:
    ticks = [(1.0, count) for count in (1, 1, 1, 1, 5, 1, 1)]
    assert oracle_replica_seconds(ticks, startup_s=0.0) == 11
    assert oracle_replica_seconds(ticks, startup_s=2.0) == 11 + 2 * 4


def test_the_oracle_keeps_what_it_needs_again_sooner_than_a_start_takes() -> None:
    ticks = [(1.0, count) for count in (3, 1, 1, 3)]
    assert oracle_replica_seconds(ticks, startup_s=5.0) == 12


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(0, 6))
def test_the_oracle_has_at_each_tick_what_any_needs_within_a_start(counts: list[int], startup: int) -> None:
    had = [max(counts[at : at + startup + 1]) for at in range(len(counts))]
    assert oracle_replica_seconds([(1.0, count) for count in counts], float(startup)) == sum(had)
