"""The main job under real load: traffic comes, replicas follow, and no request fails."""

import asyncio
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from autoscaler.load import Kind, Live, Load, Result, constant, run
from autoscaler.runtimes.process import records
from tests.e2e.conftest import Ground
from tests.support.daemons import DaemonUnderTest, bind, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

RATE = 80.0
STEP = 5
STEPS_UP = 4
ROUNDS = 5  # of up and down: 100 replicas added, 100 drained away
IDLE_KILLS = 5
LONGEST_GAP_S = 3.0  # it is well below one on a machine with nothing else to do
MIX = (Kind("/", 0.89), Kind("/", 0.1, "POST", b"x" * 2000), Kind("/wait?ms=5000", 0.01))


@dataclass
class Ended:
    """A request and when it was under way, by the loop's clock."""

    result: Result
    began: float
    ended: float

    def spans(self, start: float, end: float) -> bool:
        """Whether it was under way at some moment between these."""
        return self.began <= end and self.ended >= start


async def test_a_hundred_replicas_come_and_go_and_daemon_and_proxy_die_and_no_request_fails(
    ground: Ground, address: str, tmp_path: Path, instance: str
) -> None:
    daemon = DaemonUnderTest(tmp_path, instance)
    port = int(address.rpartition(":")[2])
    daemon.write_policy("web", ground.policy(address))
    loop, requests = asyncio.get_running_loop(), list[Ended]()
    began = loop.time()

    def note(result: Result) -> None:
        requests.append(Ended(result, loop.time() - result.latency_s, loop.time()))

    async with running(daemon):
        await daemon.until_ready("web", 1)
        abort = asyncio.Event()
        load = Load(port=port, rate=constant(RATE), duration_s=380, kinds=MIX, connections=64)
        sending = asyncio.create_task(run(load, Live(), abort, note))
        try:
            added = 0
            for number in range(ROUNDS):
                added += await _up_and_down(daemon)
                if number == 0:
                    await _kill_the_daemon(daemon)
                if number == 1:
                    await _add_a_route(daemon, ground)
            kills = await _kill_idle_replicas(daemon, ground.runtime)
            died, back = await _kill_the_proxy(daemon, port)
            await asyncio.sleep(6)  # those of the gap have ended, and more have come
        finally:
            abort.set()
            await sending
        failed = [r for r in requests if r.result.failure]
        of_gap = [r for r in failed if r.spans(died, back)]
        of_kills = [r for r in failed if r not in of_gap and any(r.spans(t, t) for t in kills)]
        print(
            f"\n{ground.runtime}: {len(requests)} requests, {added} replicas added and drained; "
            f"failed: {len(of_gap)} in the {back - died:.2f} s that HAProxy was away, "
            f"{len(of_kills)} in flight on a killed replica"
        )
        unexplained = [r for r in failed if r not in of_gap and r not in of_kills]
        assert unexplained == [], f"{[(r.began - began, r.result) for r in unexplained][:20]}\n{daemon.words()}"
        assert len(requests) > 3000
        assert added == 100
        assert len(of_kills) <= IDLE_KILLS
        assert back - died < LONGEST_GAP_S


async def _up_and_down(daemon: DaemonUnderTest) -> int:
    """Five at a time up, five at a time down; answers how many were added."""
    low = 1
    for step in range(1, STEPS_UP + 1):
        await daemon.scale("web", low + step * STEP)
        await daemon.until_ready("web", low + step * STEP)
    for step in range(STEPS_UP - 1, -1, -1):
        await daemon.scale("web", low + step * STEP)
        await daemon.until_ready("web", low + step * STEP)
    await daemon.until("web", lambda s: len(s.replicas) == low)
    return STEPS_UP * STEP


async def _kill_the_daemon(daemon: DaemonUnderTest) -> None:
    await daemon.scale("web", 4)
    await daemon.until_ready("web", 4)
    names = {r.name for r in (await daemon.service("web")).replicas}
    daemon.kill()
    await asyncio.sleep(5)  # traffic goes on without it
    loop = asyncio.get_running_loop()
    began = loop.time()
    daemon.start()
    service = await daemon.until_ready("web", 4)
    print(f"\nready {loop.time() - began:.2f} s after it was started again")
    assert {r.name for r in service.replicas} == names


async def _add_a_route(daemon: DaemonUnderTest, ground: Ground) -> None:
    daemon.write_policy("other", ground.policy(bind(), service="other"))
    await daemon.until_ready("other", 1)


async def _kill_idle_replicas(daemon: DaemonUnderTest, runtime: str) -> list[float]:
    """Five with nothing in flight, one after the other; answers when."""
    times = []
    await daemon.scale("web", 5)
    await daemon.until_ready("web", 5)
    for _ in range(IDLE_KILLS):
        service = await daemon.until("web", lambda s: any(r.state == "ready" and not r.inflight for r in s.replicas))
        victim = next(r.name for r in service.replicas if r.state == "ready" and not r.inflight)
        times.append(asyncio.get_running_loop().time())
        kill_replica(daemon, runtime, victim)
        await daemon.until("web", lambda s, gone=victim: all(r.name != gone for r in s.replicas))  # type: ignore[misc]
        await daemon.until_ready("web", 5)
    return times


def kill_replica(daemon: DaemonUnderTest, runtime: str, replica: str) -> None:
    """kill -9, from outside."""
    if runtime == "docker":
        container = f"autoscaler-{daemon.instance}-{replica}"
        subprocess.run(["docker", "kill", container], check=True, capture_output=True)
    else:
        os.kill(process_of(daemon, replica), signal.SIGKILL)


def process_of(daemon: DaemonUnderTest, replica: str) -> int:
    """The pid of a replica of the process runtime."""
    running = records.read_running(daemon.state_dir / "process" / replica)
    assert running is not None
    return running.leader.pid


async def _kill_the_proxy(daemon: DaemonUnderTest, port: int) -> tuple[float, float]:
    """kill -9 of HAProxy's worker; answers from when to when nobody listened."""
    loop = asyncio.get_running_loop()
    master = int((daemon.state_dir / "haproxy" / "haproxy.pid").read_text().split()[0])
    worker = children_of(master)[-1]
    died = loop.time()
    os.kill(worker, signal.SIGKILL)
    await asyncio.sleep(0.02)
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            writer.close()
            return died, loop.time()


def children_of(pid: int) -> list[int]:
    """The processes that a process has started, the newest last."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
