"""HAProxy's life under a daemon that may die: adopted, reloaded, killed, ended. All real, all under load."""

import asyncio
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from autoscaler.control.clock import SystemClock
from autoscaler.errors import ProxyError, ProxyUnavailable
from autoscaler.model import Event, EventKind, ServerState
from autoscaler.proxies.haproxy import HAProxy, HAProxyReader, process, workers
from autoscaler.proxies.haproxy.files import Files
from tests.support.proxied import backend, free_bind, haproxy, is_up, of, replicas, service, until, until_told
from tests.support.web_client import Connection, ask, load

pytestmark = pytest.mark.real


def master_pid(folder: Path) -> int:
    master = process.find(Files(folder))
    assert master is not None
    return master.pid


async def test_another_daemon_adopts_it_without_a_reload(proxy: HAProxy, folder: Path, version: str) -> None:
    web = service()
    crowd = await replicas(3)
    await proxy.configure([web])
    await proxy.assign("web", [backend(replica, draining=replica.name == "web-3") for replica in crowd])
    (before,) = (await proxy.observe()).traffic["web"]
    await proxy.close()  # the daemon is gone, nothing else is
    second = haproxy(folder, version)
    async with load(web.route.bind, 8) as seen:
        assert await second.configure([web]) == {}
        view = await second.observe()
        await second.assign("web", [backend(replica, draining=replica.name == "web-3") for replica in crowd])
    assert seen.failed == []
    assert view.traffic["web"][0].worker == before.worker
    assert {name: server.state for name, server in of(view).items()} == {
        "web-1": ServerState.UP,
        "web-2": ServerState.UP,
        "web-3": ServerState.DRAIN,
    }
    await second.close()


async def test_a_new_route_is_a_reload_that_fails_no_request(proxy: HAProxy) -> None:
    web, api = service(), service("api")
    crowd = await replicas(4)
    await proxy.configure([web])
    await proxy.assign("web", [backend(replica) for replica in crowd[:3]])
    events: list[Event] = []
    watch = asyncio.create_task(proxy.supervise(events.append))
    async with load(web.route.bind, 16, path=lambda n: "/slow?20" if n % 7 else "/", pause_s=0.01) as seen:
        await asyncio.sleep(0.3)
        for specs in ([web, api], [web], [web, api]):
            await proxy.configure(specs)
            await asyncio.sleep(0.5)
    await proxy.assign("api", [backend(crowd[3])])
    assert seen.failed == []
    assert (await ask(api.route.bind)).body == b"web-4"
    await until_told(events, EventKind.PROXY_RELOADED)
    await asyncio.sleep(1.1)
    assert [event.facts["outcome"] for event in events if event.kind is EventKind.PROXY_RELOADED] == ["success"] * 3
    watch.cancel()


async def test_what_is_not_checked_is_so_after_a_reload_with_another_daemon_and_after_its_death(
    proxy: HAProxy, folder: Path, version: str
) -> None:
    web, api = service(), service("api")
    crowd = await replicas(3)
    for replica in crowd:
        replica.healthy = False
    unchecked = [backend(replica, checked=False) for replica in crowd]
    await proxy.configure([web])
    await proxy.assign("web", unchecked)
    async with load(web.route.bind, 8, pause_s=0.01) as seen:
        await proxy.configure([web, api])
        await asyncio.sleep(2.5)  # longer than it takes a check to take one out
    assert seen.failed == []
    await proxy.close()  # the daemon is gone
    second = haproxy(folder, version)
    await second.configure([web, api])
    events: list[Event] = []
    watch = asyncio.create_task(second.supervise(events.append))
    os.kill(master_pid(folder), signal.SIGKILL)
    await until_told(events, EventKind.PROXY_RESTARTED, 20)
    async with load(web.route.bind, 8, pause_s=0.01) as seen:
        await asyncio.sleep(2.5)
        view = await second.observe()
    assert seen.failed == []
    assert {(server.state, server.checked) for server in of(view).values()} == {(ServerState.UP, False)}
    await second.assign("web", [backend(crowd[0]), *unchecked[1:]])  # HAProxy was started without checking it
    await until(second, lambda view: of(view)["web-1"].state is ServerState.DOWN, 20)
    crowd[0].healthy = True
    await until(second, is_up("web", "web-1"), 20)
    watch.cancel()
    await second.close()


