"""What every proxy adapter must hold, over real proxies and real replicas."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autoscaler.errors import ProxyUnavailable
from autoscaler.model import Address, Backend, Check, ServerState
from autoscaler.ports import Proxy
from autoscaler.spec.models import HealthCheck
from tests.support.proxied import BINARIES, backend, haproxy, of, replicas, service, until
from tests.support.web_client import Connection, ask, load

pytestmark = pytest.mark.real


@pytest.fixture(params=sorted(BINARIES))
async def proxy(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Proxy]:
    adapter = haproxy(tmp_path / "p", request.param)
    yield adapter
    await adapter.stop()
    await adapter.close()


async def test_a_new_server_serves_at_once(proxy: Proxy) -> None:
    web = service()
    (one,) = await replicas(1)
    assert await proxy.configure([web]) == {}
    began = time.monotonic()
    await proxy.assign("web", [backend(one)])
    answer = await ask(web.route.bind)
    assert (answer.status, answer.body) == (200, b"web-1")
    assert time.monotonic() - began < 0.3


async def test_no_server_is_503_at_once(proxy: Proxy) -> None:
    web = service()
    await proxy.configure([web])
    began = time.monotonic()
    answer = await ask(web.route.bind)
    assert answer.status == 503
    assert answer.header("Retry-After") is not None
    assert time.monotonic() - began < 1


async def test_assigning_twice_changes_nothing(proxy: Proxy) -> None:
    await proxy.configure([service()])
    wanted = [backend(replica) for replica in await replicas(3)]
    await proxy.assign("web", wanted)
    first = of(await proxy.observe())
    await proxy.assign("web", wanted)
    assert first.keys() == of(await proxy.observe()).keys() == {"web-1", "web-2", "web-3"}


async def test_a_view_before_anything_runs_is_unavailable(proxy: Proxy) -> None:
    with pytest.raises(ProxyUnavailable):
        await proxy.observe()


async def test_totals_count_arrivals_and_errors(proxy: Proxy) -> None:
    web = service(retries="none")
    (one,) = await replicas(1)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    for path in ("/", "/status?404", "/status?500"):
        await ask(web.route.bind, path)
    (traffic,) = (await proxy.observe()).traffic["web"]
    assert (traffic.arrivals_total, traffic.responses_total, traffic.errors_total) == (3, 3, 1)
    assert (traffic.in_flight, traffic.queued) == (0, 0)


async def test_in_flight_includes_the_queued(proxy: Proxy) -> None:
    web = service(max_concurrency=2)
    (one,) = await replicas(1)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    asked = [asyncio.create_task(ask(web.route.bind, "/slow?3000")) for _ in range(2)]
    await until(proxy, lambda view: of(view)["web-1"].in_flight == 2)
    asked += [asyncio.create_task(ask(web.route.bind, "/slow?100")) for _ in range(3)]
    view = await until(proxy, lambda view: view.traffic["web"][0].in_flight == 5)
    assert view.traffic["web"][0].queued == 3
    assert of(view)["web-1"].in_flight == 2
    assert [answer.status for answer in await asyncio.gather(*asked)] == [200] * 5
    assert one.busiest == 2


async def test_a_draining_server_finishes_and_gets_nothing_new(proxy: Proxy) -> None:
    web = service()
    one, two = await replicas(2)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    asked = [asyncio.create_task(ask(web.route.bind, "/slow?500")) for _ in range(5)]
    await until(proxy, lambda view: of(view)["web-1"].in_flight == 5)
    await proxy.assign("web", [backend(one, draining=True), backend(two)])
    view = await proxy.observe()
    assert of(view)["web-1"].state is ServerState.DRAIN
    assert of(view)["web-1"].in_flight == 5
    assert {(await ask(web.route.bind)).body for _ in range(10)} == {b"web-2"}
    assert [(a.status, a.body) for a in await asyncio.gather(*asked)] == [(200, b"web-1")] * 5
    assert of(await proxy.observe())["web-1"].in_flight == 0


async def test_a_drained_keep_alive_client_moves_on(proxy: Proxy) -> None:
    web = service()
    one, two = await replicas(2)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    client = await Connection.to(web.route.bind)
    assert (await client.ask()).body == b"web-1"
    await proxy.assign("web", [backend(one, draining=True), backend(two)])
    assert (await client.ask()).body == b"web-2"
    client.close()


async def test_a_draining_server_is_taken_back(proxy: Proxy) -> None:
    web = service()
    (one,) = await replicas(1)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    await proxy.assign("web", [backend(one, draining=True)])
    assert (await ask(web.route.bind)).status == 503
    await proxy.assign("web", [backend(one)])
    assert (await ask(web.route.bind)).body == b"web-1"


async def test_a_server_that_goes_is_seen_no_more(proxy: Proxy) -> None:
    web = service()
    one, two = await replicas(2)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one), backend(two)])
    await proxy.assign("web", [backend(two)])
    assert of(await proxy.observe()).keys() == {"web-2"}
    assert {(await ask(web.route.bind)).body for _ in range(10)} == {b"web-2"}


async def test_a_server_that_moved_is_found_at_its_new_address(proxy: Proxy) -> None:
    web = service()
    (one,) = await replicas(1)
    await proxy.configure([web])
    await proxy.assign("web", [Backend("web-1", Address("127.0.0.1", 9), False, "")])
    await proxy.assign("web", [backend(one)])
    assert (await ask(web.route.bind)).body == b"web-1"


async def test_a_failing_health_check_takes_a_server_out(proxy: Proxy) -> None:
    web = service()
    one, two = await replicas(2)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one), backend(two)])
    one.healthy = False
    await until(proxy, lambda view: of(view)["web-1"].state is ServerState.DOWN)
    assert {(await ask(web.route.bind)).body for _ in range(10)} == {b"web-2"}
    one.healthy = True
    await until(proxy, lambda view: of(view)["web-1"].state is ServerState.UP)


async def test_a_server_that_begins_to_fail_is_seen_before_it_is_left(proxy: Proxy) -> None:
    web = service(check=HealthCheck(http="/healthz", retries=5))
    (one,) = await replicas(1)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    await until(proxy, lambda view: bool(one.heads), 20)  # a new one falls at its first bad answer
    one.healthy = False
    view = await until(proxy, lambda view: of(view)["web-1"].check is Check.FAILS, 20)
    assert of(view)["web-1"].state is ServerState.UP
    await one.stop()
    await until(proxy, lambda view: of(view)["web-1"].check is Check.REFUSES, 20)


async def test_a_server_that_is_not_checked_gets_requests_whatever_its_check_says(proxy: Proxy) -> None:
    web = service()
    one, two = await replicas(2)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one), backend(two)])
    one.healthy = two.healthy = False
    await until(proxy, lambda view: all(server.state is ServerState.DOWN for server in of(view).values()), 20)
    await proxy.assign("web", [backend(one, checked=False), backend(two, checked=False)])
    async with load(web.route.bind, 8, pause_s=0.01) as seen:
        await asyncio.sleep(2.5)  # longer than it takes a check to take one out
        view = await proxy.observe()
    assert seen.failed == []
    assert one.requests
    assert two.requests
    assert {(server.state, server.checked) for server in of(view).values()} == {(ServerState.UP, False)}


async def test_a_server_that_is_checked_again_is_taken_out_again(proxy: Proxy) -> None:
    web = service()
    one, two = await replicas(2)
    await proxy.configure([web])
    one.healthy = False
    await proxy.assign("web", [backend(one, checked=False), backend(two)])
    view = await proxy.observe()
    assert {server.replica: server.checked for server in of(view).values()} == {"web-1": False, "web-2": True}
    assert b"web-1" in {(await ask(web.route.bind)).body for _ in range(10)}
    await proxy.assign("web", [backend(one), backend(two)])
    view = await until(proxy, lambda view: of(view)["web-1"].state is ServerState.DOWN, 20)
    assert of(view)["web-1"].checked


async def test_a_server_that_fails_its_check_drains_too(proxy: Proxy) -> None:
    web = service(check=HealthCheck(http="/healthz", interval=0.2))
    one, two = await replicas(2)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    busy = asyncio.create_task(ask(web.route.bind, "/slow?90000", "POST", b"x"))
    await until(proxy, lambda view: of(view)["web-1"].in_flight == 1, 20)
    one.healthy = False
    await until(proxy, lambda view: of(view)["web-1"].state is ServerState.DOWN, 20)
    await proxy.assign("web", [backend(one, draining=True), backend(two)])
    server = of(await proxy.observe())["web-1"]
    assert (server.state, server.in_flight) == (ServerState.DRAIN, 1)
    await one.stop()
    assert (await busy).status == 502  # it had been left to go on until now
    await until(proxy, lambda view: of(view)["web-1"].in_flight == 0, 20)


async def test_routes_go_by_host_then_by_longest_path_in_whole_segments(proxy: Proxy) -> None:
    shared = service("all")
    bind = shared.route.bind
    specs = [
        shared,
        service("api", bind=bind, path="/api"),
        service("deep", bind=bind, path="/api/deep/"),
        service("shop", bind=bind, host="shop.example.com"),
        service("shopapi", bind=bind, host="shop.example.com", path="/api"),
    ]
    assert await proxy.configure(specs) == {}
    for spec in specs:
        await proxy.assign(spec.service, [backend(r) for r in await replicas(1, spec.service)])
    host = f"Host: Shop.Example.com:{bind.port}\r\n"
    asked = {
        ("/", ""): b"all-1",
        ("/apis", ""): b"all-1",
        ("/api", ""): b"api-1",
        ("/api?x=/api/deep", ""): b"api-1",
        ("/api/x", ""): b"api-1",
        ("/api/deep", ""): b"deep-1",
        ("/api/deep/x", ""): b"deep-1",
        ("/", host): b"shop-1",
        ("/api/deep", host): b"shopapi-1",
    }
    got = {key: (await ask(bind, key[0], headers=key[1])).body for key in asked}
    assert got == asked


async def test_what_no_route_matches_is_404(proxy: Proxy) -> None:
    api = service("api", path="/api")
    await proxy.configure([api])
    assert (await ask(api.route.bind, "/other")).status == 404


async def test_fifty_servers_come_and_go_under_load(proxy: Proxy) -> None:
    web = service()
    crowd = await replicas(51)
    await proxy.configure([web])
    await proxy.assign("web", [backend(crowd[0])])
    async with load(web.route.bind, 32, pause_s=0.005) as seen:
        for step in range(0, 50, 5):
            await proxy.assign("web", [backend(replica) for replica in crowd[: step + 6]])
            await asyncio.sleep(0.1)
        for step in range(0, 50, 5):
            left, going = crowd[step + 5 :], crowd[step : step + 5]
            wanted = [*(backend(r, draining=True) for r in going), *(backend(r) for r in left)]
            await proxy.assign("web", wanted)
            await until(proxy, lambda view: all(of(view)[r.name].in_flight == 0 for r in going))  # noqa: B023
            await proxy.assign("web", [backend(r) for r in left])
            for replica in going:
                await replica.stop()
    assert seen.failed == []
    assert seen.total > 500
    assert of(await proxy.observe()).keys() == {"web-51"}
    assert all(replica.requests for replica in crowd)
