"""Policy files that change while the daemon runs, and while it does not."""

import asyncio
import os
from asyncio import sleep

import pytest

from autoscaler.control.assembly import Service
from autoscaler.errors import EngineUnavailable, PolicyError, StateError, UsageError
from autoscaler.model import EventKind, Override, PauseKind
from tests.support.controllers import Controller, policy
from tests.support.worlds import Engine, until

pytestmark = pytest.mark.looptime

PROCESS = "runtime: process\n" + policy().replace('image: "app:1"', "command: [serve]").replace(
    ", healthcheck: {docker: true}", ""
)
BROKEN = policy().replace("min: 1", "min: one")


async def running(host: Controller, *services: str) -> None:
    for number, service in enumerate(services):
        host.write(policy(service, port=8080 + number), f"{service}.yaml")
    await host.start()
    await until(lambda: all(host.world.choosable(service) for service in services))


async def test_one_bad_file_of_five_leaves_the_other_four_and_its_own_last_good_version(host: Controller) -> None:
    names = ("a", "b", "c", "d", "e")
    await running(host, *names)
    for number, name in enumerate(names):
        host.write(policy(name, port=8080 + number, least=2), f"{name}.yaml")
    host.write(policy("c", port=8082).replace("min: 1", "min: one"), "c.yaml")
    await until(lambda: host.told(EventKind.RELOAD_FAILED))
    (failed,) = host.told(EventKind.RELOAD_FAILED)
    assert "c.yaml:4:" in failed.cause
    await until(lambda: all(len(host.world.choosable(name)) == 2 for name in ("a", "b", "d", "e")))
    assert len(host.world.choosable("c")) == 1
    assert "last good version" in str(host.operator.service("c").errors)
    assert not host.operator.status().last_reload_successful
    host.write(policy("c", port=8082, least=2), "c.yaml")
    await until(lambda: len(host.world.choosable("c")) == 2)
    assert host.operator.status().last_reload_successful


async def test_a_hundred_edits_in_ten_seconds_are_few_reloads_and_the_last_one_wins(host: Controller) -> None:
    await running(host, "web")
    host.world.proxy.rate["web"] = 40.0
    configured = host.world.proxy.configured
    for number in range(1, 101):
        host.write(policy(port=9000 + number))  # another bind: new routes each time
        os.utime(host.folder / "web.yaml", (number, number))
        await sleep(0.1)
    await until(lambda: str(host.world.proxy.routes["web"].route.bind) == "127.0.0.1:9100", 5)
    assert len(host.told(EventKind.RELOADED)) <= 12
    assert host.world.proxy.configured - configured <= 12
    assert host.world.choosable() == ["web-1"]
    assert host.world.engine.signals == []


async def test_a_config_map_that_is_swapped_is_one_reload(host: Controller) -> None:
    """As Kubernetes and others do it: `..data` leads to a folder, and to another one by a rename."""
    for version, least in (("..v1", 1), ("..v2", 2)):
        (host.folder / version).mkdir()
        (host.folder / version / "web.yaml").write_text(policy(least=least))
    (host.folder / "..data").symlink_to("..v1")
    (host.folder / "web.yaml").symlink_to("..data/web.yaml")
    await host.start()
    await until(lambda: host.world.choosable() == ["web-1"])
    (host.folder / "..data_tmp").symlink_to("..v2")
    (host.folder / "..data_tmp").rename(host.folder / "..data")
    await until(lambda: len(host.world.choosable()) == 2)
    (host.folder / "4913").write_text("what an editor leaves")
    (host.folder / ".web.yaml.swp").write_text("what an editor leaves")
    await sleep(10)
    assert len(host.told(EventKind.RELOADED)) == 1
    assert host.told(EventKind.RELOAD_FAILED) == []


async def test_a_file_that_is_renamed_is_one_reload_and_no_move(host: Controller) -> None:
    await running(host, "web")
    (host.folder / "web.yaml").rename(host.folder / "front.yaml")
    await until(lambda: host.told(EventKind.RELOADED))
    await sleep(10)
    assert len(host.told(EventKind.RELOADED)) == 1
    assert (host.world.choosable(), host.world.engine.signals) == (["web-1"], [])


async def test_a_new_service_is_told_to_the_proxy_once(host: Controller) -> None:
    await running(host, "web")
    configured = host.world.proxy.configured
    host.write(policy("shop", port=8081), "shop.yaml")
    await until(lambda: host.world.choosable("shop"))
    await sleep(5)
    assert host.world.proxy.configured - configured == 1


