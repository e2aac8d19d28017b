"""Counters and the summary."""

import pytest

from autoscaler.load import Live, Result
from autoscaler.load.results import percentile


def result(t: float, latency_s: float = 0.1, failure: str = "", replica: str = "web-1") -> Result:
    return Result(t, "/", latency_s, 0 if failure else 200, replica, failure)


def test_every_request_is_counted_once() -> None:
    live = Live()
    for n in range(4):
        live.was_due(float(n))
    live.ended(result(0, 0.1))
    live.ended(result(1, 0.3, replica="web-2"))
    live.ended(result(2, failure="refused", replica=""))
    assert (live.due, live.done, live.in_flight, live.failed) == (4, 3, 1, {"refused": 1})
    summary = live.summary()
    assert (summary.requests, summary.failed_total, summary.by_replica) == (3, 1, {"web-1": 1, "web-2": 1})
    assert (summary.p50_s, summary.p99_s) == (0.1, 0.3)
    assert [failed.t for failed in summary.failures] == [2]


def test_the_recent_view_forgets() -> None:
    live = Live()
    for second in range(20):
        live.was_due(second)
        live.ended(result(second, failure="cut" if second < 5 else ""))
    live.t = 20.0
    recent = live.recent(10)
    assert (recent.rate, recent.failed, recent.p95_s, recent.replicas) == (1.0, 0, 0.1, 1)


def test_nothing_is_none_not_zero() -> None:
    assert Live().summary().p95_s is None
    assert Live().recent(10).p95_s is None


@pytest.mark.parametrize(("percent", "value"), [(0, 1), (50, 50), (95, 95), (99, 99), (100, 100)])
def test_percentiles_are_the_nearest_rank(percent: float, value: float) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == value
