"""The chart of a day: late requests by stretches, no more points than can be told apart, and what stands above it."""

from itertools import pairwise
from xml.etree import ElementTree

from autoscaler.simulate import Model, Trace, simulate
from autoscaler.simulate.trace import Segment
from benchmarks.decisions.chart import MOST_STRETCHES, chart, extremes, late_shares
from benchmarks.decisions.page import TITLE, table
from benchmarks.decisions.runs import Run, Second
from tests.decide.builders import service


def second(at: int, *, ready: int = 2, arrivals: int = 0, late: int = 0) -> Second:
    """A second of the day."""
    return Second(at / 3600, rate=5.0, needed=2, ready=ready, desired=2, arrivals=arrivals, late=late)


def test_a_stretch_has_its_own_share_of_late_requests() -> None:
    seconds = [second(0, arrivals=30), second(1, arrivals=10, late=10), second(2), second(3), second(4, arrivals=1, late=2)]
    assert [share for _, share in late_shares(seconds, 2)] == [25.0, 0.0, 100.0]


def test_of_many_points_the_peaks_stay() -> None:
    points = [(at / 3600, {5003: 9.0, 40001: 1.0}.get(at, 4.0)) for at in range(86400)]
    kept = extremes(points)
    assert len(kept) <= 4 * (MOST_STRETCHES + 1)
    assert {value for _, value in kept} == {1.0, 4.0, 9.0}
    assert all(before <= after for before, after in pairwise(kept))


def test_few_points_all_stay() -> None:
    points = [(0.0, 1.0), (1.0, 3.0), (2.0, 2.0)]
    assert extremes(points) == points


def test_above_it_stands_how_it_did_and_inside_what_it_is_of() -> None:
    told = simulate(service(), Trace((Segment(0, 60, 5.0, 5.0),)), Model())
    picture = chart("step", "policies: []\n", Run(tuple(second(at) for at in range(86400)), told))
    title = TITLE.search(picture)
    assert title is not None
    assert title[1] == "step"
    assert table({"step": picture}).split("\n")[-3] == f"| `step` | {title[2]} | {title[3]} | {title[4]} |"
    described = ElementTree.fromstring(picture).find("{http://www.w3.org/2000/svg}desc")
    assert described is not None
    assert described.text == "policies: []\n"
