"""A daemon that is killed, and the next one on the same state: it adopts what runs, and goes on."""

from asyncio import sleep
from collections.abc import Mapping, Sequence

import pytest

from autoscaler.model import EventKind, Override, PauseKind, Phase, ReplicaState
from autoscaler.spec.models import ServiceSpec
from tests.support.controllers import Controller, policy
from tests.support.worlds import until

pytestmark = pytest.mark.looptime


async def steady(host: Controller, count: int) -> None:
    await until(lambda: len(host.world.choosable()) == len(host.world.engine.containers) == count, 120)


@pytest.mark.parametrize("after_s", [0.01, 0.1, 0.2, 0.35, 0.5, 1.0, 1.7, 2.31, 2.35, 2.5, 3.0, 3.02, 4.0])
async def test_killed_while_it_scales_out(host: Controller, after_s: float) -> None:
    host.write(policy(least=3))
    await host.start()
    await sleep(after_s)
    await host.kill()
    await sleep(5)
    await host.start()
    await steady(host, 3)
    assert len(host.world.ever) == 3


@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.1, 0.25, 0.5, 1.0, 1.1, 1.3, 1.6, 2.0, 2.5])
async def test_killed_while_it_scales_in(host: Controller, after_s: float) -> None:
    host.write(policy(least=1))
    for number in range(1, 5):
        host.world.found(f"web-{number}")
    host.world.proxy.rate["web"] = 50.0
    await host.start()
    await until(lambda: host.told(EventKind.REPLICA_DRAINING))
    await sleep(after_s)
    drained = {event.replica for event in host.told(EventKind.REPLICA_DRAINING)}
    await host.kill()
    await sleep(5)
    await host.start()
    await steady(host, 1)
    assert host.told(EventKind.REPLICA_TAKEN_BACK) == []
    assert {event.replica for event in host.told(EventKind.REPLICA_DRAINING)} == drained
    assert host.world.engine.began == []


async def test_a_restart_makes_no_move_and_tells_nobody_ready_anew(host: Controller) -> None:
    host.write(policy(least=1, most=6))
    host.world.proxy.rate["web"] = 200.0
    await host.start()
    await steady(host, 4)
    await sleep(30)
    await host.kill()
    await sleep(5)
    host.events.clear()
    began, assigned = len(host.world.engine.began), len(host.world.proxy.assigned)
    await host.start()
    assert await until(lambda: len(host.ready()) == 4 and not host.operator.status().problems) <= 2
    await sleep(20)
    assert len(host.world.engine.began) == began
    assert {tuple(b.draining for b in backends) for _, backends in host.world.proxy.assigned[assigned:]} == {(False,) * 4}
    kinds = {event.kind for event in host.events if event.service == "web"}
    assert kinds == {EventKind.SERVICE_ADDED}
    assert host.desired() == 4


@pytest.mark.parametrize("blind_s", [0.0, 0.7])
async def test_when_a_replica_was_first_ready_is_known_over_restarts(host: Controller, blind_s: float) -> None:
    host.write(policy())
    await host.start()
    await steady(host, 1)
    await sleep(2)
    before = host.operator.service("web").replicas[0].ready_at
    assert before is not None
    for _ in range(2):
        await host.kill()
        host.world.proxy.restart(blind_s)
        await host.start()
        await until(host.ready)
        assert host.operator.service("web").replicas[0].ready_at == before
        await sleep(2)


async def test_the_stabilization_window_goes_on(host: Controller) -> None:
    text = policy().replace("stabilization_window: 5s", "stabilization_window: 60s")
    host.write(text)
    host.world.proxy.rate["web"] = 95.0
    await host.start()
    await steady(host, 2)
    await sleep(20)
    host.world.proxy.rate["web"] = 10.0
    changed = host.world.clock.now()
    await sleep(30)
    await host.kill()
    await sleep(5)
    await host.start()
    await until(lambda: host.told(EventKind.REPLICA_DRAINING), 120)
    assert host.told(EventKind.REPLICA_DRAINING)[0].t - changed == pytest.approx(68, abs=5)


