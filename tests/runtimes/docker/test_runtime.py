"""What only containers have, on the host's engine: labels, hardening, networks, volumes, secrets, strangers."""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from docker import APIClient
from docker.errors import APIError

from autoscaler.errors import EngineError, ImageError
from autoscaler.model import Exit, Instance, Phase
from autoscaler.runtimes.docker import DockerReader, DockerRuntime
from autoscaler.spec.models import HealthCheck, Mount, Secret, ServiceSpec
from tests.support.images import PORT, busybox_image
from tests.support.runtimes import SLEEPS, Stage, WallClock

pytestmark = pytest.mark.real


@pytest.fixture
def client() -> Iterator[APIClient]:
    """The engine as anyone else sees it."""
    api = docker.from_env(timeout=20).api
    yield api
    api.close()


async def started(stage: Stage, spec: ServiceSpec, replica: str = "web-1") -> Instance:
    await stage.runtime.start(spec, replica, await stage.runtime.prepare(spec, lambda _: None))
    return await only(stage)


async def only(stage: Stage) -> Instance:
    """The only replica."""
    (instance,) = await stage.runtime.observe()
    return instance


async def in_phase(stage: Stage, phase: Phase) -> Instance:
    """The only replica, once it is so."""
    async with asyncio.timeout(10):
        while (instance := await only(stage)).phase is not phase:  # no event tells of it
            await asyncio.sleep(0.02)
    return instance


def inspect(client: APIClient, container: str) -> dict[str, Any]:
    found: dict[str, Any] = client.inspect_container(container)
    return found


def status_of(pid: int) -> dict[str, str]:
    """What the kernel tells of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


@pytest.fixture
def stranger(stage: Stage, client: APIClient, instance: str) -> Iterator[dict[str, str]]:
    """Containers that look like ours: by name, by another instance's labels, by the mark alone."""
    image = str(stage.spec().replica.image)
    others = {
        f"autoscaler-{instance}-web-1": {},
        f"autoscaler-{instance}x-web-1": {
            "io.autoscaler.managed": "true",
            "io.autoscaler.instance": f"{instance}x",
            "io.autoscaler.service": "web",
            "io.autoscaler.replica": "web-1",
        },
        f"{instance}-marked": {"io.autoscaler.managed": "true"},
    }
    ids = {}
    try:
        for name, labels in others.items():
            ids[name] = client.create_container(image, ["sleep", "600"], name=name, labels=labels)["Id"]
            client.start(ids[name])
        yield ids
    finally:
        for id in ids.values():
            client.remove_container(id, force=True)


async def test_strangers_are_neither_seen_nor_touched(stage: Stage, stranger: dict[str, str], client: APIClient) -> None:
    spec = stage.spec()
    image = await stage.runtime.prepare(spec, lambda _: None)
    assert list(await stage.runtime.observe()) == []
    with pytest.raises(EngineError, match=r"the name autoscaler-\S+-web-1 is taken by container \w+, which isn't ours"):
        await stage.runtime.start(spec, "web-1", image)
    await stage.runtime.start(spec, "web-2", image)
    await stage.runtime.remove((await only(stage)).id)
    assert all(inspect(client, id)["State"]["Running"] for id in stranger.values())


async def test_the_engine_itself_removes_none_that_runs_unless_it_is_forced(stage: Stage, client: APIClient) -> None:
    """So that a removal without force, carried out late, ends nobody."""
    seen = await started(stage, stage.spec())
    with pytest.raises(APIError, match=r"(?i)cannot remove"):
        client.remove_container(seen.id, v=True)
    assert (await only(stage)).phase is Phase.RUNNING


async def test_one_that_was_created_and_never_started_is_started(stage: Stage, client: APIClient) -> None:
    first = await started(stage, stage.spec())
    config = inspect(client, first.id)
    name = config["Name"].lstrip("/")
    await stage.runtime.remove(first.id)
    client.create_container(first.image, ["sleep", "600"], name=name, labels=config["Config"]["Labels"])
    created = await only(stage)
    assert (created.phase, created.address, created.exit) == (Phase.CREATED, None, None)
    await stage.runtime.start(stage.spec(), "web-1", first.image)
    seen = await only(stage)
    assert (seen.id, seen.phase) == (created.id, Phase.RUNNING)


