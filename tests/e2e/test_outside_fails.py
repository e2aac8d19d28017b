"""The outside fails: engine, ports, images, disk, policy files, strangers. Serving goes on, and it is said what is wrong."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from autoscaler.load import Kind, Live, Load, Summary, constant, run
from tests.e2e.conftest import Ground
from tests.support.daemons import DaemonUnderTest, bare_image, bind, policy, running, states
from tests.support.engines import BridgedEngine, bridged_engine

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

STATE_MB = 3


@pytest.fixture
def engine() -> Iterator[BridgedEngine]:
    """An engine that may be ended."""
    name = uuid.uuid4().hex[:8]
    with bridged_engine(Path(f"/var/tmp/as-{name}"), f"as{name}") as engine:
        yield engine


@pytest.fixture(params=["docker"])
def docker_ground(instance: str) -> Iterator[Ground]:
    """Docker alone."""
    with bare_image(f"autoscaler-test/{instance}:1") as image:
        yield Ground("docker", image)


async def _load(address: str, abort: asyncio.Event) -> Summary:
    port = int(address.rpartition(":")[2])
    load = Load(
        port=port, rate=constant(40), duration_s=150, kinds=(Kind("/"), Kind("/", 0.2, "POST", b"x")), connections=16
    )
    return await run(load, Live(), abort)


async def test_an_engine_that_goes_away_under_load_costs_no_request_and_no_replica(
    engine: BridgedEngine, address: str, tmp_path: Path, instance: str
) -> None:
    daemon = DaemonUnderTest(tmp_path, instance, environ=engine.environ)
    with bare_image("autoscaler-test/app:1", engine.host) as image:
        daemon.write_policy("web", policy("docker", address, image))
        async with running(daemon):
            await daemon.until_ready("web", 1)
            await daemon.scale("web", 3)
            before = await daemon.until_ready("web", 3)
            abort = asyncio.Event()
            sending = asyncio.create_task(_load(address, abort))
            await asyncio.to_thread(engine.end)
            await daemon.until("web", lambda s: any("engine" in error or "docker" in error for error in s.errors))
            async with daemon.client() as client:
                ready, lines = await client.ready()
            await asyncio.sleep(3)  # ticks without an engine decide nothing
            await asyncio.to_thread(engine.start)
            after = await daemon.until("web", lambda s: not s.errors and states(s)["ready"] == 3)
            abort.set()
            summary = await sending
        assert not ready
        assert any("docker" in line for line in lines)
        assert [r.name for r in after.replicas] == [r.name for r in before.replicas]
        assert summary.requests > 100
        assert summary.failed_total == 0
        assert "fault" not in daemon.words().replace("engine_fault", "")


async def test_an_engine_that_is_not_there_at_the_start_is_waited_for(
    engine: BridgedEngine, address: str, tmp_path: Path, instance: str
) -> None:
    daemon = DaemonUnderTest(tmp_path, instance, environ=engine.environ)
    with bare_image("autoscaler-test/app:1", engine.host) as image:
        daemon.write_policy("web", policy("docker", address, image))
        await asyncio.to_thread(engine.end)
        async with running(daemon):
            await daemon.until("web", lambda s: any("is Docker installed and running?" in error for error in s.errors))
            await asyncio.to_thread(engine.start)
            await daemon.until_ready("web", 1)


async def test_an_image_that_is_not_there_is_reported_and_backed_off_and_harms_no_other(
    docker_ground: Ground, address: str, tmp_path: Path, instance: str
) -> None:
    daemon = DaemonUnderTest(tmp_path, instance)
    daemon.write_policy("web", docker_ground.policy(address))
    daemon.write_policy("lost", policy("docker", bind(), "127.0.0.1:1/no/such-image:1", service="lost"))
    async with running(daemon):
        await daemon.until_ready("web", 1)
        lost = await daemon.until("lost", lambda s: any("backing off" in error for error in s.errors))
        assert any("such-image" in error for error in lost.errors)
        assert lost.replicas == [] or states(lost)["ready"] == 0


async def test_a_port_that_is_taken_is_reported_and_harms_no_other(
    ground: Ground, address: str, tmp_path: Path, instance: str
) -> None:
    daemon = DaemonUnderTest(tmp_path, instance)
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        taken = f"127.0.0.1:{squatter.getsockname()[1]}"
        daemon.write_policy("web", ground.policy(address))
        daemon.write_policy("blocked", ground.policy(taken, service="blocked"))
        async with running(daemon):
            await daemon.until_ready("web", 1)
            await daemon.until("blocked", lambda s: any(taken in error for error in s.errors))
            squatter.close()
            async with daemon.client() as client:
                await client.reload()
            await daemon.until("blocked", lambda s: not s.errors and states(s)["ready"] == 1)
            async with aiohttp.ClientSession() as session, session.get(f"http://{taken}/") as answer:
                assert answer.status == 200


async def test_a_route_that_the_proxy_could_not_take_up_again_is_healed_and_said(
    ground: Ground, address: str, tmp_path: Path, instance: str
) -> None:
    """Someone else takes the port in the moment that HAProxy is away."""
    daemon = DaemonUnderTest(tmp_path, instance)
    host, _, port = address.rpartition(":")
    daemon.write_policy("web", ground.policy(address))
    daemon.write_policy("other", ground.policy(bind(), service="other"))
    async with running(daemon):
        await daemon.until_ready("web", 1)
        await daemon.until_ready("other", 1)
        master = int((daemon.state_dir / "haproxy" / "haproxy.pid").read_text().split()[0])
        os.kill(master, signal.SIGKILL)
        squatter = await _seize(host, int(port))
        await daemon.until("web", lambda s: any(address in error for error in s.errors))
        squatter.close()
        async with daemon.client() as client:
            await client.reload()
        await daemon.until("web", lambda s: not s.errors)
        async with aiohttp.ClientSession() as session, session.get(f"http://{address}/") as answer:
            assert answer.status == 200


async def _seize(host: str, port: int) -> socket.socket:
    """Listen there as soon as nobody else does."""
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(OSError):
                return socket.create_server((host, port))
            await asyncio.sleep(0)


async def test_a_broken_policy_leaves_the_last_good_one_in_force(
    ground: Ground, address: str, tmp_path: Path, instance: str
) -> None:
    daemon = DaemonUnderTest(tmp_path, instance)
    daemon.write_policy("web", ground.policy(address))
    daemon.write_policy("other", ground.policy(bind(), service="other"))
    async with running(daemon):
        await daemon.until_ready("web", 1)
        await daemon.until_ready("other", 1)
        daemon.write_policy("web", ground.policy(address).replace("replicas: {min: 1", "replicas: {mim: 2"))
        daemon.write_policy("other", ground.policy(bind(), service="other").replace("min: 1", "min: 2"))
        await daemon.until_ready("other", 2)
        web = await daemon.until("web", lambda s: any("last good" in error for error in s.errors))
        assert "web.yaml:" in daemon.words()
        assert "did you mean `min`?" in daemon.words()
        assert web.min == 1
        await asyncio.to_thread(daemon.end)
        daemon.start()
        assert (await daemon.until_ready("web", 1)).min == 1
        daemon.write_policy("web", ground.policy(address).replace("min: 1", "min: 2"))
        await daemon.until_ready("web", 2)


async def test_a_full_disk_stops_no_decision_and_costs_no_request(
    docker_ground: Ground, address: str, tmp_path: Path, instance: str
) -> None:
    daemon = DaemonUnderTest(tmp_path, instance)
    with _small_disk(daemon.state_dir):
        daemon.write_policy("web", docker_ground.policy(address))
        async with running(daemon):
            await daemon.until_ready("web", 1)
            abort = asyncio.Event()
            sending = asyncio.create_task(_load(address, abort))
            ballast = daemon.state_dir / "ballast"
            _fill(ballast)
            await daemon.scale("web", 2)
            await daemon.until_ready("web", 2, timeout_s=40)
            degraded = await _until_degraded(daemon)
            ballast.unlink()
            await daemon.scale("web", 1)
            await daemon.until("web", lambda s: len(s.replicas) == 1, timeout_s=40)
            abort.set()
            summary = await sending
        assert summary.failed_total == 0, daemon.words()
        assert 'autoscaler_degraded{reason="state"} 1.0' in degraded
        assert "state_fault" in daemon.words()
        assert "state_back" in daemon.words()


async def _until_degraded(daemon: DaemonUnderTest) -> str:
    """The metrics, once /readyz tells that state can't be written: it is ready all the same."""
    connector = aiohttp.UnixConnector(str(daemon.state_dir / "api.sock"))
    async with asyncio.timeout(20), aiohttp.ClientSession("http://localhost", connector=connector) as session:
        while True:
            async with session.get("/readyz") as answer:
                if "degraded: state" in await answer.text():
                    assert answer.status == 200
                    break
            await asyncio.sleep(0.05)
        async with session.get("/metrics") as answer:
            return await answer.text()


