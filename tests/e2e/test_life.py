"""The daemon's own life: stopped, killed, started twice, taken down; what serves goes on serving, and nothing is left."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.conftest import Ground
from tests.support import leftovers
from tests.support.daemons import DaemonUnderTest, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


async def _get(address: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"http://{address}/") as answer:
        return answer.status


async def test_a_daemon_that_is_stopped_leaves_replicas_and_proxy_serving_and_the_next_one_goes_on(
    ground: Ground, address: str, tmp_path: Path, instance: str
) -> None:
    daemon = DaemonUnderTest(tmp_path, instance)
    daemon.write_policy("web", ground.policy(address))
    async with running(daemon):
        await daemon.until_ready("web", 1)
        await daemon.scale("web", 3)
        before = await daemon.until_ready("web", 3)
        began, getting = time.monotonic(), asyncio.create_task(_get_for_ever(address))
        assert await asyncio.to_thread(daemon.end) == 0
        print(f"\n{ground.runtime}: ended {time.monotonic() - began:.2f} s after SIGTERM")
        assert time.monotonic() - began < 10
        await asyncio.sleep(1)  # traffic goes on without it
        daemon.start()
        after = await daemon.until_ready("web", 3)
        assert after.override is not None
        assert [(r.name, r.ready_at) for r in after.replicas] == [(r.name, r.ready_at) for r in before.replicas]
        assert not getting.done(), getting.result()
        getting.cancel()


async def _get_for_ever(address: str) -> int:
    """Ends with the first answer that is not 200, or with the error in its place."""
    while (status := await _get(address)) == 200:
        await asyncio.sleep(0.01)
    return status


async def test_a_state_file_that_was_damaged_while_the_daemon_was_away_loses_no_replica(
    ground: Ground, address: str, tmp_path: Path, instance: str
) -> None:
    daemon = DaemonUnderTest(tmp_path, instance)
    daemon.write_policy("web", ground.policy(address).replace("min: 1", "min: 2"))
    async with running(daemon):
        before = await daemon.until_ready("web", 2)
        daemon.kill()
        for path in daemon.state_dir.glob("state.db*"):
            path.write_bytes(os.urandom(8192))
        daemon.start()
        after = await daemon.until_ready("web", 2)
        assert [replica.name for replica in after.replicas] == [replica.name for replica in before.replicas]
        assert await _get(address) == 200
        assert daemon.words().count("state_fault") == 1
        assert list(daemon.state_dir.glob("state.db.damaged*")) != []


async def test_ctrl_c_says_what_serves_on(ground: Ground, address: str, tmp_path: Path, instance: str) -> None:
    daemon = DaemonUnderTest(tmp_path, instance)
    daemon.write_policy("web", ground.policy(address))
    async with running(daemon):
        await daemon.until_ready("web", 1)
        assert await asyncio.to_thread(daemon.end, signal.SIGINT) == 130
        down = f"autoscaler down --state-dir {daemon.state_dir}"
        assert daemon.words(1) == f"1 replica and the proxy serve on; `{down}` ends them"
        assert await _get(address) == 200


async def test_drain_on_exit_finishes_what_is_in_flight_and_leaves_nothing(
    ground: Ground, address: str, tmp_path: Path, instance: str
) -> None:
    daemon = DaemonUnderTest(tmp_path, instance, flags=("--drain-on-exit",))
    daemon.write_policy("web", ground.policy(address))
    async with running(daemon), aiohttp.ClientSession() as session:
        await daemon.until_ready("web", 1)
        request = asyncio.create_task(_status(session, f"http://{address}/wait?ms=2000"))
        await daemon.until("web", lambda s: s.replicas[0].inflight == 1)
        assert await asyncio.to_thread(daemon.end) == 0
        assert await request == 200
        assert leftovers.containers(instance) == set()
        assert leftovers.processes(daemon.state_dir) == []


async def _status(session: aiohttp.ClientSession, url: str) -> int:
    async with session.get(url) as answer:
        return answer.status


@pytest.mark.parametrize("alive", [True, False], ids=["daemon alive", "daemon dead"])
async def test_down_leaves_nothing_but_history_and_can_be_said_twice(
    ground: Ground, address: str, tmp_path: Path, instance: str, alive: bool
) -> None:
    daemon = DaemonUnderTest(tmp_path, instance)
    daemon.write_policy("web", ground.policy(address))
    async with running(daemon):
        await daemon.until_ready("web", 1)
        await daemon.scale("web", 3)
        await daemon.until_ready("web", 3)
        if not alive:
            daemon.kill()
        for _ in range(2):
            done = await asyncio.to_thread(daemon.down)
            assert done.returncode == 0, done.stderr
        assert leftovers.containers(instance) == set()
        assert leftovers.processes(daemon.state_dir) == []
        assert {path.name for path in daemon.state_dir.iterdir()} - {"state.db-wal"} == {"state.db", "token"}
        assert str(daemon.state_dir) in done.stdout


async def test_down_without_a_daemon_drains_first_and_knows_the_instance(
    ground: Ground, address: str, tmp_path: Path, instance: str
) -> None:
    daemon = DaemonUnderTest(tmp_path, instance)
    daemon.write_policy("web", ground.policy(address))
    async with running(daemon), aiohttp.ClientSession() as session:
        await daemon.until_ready("web", 1)
        request = asyncio.create_task(_status(session, f"http://{address}/wait?ms=4000"))
        await daemon.until("web", lambda s: s.replicas[0].inflight == 1)
        daemon.kill()
        command = [sys.executable, "-m", "autoscaler", "down", "--state-dir", str(daemon.state_dir)]
        wrong = await asyncio.to_thread(
            subprocess.run, [*command, "--instance", "other"], capture_output=True, text=True, check=False
        )
        assert wrong.returncode == 2
        assert f"is of the instance '{instance}', not 'other'" in wrong.stderr
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        assert done.stdout.startswith("1 replica removed"), done.stderr
        assert await request == 200
        assert leftovers.containers(instance) == set()
        assert leftovers.processes(daemon.state_dir) == []


async def test_a_second_daemon_is_refused_and_the_first_unharmed(
    ground: Ground, address: str, tmp_path: Path, instance: str
) -> None:
    daemon = DaemonUnderTest(tmp_path, instance)
    daemon.write_policy("web", ground.policy(address))
    async with running(daemon):
        await daemon.until_ready("web", 1)
        assert daemon.process is not None
        second = await asyncio.to_thread(_run, daemon, daemon.state_dir)
        assert second.returncode == 1
        assert f"pid {daemon.process.pid}" in second.stderr
        assert len(second.stderr.splitlines()) == 1
        if ground.runtime == "docker":
            other = await asyncio.to_thread(_run, daemon, tmp_path / "other")
            assert other.returncode == 1
            assert f"another daemon holds the instance '{instance}'" in other.stderr
        assert await _get(address) == 200


def _run(daemon: DaemonUnderTest, state_dir: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "autoscaler", "run", str(daemon.policies), "--state-dir", str(state_dir)),
            *("--instance", daemon.instance, "--listen", "127.0.0.1:0"),
        ],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


async def test_one_service_goes_down_and_comes_back(ground: Ground, address: str, tmp_path: Path, instance: str) -> None:
    daemon = DaemonUnderTest(tmp_path, instance)
    daemon.write_policy("web", ground.policy(address))
    async with running(daemon):
        await daemon.until_ready("web", 1)
        async with daemon.client() as client:
            await client.down(["web"])
        service = await daemon.service("web")
        assert service.replicas == []
        assert service.down
        async with daemon.client() as client:
            await client.resume("web", None)
        await daemon.until_ready("web", 1)
        assert await _get(address) == 200


async def test_a_dry_run_touches_nothing(ground: Ground, address: str, tmp_path: Path, instance: str) -> None:
    daemon = DaemonUnderTest(tmp_path, instance, flags=("--dry-run",))
    daemon.write_policy("web", ground.policy(address))
    daemon.start()
    try:
        async with asyncio.timeout(20):
            while "web would (start web-1: 1 wanted, 0 there)" not in daemon.words():
                await asyncio.sleep(0.05)
        assert leftovers.containers(instance) == set()
        assert not daemon.state_dir.exists()
    finally:
        assert await asyncio.to_thread(daemon.end) == 0
