"""Metrics of other systems, in a whole daemon: asked beside the ticks, standing for a while, missing rather than wrong."""

from asyncio import sleep

import pytest

from autoscaler.errors import SourceError, SourceUnavailable
from autoscaler.model import EventKind, Mode
from tests.support.controllers import Controller
from tests.support.sources import ToldSource
from tests.support.worlds import until

pytestmark = pytest.mark.looptime

WEB = """\
service: {name}
replica: {{image: "app:1", port: 80, stop_grace_period: 10s, healthcheck: {{docker: true}}}}
route: {{bind: "127.0.0.1:{port}"}}
replicas: {{min: 1, max: 10}}
policies:
  - type: target_tracking
    metric: {{name: {metric}, source: prometheus, server: "http://p", query: up, {more}}}
    target: 10
behavior: {{scale_down: {{stabilization_window: 5s}}}}
"""
DOWN = SourceUnavailable("connection refused", where="http://p")


def policy(name: str = "web", metric: str = "depth", more: str = "trust_zero: true", port: int = 8080) -> str:
    """10 jobs a replica; down after 5 s."""
    return WEB.format(name=name, metric=metric, more=more, port=port)


def told(host: Controller, value: float, metric: str = "depth") -> ToldSource:
    """A source that tells this number."""
    host.sources[metric] = ToldSource(host.world.clock, value)
    return host.sources[metric]


def mode(host: Controller) -> Mode:
    decision = host.operator.service("web").decision
    assert decision is not None
    return decision.mode


async def steady(host: Controller, count: int, within_s: float = 60.0) -> float:
    return await until(lambda: len(host.ready()) == len(host.world.engine.containers) == count, within_s)


async def test_replicas_follow_the_metric_out_and_in(host: Controller) -> None:
    depth = told(host, 35.0)
    host.write(policy())
    await host.start()
    await steady(host, 4)
    depth.value = 8.0
    await steady(host, 1)
    gaps = [after - before for before, after in zip(depth.asked, depth.asked[1:], strict=False)]
    assert {round(gap, 3) for gap in gaps} == {5.0}
    assert host.counted.metric_errors == []


async def test_it_is_seen_by_its_name_with_its_age(host: Controller) -> None:
    told(host, 35.0)
    host.write(policy(more="interval: 20s"))
    await host.start()
    await steady(host, 4)
    await until(lambda: len(host.sources["depth"].asked) == 2)
    await sleep(12)
    (depth, *_) = host.operator.service("web").metrics
    assert (depth.name, depth.sample.value, depth.target) == ("depth", 35.0, 10.0)
    assert 11 <= host.world.now() - depth.sample.t <= 13


async def test_a_source_that_dies_holds_the_count(host: Controller) -> None:
    depth = told(host, 35.0)
    host.write(policy())
    await host.start()
    await steady(host, 4)
    depth.fails = DOWN
    await until(lambda: mode(host) is Mode.HOLD, 35)
    await sleep(600)
    assert len(host.ready()) == 4
    (missing,) = host.told(EventKind.METRICS_MISSING)
    assert (missing.facts, missing.cause) == ({"metric": "depth"}, "http://p: connection refused")
    assert "connection refused (asked less often)" in host.operator.explain("web").text
    assert len(depth.asked) < 25
    depth.fails, depth.value = None, 55.0
    assert await steady(host, 6) < 60 + 10
    assert len(host.told(EventKind.METRICS_BACK)) == 1
    assert set(host.counted.metric_errors) == {("web", "prometheus")}


async def test_it_stands_for_three_intervals_first(host: Controller) -> None:
    depth = told(host, 35.0)
    host.write(policy(more="window: 0s, trust_zero: true"))
    await host.start()
    await steady(host, 4)
    depth.fails = DOWN
    failed_at = depth.asked[-1]
    await until(lambda: mode(host) is Mode.HOLD)
    assert 15 <= host.world.now() - failed_at <= 17


async def test_an_answer_without_a_number_is_asked_again_as_often_as_ever(host: Controller) -> None:
    depth = told(host, 35.0)
    depth.fails = SourceError("the query gives no series", where="http://p")
    host.write(policy())
    await host.start()
    await sleep(100)
    assert len(depth.asked) == 21
    assert "no series" in host.operator.explain("web").text
    assert "asked less often" not in host.operator.explain("web").text


async def test_one_that_hangs_delays_neither_its_service_nor_another(host: Controller) -> None:
    told(host, 35.0).hangs = True
    told(host, 35.0, "jobs")
    host.write(policy(more="timeout: 60s"))
    host.write(policy("shop", "jobs", port=8081), "shop.yaml")
    await host.start()
    await until(lambda: len(host.ready("shop")) == 4)
    ticks = host.counted.ticks
    await sleep(60)
    assert host.counted.ticks - ticks >= 2 * 60
    assert host.operator.service("web").desired == 1


async def test_a_fault_of_ours_in_a_source_ends_nothing(host: Controller) -> None:
    depth = told(host, 35.0)
    depth.fails = RuntimeError("boom")
    host.write(policy())
    await host.start()
    await sleep(10)
    assert "fault in the controller: RuntimeError('boom')" in host.operator.explain("web").text
    depth.fails = None
    await steady(host, 4)


async def test_a_0_while_requests_arrive_takes_no_replica_away(host: Controller) -> None:
    depth = told(host, 35.0)
    host.write(policy(more="interval: 5s"))
    host.world.proxy.rate["web"] = 20.0
    await host.start()
    await steady(host, 4)
    depth.value = 0.0
    await sleep(120)
    assert len(host.ready()) == 4
    assert mode(host) is Mode.HOLD
    assert "it is 0 while requests arrive" in host.operator.explain("web").text
    host.world.proxy.rate["web"] = 0.0
    await steady(host, 1)


async def test_a_0_that_is_trusted_takes_them_away(host: Controller) -> None:
    depth = told(host, 35.0)
    host.write(policy())
    host.world.proxy.rate["web"] = 20.0
    await host.start()
    await steady(host, 4)
    depth.value = 0.0
    await steady(host, 1)


async def test_a_reload_asks_for_what_the_policy_names_now(host: Controller) -> None:
    depth, jobs = told(host, 35.0), told(host, 25.0, "jobs")
    host.write(policy())
    await host.start()
    await steady(host, 4)
    host.write(policy(metric="jobs", more="interval: 2s"))
    await steady(host, 3)
    asked = len(depth.asked)
    await sleep(30)
    assert len(depth.asked) == asked
    assert [metric.interval for metric in jobs.metrics] == [2.0]
    host.write(policy(metric="jobs", more="interval: 2s").replace("max: 10", "max: 2"))
    await steady(host, 2)
    assert len(jobs.metrics) == 1
    host.write(policy(metric="jobs", more="interval: 3s"))
    await until(lambda: [metric.interval for metric in jobs.metrics] == [2.0, 3.0])


async def test_a_dry_run_reads_too(host: Controller) -> None:
    told(host, 35.0)
    host.write(policy())
    host.dry = True
    await host.start()
    await until(lambda: host.operator.service("web").desired == 4)
    assert host.world.engine.containers == {}