async def test_the_same_routes_are_no_reload(proxy: HAProxy) -> None:
    web = service()
    await proxy.configure([web])
    (before,) = (await proxy.observe()).traffic["web"]
    await proxy.configure([web])
    assert (await proxy.observe()).traffic["web"][0].worker == before.worker


async def test_requests_in_an_older_worker_count_as_in_flight(proxy: HAProxy) -> None:
    web, api = service(), service("api")
    one, two = await replicas(2)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    download = asyncio.create_task(ask(web.route.bind, "/held"))
    await until(proxy, lambda view: of(view)["web-1"].in_flight == 1)
    await proxy.configure([web, api])
    await proxy.assign("web", [backend(one, draining=True), backend(two)])
    view = await proxy.observe()
    assert len(view.traffic["web"]) == 2
    assert of(view)["web-1"].in_flight == 1
    assert sum(traffic.in_flight for traffic in view.traffic["web"]) == 1
    one.released.set()
    assert (await download).body == b"chunk" * 2
    view = await until(proxy, lambda view: of(view)["web-1"].in_flight == 0)
    assert of(view)["web-1"].state is ServerState.DRAIN


async def test_an_idle_client_of_an_older_worker_keeps_a_drained_server_engaged(proxy: HAProxy) -> None:
    web, api = service(), service("api")
    one, two = await replicas(2)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    client = await Connection.to(web.route.bind)
    await client.ask()
    await proxy.configure([web, api])
    await proxy.assign("web", [backend(one, draining=True), backend(two)])
    assert of(await proxy.observe())["web-1"].in_flight == 1
    last = await client.ask()
    assert (last.status, last.body, last.header("Connection")) == (200, b"web-1", "close")
    await until(proxy, lambda view: of(view)["web-1"].in_flight == 0)


async def test_a_reload_waits_while_three_older_workers_live(proxy: HAProxy) -> None:
    specs = [service(f"s{number}") for number in range(5)]
    (one,) = await replicas(1)
    await proxy.configure(specs[:1])
    await proxy.assign("s0", [backend(one)])
    downloads = []
    for count in (2, 3, 4):
        downloads.append(asyncio.create_task(ask(specs[0].route.bind, "/held")))
        await until(proxy, lambda view: view.traffic["s0"][0].in_flight >= 1)
        await proxy.configure(specs[:count])
    with pytest.raises(ProxyError, match="older workers"):
        await proxy.configure(specs)
    assert [event for event in proxy._untold if event.facts.get("outcome") == "failure"] == []  # it only waits
    one.released.set()
    assert {answer.body for answer in await asyncio.gather(*downloads)} == {b"chunk" * 2}
    async with asyncio.timeout(10):
        while len(process.worker_pids(process.find(proxy._files))) > 1:  # type: ignore[arg-type]
            await asyncio.sleep(0.05)
    assert await proxy.configure(specs) == {}


async def test_a_port_that_is_taken_is_reported_and_the_others_serve(proxy: HAProxy) -> None:
    web, api = service(), service("api")
    (one,) = await replicas(1)
    with socket.socket() as squatter:
        squatter.bind((api.route.bind.host, api.route.bind.port))
        squatter.listen()
        problems = await proxy.configure([web, api])
        assert problems.keys() == {"api"}
        assert str(api.route.bind) in problems["api"]
        await proxy.assign("web", [backend(one)])
        await proxy.assign("api", [backend(one)])
        async with load(web.route.bind, 8) as seen:
            assert (await proxy.configure([web, api])).keys() == {"api"}
            await asyncio.sleep(0.2)
        assert seen.failed == []
    assert await proxy.configure([web, api]) == {}
    assert (await ask(api.route.bind)).body == b"web-1"


async def test_a_port_that_a_dying_haproxy_still_holds_is_waited_for(proxy: HAProxy, folder: Path, version: str) -> None:
    web = service()
    await proxy.configure([web])
    await process.end(process.everyone(Files(folder)))
    squatter = socket.socket()
    squatter.bind((web.route.bind.host, web.route.bind.port))
    squatter.listen()
    asyncio.get_running_loop().call_later(0.3, squatter.close)
    second = haproxy(folder, version)
    assert await second.configure([web]) == {}
    assert (await ask(web.route.bind)).status == 503
    await second.close()


