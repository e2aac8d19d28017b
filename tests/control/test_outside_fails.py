"""An engine or a proxy that is down, hangs or comes back: nobody is replaced for it, and other services tick on time."""

from asyncio import sleep

import pytest

from autoscaler.errors import EngineError, ProxyError
from autoscaler.model import EventKind, Mode
from tests.support.controllers import Controller, policy
from tests.support.worlds import Engine, until

pytestmark = pytest.mark.looptime


async def steady(host: Controller, count: int) -> None:
    await until(lambda: len(host.world.choosable()) == len(host.ready()) == count)


async def test_the_engine_is_down_at_the_start(host: Controller) -> None:
    host.write(policy(least=2))
    host.world.engine.down = "connection refused"
    await host.start()
    await sleep(60)
    assert len(host.told(EventKind.ENGINE_FAULT)) == 1
    assert "connection refused" in str(host.operator.status().problems)
    host.world.engine.down = ""
    await until(lambda: len(host.world.choosable()) == 2, 5)
    assert len(host.told(EventKind.ENGINE_BACK)) == 1


async def test_the_engine_goes_away_and_comes_back(host: Controller) -> None:
    host.write(policy(least=2, most=6))
    host.world.proxy.rate["web"] = 140.0
    await host.start()
    await steady(host, 3)
    await sleep(20)
    began, signals = len(host.world.engine.began), len(host.world.engine.signals)
    host.world.engine.down = "connection refused"
    host.world.engine.cut_stream()
    await sleep(60)
    assert len(host.told(EventKind.ENGINE_FAULT)) == 1
    assert host.world.engine.looks < 400
    host.world.engine.down = ""
    await until(lambda: host.told(EventKind.ENGINE_BACK), 3)
    await sleep(20)
    assert len(host.world.engine.began) == began
    assert len(host.world.engine.signals) == signals
    assert len(host.world.choosable()) == 3


async def test_the_engine_ends_all_replicas_and_all_are_back_at_once(host: Controller) -> None:
    host.write(policy(least=4))
    await host.start()
    await steady(host, 4)
    await sleep(20)
    host.world.engine.down = "connection refused"
    for name in list(host.world.engine.containers):
        host.world.engine.kill(name)
    await sleep(30)
    host.world.engine.down = ""
    assert await until(lambda: len(host.world.choosable()) == 4) < host.world.engine.boot_s + 3


@pytest.mark.parametrize("operation", ["observe", "start"])
async def test_an_engine_that_hangs_delays_only_its_own_services(host: Controller, operation: str) -> None:
    other = Engine(host.world)
    host.engines = {"process": other}
    host.write(policy())
    text = (
        policy("jobs", port=8081).replace('image: "app:1"', "command: [sleep]").replace(", healthcheck: {docker: true}", "")
    )
    host.write("runtime: process\n" + text, "jobs.yaml")
    host.world.engine.hangs.add(operation)
    await host.start()
    await until(lambda: host.world.proxy.servers.get("jobs"))
    looks = other.looks
    await sleep(60)
    assert 58 <= other.looks - looks <= 66
    host.world.engine.hangs.clear()
    await until(lambda: host.world.choosable(), 150)


async def test_one_service_is_not_held_up_by_anothers_start_that_hangs(host: Controller) -> None:
    host.write(policy())
    await host.start()
    await until(lambda: host.world.choosable())
    host.world.engine.hangs.add("start")
    host.write(policy("shop", port=8081), "shop.yaml")
    await until(lambda: host.told(EventKind.REPLICA_STARTING, "shop"))
    host.world.engine.hangs.clear()
    host.world.engine.kill("web-1")
    await until(lambda: host.world.choosable("web") == ["web-2"], 5)
    assert len(host.told(EventKind.REPLICA_STARTING, "shop")) == 1
    await until(lambda: host.told(EventKind.START_FAILED, "shop"), 125)


async def test_a_cut_event_stream_is_followed_again(host: Controller) -> None:
    host.write(policy(least=2))
    await host.start()
    await steady(host, 2)
    host.world.engine.cut_stream()
    await sleep(20.1)
    host.world.engine.kill("web-1")
    await until(lambda: host.told(EventKind.REPLICA_FAILED), 0.3)
    assert len(host.told(EventKind.REPLICA_FAILED)) == 1


async def test_a_storm_of_events_brings_few_ticks(host: Controller) -> None:
    host.write(policy())
    await host.start()
    await steady(host, 1)
    looks = host.world.engine.looks
    for _ in range(1000):
        host.world.engine.tell(host.world.engine.containers["web-1"], "health")
        await sleep(0.005)
    assert host.world.engine.looks - looks <= 5 / 0.05 + 2


async def test_while_the_proxy_cannot_be_seen_nothing_is_drained_or_stopped(host: Controller) -> None:
    host.write(policy(least=1))
    host.world.proxy.rate["web"] = 140.0
    await host.start()
    await steady(host, 3)
    await sleep(20)
    host.world.proxy.rate["web"] = 10.0
    host.world.proxy.down = "no answer"
    await sleep(60)
    assert host.operator.service("web").desired == 3
    decision = host.daemon.services["web"].loop.deciding.decision
    assert decision is not None
    assert decision.mode is Mode.HOLD
    assert host.told(EventKind.REPLICA_DRAINING) == []
    assert len(host.told(EventKind.METRICS_MISSING)) == 1
    assert len(host.told(EventKind.PROXY_FAULT)) == 1
    assert [e.facts["mode"] for e in host.told(EventKind.DECIDED)][-1] == "hold"
    host.world.proxy.down = ""
    await until(lambda: len(host.world.engine.containers) == 1, 60)
    assert len(host.told(EventKind.METRICS_BACK)) == len(host.told(EventKind.PROXY_BACK)) == 1


