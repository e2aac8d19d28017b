"""What an operator orders: overrides, pauses, downs, and a dry run that only tells."""

import asyncio
from asyncio import sleep

import pytest

from autoscaler.model import EventKind, Mode, Orders, Override, PauseKind
from tests.support.controllers import Controller, policy
from tests.support.worlds import until

pytestmark = pytest.mark.looptime


async def running(host: Controller, count: int) -> None:
    host.write(policy(least=count, most=6))
    await host.start()
    await until(lambda: len(host.ready()) == count)


async def test_an_override_is_followed_at_once_bounded_and_ends_in_time(host: Controller) -> None:
    await running(host, 1)
    now = host.world.clock.now()
    answer = await host.operator.scale("web", Override(replicas=20, until=now + 60))
    assert (answer.desired, answer.note) == (6, "bounded by min 1 and max 6 of the policy")
    await until(lambda: len(host.world.engine.began) == 6, 1)
    await sleep(59)
    assert len(host.world.choosable()) == 6
    await until(lambda: len(host.world.engine.containers) == 1, 30)


async def test_the_bounds_of_an_order_are_shown_until_it_ends(host: Controller) -> None:
    await running(host, 1)
    await host.operator.scale("web", Override(min=3, until=host.world.clock.now() + 30))
    assert host.operator.service("web").min == 3
    await sleep(31)
    assert host.operator.service("web").min == 1
    assert host.operator.service("web").orders.override is None


async def test_a_pause_keeps_the_count_and_still_replaces_the_dead(host: Controller) -> None:
    await running(host, 2)
    await host.operator.pause("web", PauseKind.ALL)
    host.world.proxy.rate["web"] = 200.0
    await sleep(30)
    assert len(host.world.choosable()) == 2
    host.world.engine.kill("web-1")
    await until(lambda: len(host.world.choosable()) == 2, 5)
    decision = host.daemon.services["web"].loop.deciding.decision
    assert decision is not None
    assert decision.mode is Mode.PAUSED
    await host.operator.pause("web", None)
    await until(lambda: len(host.world.choosable()) == 4, 30)


async def test_a_service_that_is_down_stays_down_when_paused_and_comes_back_when_resumed(host: Controller) -> None:
    await running(host, 1)
    await host.operator.down(["web"])
    assert host.world.engine.containers == {}
    await host.operator.pause("web", PauseKind.OUT)
    await sleep(20)
    assert host.world.engine.containers == {}
    why = host.operator.explain("web")
    assert "taken down by an operator" in why.text
    assert why.account is None
    await host.operator.pause("web", None)
    await until(lambda: host.world.choosable(), 5)


async def test_down_drains_ends_everything_and_the_daemon(host: Controller) -> None:
    await running(host, 2)
    host.world.proxy.hold("web-1", 30)
    began = host.world.clock.now()
    await host.operator.down(None)
    await host.ended()
    assert host.world.clock.now() - began > 29
    assert host.world.engine.containers == {}
    assert host.world.proxy.stopped
    assert host.told(EventKind.DAEMON_STOPPED)[0].cause == "nothing of it runs on"


async def test_a_policy_that_changes_while_all_is_taken_down_brings_nothing_back(host: Controller) -> None:
    await running(host, 1)
    host.world.proxy.hold("web-1", 20)
    taking_down = asyncio.create_task(host.operator.down(None))
    await until(lambda: host.told(EventKind.REPLICA_DRAINING))
    host.write(policy(least=2))
    host.write(policy("shop", port=8081), "shop.yaml")
    async with asyncio.timeout(60):
        await taking_down
    await host.ended()
    assert host.world.engine.containers == {}
    assert host.world.ever == {"web-1"}


async def test_a_down_of_one_that_is_removed_meanwhile_ends_with_the_others(host: Controller) -> None:
    for name, port in (("shop", 8081), ("web", 8080)):
        host.write(policy(name, port=port), f"{name}.yaml")
    await host.start()
    await until(lambda: host.world.choosable("web") and host.world.choosable("shop"))
    host.world.proxy.hold("shop-1", 20)
    host.world.proxy.hold("web-1", 5)
    (host.folder / "web.yaml").unlink()
    await until(lambda: host.told(EventKind.REPLICA_DRAINING, "web"))
    async with asyncio.timeout(60):
        await host.operator.down(["shop", "web"])
    assert host.world.engine.containers == {}
    assert len(host.told(EventKind.SERVICE_REMOVED, "web")) == 1


async def test_two_orders_at_once_are_both_followed_and_kept(host: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    await running(host, 1)
    set_orders = host.store.set_orders

    async def slow(service: str, orders: Orders) -> None:
        await sleep(0.5)
        await set_orders(service, orders)

    monkeypatch.setattr(host.store, "set_orders", slow)
    await asyncio.gather(host.operator.scale("web", Override(replicas=3)), host.operator.pause("web", PauseKind.IN))
    both = Orders(Override(replicas=3), PauseKind.IN)
    assert host.daemon.services["web"].loop.orders == both
    assert await host.store.orders() == {"web": both}


async def test_a_stop_leaves_all_serving(host: Controller) -> None:
    await running(host, 2)
    await host.stop()
    assert len(host.world.choosable()) == 2
    assert host.told(EventKind.DAEMON_STOPPED)[0].cause == "replicas and proxy serve on"


async def test_a_stop_while_an_image_is_pulled_leaves_no_task(host: Controller) -> None:
    host.write(policy())
    host.world.engine.pull_s = 100.0
    await host.start()
    await until(lambda: host.told(EventKind.IMAGE_PREPARING))
    await host.stop()


async def test_a_follower_of_logs_who_leaves_leaves_no_task(host: Controller) -> None:
    await running(host, 2)
    lines = host.operator.logs("web", 10, follow=True)
    assert (await anext(lines))[1] == "line 0"
    for _ in range(3000):
        await asyncio.sleep(0)
    await lines.aclose()  # type: ignore[attr-defined]
    await host.stop()


async def test_a_dry_run_tells_what_it_would_do_and_nothing_else(host: Controller) -> None:
    host.dry = True
    for number in (1, 2):
        host.world.found(f"web-{number}")
    host.write(policy(least=4))
    await host.start()
    await sleep(10)
    assert [e.cause for e in host.told(EventKind.WOULD)] == [
        "start web-3: 4 wanted, 2 there",
        "start web-4: 4 wanted, 2 there",
    ]
    assert set(host.world.engine.containers) == {"web-1", "web-2"}
    assert host.world.proxy.assigned == []
    await host.stop()


async def test_a_dry_run_drains_nobody_and_does_not_say_so(host: Controller) -> None:
    host.dry = True
    for number in (1, 2):
        host.world.found(f"web-{number}")
    host.write(policy())
    await host.start()
    await sleep(30)
    assert [e.cause for e in host.told(EventKind.WOULD)] == ["drain web-2: idle, 1 wanted of 2"]
    assert host.told(EventKind.REPLICA_DRAINING) == []


async def test_a_count_ordered_for_a_service_that_is_down_waits_for_its_resume(host: Controller) -> None:
    await running(host, 1)
    await host.operator.down(["web"])
    await host.operator.scale("web", Override(replicas=3))
    await sleep(5)
    assert host.operator.service("web").replicas == ()
    await host.operator.pause("web", None)
    await until(lambda: len(host.ready()) == 3)