async def test_it_is_hardened_in_the_kernels_eyes(stage: Stage, client: APIClient) -> None:
    seen = await started(stage, stage.spec(mem_limit=64 << 20, cpus=0.5))
    fields = status_of(inspect(client, seen.id)["State"]["Pid"])
    kept = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 10  # capability numbers of capabilities(7)
    assert (fields["NoNewPrivs"], int(fields["CapBnd"], 16)) == ("1", kept)
    host = inspect(client, seen.id)["HostConfig"]
    assert (host["PidsLimit"], host["Memory"], host["NanoCpus"]) == (4096, 64 << 20, 5 * 10**8)
    assert not host["PortBindings"]


async def test_it_joins_every_network_before_it_starts(stage: Stage, client: APIClient, instance: str) -> None:
    networks = (f"{instance}-b", f"{instance}-a")
    for network in networks:
        client.create_network(network)
    try:
        seen = await started(stage, stage.spec("exec sleep 600", networks=networks))
        joined = inspect(client, seen.id)["NetworkSettings"]["Networks"]
        assert set(joined) == set(networks)
        assert seen.address is not None
        assert seen.address.host == joined[networks[0]]["IPAddress"]
        await stage.runtime.remove(seen.id)
    finally:
        for network in networks:
            client.remove_network(network)


async def test_its_anonymous_volumes_go_with_it(stage: Stage, client: APIClient) -> None:
    seen = await started(stage, stage.spec(volumes=(Mount(type="volume", target="/cache"),)))
    (mount,) = inspect(client, seen.id)["Mounts"]
    await stage.runtime.remove(seen.id)
    assert mount["Name"] not in {volume["Name"] for volume in client.volumes()["Volumes"] or ()}


async def test_a_secret_reaches_the_replica_and_no_label(stage: Stage, client: APIClient, instance: str) -> None:
    runtime = DockerRuntime(instance, {**os.environ, "TOKEN": "s3cret"}, WallClock())
    spec = stage.spec("echo $KEY $LEVEL", environment={"KEY": Secret(env="TOKEN"), "LEVEL": "info"})
    await runtime.start(spec, "web-1", await runtime.prepare(spec, lambda _: None))
    ended = await in_phase(stage, Phase.EXITED)
    assert list(await stage.runtime.logs(ended.id, 5)) == ["s3cret info"]
    assert "s3cret" not in str(inspect(client, ended.id)["Config"]["Labels"])
    await runtime.close()


async def test_a_secret_is_in_no_error(stage: Stage, instance: str) -> None:
    runtime = DockerRuntime(instance, {**os.environ, "NET": "s3cret-network"}, WallClock())
    spec = stage.spec(environment={"KEY": Secret(env="NET")}, networks=("s3cret-network",))
    with pytest.raises(EngineError, match=r"network \*\*\* not found") as raised:
        await runtime.start(spec, "web-1", await runtime.prepare(spec, lambda _: None))
    assert "s3cret" not in f"{raised.value} {raised.value.__cause__} {raised.value.__suppress_context__}"
    await runtime.close()


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        pytest.param({"command": ("/no/such",), "init": False}, "no such file", id="command"),
        pytest.param({"networks": ("no-such-net",)}, "network no-such-net not found; create it with", id="network"),
        pytest.param({"cpus": 9999.0}, "lower `cpus`", id="cpus"),
        pytest.param({"mem_limit": 4096}, "raise `mem_limit`", id="memory"),
        pytest.param({"cap_add": ("NONSENSE",)}, "correct `cap_add`", id="capability"),
        pytest.param({"user": "nobody-here"}, "correct `user`", id="user"),
    ],
)
async def test_what_the_engine_refuses_is_told_in_its_words_and_leaves_nothing(
    stage: Stage, keys: dict[str, Any], words: str
) -> None:
    spec = stage.spec(**keys)
    image = await stage.runtime.prepare(spec, lambda _: None)
    with pytest.raises(EngineError, match=r"^docker unix://\S+: start web-1: ") as raised:
        await stage.runtime.start(spec, "web-1", image)
    assert words in str(raised.value)
    assert list(await stage.runtime.observe()) == []


async def test_an_image_that_was_removed_is_an_image_error(stage: Stage) -> None:
    with pytest.raises(ImageError, match="No such image"):
        await stage.runtime.start(stage.spec(), "web-1", "sha256:" + "0" * 64)


async def test_out_of_memory_is_seen(stage: Stage) -> None:
    hog = "echo up; exec dd if=/dev/zero of=/dev/null bs=128M"
    await started(stage, stage.spec(hog, mem_limit=16 << 20))
    assert (await in_phase(stage, Phase.EXITED)).exit == Exit(137, oom=True)


