"""Reaction: how long after a tenfold step in load the first new replica serves, on each runtime, and what of it is ours.

    beyond boot   step -> first answer of a new replica, less the boot beside it            goal < 2 s
    in the tick   the tick that sees it begins -> start call                                goal < 50 ms
    into proxy    a new replica's port opens -> its first answer through the proxy          goal < 300 ms

Each round has a daemon of its own, open-loop load through its proxy, and the step at another moment of a second. A round's
boot is that of the same app started without us, right after it on the then idle machine: a process, or a container made
and started by the SDK, until it answers. New replicas are told by X-Replica, port and start call by the app's log and the
journal; all clocks are this machine's.

    python -m benchmarks.reaction [--rounds 10] [--runtime docker]
"""

import argparse
import asyncio
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import docker
from docker.models.containers import Container

from autoscaler.load import Live, Load, Result, run, step
from autoscaler.web.models import EventAnswer
from tests.support.daemons import APP, DaemonUnderTest, bare_image, bind, host_volumes, policy, running
from tests.support.ports import free_port

BEFORE, AFTER = 40.0, 400.0  # requests/s; the policy's target is 50 a replica
BASE_S = 11.0  # a policy's window is full by then
LONGEST_S = 20.0
POLL_S = 0.005
GOALS_S = {"beyond boot": 2.0, "in the tick": 0.050, "into proxy": 0.300}
WORDS = 50


@dataclass(frozen=True)
class Round:
    """One reaction, in seconds."""

    reaction_s: float
    boot_s: float
    tick_s: float
    proxy_s: float


@dataclass(frozen=True)
class FirstAnswer:
    """The first answer of a new replica, and when the step was; Unix seconds."""

    name: str
    t: float
    step_t: float


async def react(daemon: DaemonUnderTest, port: int, at_s: float) -> FirstAnswer:
    """Load it, and answer what came first from a replica that wasn't there before the step."""
    old: set[str] = set()
    found: list[FirstAnswer] = []
    over = asyncio.Event()

    def heard(result: Result) -> None:
        assert not result.failure, f"{result}\n{daemon.words()}"
        ended_s, now = result.t + result.latency_s, time.time()
        if ended_s < at_s:
            old.add(result.replica)
        elif result.replica not in old and not found:
            found.append(FirstAnswer(result.replica, now, now - ended_s + at_s))
            over.set()

    await run(Load(port, step(BEFORE, AFTER, at_s), at_s + LONGEST_S), Live(), over, heard)
    assert found, f"no new replica answered within {LONGEST_S:g} s\n{daemon.words()}"
    return found[0]


async def one_round(runtime: str, image: str, number: int, rounds: int) -> Round:
    """A daemon from its start to its end, and the same app without it."""
    address = bind()
    with tempfile.TemporaryDirectory(prefix="as-") as folder:
        daemon = DaemonUnderTest(Path(folder), f"bench-{secrets.token_hex(3)}")
        daemon.write_policy("web", policy(runtime, address, image))
        async with running(daemon):
            await daemon.until_ready("web", 1)
            first = await react(daemon, int(address.rpartition(":")[2]), BASE_S + number / rounds)
            async with daemon.client() as client:
                events = [event async for event in client.events(service="web", limit=WORDS, follow=False)]
                lines = [line.line async for line in client.logs("web", WORDS, follow=False)]
    opened = next(float(line.split()[2]) for line in lines if line.startswith(f"open {first.name} "))
    boot_s = await asyncio.to_thread(boot, runtime, image)
    return Round(first.t - first.step_t, boot_s, in_the_tick(events, first.step_t), first.t - opened)


def in_the_tick(events: Sequence[EventAnswer], step_t: float) -> float:
    """Seconds from the beginning of the tick that saw the step to the first start call."""
    decided = next(e for e in events if e.kind == "decided" and e.t > step_t and e.facts["desired"] > e.facts["before"])
    starting = next(e for e in events if e.kind == "replica_starting" and e.t >= decided.t)
    return starting.t - decided.t + float(decided.facts["seconds"])


# ---------------------------------------------------------------- without us


def boot(runtime: str, image: str) -> float:
    """Seconds from the start of the app to its first answer."""
    with in_container(image) if runtime == "docker" else as_process() as start:
        began = time.perf_counter()
        url = start()
        while True:
            with suppress(URLError, ConnectionError):
                urllib.request.urlopen(url, timeout=5).close()
                return time.perf_counter() - began
            time.sleep(POLL_S)


@contextmanager
def as_process() -> Iterator[Callable[[], str]]:
    """Starts the app as a process, and answers its URL."""
    children: list[subprocess.Popen[bytes]] = []

    def start() -> str:
        port = free_port()
        environ = os.environ | {"PORT": str(port)}
        children.append(subprocess.Popen([sys.executable, APP], env=environ, stdout=subprocess.DEVNULL))
        return f"http://127.0.0.1:{port}/"

    try:
        yield start
    finally:
        for child in children:
            child.kill()
            child.wait()


@contextmanager
def in_container(image: str) -> Iterator[Callable[[], str]]:
    """Starts the app in a container, and answers its URL."""
    client = docker.from_env(timeout=30)
    made: list[Container] = []
    volumes = host_volumes().strip("[]").replace('"', "").split(", ")

    def start() -> str:
        container = client.containers.create(image, [sys.executable, "/app.py"], volumes=volumes)
        made.append(container)
        container.start()
        container.reload()
        return f"http://{container.attrs['NetworkSettings']['IPAddress']}:5000/"

    try:
        yield start
    finally:
        for container in made:
            container.remove(force=True)
        client.close()


# ---------------------------------------------------------------- told


def report(runtime: str, rounds: Sequence[Round]) -> bool:
    """A line for each goal; whether all are met."""
    reaction_s, boot_s = (statistics.median(each) for each in zip(*((r.reaction_s, r.boot_s) for r in rounds), strict=True))
    beside = f"reaction {reaction_s:.2f} s  bare boot {boot_s:.2f} s  ratio {reaction_s / boot_s:.1f}"
    parts = {
        "beyond boot": ([r.reaction_s - r.boot_s for r in rounds], beside),
        "in the tick": ([r.tick_s for r in rounds], ""),
        "into proxy": ([r.proxy_s for r in rounds], ""),
    }
    met = True
    for name, (seconds, more) in parts.items():
        middle, goal_s = statistics.median(seconds), GOALS_S[name]
        met = met and middle < goal_s
        ms, low, high, goal = (f"{each * 1e3:.0f}" for each in (middle, min(seconds), max(seconds), goal_s))
        print(
            f"reaction  {runtime:7} {name}  {ms:>4} ms  {low} to {high}  goal {goal} ms  of goal {middle / goal_s:.2f}  "
            f"{more}{'  ' if more else ''}"
            f"median of {len(rounds)}, {os.cpu_count()} cores",
            flush=True,
        )
    return met


async def main() -> bool:
    """Both runtimes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--runtime", choices=["process", "docker"])
    options = parser.parse_args()
    met = True
    for runtime in [options.runtime] if options.runtime else ["process", "docker"]:
        with bare_image(f"autoscaler-bench/{secrets.token_hex(3)}:1") if runtime == "docker" else nullcontext("") as image:
            rounds = [await one_round(runtime, image, number, options.rounds) for number in range(options.rounds)]
        met = report(runtime, rounds) and met
    return met


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(main()) else 1)
