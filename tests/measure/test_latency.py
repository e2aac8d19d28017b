"""Latencies: percentiles of a window within 1%, weights, and what is kept apart."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.measure.latency import PERCENTILES, Latencies
from autoscaler.model import FailureCause, Request

NAMES = tuple(PERCENTILES)


def requests(*latencies: float | None, weight: float = 1.0, failure: FailureCause | None = None) -> list[Request]:
    return [Request("web", 200, latency, failure, weight) for latency in latencies]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0.001, 60), min_size=1, max_size=300), st.integers(1, 10))
def test_percentiles_are_within_one_percent(latencies: list[float], parts: int) -> None:
    heard = Latencies(10.0)
    for part in range(parts):
        heard.hear(100.0 + part * 0.9, requests(*latencies[part::parts]))
    in_order = sorted(latencies)
    for name, value in heard.over(109.9, NAMES).percentiles.items():
        rank = PERCENTILES[name] * (len(in_order) - 1)
        assert value is not None
        assert in_order[math.floor(rank)] * 0.99 <= value <= in_order[math.ceil(rank)] * 1.01


def test_a_sampled_line_counts_for_as_many_as_it_stands_for() -> None:
    heard = Latencies(10.0)
    heard.hear(0.0, requests(*[0.1] * 50) + requests(2.0, 2.0, 2.0, weight=20.0))
    told = heard.over(1.0, ["latency_p50"])
    assert told.told == 110.0
    assert told.percentiles["latency_p50"] == pytest.approx(2.0, rel=0.01)


def test_what_is_older_than_the_window_is_gone() -> None:
    heard = Latencies(10.0)
    heard.hear(0.5, requests(9.0))
    heard.hear(5.0, requests(1.0))
    assert heard.over(9.9, ["latency_p99"]).told == 2.0
    assert heard.over(11.0, ["latency_p99"]).told == 1.0
    assert heard.over(16.0, ["latency_p99"]).percentiles == {"latency_p99": None}


@pytest.mark.parametrize("window", [0.0, 10.0, 300.0, 86_400.0])
def test_it_is_bounded_however_long_the_window(window: float) -> None:
    heard = Latencies(window)
    for t in range(2000):
        heard.hear(float(t), requests(0.1))
    assert len(heard._slices) <= 62


def test_a_long_window_keeps_all_of_it() -> None:
    heard = Latencies(600.0)
    for t in range(600):
        heard.hear(float(t), requests(0.1))
    assert 590 <= heard.over(599.0, NAMES).told <= 600


def test_websockets_and_unanswered_ones_are_kept_apart() -> None:
    heard = Latencies(10.0)
    heard.hear(0.0, requests(None, None) + requests(None, failure=FailureCause.NO_SERVER, weight=20.0))
    told = heard.over(1.0, NAMES)
    assert (told.told, told.apart, told.unanswered) == (0.0, 2.0, 20.0)


@pytest.mark.parametrize("broken", [math.nan, math.inf, -1.0, 1e9])
def test_a_line_that_makes_no_sense_is_lost_and_counted(broken: float) -> None:
    heard = Latencies(10.0)
    heard.hear(0.0, requests(broken, 0.2) + requests(0.2, weight=0.0) + requests(0.2, weight=math.nan))
    assert (heard.lost, heard.over(1.0, NAMES).told) == (3, 1.0)


def test_a_clock_that_goes_back_loses_nothing() -> None:
    heard = Latencies(10.0)
    heard.hear(100.0, requests(0.1))
    heard.hear(90.0, requests(0.1))
    assert heard.over(100.5, NAMES).told == 2.0


def test_zero_is_a_latency() -> None:
    heard = Latencies(10.0)
    heard.hear(0.0, requests(0.0, 0.0))
    assert heard.over(1.0, ["latency_p50"]).percentiles == {"latency_p50": 0.0}


def test_many_lines_of_a_long_tail() -> None:
    chance = random.Random(7)
    latencies = [chance.lognormvariate(-3, 1) for _ in range(20_000)]
    heard = Latencies(10.0)
    heard.hear(0.0, requests(*latencies))
    p99 = heard.over(1.0, ["latency_p99"]).percentiles["latency_p99"]
    assert p99 == pytest.approx(sorted(latencies)[19_799], rel=0.011)
