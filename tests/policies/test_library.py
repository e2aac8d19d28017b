"""The policies that one starts from: each is valid, says whom it is for, and does what it promises on generated traffic."""

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from math import ceil
from pathlib import Path

import pytest

from autoscaler.simulate import Model, Objective, Result, ServiceTime, Timeline, Trace, simulate
from autoscaler.simulate.timeline import Point
from autoscaler.spec.load import load_policies
from autoscaler.spec.models import ServiceSpec
from tests.policies import traffic
from tests.policies.backlog import Backlog

FOLDER = Path(__file__).parent.parent.parent / "policies"
FILES = sorted(path.name for path in FOLDER.iterdir())
SUFFIX = ".yaml.example"
SERVICE_S = 0.1
STARTUP_S = 5.0


@cache
def policy(name: str) -> ServiceSpec:
    """The service of that file."""
    (document,) = load_policies([FOLDER / f"{name}{SUFFIX}"], environ={}).documents
    return document.spec


# ---------------------------------------------------------------- what is there


@pytest.mark.parametrize("file", FILES)
def test_each_is_valid_without_a_warning(file: str) -> None:
    loaded = load_policies([FOLDER / file], environ={})
    assert (list(map(str, loaded.problems)), loaded.warnings, len(loaded.documents)) == ([], (), 1)


def test_all_of_them_can_run_side_by_side() -> None:
    loaded = load_policies([FOLDER / file for file in FILES], environ={})
    assert list(map(str, loaded.problems)) == []


def test_none_is_started_by_a_daemon_that_was_given_the_folder() -> None:
    loaded = load_policies([FOLDER], environ={})
    assert loaded.documents == ()
    assert loaded.unread == {FOLDER: "holds no *.yaml or *.yml"}


@pytest.mark.parametrize("file", FILES)
def test_each_is_named_after_its_service_and_says_whom_it_is_for(file: str) -> None:
    first = [line for line in (FOLDER / file).read_text().split("\n\n")[0].splitlines() if line.startswith("# ")]
    assert first[0] == "# yaml-language-server: $schema=../autoscaler.schema.json"
    assert policy(file.removesuffix(SUFFIX)).service == file.removesuffix(SUFFIX)
    assert 2 <= len(first) - 1 <= 8


# ---------------------------------------------------------------- on traffic through the proxy


def late(told: Result) -> float:
    """The share of requests that were late or dropped."""
    return told.slo_violations / told.requests


def static_s(most: float, model: Model, trace: Trace) -> float:
    """The replica-seconds of as many as carry the peak at 70%, all the time."""
    return ceil(most * SERVICE_S / model.slots / 0.7) * (trace.end - trace.start - model.warm_up_s)


def test_web_api_a_day_few_wait_at_two_thirds_of_the_peak() -> None:
    trace = traffic.day(100)
    model = Model(ServiceTime(SERVICE_S), 1, STARTUP_S, Objective(wait_s=0.2), warm_up_s=600)
    told = simulate(policy("web-api"), trace, model)
    assert late(told) <= 0.01
    assert told.replica_seconds <= 0.67 * static_s(100, model, trace)


def test_bursty_hardly_any_waits_in_bursts_at_less_than_the_peak() -> None:
    trace = traffic.bursts(60)
    model = Model(ServiceTime(SERVICE_S), 4, STARTUP_S, Objective(wait_s=0.2))
    told = simulate(policy("bursty"), trace, model)
    assert late(told) <= 0.005
    assert told.dropped == 0
    assert told.replica_seconds <= 0.9 * static_s(150, model, trace)


def test_latency_critical_95_per_cent_are_in_time_at_less_than_the_peak() -> None:
    trace = traffic.day(80)
    model = Model(ServiceTime(SERVICE_S), 1, STARTUP_S, Objective(latency_s=0.4))
    told = simulate(policy("latency-critical"), trace, model)
    assert late(told) <= 0.05
    assert told.replica_seconds <= 0.7 * static_s(80, model, trace)
    assert told.direction_changes <= 4


def office(first: float, last: float) -> tuple[Result, list[Point]]:
    """Hours of Monday at 110 requests/s at the most, and what is plotted of them."""
    trace = traffic.office(110, first, last)
    model = Model(ServiceTime(SERVICE_S), 4, STARTUP_S, Objective(wait_s=0.2))
    timeline = Timeline(trace, model.tick_s)
    return simulate(policy("office-hours"), trace, model, timeline), timeline.points


def hour(point: Point) -> float:
    """The hour of the day."""
    return (point.t - traffic.MONDAY) / traffic.HOUR_S


def test_office_hours_four_are_ready_before_anybody_comes() -> None:
    told, points = office(7.5, 8.5)
    assert {point.ready for point in points if hour(point) < 7.74} == {1}
    assert min(point.ready for point in points if hour(point) >= 7.76) == 4
    assert max(point.ready for point in points) == 5  # the traffic wants more than the floor
    assert late(told) <= 0.001


def test_office_hours_nobody_is_there_but_one_in_the_evening() -> None:
    _, points = office(17.9, 19)
    assert {point.ready for point in points if 18.2 <= hour(point) < 18.49} == {4}
    assert {point.ready for point in points if hour(point) >= 18.6} == {1}


# ---------------------------------------------------------------- on a number of Prometheus


def jobs(t: float) -> float:
    """Jobs a second: 3, and for two minutes of the ten 18."""
    return 18.0 if 120 <= t < 240 else 3.0


def test_queue_worker_follows_the_depth_up_and_down() -> None:
    """A worker does 2 jobs a second, so 20 before it are 10 s of work."""
    queue = Backlog(policy("queue-worker"), "depth", each_does=2.0)
    queue.run(900, jobs)
    rush, after = queue.between(180, 240), queue.between(600, 900)
    assert max(tick.desired for tick in rush) >= 10
    assert max(tick.depth / tick.ready for tick in rush) <= 25  # a job waits 12 s
    assert max(tick.depth for tick in after) <= 40
    assert max(tick.desired for tick in after) <= 3
    assert sum(tick.ready for tick in queue.ticks) <= 0.5 * 10 * 900  # ten of them is what the rush wants


def test_queue_worker_no_worker_goes_while_nobody_knows_the_depth() -> None:
    queue = Backlog(policy("queue-worker"), "depth", each_does=2.0, unknown=lambda t: 250 <= t < 400)
    queue.run(400, jobs)
    assert_never_falls([tick.desired for tick in queue.between(250, 400)])


def assert_never_falls(counts: list[int]) -> None:
    """None is below the one before."""
    assert counts
    assert [pair for pair in pairwise(counts) if pair[1] < pair[0]] == []


def sessions(t: float) -> float:
    """Sessions that are open: 250, then 900 for ten minutes, then 250."""
    return 900.0 if 300 <= t < 900 else 250.0


@pytest.mark.parametrize(
    ("at", "count"),
    [
        pytest.param(299, 3, id="250 sessions"),
        pytest.param(340, 9, id="900 sessions"),
        pytest.param(1400, 9, id="250 again, within the down window"),
        pytest.param(1600, 3, id="250 again, after it"),
    ],
)
def test_prometheus_metric_a_hundred_sessions_each(at: int, count: int) -> None:
    assert opened(sessions).between(at, at + 1)[0].desired == count


@cache
def opened(open_at: Callable[[float], float]) -> Backlog:
    """So many sessions over half an hour; nothing is done, they are just there."""
    there = Backlog(policy("prometheus-metric"), "sessions", given=open_at)
    there.run(1800, lambda _: 0.0)
    return there
