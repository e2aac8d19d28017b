"""A number stands for three intervals; a 0 that the proxy knows better is none."""

import pytest

from autoscaler.measure.standing import plausible, standing
from autoscaler.model import Reading, Sample


@pytest.mark.parametrize(
    ("last", "problem", "expected"),
    [
        pytest.param(Reading(7.0, 100.0), "", Sample(7.0, 100.0), id="fresh"),
        pytest.param(Reading(7.0, 85.0), "no answer", Sample(7.0, 85.0), id="stands while questions fail"),
        pytest.param(Reading(0.0, 90.0), "", Sample(0.0, 90.0), id="0 is a number"),
        pytest.param(
            Reading(7.0, 84.9), "no answer", Sample(None, 100.0, "no answer"), id="older than three intervals: its problem"
        ),
        pytest.param(Reading(7.0, 60.0), "", Sample(None, 100.0, "no answer for 40s"), id="older, and none came since"),
        pytest.param(None, "refused", Sample(None, 100.0, "refused"), id="never answered"),
        pytest.param(None, "", Sample(None, 100.0, "not asked for yet"), id="not asked yet"),
    ],
)
def test_a_number_stands_for_three_intervals(last: Reading | None, problem: str, expected: Sample) -> None:
    assert standing(last, problem, interval_s=5.0, t=100.0) == expected


@pytest.mark.parametrize(
    ("value", "arrived_at", "expected"),
    [
        pytest.param(0.0, 95.0, None, id="0 with an arrival in the window: implausible"),
        pytest.param(0.0, 90.0, 0.0, id="the arrival is as old as the window: plausible"),
        pytest.param(0.0, None, 0.0, id="no arrival ever: plausible"),
        pytest.param(0.5, 100.0, 0.5, id="little is not 0"),
    ],
)
def test_a_0_while_requests_arrive_is_missing(value: float, arrived_at: float | None, expected: float | None) -> None:
    sample = plausible(Sample(value, 99.0), arrived_at, window_s=10.0, t=100.0)
    assert sample.value == expected
    assert ("0 while requests arrive" in sample.problem) is (expected is None)


def test_what_is_missing_stays_missing_for_its_own_reason() -> None:
    missing = Sample(None, 100.0, "no answer")
    assert plausible(missing, 100.0, window_s=10.0, t=100.0) is missing