async def test_a_dead_one_is_replaced_while_the_proxy_cannot_be_seen(host: Controller) -> None:
    host.write(policy(least=2))
    await host.start()
    await steady(host, 2)
    await sleep(20)
    host.world.proxy.down = "no answer"
    await sleep(5)
    host.world.engine.kill("web-1")
    await until(lambda: host.world.engine.running() == ["web-2", "web-3"], 3)
    host.world.proxy.down = ""
    await until(lambda: host.world.choosable() == ["web-2", "web-3"], 10)


async def test_a_draining_one_is_taken_back_though_the_proxy_cannot_be_seen(host: Controller) -> None:
    """The proxy may not have taken the drain in; a new one beside it would be one too many, and would serve later."""
    host.write(policy(least=1))
    for number in (1, 2):
        host.world.found(f"web-{number}")
        host.world.proxy.hold(f"web-{number}", 100)
    await host.start()
    await until(lambda: host.told(EventKind.REPLICA_DRAINING))
    host.world.proxy.down = "no answer"
    await until(lambda: host.told(EventKind.PROXY_FAULT))
    host.world.engine.kill("web-1")
    await until(lambda: host.told(EventKind.REPLICA_TAKEN_BACK), 3)
    await sleep(20)
    assert host.world.engine.began == []
    host.world.proxy.down = ""
    await until(lambda: host.world.choosable() == ["web-2"], 1)
    assert host.world.engine.signals == []


async def test_a_restart_of_the_proxy_moves_nothing(host: Controller) -> None:
    host.write(policy(least=1))
    host.world.proxy.rate["web"] = 140.0
    await host.start()
    await steady(host, 3)
    await sleep(20)
    host.world.proxy.restart(0.8)
    await sleep(30)
    assert len(host.world.engine.began) == 3
    assert host.told(EventKind.REPLICA_DRAINING) == host.told(EventKind.METRICS_MISSING) == []


async def test_a_route_that_is_refused_is_told_tried_again_and_harms_no_other(host: Controller) -> None:
    host.world.proxy.refuses_routes["shop"] = "port 8081 is taken"
    host.write(policy())
    host.write(policy("shop", port=8081), "shop.yaml")
    await host.start()
    await steady(host, 1)
    await sleep(20)
    assert "port 8081 is taken" in str(host.operator.service("shop").errors)
    host.world.proxy.refuses_routes.clear()
    await until(lambda: host.world.choosable("shop"), 32)


async def test_routes_that_must_wait_say_what_for_and_come_later(host: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    host.write(policy())
    await host.start()
    await steady(host, 1)
    configure = host.world.proxy.configure

    async def waits(*_: object) -> None:
        raise ProxyError("new routes wait for older workers that still finish requests: 71, 72, 73")

    monkeypatch.setattr(host.world.proxy, "configure", waits)
    host.write(policy("shop", port=8081), "shop.yaml")
    await until(lambda: "wait for older workers" in str(host.operator.status().problems))
    await sleep(60)
    assert len(host.told(EventKind.PROXY_FAULT)) == 1
    assert (host.world.choosable(), host.world.engine.signals) == (["web-1"], [])
    monkeypatch.setattr(host.world.proxy, "configure", configure)
    await until(lambda: host.world.choosable("shop"), 10)
    assert not host.operator.status().problems


async def test_cpu_that_no_replica_reports_is_told_and_holds(host: Controller) -> None:
    host.write(policy(least=1).replace("metric: request_rate, target: 50", "metric: cpu, target: 70%"))
    host.world.found("web-1")
    host.world.found("web-2")
    await host.start()
    await sleep(60)
    (missing,) = host.told(EventKind.METRICS_MISSING)
    assert missing.facts == {"metric": "cpu"}
    assert [e.facts["mode"] for e in host.told(EventKind.DECIDED)] == ["hold"]
    assert ("web", "runtime") in host.counted.metric_errors
    assert len(host.world.choosable()) == 2


async def test_a_decision_is_told_only_when_something_changes(host: Controller) -> None:
    host.write(policy())
    await host.start()
    await steady(host, 1)
    told = len(host.told(EventKind.DECIDED))
    await sleep(120)
    assert len(host.told(EventKind.DECIDED)) == told


async def test_a_bug_in_an_assignment_is_told_once_and_tried_again(
    host: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    assign = host.world.proxy.assign

    async def fails(*_: object) -> None:
        raise IndexError

    monkeypatch.setattr(host.world.proxy, "assign", fails)
    host.write(policy())
    await host.start()
    await sleep(20)
    assert len(host.told(EventKind.SERVICE_FAULT)) == 1
    monkeypatch.setattr(host.world.proxy, "assign", assign)
    await until(lambda: host.world.choosable(), 3)


async def test_the_engines_error_words_reach_the_service(host: Controller) -> None:
    host.write(policy())
    await host.start()
    await steady(host, 1)

    async def refuses() -> None:
        raise EngineError("permission denied", where="/var/run/docker.sock", fix="join the group docker")

    host.world.engine.observe = refuses  # type: ignore[method-assign,assignment]
    await sleep(5)
    assert "join the group docker" in str(host.operator.service("web").errors)
    del host.world.engine.observe
    await until(lambda: not host.operator.service("web").errors)