@contextlib.contextmanager
def _small_disk(at: Path) -> Iterator[None]:
    at.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={STATE_MB}m,mode=0700", "tmpfs", str(at)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(at)], check=True)


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return


async def test_a_tag_that_means_another_image_now_shows_as_out_of_date(
    docker_ground: Ground, address: str, tmp_path: Path, instance: str
) -> None:
    daemon = DaemonUnderTest(tmp_path, instance)
    daemon.write_policy("web", docker_ground.policy(address))
    async with running(daemon):
        await daemon.until_ready("web", 1)
        old = docker_ground.image.replace(":1", ":old")
        for words in (("tag", docker_ground.image, old), ("rmi", docker_ground.image)):
            await asyncio.to_thread(subprocess.run, ["docker", *words], check=True, capture_output=True)
        with bare_image(docker_ground.image.replace(":1", ":2")) as other:
            retag = ["docker", "tag", other, docker_ground.image]
            await asyncio.to_thread(subprocess.run, retag, check=True, capture_output=True)
            await daemon.until("web", lambda s: not s.replicas[0].up_to_date)
            assert "out of date, left running: web-1" in (await asyncio.to_thread(_plan, daemon)).stdout
    await asyncio.to_thread(subprocess.run, ["docker", "rmi", old], check=True, capture_output=True)