@pytest.mark.parametrize(("whom", "within_s"), [("worker", 3.0), ("master", 6.0)])  # three times 1 and 2 s
async def test_killed_it_is_back_with_the_servers_it_had(proxy: HAProxy, folder: Path, whom: str, within_s: float) -> None:
    web = service()
    crowd = await replicas(4)
    await proxy.configure([web])
    await proxy.assign("web", [backend(replica, draining=replica.name == "web-4") for replica in crowd])
    events: list[Event] = []
    watch = asyncio.create_task(proxy.supervise(events.append))
    master = process.find(Files(folder))
    assert master is not None
    (worker,) = process.worker_pids(master)
    dying = [asyncio.create_task(ask(web.route.bind, "/held")) for _ in range(3)]
    await until(proxy, lambda view: sum(server.in_flight for server in of(view).values()) == 3)
    os.kill(worker if whom == "worker" else master.pid, signal.SIGKILL)
    told = await until_told(events, EventKind.PROXY_RESTARTED)
    async with load(web.route.bind, 8) as seen:
        await asyncio.sleep(0.3)
    assert all(isinstance(end, Exception) for end in await asyncio.gather(*dying, return_exceptions=True))
    assert told.facts["lost"] == 3
    gap_s = told.facts["gap_seconds"]
    assert isinstance(gap_s, float)
    assert gap_s < within_s
    assert seen.failed == []
    assert {name: server.state for name, server in of(await proxy.observe()).items()} == {
        "web-1": ServerState.UP,
        "web-2": ServerState.UP,
        "web-3": ServerState.UP,
        "web-4": ServerState.DRAIN,
    }
    assert len(process.everyone(Files(folder))) == 2
    await proxy.assign("web", [backend(crowd[3])])  # taken back, though the file had it disabled
    assert (await ask(web.route.bind)).body == b"web-4"
    watch.cancel()


async def test_it_ends_for_one_who_never_configured_it(proxy: HAProxy, folder: Path, version: str) -> None:
    web = service()
    (one,) = await replicas(1)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    asked = asyncio.create_task(ask(web.route.bind, "/slow?700"))
    await until(proxy, lambda view: of(view)["web-1"].in_flight == 1)
    await proxy.close()
    Files(folder).pid.unlink()
    stranger = haproxy(folder, version)
    await stranger.stop()
    assert (await asked).status == 200
    assert process.everyone(Files(folder)) == []
    assert folder.name not in os.listdir(folder.parent)
    await stranger.stop()


async def test_a_dry_run_looks_and_changes_nothing(proxy: HAProxy, folder: Path) -> None:
    web = service()
    one, two = await replicas(2)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one), backend(two, draining=True)])
    reader = HAProxyReader(folder, SystemClock())
    seen = of(await until(reader, is_up("web", "web-1")))
    assert (seen["web-1"].address, seen["web-2"].state) == (one.address, ServerState.DRAIN)
    assert not hasattr(reader, "assign")
    await reader.close()


async def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(ProxyError, match="shorter --state-dir"):
        await haproxy(tmp_path / ("x" * 100), version).configure([])


async def test_no_route_at_all(proxy: HAProxy) -> None:
    await proxy.configure([])
    web = service()
    await proxy.configure([web])
    assert (await ask(web.route.bind)).status == 503
    await proxy.configure([])
    with pytest.raises(ConnectionError):
        await ask(web.route.bind)


async def test_servers_that_are_gone_are_deleted(proxy: HAProxy) -> None:
    web = service()
    crowd = await replicas(3)
    await proxy.configure([web])
    await proxy.assign("web", [backend(replica) for replica in crowd])
    watch = asyncio.create_task(proxy.supervise(lambda event: None))
    async with load(web.route.bind, 8):
        await asyncio.sleep(0.2)
        await proxy.assign("web", [backend(crowd[0])])
    async with asyncio.timeout(5):
        while {row.name for row in proxy._seen["web"]} != {"web-1"}:
            await asyncio.sleep(0.1)
            await proxy.observe()
    watch.cancel()


async def test_a_server_that_can_not_be_deleted_yet_is_deleted_later(proxy: HAProxy) -> None:
    web = service()
    one, two = await replicas(2)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    asked = asyncio.create_task(ask(web.route.bind, "/held"))
    await until(proxy, lambda view: of(view)["web-1"].in_flight == 1)
    await proxy.assign("web", [backend(two)])
    (refused,) = await proxy._workers.ask("del server web/web-1")
    assert "still has connections" in refused
    watch = asyncio.create_task(proxy.supervise(lambda event: None))
    one.released.set()
    assert (await asked).body == b"chunk" * 2
    async with asyncio.timeout(10):
        while {row.name for row in proxy._seen["web"]} != {"web-2"}:
            await asyncio.sleep(0.05)
            await proxy.observe()
    watch.cancel()


