"""The daemon's parts by themselves: executor, images, watch, and the prober with real servers."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from autoscaler.control.executor import Executor
from autoscaler.control.health import ask, ask_once
from autoscaler.control.images import Images
from autoscaler.control.watch import LOOK_EVERY_S, fingerprint, watch
from autoscaler.model import Address, Backend, Check, Event, Plan, Remove, Step
from autoscaler.spec.models import HealthCheck
from autoscaler.store.memory import MemoryStore
from tests.reconcile.build import WEB
from tests.support.worlds import World, until

# ---------------------------------------------------------------- executor


def backend(*, draining: bool) -> Backend:
    return Backend("web-1", Address("127.0.0.1", 1001), draining, "")


KEPT_AT_ONCE = MemoryStore().written


def executor(world: World, events: list[Event], kept: Callable[[], Awaitable[None]] = KEPT_AT_ONCE) -> Executor:
    images = Images(world.engine, world.clock, events.append, {})
    return Executor("web", world.engine, world.proxy, images, world.clock, events.append, kept, lambda: None)


@pytest.mark.looptime
async def test_the_latest_backends_win_and_a_drain_is_only_over_when_the_last_one_was_taken_in() -> None:
    world = World()
    world.proxy.routes["web"] = WEB
    acting = executor(world, [])
    told = [Plan((backend(draining=draining),), ()) for draining in (True, False, True)]
    acting.dispatch(WEB, told[0], {"web-1": "id-web-1"})
    await until(lambda: acting.drained_at)
    first = acting.drained_at["web-1"]
    acting.dispatch(WEB, told[1], {"web-1": "id-web-1"})
    assert acting.drained_at == {}
    await asyncio.sleep(0.005)  # the proxy is being told
    acting.dispatch(WEB, told[2], {"web-1": "id-web-1"})
    assert acting.drained_at == {}
    await until(lambda: acting.drained_at)
    assert acting.drained_at["web-1"] > first
    assert [backends[0].draining for _, backends in world.proxy.assigned] == [True, False, True]
    await acting.close()


@pytest.mark.looptime
async def test_a_drain_that_is_called_off_before_the_proxy_took_it_in_never_gets_there() -> None:
    world = World()
    world.proxy.routes["web"] = WEB
    acting = executor(world, [])
    acting.dispatch(WEB, Plan((backend(draining=True),), ()), {"web-1": "id-web-1"})
    await asyncio.sleep(0.005)  # the proxy is being told
    for _ in range(2):
        acting.dispatch(WEB, Plan((backend(draining=False),), ()), {"web-1": "id-web-1"})
        await asyncio.sleep(0)
    await until(lambda: acting.serving)
    assert [backends[0].draining for _, backends in world.proxy.assigned] == [False]
    assert acting.problem == ""
    await acting.close()


@pytest.mark.looptime
async def test_one_taken_back_unseen_serves_again_in_the_list_that_was_told_last() -> None:
    world = World()
    world.proxy.routes["web"] = WEB
    acting = executor(world, [])
    acting.dispatch(WEB, Plan((backend(draining=True),), ()), {"web-1": "id-web-1"})
    await until(lambda: acting.drained_at)
    acting.dispatch(WEB, Plan(None, ()), {"web-1": "id-web-1"})
    assert acting.drained_at
    acting.dispatch(WEB, Plan(None, (), returns=(("web-1", "wanted"),)), {"web-1": "id-web-1"})
    assert acting.drained_at == {}
    await until(lambda: acting.serving)
    assert [backends[0].draining for _, backends in world.proxy.assigned] == [True, False]
    await acting.close()


@pytest.mark.looptime
async def test_nothing_is_removed_before_the_disk_has_what_led_to_it() -> None:
    world, written = World(), asyncio.Event()

    async def kept() -> None:
        await written.wait()

    acting = executor(world, [], kept)
    world.found("web-1", behind=False)
    acting.dispatch(WEB, Plan(None, (Remove("web-1", "could not be started"),)), {"web-1": "id-web-1"})
    await asyncio.sleep(60)
    assert list(world.engine.containers) == ["web-1"]
    written.set()
    await until(lambda: not world.engine.containers)
    await acting.close()


@pytest.mark.looptime
async def test_one_action_a_replica() -> None:
    world = World()
    acting = executor(world, [])
    world.found("web-1", behind=False)
    remove = Plan(None, (Remove("web-1", "ended"),))
    assert acting.dispatch(WEB, remove, {"web-1": "id-web-1"}).removing == ("web-1",)
    assert acting.dispatch(WEB, remove, {"web-1": "id-web-1"}).removing == ()
    assert acting.under_way() == {"web-1": Step.REMOVE}
    await until(lambda: not acting.under_way())
    assert world.engine.containers == {}
    await acting.close()


# ---------------------------------------------------------------- images


@pytest.mark.looptime
async def test_an_image_is_prepared_once_for_all_and_given_up_on_close() -> None:
    world = World()
    world.engine.pull_s = 5.0
    images = Images(world.engine, world.clock, lambda event: None, {})
    assert await asyncio.gather(*(images.image_of(WEB) for _ in range(4))) == ["sha256:web"] * 4
    assert world.engine.prepared == 1
    images.forget(WEB)
    waiting = asyncio.create_task(images.image_of(WEB))
    await asyncio.sleep(1)
    waiting.cancel()
    await images.close()
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task() and task is not waiting] == []


# ---------------------------------------------------------------- watch


def test_a_folders_policies_count_and_editors_own_files_do_not(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text("service: web")
    before = fingerprint([tmp_path])
    for name in (".web.yaml.swp", ".#web.yaml", "#web.yaml#", "~web.yaml", "web.yaml~", "4913", "README.md"):
        (tmp_path / name).write_text("x")
        assert fingerprint([tmp_path]) == before
    (tmp_path / ".env").write_text("A=1")
    assert fingerprint([tmp_path]) != before


def test_each_way_to_change_a_file_is_seen(tmp_path: Path) -> None:
    for version in ("v1", "v2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "web.yaml").write_text("same size")
        os.utime(tmp_path / version / "web.yaml", (1, 1))
    (tmp_path / "..data").symlink_to("v1")
    (tmp_path / "web.yaml").symlink_to("..data/web.yaml")
    seen = [fingerprint([tmp_path])]
    (tmp_path / "..new").symlink_to("v2")
    (tmp_path / "..new").rename(tmp_path / "..data")
    seen.append(fingerprint([tmp_path]))
    (tmp_path / "web.yaml").rename(tmp_path / "front.yaml")
    seen.append(fingerprint([tmp_path]))
    (tmp_path / "front.yaml").unlink()
    seen.append(fingerprint([tmp_path]))
    assert len(set(seen)) == 4


def test_a_path_that_cannot_be_looked_at_is_left_out() -> None:
    assert fingerprint([Path("x" * 300)]) == ()


@pytest.mark.looptime
async def test_one_call_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(call: object, *args: object) -> object:
        assert callable(call)
        return call(*args)

    monkeypatch.setattr(asyncio, "to_thread", at_once)
    changes = 0

    def changed() -> None:
        nonlocal changes
        changes += 1

    watching = asyncio.create_task(watch(lambda: [tmp_path], changed))
    await asyncio.sleep(3 * LOOK_EVERY_S)
    (tmp_path / "web.yaml").write_text("service: web")
    await asyncio.sleep(3 * LOOK_EVERY_S)
    watching.cancel()
    assert changes == 1


# ---------------------------------------------------------------- health, with real servers


async def answering(answer: bytes, *, ask_with: HealthCheck) -> tuple[str, bytes]:
    """What is wrong with a server that answers so, and what it was asked."""
    asked = b""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked = await reader.read(1000)
        writer.write(answer)
        await writer.drain()
        if not answer:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = Address("127.0.0.1", server.sockets[0].getsockname()[1])
    route = WEB.route.model_copy(update={"host": "shop.example.com"})
    replica = WEB.replica.model_copy(update={"healthcheck": ask_with})
    problem = await ask(WEB.model_copy(update={"route": route, "replica": replica}), address)
    server.close()
    return problem.removeprefix(f"{address}: "), asked


HTTP = HealthCheck(http="/healthz", timeout=0.3)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
        (b"HTTP/1.1 399 So\r\nContent-Length: 0\r\n\r\n", ""),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", ""),
        (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "GET /healthz answered 404"),
        (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "GET /healthz answered 503"),
        (b"", "no answer in 0.3 s"),
    ],
)
async def test_http_passes_on_200_to_399_and_sends_the_routes_host(answer: bytes, problem: str) -> None:
    told, asked = await answering(answer, ask_with=HTTP)
    assert told == problem
    assert asked.startswith(b"GET /healthz HTTP/1.1\r\nHost: shop.example.com\r\n")


@pytest.mark.parametrize("answer", [b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"])
async def test_an_answer_that_makes_no_sense_is_a_problem(answer: bytes) -> None:
    told, _ = await answering(answer, ask_with=HTTP)
    assert told


async def test_tcp_passes_when_the_connection_is_accepted() -> None:
    assert await answering(b"", ask_with=HealthCheck(tcp=True)) == ("", b"")


async def test_nobody_listens() -> None:
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    address = Address("127.0.0.1", server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()
    for check in (HTTP, HealthCheck(tcp=True)):
        replica = WEB.replica.model_copy(update={"healthcheck": check})
        assert str(address) in await ask(WEB.model_copy(update={"replica": replica}), address)
        found, _problem = await ask_once(WEB.model_copy(update={"replica": replica}), address)
        assert found is Check.REFUSES