async def test_the_minutes_of_any_service_go_on_over_a_kill_and_a_while_away_is_unknown(host: Controller) -> None:
    host.write(policy())
    host.world.proxy.rate["web"] = 40.0
    await host.start()
    await sleep(200)
    await host.kill()
    before = (await host.store.minutes("web"))["request_rate"]
    assert len(before.means) == 3
    assert before.means[1:] == pytest.approx((40.0, 40.0), rel=0.05)
    await sleep(150)
    await host.start()
    await sleep(130)
    after = (await host.store.minutes("web"))["request_rate"]
    assert after.between(before.first, before.end) == before.means
    missing = [mean is None for mean in after.means]
    assert 1 <= sum(missing) <= 2
    assert after.means[-1] == pytest.approx(40.0, rel=0.05)


async def test_a_restart_within_a_minute_loses_none_of_it(host: Controller) -> None:
    host.write(policy())
    host.world.proxy.rate["web"] = 40.0
    await host.start()
    await sleep(300 - host.world.clock.now() % 60)
    await sleep(30)
    host.world.proxy.rate["web"] = 80.0
    await host.kill()
    await host.start()
    await sleep(40)
    mean = (await host.store.minutes("web"))["request_rate"].means[-1]
    assert mean == pytest.approx(60.0, rel=0.1)


async def test_a_daemon_without_history_takes_none_away_before_a_full_window(host: Controller) -> None:
    host.write(policy(least=1).replace("stabilization_window: 5s", "stabilization_window: 60s"))
    for number in (1, 2, 3):
        host.world.found(f"web-{number}")
    began = host.world.clock.now()
    await host.start()
    await until(lambda: host.told(EventKind.REPLICA_DRAINING), 120)
    assert 60 <= host.told(EventKind.REPLICA_DRAINING)[0].t - began < 70