async def test_a_service_whose_document_goes_is_drained_first_and_its_route_goes_last(host: Controller) -> None:
    await running(host, "web", "shop")
    host.world.proxy.hold("web-1", 60)
    (host.folder / "web.yaml").unlink()
    await until(lambda: host.told(EventKind.REPLICA_DRAINING, "web"))
    await sleep(40)
    assert set(host.world.proxy.routes) == {"web", "shop"}
    assert "web-1" in host.world.engine.running()
    await until(lambda: set(host.world.proxy.routes) == {"shop"})
    assert [c.service for c in host.world.engine.containers.values()] == ["shop"]
    assert len(host.told(EventKind.SERVICE_REMOVED)) == 1
    assert set(host.daemon.services) == {"shop"}


async def test_a_service_that_comes_back_while_it_drains_serves_on(host: Controller) -> None:
    await running(host, "web", "shop")
    host.world.proxy.hold("web-1", 60)
    (host.folder / "web.yaml").unlink()
    await until(lambda: host.told(EventKind.REPLICA_DRAINING, "web"))
    host.write(policy())
    await until(lambda: host.world.choosable() == ["web-1"])
    await sleep(100)
    assert host.world.choosable() == ["web-1"]
    assert host.told(EventKind.SERVICE_REMOVED) == []


async def test_a_service_that_comes_back_later_uses_no_name_again_and_obeys_no_old_order(host: Controller) -> None:
    await running(host, "web", "shop")
    await host.operator.pause("web", PauseKind.ALL)
    (host.folder / "web.yaml").unlink()
    await until(lambda: host.told(EventKind.SERVICE_REMOVED))
    host.write(policy())
    await until(lambda: host.world.choosable())
    assert host.world.choosable() == ["web-2"]
    assert host.operator.service("web").orders.pause is None


