"""What each second needs, as autoscaler.simulate has it."""

import pytest

from autoscaler.simulate.staffing import Staffing, oracle_replica_seconds
from benchmarks.evaluate.compiled import Numbers, zeros
from benchmarks.evaluate.fleet import SERVICE_S, WAIT_S
from benchmarks.evaluate.staffing import needed, planned

RATES = (0.0, 3.0, 7.9, 20.0, 95.0, 209.0, 210.0, 40.0, 1000.0, 12.0)


def numbers(values: tuple[float, ...]) -> Numbers:
    made = zeros(len(values))
    for place, value in enumerate(values):
        made[place] = value
    return made


def test_at_one_per_cent_it_is_simulates_formula() -> None:
    staffing = Staffing(SERVICE_S, 1.0, 1, WAIT_S)
    assert list(needed(numbers(RATES), 0.01, 60)) == [max(1, staffing.needed(rate, 60)) for rate in RATES]


def test_who_may_be_late_less_often_needs_more() -> None:
    assert needed(numbers((200.0,)), 0.001, 60)[0] > needed(numbers((200.0,)), 0.01, 60)[0]


@pytest.mark.parametrize("startup_s", [0, 1, 3, 30])
def test_the_plan_costs_what_simulates_oracle_pays(startup_s: int) -> None:
    counts = needed(numbers(RATES), 0.01, 60)
    paid = oracle_replica_seconds([(1.0, int(count)) for count in counts], float(startup_s))
    assert sum(planned(counts, startup_s)) == paid


def test_the_plan_starts_in_time() -> None:
    assert list(planned(numbers((1, 1, 1, 5, 2, 2)), 2)) == [1, 5, 5, 5, 2, 2]
