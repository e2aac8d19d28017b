"""What is plotted of a run, and that a name can't break out of the page."""

import pytest

from autoscaler.simulate.model import Model
from autoscaler.simulate.plot import page
from autoscaler.simulate.run import simulate
from autoscaler.simulate.timeline import POINTS, Point, Timeline
from autoscaler.simulate.trace import constant
from tests.decide.builders import service, tracking


def points(seconds: float, rate: float = 20.0) -> list[Point]:
    trace = constant(rate, seconds)
    timeline = Timeline(trace, 1.0)
    simulate(service(tracking("request_rate", 10.0, target=7.0)), trace, Model(), timeline)
    return timeline.points


def test_a_short_run_has_a_point_a_tick() -> None:
    told = points(10.5)
    assert [point.t for point in told] == [float(t) for t in range(11)]
    assert {point.rate for point in told} == {20.0}
    assert all(point.ready > 0 and point.desired > 0 for point in told)


def test_a_long_run_has_no_more_points_than_can_be_seen() -> None:
    told = points(4000.0, rate=1.0)
    assert POINTS / 2 <= len(told) <= POINTS + 1
    assert [point.t for point in told] == sorted(point.t for point in told)
    assert sum(point.rate for point in told) / len(told) == pytest.approx(1.0)


def test_where_nobody_called_there_is_no_latency() -> None:
    told = points(3.0, rate=0.0)
    assert {(point.p95_s, point.late) for point in told} == {(None, None)}


def test_a_name_stays_text() -> None:
    text = page({"</script><b>": points(2.0)}, "<i>", "a & b")
    assert "</script><b>" not in text
    assert "<h1>&lt;i&gt;</h1>" in text
    assert "a &amp; b" in text
