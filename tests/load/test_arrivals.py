"""When requests are due."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.load import Rate, constant, step, wave
from autoscaler.load.arrivals import arrivals


def steady() -> float:
    return 1.0


@pytest.mark.parametrize("rate", [0.5, 7.0, 200.0, 333.0])
def test_a_steady_stream_is_evenly_spaced(rate: float) -> None:
    times = list(arrivals(constant(rate), 10.0, steady))
    assert len(times) == pytest.approx(10 * rate, abs=1)
    assert all(later - earlier == pytest.approx(1 / rate) for earlier, later in pairwise(times))


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        pytest.param(step(10, 100, at_s=5), 550, id="step"),
        pytest.param(wave(10, 110, duration_s=10, edge_s=2), 100 + 6 * 50, id="wave: half its height on average"),
        pytest.param(constant(0), 0, id="none"),
        pytest.param(step(0, 50, at_s=5), 250, id="none at first"),
    ],
)
def test_as_many_as_the_area_under_the_rate(rate: Rate, expected: float) -> None:
    assert len(list(arrivals(rate, 10.0, steady))) == pytest.approx(expected, abs=2)  # a step within 20 ms


def test_a_poisson_stream_has_the_mean_and_the_variance_of_one() -> None:
    chance = random.Random(1)
    times = list(arrivals(constant(100), 200.0, lambda: chance.expovariate(1.0)))
    by_second = [sum(second <= t < second + 1 for t in times) for second in range(200)]
    mean = sum(by_second) / 200
    variance = sum((count - mean) ** 2 for count in by_second) / 200
    assert mean == pytest.approx(100, rel=0.03)
    assert variance == pytest.approx(100, rel=0.25)


@given(low=st.floats(0, 50), high=st.floats(0, 50), seed=st.integers())
def test_times_rise_and_stay_within_the_duration(low: float, high: float, seed: int) -> None:
    chance = random.Random(seed)
    times = list(arrivals(wave(low, high, 5, 1), 5.0, lambda: chance.expovariate(1.0)))
    assert times == sorted(times)
    assert all(0 < t <= 5.0 + 1e-9 for t in times)


def test_a_wave_begins_and_ends_low_and_is_high_in_the_middle() -> None:
    rate = wave(10, 90, duration_s=60, edge_s=10)
    assert [rate(0), rate(10), rate(30), rate(50), rate(59)] == pytest.approx([10, 10, 90, 10, 10])
