"""The queueing model against closed forms: M/M/1 and M/M/c sojourn times, Erlang C, processor sharing."""

from math import exp, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.decide.queueing import MOST, Replica, late_share, latency_near, least, waiting_share
from autoscaler.decide.staffing import erlang_c

EXPONENTIAL = -log(0.05)  # kappa of an exponential time at 95%


def replica(u: float = 10.0, v: float = 0.0, kappa: float = EXPONENTIAL, slots: float = 1.0) -> Replica:
    """One that takes 100 ms for each request, one at a time, where nothing else is said."""
    return Replica(u, v, kappa, slots)


@pytest.mark.parametrize("slots", [1, 4, 20, 100, 600])
@pytest.mark.parametrize("busy", [0.5, 0.8, 0.95])
def test_the_share_that_waits_is_close_to_erlang_c(slots: int, busy: float) -> None:
    assert waiting_share(slots, busy * slots) == pytest.approx(erlang_c(slots, busy * slots), abs=0.05)


def test_one_slot_waits_as_often_as_it_is_busy() -> None:
    assert waiting_share(1, 0.7) == pytest.approx(0.7)


def test_all_wait_where_more_comes_than_is_served() -> None:
    assert waiting_share(4, 4.0) == waiting_share(4, 5.0) == 1.0


@pytest.mark.parametrize("rate", [1.0, 5.0, 9.0])
def test_one_slot_is_late_as_mm1_says(rate: float) -> None:
    assert late_share(replica(), 1, rate, 0.95, 0.4) == pytest.approx(exp(-(10 - rate) * 0.4))


def test_replicas_that_share_their_processor_take_as_long_as_one_that_serves_in_turn() -> None:
    shared = late_share(replica(v=1.0, slots=1e6), 1, 8.0, 0.95, 0.4)
    assert shared == pytest.approx(exp(-(10 - 8) * 0.4))


def test_many_slots_are_late_as_their_own_time_says() -> None:
    assert late_share(replica(slots=100), 1, 100.0, 0.95, 0.3) == pytest.approx(exp(-3), rel=1e-6)


def test_a_time_that_never_varies_is_not_late_a_little_beyond_it() -> None:
    steady = replica(kappa=1.0, slots=100)
    assert late_share(steady, 1, 10.0, 0.95, 0.101) < 0.01
    assert late_share(steady, 1, 10.0, 0.95, 0.099) == 1.0


def test_the_time_that_waits_and_the_time_at_a_replica_may_fall_alike() -> None:
    """M/M/2 at half of its rate: both fall at 10 a second, so both together by (1 + 10 t) exp(-10 t)."""
    waits = waiting_share(2, 1.0)
    late = (1 - waits) * exp(-5) + waits * 6 * exp(-5)
    assert late_share(replica(slots=2), 1, 10.0, 0.95, 0.5) == pytest.approx(late)


def test_times_that_never_vary_wait_half_as_long() -> None:
    late = late_share(replica(kappa=1.0), 1, 7.0, 0.95, 0.6)
    assert late == pytest.approx(0.7 * exp(-2 * (10 - 7) * 0.5), rel=0.01)


@pytest.mark.parametrize("kappa", [0.5, 1.5, EXPONENTIAL, 6.0])
def test_kappa_is_the_percentile_over_the_mean(kappa: float) -> None:
    assert late_share(replica(kappa=kappa, slots=1e6), 1, 10.0, 0.95, kappa * 0.1) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("replicas", "rate"), [(1, 10.0), (3, 30.0), (1, 11.0)], ids=["all busy", "all busy, three", "more than there is"]
)
def test_all_are_late_beyond_what_is_carried(replicas: int, rate: float) -> None:
    assert late_share(replica(), replicas, rate, 0.95, 1000.0) == 1.0
    assert latency_near(replica(), replicas, rate, 0.95, 1.0) is None


def test_the_latency_is_its_own_percentile() -> None:
    assert latency_near(replica(slots=1e6), 1, 10.0, 0.95, 0.3) == pytest.approx(0.1 * EXPONENTIAL)
    assert latency_near(replica(slots=1e6), 1, 10.0, 0.95, 0.9) == pytest.approx(0.1 * EXPONENTIAL)


@pytest.mark.parametrize("near", [1, 5, 7, 8, 40, 1000])
def test_the_least_is_found_from_anywhere(near: int) -> None:
    counts = [n for n in range(1, 60) if late_share(replica(), n, 50.0, 0.95, 0.5) <= 0.05]
    assert least(replica(), 50.0, 0.95, 0.5, near) == counts[0]


def test_no_rate_needs_none_and_what_can_not_be_met_the_most() -> None:
    assert least(replica(), 0.0, 0.95, 0.5, 3) == 0
    assert least(replica(), 1.0, 0.95, 0.2, 3) == MOST


@settings(max_examples=200, deadline=None)
@given(
    st.floats(0.1, 1e4),
    st.floats(0, 1),
    st.floats(0.01, 10),
    st.floats(1, 1000),
    st.integers(1, 1000),
    st.floats(0.01, 1e5),
    st.sampled_from([0.5, 0.9, 0.95, 0.99]),
    st.floats(0.001, 100),
)
def test_more_replicas_make_no_more_late(
    u: float, v: float, kappa: float, slots: float, count: int, rate: float, percentile: float, limit_s: float
) -> None:
    one = replica(u, v, kappa, slots)
    fewer, more = (late_share(one, n, rate, percentile, limit_s) for n in (count, count + 1))
    assert 0.0 <= more <= 1.0
    assert more <= fewer + 1e-9