async def test_a_disk_that_takes_nothing_keeps_no_server_away(proxy: HAProxy, folder: Path) -> None:
    web = service()
    (one,) = await replicas(1)
    await proxy.configure([web])
    (folder / "haproxy.cfg.tmp").mkdir()  # nothing can be written beside the config any more
    await proxy.assign("web", [backend(one)])
    assert (await ask(web.route.bind)).body == b"web-1"
    events: list[Event] = []
    watch = asyncio.create_task(proxy.supervise(events.append))
    await until_told(events, EventKind.PROXY_FAULT)
    (folder / "haproxy.cfg.tmp").rmdir()
    async with asyncio.timeout(5):
        while "web-1" not in (folder / "haproxy.cfg").read_text():
            await asyncio.sleep(0.05)
    watch.cancel()


async def test_one_that_dies_again_at_once_says_how_long_the_next_start_is_away(proxy: HAProxy, folder: Path) -> None:
    await proxy.configure([service()])
    events: list[Event] = []
    watch = asyncio.create_task(proxy.supervise(events.append))
    os.kill(master_pid(folder), signal.SIGKILL)
    await until_told(events, EventKind.PROXY_RESTARTED, 20)
    assert [event for event in events if event.kind is EventKind.PROXY_FAULT] == []
    os.kill(master_pid(folder), signal.SIGKILL)
    told = await until_told(events, EventKind.PROXY_FAULT, 20)
    assert told.cause == "HAProxy dies again and again: the next start is 0.5 s away"
    assert [event.kind for event in events].count(EventKind.PROXY_RESTARTED) == 2
    watch.cancel()


async def test_the_log_port_outlives_the_daemon(proxy: HAProxy, folder: Path, version: str) -> None:
    web = service()
    (one,) = await replicas(1)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    await proxy.close()
    second = haproxy(folder, version)
    await second.configure([web])
    await ask(web.route.bind, "/status?404")
    async with asyncio.timeout(3):
        batch = await anext(aiter(second.requests()))
    assert [(request.service, request.status, request.failure) for request in batch] == [("web", 404, None)]
    await second.close()


async def test_a_log_port_taken_meanwhile_is_changed(proxy: HAProxy, folder: Path, version: str) -> None:
    web = service()
    (one,) = await replicas(1)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    port = proxy._log.listen(None)
    await proxy.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as squatter:
        squatter.bind(("127.0.0.1", port))
        second = haproxy(folder, version)
        await second.configure([web])
        await ask(web.route.bind)
        async with asyncio.timeout(3):
            assert [request.status for request in await anext(aiter(second.requests()))] == [200]
        await second.close()


async def test_a_start_is_quick(folder: Path, version: str) -> None:
    adapter = haproxy(folder, version)
    began = time.monotonic()
    await adapter.configure([service(bind=free_bind())])
    took_s = time.monotonic() - began
    await adapter.stop()
    assert took_s < 2


async def test_a_page_that_lacks_a_route_is_refused_and_not_taken_for_one_without_servers(
    proxy: HAProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = await replicas(1)
    await proxy.configure([service()])
    await proxy.assign("web", [backend(one)])
    with monkeypatch.context() as patched:
        patched.setattr(workers, "SHOW_STAT", "show stat -1 1 -1")  # frontends alone
        with pytest.raises(ProxyUnavailable, match="half a statistics page: it has nothing of web"):
            await proxy.observe()
    assert of(await proxy.observe()).keys() == {"web-1"}


async def test_a_page_without_routes_from_an_older_worker_is_refused(
    proxy: HAProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = service()
    (one,) = await replicas(1)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    busy = asyncio.create_task(ask(web.route.bind, "/held"))
    await until(proxy, lambda view: of(view)["web-1"].in_flight == 1)
    await proxy.configure([web, service("two", bind=free_bind())])
    with monkeypatch.context() as patched:
        patched.setattr(workers, "SHOW_STAT_WITH_CLIENTS", "show stat -1 1 -1")  # frontends alone
        with pytest.raises(ProxyUnavailable, match="an older worker has its routes"):
            await proxy.observe()
    one.released.set()
    assert (await busy).status == 200
