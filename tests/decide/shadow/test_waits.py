"""Waits at so many replicas, by the fluid and by the formula."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.decide.queueing import waiting_share
from autoscaler.decide.shadow.waits import Line

slots = st.floats(1, 500)
rates = st.floats(0, 3000)
backlogs = st.floats(0, 5000)


def line(slots: float = 4.0, service_s: float = 0.1, backlog: float = 0.0, timeout_s: float = 10.0) -> Line:
    return Line(slots, service_s, backlog, timeout_s)


def test_what_is_not_carried_piles_up_and_drains_again() -> None:
    assert line().carried == 40.0
    assert line().after(50.0, 3.0) == 30.0
    assert line(backlog=30.0).after(20.0, 1.0) == 10.0
    assert line(backlog=30.0).after(20.0, 2.0) == 0.0


def test_who_waits_longer_than_queue_timeout_waits_no_more() -> None:
    assert line(timeout_s=5.0).after(60.0, 1000.0) == 300.0
    assert line(slots=0.0, timeout_s=5.0).after(60.0, 1000.0) == 300.0


def test_late_is_the_tail_of_the_wait() -> None:
    """M/M/1 at 50%: half of the requests wait, and the wait falls by e each 1 / (mu - lambda)."""
    assert line(slots=1.0).late(5.0, 0.2) == pytest.approx(0.5 * 2.718281828 ** (-0.2 * 5.0))
    assert line(slots=1.0).delay_s(5.0, 0.9) == pytest.approx(1.6094379 / 5.0)
    assert line(slots=1.0).queue(5.0) == pytest.approx(0.5)


@pytest.mark.parametrize("rate", [9.99, 10.0, 20.0])
def test_close_to_full_and_beyond_chance_tells_no_more_than_ten_service_times(rate: float) -> None:
    assert line(slots=1.0).delay_s(rate, 0.95) == pytest.approx(1.0)
    assert line(slots=1.0).queue(rate) == pytest.approx(rate)


def test_a_backlog_makes_all_late_once_it_takes_that_long() -> None:
    assert line(backlog=8.0).late(1.0, 0.2) == pytest.approx(waiting_share(4.0, 0.1))
    assert line(backlog=8.1).late(1.0, 0.2) == 1.0
    assert line(backlog=8.0).delay_s(0.0, 0.99) == pytest.approx(0.2)
    assert line(backlog=8.0).queue(0.0) == 8.0


def test_without_a_replica_all_are_late_and_without_a_request_none() -> None:
    none = line(slots=0.0)
    assert (none.late(1.0, 0.2), none.late(0.0, 0.2)) == (1.0, 0.0)
    assert (none.delay_s(1.0, 0.5), none.delay_s(0.0, 0.5)) == (10.0, 0.0)
    assert none.queue(1.0) == 0.0


@given(slots, st.floats(0, 500), rates, backlogs)
def test_more_slots_make_no_one_wait_longer(few: float, more: float, rate: float, backlog: float) -> None:
    less, much = line(slots=few, backlog=backlog), line(slots=few + more, backlog=backlog)
    assert much.late(rate, 0.2) <= less.late(rate, 0.2) + 1e-12
    assert much.after(rate, 1.0) <= max(less.after(rate, 1.0), much.carried * 10.0)
    assert much.delay_s(rate, 0.95) <= less.delay_s(rate, 0.95) + 1e-9


@given(slots, rates, st.floats(0, 1000), backlogs)
def test_more_requests_wait_longer(count: float, rate: float, more: float, backlog: float) -> None:
    at = line(slots=count, backlog=backlog)
    assert 0 <= at.late(rate, 0.2) <= at.late(rate + more, 0.2) + 1e-12 <= 1 + 2e-12
    assert 0 <= at.delay_s(rate, 0.95) <= at.delay_s(rate + more, 0.95) + 1e-9 <= 10.0 + 2e-9
    assert backlog <= at.queue(rate) <= at.queue(rate + more) + 1e-9