async def test_one_that_someone_starts_again_is_looked_at_anew(stage: Stage, client: APIClient) -> None:
    script = "test -e /again && { sleep 600; }; touch /again; exit 3"
    first = await started(stage, stage.spec(script))
    assert (await in_phase(stage, Phase.EXITED)).exit == Exit(3)
    client.start(first.id)
    assert (await in_phase(stage, Phase.RUNNING)).exit is None
    client.kill(first.id)
    assert (await in_phase(stage, Phase.EXITED)).exit == Exit(137)


@pytest.mark.parametrize("healthy", [True, False])
async def test_health_is_the_containers_own(stage: Stage, client: APIClient, healthy: bool) -> None:
    """Builtins of the shell alone: an engine in a chroot runs checks outside of the container's root."""
    check = HealthCheck(test=f"exit {int(not healthy)}", interval=1.0, timeout=1.0, retries=1, start_period=0.0)
    seen = await started(stage, stage.spec(healthcheck=check))
    assert seen.healthy is False
    async with asyncio.timeout(30):
        while client.inspect_container(seen.id)["State"]["Health"]["Status"] == "starting":  # no event tells of it
            await asyncio.sleep(0.05)
    assert (await only(stage)).healthy is healthy


async def test_one_without_a_check_of_its_own_has_no_health(stage: Stage) -> None:
    assert (await started(stage, stage.spec(healthcheck=HealthCheck(http="/")))).healthy is None


async def test_a_paused_one_is_seen_and_can_be_stopped(stage: Stage, client: APIClient) -> None:
    seen = await started(stage, stage.spec())
    client.pause(seen.id)
    assert (await only(stage)).phase is Phase.PAUSED
    begun = time.monotonic()
    await stage.runtime.stop(seen.id, 2)
    assert time.monotonic() - begun < 3
    assert (await only(stage)).phase is Phase.EXITED


async def test_what_anyone_does_to_a_replica_is_told(stage: Stage, client: APIClient) -> None:
    seen = await started(stage, stage.spec())
    told: list[str] = []

    async def listen() -> None:
        async for change in stage.runtime.changes():
            assert (change.service, change.replica) == ("web", "web-1")
            told.append(change.what)

    async def heard(what: str) -> None:
        async with asyncio.timeout(2):
            while what not in told:  # a list has no event
                await asyncio.sleep(0.01)

    listener = asyncio.create_task(listen())
    await asyncio.sleep(0.3)  # let it connect: there is no event of that
    client.pause(seen.id)
    await heard("pause")
    client.unpause(seen.id)
    await heard("unpause")
    client.disconnect_container_from_network(seen.id, "bridge")
    await heard("disconnect")
    assert (await only(stage)).address is None
    client.remove_container(seen.id, force=True)
    await heard("destroy")
    listener.cancel()
    await asyncio.gather(listener, return_exceptions=True)


@contextlib.asynccontextmanager
async def looking_at_events(stage: Stage) -> AsyncIterator[Callable[[str], Awaitable[Instance]]]:
    """What the only replica looked like right after an event of that kind."""
    looks: dict[str, Instance] = {}

    async def listen() -> None:
        async for change in stage.runtime.changes():
            if change.what in ("die", "start"):
                looks[change.what] = await only(stage)

    async def looked(after: str) -> Instance:
        async with asyncio.timeout(10):
            while after not in looks:
                await asyncio.sleep(0.01)
        return looks[after]

    listener = asyncio.create_task(listen())
    await asyncio.sleep(0.3)  # let it connect: there is no event of that
    yield looked
    listener.cancel()
    await asyncio.gather(listener, return_exceptions=True)


async def test_an_end_is_seen_as_soon_as_it_is_told(stage: Stage, client: APIClient) -> None:
    """The engine's list lags behind its events by up to a second, while it takes the container's network down."""
    seen = await started(stage, stage.spec())
    async with looking_at_events(stage) as looked:
        os.kill(inspect(client, seen.id)["State"]["Pid"], signal.SIGKILL)
        ended = await looked("die")
        assert (ended.phase, ended.exit, ended.address) == (Phase.EXITED, Exit(137), None)
        await in_phase(stage, Phase.EXITED)
        client.start(seen.id)
        again = await looked("start")
        assert (again.phase, again.exit) == (Phase.RUNNING, None)


