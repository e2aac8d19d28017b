"""A system that does not answer is asked less often, and as ever once it does."""

from hypothesis import given
from hypothesis import strategies as st

from autoscaler.measure.breaker import FAILURES, LONGEST_WAIT_S, Breaker


def after(failures: int) -> Breaker:
    breaker = Breaker()
    for _ in range(failures):
        breaker = breaker.failed()
    return breaker


def test_it_opens_at_the_fifth_failure_in_a_row_and_waits_twice_as_long_each_time() -> None:
    assert [after(n).wait_s(5.0) for n in range(10)] == [5, 5, 5, 5, 5, 10, 20, 40, 60, 60]
    assert [after(n).is_open for n in (4, 5, 6)] == [False, True, True]


def test_one_answer_closes_it() -> None:
    assert Breaker().wait_s(5.0) == 5.0
    assert not Breaker().is_open


@given(st.integers(0, 10**6), st.floats(0.1, 3600))
def test_it_asks_never_faster_than_the_interval_and_never_waits_for_ever(failures: int, interval_s: float) -> None:
    wait_s = Breaker(failures).wait_s(interval_s)
    assert interval_s <= wait_s <= max(interval_s, LONGEST_WAIT_S)
    assert (wait_s == interval_s) or failures >= FAILURES
