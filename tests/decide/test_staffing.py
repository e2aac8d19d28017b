"""How many replicas a rate needs, against the formula's own sums."""

from math import exp, factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.decide.staffing import MOST, Staffing, erlang_c


def textbook_c(slots: int, offered: float) -> float:
    last = offered**slots / factorial(slots) * slots / (slots - offered)
    return last / (sum(offered**k / factorial(k) for k in range(slots)) + last)


@pytest.mark.parametrize(("slots", "offered"), [(1, 0.5), (2, 1.5), (10, 7.0), (30, 21.0)])
def test_the_chance_to_wait_is_erlangs(slots: int, offered: float) -> None:
    assert erlang_c(slots, offered) == pytest.approx(textbook_c(slots, offered))


@pytest.mark.parametrize(
    ("rate", "slots", "needed"),
    [
        pytest.param(0.0, 1, 0, id="nothing comes"),
        pytest.param(0.1, 1, 1, id="one is the least for any"),
        pytest.param(5.0, 1, 2, id="half a replica's work needs two"),
        pytest.param(100.0, 1, 13, id="ten replicas' work needs three more"),
        pytest.param(100.0, 20, 1, id="with twenty slots one carries it"),
        pytest.param(float("inf"), 1, MOST, id="more than can be"),
    ],
)
def test_the_least_that_keep_the_share(rate: float, slots: int, needed: int) -> None:
    staffing = Staffing(service_s=0.1, slots=slots, wait_s=0.2, share=0.005)
    assert staffing.needed(rate) == needed
    if 0 < needed < MOST:
        offered = rate * 0.1
        chance = textbook_c(needed * slots, offered) * exp(-(needed * slots - offered) * 0.2 / 0.1)
        assert chance <= 0.005
        fewer = (needed - 1) * slots
        assert fewer <= offered or textbook_c(fewer, offered) * exp(-(fewer - offered) * 2) > 0.005


@given(st.floats(0.001, 5000), st.floats(0.001, 500), st.integers(1, 30), st.floats(0.001, 5), st.floats(0.0001, 0.3))
def test_more_load_never_needs_fewer(rate: float, more: float, slots: int, service_s: float, share: float) -> None:
    staffing = Staffing(service_s, slots, 0.2, share)
    assert staffing.needed(rate) <= staffing.needed(rate + more)
    assert staffing.needed(rate) * slots > rate * service_s or staffing.needed(rate) == MOST


@given(st.floats(0.001, 400), st.integers(1, 5), st.floats(0.01, 2), st.floats(0.0001, 0.3))
def test_it_is_the_least(rate: float, slots: int, service_s: float, share: float) -> None:
    staffing = Staffing(service_s, slots, 0.2, share)
    offered, needed = rate * service_s, staffing.needed(rate)
    assert staffing.late(needed, offered) <= share
    assert needed == 1 or staffing.late(needed - 1, offered) > share


def test_what_a_full_replica_carries() -> None:
    assert Staffing(0.05, 4, 0.2, 0.01).each == 80
