"""Target tracking of AWS: its alarms, its proportion, its cooldown."""

from benchmarks.evaluate.aws import AwsTargetTracking
from benchmarks.evaluate.fleet import Seen


def decided(rates: list[float], ready: int = 10) -> list[int]:
    """What is wanted after each minute, of ten replicas at a target of 10 requests/s; what is wanted is there at once."""
    tracking = AwsTargetTracking(10.0, 100)
    counts = []
    for minute, rate in enumerate(rates, start=1):
        ready = tracking.decide(Seen(60.0 * minute, 60, rate, 0.0, 0.0, ready, 0, 0))
        counts.append(ready)
    return counts


def test_out_after_three_of_three_datapoints_in_proportion() -> None:
    assert decided([150.0, 150.0, 150.0, 150.0]) == [10, 10, 15, 15]


def test_a_datapoint_at_the_target_breaks_the_row() -> None:
    assert decided([150.0, 150.0, 100.0, 150.0, 150.0]) == [10] * 5


def test_in_after_fifteen_of_fifteen_below_nine_tenths() -> None:
    assert decided([50.0] * 15) == [10] * 14 + [5]


def test_nine_tenths_is_not_below() -> None:
    assert decided([90.0] * 20) == [10] * 20


def test_a_step_in_waits_five_minutes_for_the_next() -> None:
    falling = [50.0] * 15 + [40.0] * 3 + [30.0] * 6
    assert decided(falling)[14:] == [5] * 5 + [3] * 5


def test_a_larger_step_out_waits_for_no_cooldown() -> None:
    assert decided([150.0] * 3 + [300.0] * 3)[2:] == [15, 30, 30, 30]


def test_bounds() -> None:
    assert decided([5000.0] * 3)[-1] == 100
    assert decided([0.0] * 15)[-1] == 1