def _plan(daemon: DaemonUnderTest) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "autoscaler", "plan", str(daemon.policies), "--state-dir", str(daemon.state_dir)]
    return subprocess.run([*command, "--instance", daemon.instance], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "command",
    [("rm", "-f"), ("kill",), ("stop",), ("pause",), ("network", "disconnect", "bridge")],
    ids=lambda c: " ".join(c),
)
async def test_what_someone_else_does_to_a_container_is_put_right(
    docker_ground: Ground, address: str, tmp_path: Path, instance: str, command: tuple[str, ...]
) -> None:
    daemon = DaemonUnderTest(tmp_path, instance)
    daemon.write_policy("web", docker_ground.policy(address))
    async with running(daemon):
        await daemon.until_ready("web", 1)
        await daemon.scale("web", 3)
        service = await daemon.until_ready("web", 3)
        victim = service.replicas[0].name
        done = await asyncio.to_thread(
            subprocess.run, ["docker", *command, f"autoscaler-{instance}-{victim}"], check=True, capture_output=True
        )
        assert done.returncode == 0
        await daemon.until(
            "web", lambda s: states(s)["ready"] == 3 and len(s.replicas) == 3 and all(r.name != victim for r in s.replicas)
        )


async def test_a_stopped_daemon_wakes_without_a_burst(ground: Ground, address: str, tmp_path: Path, instance: str) -> None:
    daemon = DaemonUnderTest(tmp_path, instance)
    daemon.write_policy("web", ground.policy(address))
    async with running(daemon):
        await daemon.until_ready("web", 1)
        await daemon.scale("web", 3)
        before = await daemon.until_ready("web", 3)
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(8)
        daemon.process.send_signal(signal.SIGCONT)
        await asyncio.sleep(3)
        after = await daemon.until_ready("web", 3)
        assert [r.name for r in after.replicas] == [r.name for r in before.replicas]