async def test_what_the_proxy_shows_before_it_is_adopted_takes_no_server_away(
    host: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last daemon was killed after it wrote the proxy's file and before the proxy was told."""
    host.write(policy(least=2))
    await host.start()
    await steady(host, 2)
    await sleep(20)
    await host.kill()
    in_file = host.world.proxy.servers.pop("web")
    configure = host.world.proxy.configure

    async def from_its_file(specs: Sequence[ServiceSpec]) -> Mapping[str, str]:
        await sleep(0.1)
        host.world.proxy.servers["web"] = in_file
        return await configure(specs)

    monkeypatch.setattr(host.world.proxy, "configure", from_its_file)
    assigned = len(host.world.proxy.assigned)
    await host.start()
    assert await until(lambda: len(host.ready()) == 2) < 0.4
    await sleep(5)
    told = host.world.proxy.assigned[assigned:]
    assert {frozenset(b.replica for b in backends) for _, backends in told} == {frozenset({"web-1", "web-2"})}
    assert len(host.world.engine.began) == 2


async def test_all_died_while_it_was_away(host: Controller) -> None:
    """The machine was restarted: replicas that were proven are replaced at once, all of them together."""
    host.write(policy(least=4))
    await host.start()
    await steady(host, 4)
    await sleep(20)
    await host.kill()
    for name in list(host.world.engine.containers):
        host.world.engine.kill(name)
    host.world.proxy.servers.clear()
    host.world.proxy.restart(1.0)
    await host.start()
    took = await until(lambda: len(host.world.choosable()) == 4)
    assert took < 5
    assert host.told(EventKind.BACK_OFF) == []


async def test_one_that_was_made_and_not_started_is_started(host: Controller) -> None:
    host.write(policy())
    await host.start()
    await until(lambda: host.world.engine.containers)
    assert host.world.engine.containers["web-1"].phase is Phase.CREATED
    await host.kill()
    await host.start()
    await steady(host, 1)
    assert set(host.world.ever) == {"web-1"}


async def test_a_name_is_not_used_again_after_a_replica_that_lived_between_two_ticks(host: Controller) -> None:
    host.write(policy(least=2))
    await host.start()
    await steady(host, 2)
    await sleep(20.2)
    host.world.engine.kill("web-2")
    await until(lambda: len(host.world.engine.began) == 3)
    await host.kill()
    host.world.engine.containers.pop("web-3", None)
    host.world.ever.add("web-3")
    await host.start()
    await steady(host, 2)
    assert host.world.choosable() == ["web-1", "web-4"]


async def test_one_that_was_stopped_while_it_started_never_serves_though_the_next_daemon_finds_it_alive(
    host: Controller,
) -> None:
    host.write(policy(least=1))
    await host.start()
    await steady(host, 1)
    host.world.engine.boot_s, host.world.engine.exit_s = 3.0, 20.0
    await host.operator.scale("web", Override(replicas=2))
    await until(lambda: "web-2" in host.world.engine.running())
    await host.operator.scale("web", None)
    await until(lambda: "web-2" in host.world.engine.signals)
    await host.kill()
    host.world.engine.kill("web-1")
    assigned = len(host.world.proxy.assigned)
    await host.start()
    await until(lambda: host.world.choosable() == ["web-3"])
    await until(lambda: list(host.world.engine.containers) == ["web-3"])
    told = [backend for _, backends in host.world.proxy.assigned[assigned:] for backend in backends]
    assert "web-2" not in {backend.replica for backend in told if not backend.draining}


async def test_backing_off_goes_on(host: Controller) -> None:
    host.write(policy(least=2))
    host.world.found("web-1")
    host.world.engine.crash_after_s = 0.5
    await host.start()
    await sleep(100)
    began = len(host.world.engine.began)
    until_t = host.daemon.services["web"].loop.book.backoff.until
    assert until_t > host.world.clock.now() + 20
    await host.kill()
    await host.start()
    await sleep(until_t - host.world.clock.now() - 1)
    assert len(host.world.engine.began) == began


async def test_orders_outlive_a_restart_but_a_down(host: Controller) -> None:
    host.write(policy(), "web.yaml")
    host.write(policy("shop", port=8081), "shop.yaml")
    host.write(policy("blog", port=8082), "blog.yaml")
    await host.start()
    await host.operator.scale("web", Override(replicas=3, until=host.world.clock.now() + 600))
    await host.operator.pause("shop", PauseKind.IN)
    await host.operator.down(["blog"])
    await until(lambda: len(host.world.choosable()) == 3)
    await host.kill()
    await host.start()
    await until(lambda: host.world.choosable("blog"))
    assert host.desired() == 3
    assert host.operator.service("shop").orders.pause is PauseKind.IN


@pytest.mark.parametrize(
    "document", ["", "{}", "null", "[1]", '{"memory": 3}', "\x00", '{"memory": {}, "next_number": "x"}']
)
async def test_a_saved_state_that_makes_no_sense_is_set_aside(host: Controller, document: str) -> None:
    for number in (3, 7):
        host.world.found(f"web-{number}")
    host.world.proxy.rate["web"] = 100.0
    await host.store.save("web", document)
    host.write(policy())
    host.world.proxy.restart(0.5)
    await host.start()
    await until(lambda: len(host.ready()) == 2)
    assert len(host.told(EventKind.STATE_FAULT)) == 1
    assert host.told(EventKind.REPLICA_READY) == []
    host.world.engine.kill("web-3")
    await until(lambda: host.world.choosable() == ["web-7", "web-8"])
    assert host.world.engine.signals == []


async def test_the_proxy_comes_late_at_a_start(host: Controller) -> None:
    host.write(policy(least=2))
    await host.start()
    await steady(host, 2)
    await host.kill()
    host.world.proxy.restart(20.0)
    began = len(host.world.engine.began)
    await host.start()
    await sleep(10)
    assert set(host.states().values()) == {ReplicaState.STARTING}
    await until(lambda: len(host.ready()) == 2)
    assert len(host.world.engine.began) == began
    assert host.world.engine.signals == []