async def test_that_it_was_out_of_memory_is_told_with_its_end(stage: Stage) -> None:
    hog = "sleep 0.5; exec dd if=/dev/zero of=/dev/null bs=128M"
    spec = stage.spec(hog, mem_limit=16 << 20)
    image = await stage.runtime.prepare(spec, lambda _: None)
    async with looking_at_events(stage) as looked:
        await stage.runtime.start(spec, "web-1", image)
        ended = await looked("die")
    assert (ended.phase, ended.exit) == (Phase.EXITED, Exit(137, oom=True))


async def test_a_reader_looks_and_has_nothing_that_writes(stage: Stage, instance: str) -> None:
    seen = await started(stage, stage.spec())
    reader = DockerReader(instance, os.environ, WallClock())
    assert list(await reader.observe()) == [seen]
    assert set(await reader.usage([seen.id])) == {seen.id}
    writes = {name for name in dir(DockerRuntime) if not name.startswith("_")} - set(dir(DockerReader))
    assert writes == {"prepare", "start", "stop", "remove"}
    with pytest.raises(EngineError, match="asked of a client that only reads"):
        await reader._engine.act("kill", lambda client: client.kill(seen.id))
    await reader.close()
    assert (await only(stage)).phase is Phase.RUNNING


async def test_a_look_at_twenty_is_one_question(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    spec = stage.spec(SLEEPS)
    image = await stage.runtime.prepare(spec, lambda _: None)
    await asyncio.gather(*(stage.runtime.start(spec, f"web-{number}", image) for number in range(20)))
    caplog.set_level(logging.DEBUG, "urllib3.connectionpool")  # tells of each of the SDK's questions
    caplog.clear()
    for _ in range(5):
        assert len(await stage.runtime.observe()) == 20
    assert len(caplog.records) <= 5


async def told_by_doctor(stage: Stage, spec: ServiceSpec) -> str:
    """All that is found, in one text."""
    assert isinstance(stage.runtime, DockerReader)
    return " | ".join(f"{finding.what}; {finding.fix}" for finding in await stage.runtime.diagnose([spec]))


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param(f"exec httpd -f -p {PORT} -h /www", f"web-1 listens on port {PORT}", id="right"),
        pytest.param(f"exec httpd -f -p 127.0.0.1:{PORT} -h /www", f"web-1 listens on 127.0.0.1:{PORT} only", id="loopback"),
        pytest.param("exec httpd -f -p 9000 -h /www", f"not on replica.port {PORT}", id="another port"),
        pytest.param("echo boom; exit 3", "web-1 ended: exit status 3: boom", id="ended"),
    ],
)
async def test_doctor_names_what_keeps_the_proxy_from_an_app(stage: Stage, script: str, words: str) -> None:
    spec = stage.spec(script)
    await started(stage, spec)
    async with asyncio.timeout(10):
        while words not in await told_by_doctor(stage, spec):
            await asyncio.sleep(0.05)


async def test_doctor_compares_policy_and_host(stage: Stage) -> None:
    check = HealthCheck(docker=True)
    spec = stage.spec(port=9999, networks=("no-such-net",), cpus=9999.0, healthcheck=check)
    what = await told_by_doctor(stage, spec)
    assert f"replica.port is 9999, the image EXPOSEs {PORT}" in what
    assert "there is no network no-such-net; docker network create no-such-net" in what
    assert "cpus is 9999, the host has" in what
    assert "the image has no HEALTHCHECK" in what


async def test_an_image_without_a_check_has_no_health_by_default(stage: Stage) -> None:
    seen = await started(stage, stage.spec(healthcheck=HealthCheck()))
    assert (seen.phase, seen.healthy) == (Phase.RUNNING, None)


async def test_an_images_check_keeps_its_test_and_takes_our_timing(stage: Stage, client: APIClient, instance: str) -> None:
    with busybox_image(f"autoscaler-test/{instance}:checked", ['HEALTHCHECK --interval=1h CMD ["echo"]']) as image:
        check = HealthCheck(interval=0.2, start_period=0.0)
        seen = await started(stage, stage.spec(image=f"autoscaler-test/{instance}:checked", healthcheck=check))
        assert seen.image == image
        told = inspect(client, seen.id)["Config"]["Healthcheck"]
        assert (told["Test"], told["Interval"], told["Retries"]) == (["CMD", "echo"], 2 * 10**8, 2)
        async with asyncio.timeout(10):
            while not (await only(stage)).healthy:
                await asyncio.sleep(0.05)
        await stage.runtime.remove(seen.id)