async def test_one_that_comes_back_while_the_last_of_it_is_forgotten_is_a_service_like_any_other(
    host: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    await running(host, "web", "shop")
    end, forgetting, go_on = Service.end, asyncio.Event(), asyncio.Event()

    async def slow(service: Service) -> None:
        await end(service)
        forgetting.set()
        await go_on.wait()

    monkeypatch.setattr(Service, "end", slow)
    (host.folder / "web.yaml").unlink()
    await forgetting.wait()
    host.write(policy())
    reload = asyncio.create_task(host.operator.reload())
    await sleep(2)
    go_on.set()
    assert await reload == ()
    host.world.proxy.rate["web"] = 190.0
    await until(lambda: len(host.world.choosable()) == 4)
    assert set(host.world.choosable()) == {"web-2", "web-3", "web-4", "web-5"}


async def test_a_service_that_is_being_removed_takes_no_order(host: Controller) -> None:
    await running(host, "web", "shop")
    host.world.proxy.hold("web-1", 60)
    (host.folder / "web.yaml").unlink()
    await until(lambda: host.told(EventKind.REPLICA_DRAINING, "web"))
    with pytest.raises(UsageError, match="being removed"):
        await host.operator.scale("web", Override(replicas=2))
    await until(lambda: host.told(EventKind.SERVICE_REMOVED), 100)


async def test_an_empty_folder_changes_nothing_and_says_so(host: Controller) -> None:
    await running(host, "web")
    (host.folder / "web.yaml").unlink()
    await until(lambda: host.told(EventKind.RELOAD_FAILED))
    assert "nothing changes" in host.told(EventKind.RELOAD_FAILED)[0].cause
    await sleep(30)
    assert host.world.choosable() == ["web-1"]
    assert host.world.engine.signals == []


async def test_a_file_that_cannot_be_read_changes_nothing(host: Controller) -> None:
    await running(host, "web", "shop")
    (host.folder / "web.yaml").unlink()
    (host.folder / "web.yaml").symlink_to(host.folder / "gone")
    await until(lambda: host.told(EventKind.RELOAD_FAILED))
    assert "can't be read" in host.told(EventKind.RELOAD_FAILED)[0].cause
    await sleep(30)
    assert host.world.choosable("web") == ["web-1"]


async def test_a_file_that_was_renamed_and_then_broken_keeps_its_service(host: Controller) -> None:
    await running(host, "web", "shop")
    (host.folder / "web.yaml").rename(host.folder / "front.yaml")
    await until(lambda: host.told(EventKind.RELOADED))
    host.write("service: [", "front.yaml")
    await until(lambda: host.told(EventKind.RELOAD_FAILED))
    await sleep(30)
    assert host.world.choosable("web") == ["web-1"]
    assert host.told(EventKind.REPLICA_DRAINING) == []


async def test_a_runtime_is_not_changed(host: Controller) -> None:
    await running(host, "web")
    host.write(PROCESS)
    problems = await host.operator.reload()
    assert "moving it is not available yet" in str(problems)
    await sleep(10)
    assert host.daemon.services["web"].loop.spec.runtime == "docker"
    assert host.world.choosable() == ["web-1"]


async def test_a_new_service_whose_runtime_is_refused_stays_out_and_all_else_goes_on(host: Controller) -> None:
    host.engines = {"process": Engine(host.world)}
    host.refuses["docker"] = StateError("another daemon holds the instance 'default' on this engine")
    host.write(PROCESS)
    await host.start()
    await until(lambda: host.world.choosable())
    host.write(policy("shop", port=8081), "shop.yaml")
    host.write(PROCESS.replace("min: 1", "min: 2"))
    (problem,) = await host.operator.reload()
    assert problem.startswith(f"{host.folder / 'shop.yaml'}:1: shop: another daemon holds the instance")
    await until(lambda: len(host.world.choosable()) == 2)
    assert set(host.daemon.services) == {"web"}
    assert not host.operator.status().last_reload_successful
    host.refuses.clear()
    assert await host.operator.reload() == ()
    await until(lambda: host.world.choosable("shop"))


async def test_a_new_service_waits_for_an_engine_that_does_not_answer(host: Controller) -> None:
    host.engines = {"process": Engine(host.world)}
    host.write(PROCESS)
    await host.start()
    host.refuses["docker"] = EngineUnavailable("connection refused")
    host.write(policy("shop", port=8081), "shop.yaml")
    assert await host.operator.reload() == ()
    await until(lambda: host.world.choosable("shop"))


async def test_a_changed_document_ends_a_down(host: Controller) -> None:
    await running(host, "web")
    await host.operator.down(["web"])
    assert host.world.engine.containers == {}
    await sleep(30)
    assert host.world.engine.containers == {}
    host.write(policy(most=9))
    await until(lambda: host.world.choosable())


async def test_a_reload_that_goes_wrong_ends_nobody(host: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    await running(host, "web")
    good_policies = host.store.set_good_policies

    async def fails(documents: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(host.store, "set_good_policies", fails)
    host.write(policy(least=2))
    await until(lambda: host.told(EventKind.RELOAD_FAILED))
    assert host.told(EventKind.RELOAD_FAILED)[0].cause == "RuntimeError('a bug')"
    assert host.is_alive()
    monkeypatch.setattr(host.store, "set_good_policies", good_policies)
    await until(lambda: len(host.world.choosable()) == 2)


# ---------------------------------------------------------------- at the start


async def test_a_first_start_needs_a_good_policy(host: Controller) -> None:
    with pytest.raises(PolicyError, match="no service found"):
        await host.start()
    host.write(BROKEN)
    with pytest.raises(PolicyError, match=r"web\.yaml:4:"):
        await host.start()
    assert host.world.engine.looks == 0


async def test_on_a_restart_a_broken_policy_serves_on_as_it_last_was_and_an_unknown_one_is_skipped(host: Controller) -> None:
    await running(host, "web")
    await host.stop()
    host.write(BROKEN)
    host.write(policy("shop").replace("min: 1", "min: one"), "shop.yaml")
    await host.start()
    await until(lambda: host.ready() == ["web-1"])
    assert set(host.daemon.services) == {"web"}
    for file in ("web", "shop"):
        assert f"{file}.yaml:4:" in str(host.daemon.policy_problems)


async def test_a_service_whose_document_went_while_the_daemon_was_away_is_removed(host: Controller) -> None:
    await running(host, "web", "shop")
    await host.stop()
    (host.folder / "web.yaml").unlink()
    await host.start()
    await until(lambda: host.told(EventKind.SERVICE_REMOVED))
    assert [c.service for c in host.world.engine.containers.values()] == ["shop"]


async def test_of_a_service_that_was_removed_no_minutes_are_kept(host: Controller) -> None:
    await running(host, "web", "shop")
    await sleep(130)
    assert await host.store.minutes("web")
    (host.folder / "web.yaml").unlink()
    await until(lambda: host.told(EventKind.SERVICE_REMOVED))
    assert await host.store.minutes("web") == {}
    assert (await host.store.minutes("shop"))["request_rate"].means


async def test_a_removal_that_a_kill_cut_short_goes_on(host: Controller) -> None:
    await running(host, "web", "shop")
    host.world.proxy.hold("web-1", 60)
    (host.folder / "web.yaml").unlink()
    await until(lambda: host.told(EventKind.REPLICA_DRAINING, "web"))
    await sleep(5)
    await host.kill()
    await host.start()
    await until(lambda: host.told(EventKind.SERVICE_REMOVED), 100)
    assert [c.service for c in host.world.engine.containers.values()] == ["shop"]
    assert set(await host.store.good_policies()) == {"shop"}
