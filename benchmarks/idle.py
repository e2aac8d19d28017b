"""What a daemon costs that has nothing to do: its CPU and its memory, with one service and with fifty, on each runtime.

    CPU      user and system time of the daemon's process over the interval / the interval     goal < 1%, < 15%
    memory   its resident set at the end                                                       goal < 100 MB, < 150 MB

Each service has one replica that nobody calls; they share a bind and are told apart by host. The bare process is Python
with asyncio and nothing else that wakes once a second; both are measured over the same interval.
Source: proc(5), /proc/PID/stat.

    python -m benchmarks.idle [--seconds 20] [--runtime docker] [--services 50]
"""

import argparse
import asyncio
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from autoscaler.drivers.children import read_stat
from tests.support.daemons import DaemonUnderTest, bind, running
from tests.support.images import PORT, busybox_image, static_busybox

SETTLE_S = 15.0  # a policy's window is full by then
READY_S = 180.0
ROUNDS = 3
GOALS = {1: (0.01, 100.0), 50: (0.15, 150.0)}  # services: share of a core, MB
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGES_PER_MB = 1e6 / os.sysconf("SC_PAGE_SIZE")

BARE = """
import asyncio
async def main():
    while True:
        await asyncio.sleep(1)
asyncio.run(main())
"""

POLICY = """\
service: {service}
runtime: {runtime}
replica:
{replica}
  port: {port}
  healthcheck: {{tcp: true}}
route: {{bind: "{bind}", host: {service}.test}}
policies:
  - {{type: target_tracking, metric: request_rate, target: 50}}
"""


@dataclass(frozen=True)
class Used:
    """What a process used over an interval: the share of a core, and megabytes at its end."""

    cpu: float
    rss_mb: float


async def use(pids: list[int], seconds: float) -> list[Used]:
    """What these processes use from now on, for so long."""
    loop = asyncio.get_running_loop()
    began, before = loop.time(), [read_stat(pid) for pid in pids]
    await asyncio.sleep(seconds)
    elapsed, after = loop.time() - began, [read_stat(pid) for pid in pids]
    used = []
    for first, last in zip(before, after, strict=True):
        assert first is not None
        assert last is not None
        cpu_s = (last.cpu_ticks - first.cpu_ticks) / TICKS_PER_S
        used.append(Used(cpu_s / elapsed, last.rss_pages / PAGES_PER_MB))
    return used


def replica(runtime: str, image: str) -> str:
    """A web server of a few hundred kilobytes."""
    if runtime == "docker":
        return f"  image: {image}"
    return f'  command: [{static_busybox()}, sh, -c, "exec {static_busybox()} httpd -f -p 127.0.0.1:$$PORT -h /"]'


@contextmanager
def bare_process() -> Iterator[int]:
    """The other one of the pair; its pid."""
    child = subprocess.Popen([sys.executable, "-c", BARE])
    try:
        yield child.pid
    finally:
        child.kill()
        child.wait()


async def measure(runtime: str, services: int, image: str, folder: Path, seconds: float) -> bool:
    """One line; whether it meets its goals."""
    daemon, shared = DaemonUnderTest(folder, f"bench-{secrets.token_hex(3)}"), bind()
    for number in range(1, services + 1):
        text = POLICY.format(
            service=f"web{number}", runtime=runtime, replica=replica(runtime, image), port=PORT, bind=shared
        )
        daemon.write_policy(f"web{number}", text)
    async with running(daemon):
        for number in range(1, services + 1):
            await daemon.until_ready(f"web{number}", 1, READY_S)
        assert daemon.process is not None
        with bare_process() as bare_pid:
            await asyncio.sleep(SETTLE_S)
            rounds = [await use([daemon.process.pid, bare_pid], seconds) for _ in range(ROUNDS)]
    return report(runtime, services, rounds, seconds)


def report(runtime: str, services: int, rounds: list[list[Used]], seconds: float) -> bool:
    """Print the line; whether it meets its goals."""
    ours, bare = ([used[place] for used in rounds] for place in (0, 1))
    cpu, bare_cpu = (statistics.median(used.cpu for used in each) for each in (ours, bare))
    memory_mb, bare_mb = (max(used.rss_mb for used in each) for each in (ours, bare))
    cpu_goal, memory_goal_mb = GOALS.get(services, GOALS[50])
    print(
        f"idle  {runtime:7} {services:2} service{'s' if services > 1 else ' '}  "
        f"ours {cpu:6.2%} of a core  bare asyncio {bare_cpu:.2%}  goal {cpu_goal:.0%}  of goal {cpu / cpu_goal:.2f}  "
        f"ours {memory_mb:3.0f} MB  bare {bare_mb:.0f} MB  ratio {memory_mb / bare_mb:.1f}  goal {memory_goal_mb:.0f} MB  "
        f"median of {len(rounds)} x {seconds:g} s, {os.cpu_count()} cores",
        flush=True,
    )
    return cpu < cpu_goal and memory_mb < memory_goal_mb


async def main() -> bool:
    """Every runtime with every number of services."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--runtime", choices=["process", "docker"])
    parser.add_argument("--services", type=int)
    options = parser.parse_args()
    met = True
    for runtime in [options.runtime] if options.runtime else ["process", "docker"]:
        tag = f"autoscaler-bench/{secrets.token_hex(3)}:1"
        with busybox_image(tag) if runtime == "docker" else nullcontext(""):
            for services in [options.services] if options.services else sorted(GOALS):
                with tempfile.TemporaryDirectory(prefix="as-") as folder:
                    met = await measure(runtime, services, tag, Path(folder), options.seconds) and met
    return met


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(main()) else 1)
