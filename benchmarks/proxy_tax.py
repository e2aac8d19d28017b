"""Proxy tax: what our generated HAProxy config costs against a hand-written one and against a bare one.

    rate   requests/s through ours / through the other     goal against hand-written: >= 0.95 (connect), >= 0.80 (safe)
    cpu    HAProxy's CPU a request, ours / the other's     goal against hand-written: <= 1.10 (connect)

Hand-written: the same routing, headers, per-server limit and threads; no log, no retries beyond a refused connection. Bare:
a frontend and a backend. All before the same backends, HAProxy answering at once; ours with servers added at run time and
its log received and parsed. The three run after one another in every round, so that noise hits all; medians of the rounds.

    python -m benchmarks.proxy_tax [--rounds 5] [--seconds 3] [--connections 64]
"""

import argparse
import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from autoscaler.control.clock import SystemClock
from autoscaler.drivers.children import read_stat
from autoscaler.model import Address, Backend
from autoscaler.proxies.haproxy import HAProxy, process
from autoscaler.proxies.haproxy.files import Files
from autoscaler.spec.models import HealthCheck, ReplicaSpec, Route, ServiceSpec, TargetTracking
from tests.support.proxied import BINARIES, free_bind

BACKENDS = 4
Retries = Literal["safe", "connect", "none"]
RATE_GOALS: dict[Retries, float] = {"connect": 0.95, "safe": 0.80}
CPU_GOAL = 1.10
TICKS_PER_S = os.sysconf("SC_CLK_TCK")

_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_FAILED = re.compile(r"(Non-2xx or 3xx responses|Socket errors): .*")

COMMON = """
global
    nbthread {threads}
    fd-hard-limit 100000
    tune.bufsize 20480
defaults
    mode http
    timeout connect 1s
    timeout client 60s
    timeout server 60s
    timeout queue 10s
"""

BARE = """
frontend f
    bind {bind}
    default_backend web
backend web
    balance leastconn
"""

HAND_WRITTEN = """
frontend f
    bind {bind}
    timeout http-request 10s
    http-request set-header X-Request-Id %[uuid] unless {{ req.hdr(X-Request-Id) -m found }}
    http-request set-var-fmt(txn.route) "%[req.hdr(host),host_only,lower]%[path]/"
    use_backend %[var(txn.route),map_beg({map},none)]
backend none
    http-request return status 404
backend web
    balance leastconn
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto http
    http-request set-header X-Forwarded-Host %[req.hdr(host)]
    http-request set-header X-Forwarded-Port %[dst_port]
    default-server maxconn 100 check inter 1s fall 2 rise 1
"""

ANSWERING = """
frontend f{number}
    bind {bind}
    http-request return status 200 content-type text/plain string "hello"
"""


@dataclass(frozen=True)
class Run:
    """One run of wrk: requests/s, and HAProxy's CPU seconds a request."""

    rate: float
    cpu_s: float


def spec(retries: Retries) -> ServiceSpec:
    return ServiceSpec(
        service="web",
        replica=ReplicaSpec(image="web", port=80, healthcheck=HealthCheck(tcp=True)),
        route=Route(bind=free_bind(), host="127.0.0.1", max_concurrency=100, retries=retries),
        policies=(TargetTracking(type="target_tracking", metric="request_rate", target=50.0),),
    )


def cpu_s(pids: tuple[int, ...]) -> float:
    """CPU seconds that these processes have used."""
    return sum(stat.cpu_ticks for pid in pids if (stat := read_stat(pid))) / TICKS_PER_S


async def drive(bind: str, pids: tuple[int, ...], seconds: float, connections: int) -> Run:
    """One run of wrk. Raises where a request failed."""
    before = cpu_s(pids)
    wrk = await asyncio.create_subprocess_exec(
        *("wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", f"http://{bind}/"),
        stdout=asyncio.subprocess.PIPE,
    )
    said = (await wrk.communicate())[0].decode()
    if failed := _FAILED.search(said):
        raise SystemExit(f"{bind}: {failed[0]}")
    found = _RATE.search(said)
    assert found is not None, said
    rate = float(found[1])
    return Run(rate, (cpu_s(pids) - before) / (rate * seconds))


@contextmanager
def plain_haproxy(binary: Path, folder: Path, name: str, text: str) -> Iterator[int]:
    """A HAProxy of one process with this config; its pid."""
    config = folder / f"{name}.cfg"
    config.write_text(text)
    child = subprocess.Popen([binary, "-q", "-db", "-f", config], stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield child.pid
    finally:
        child.terminate()
        child.wait()


async def measure(version: str, retries: Retries, folder: Path, options: argparse.Namespace) -> bool:
    """One line of the table; whether it meets its goals."""
    binary, web = BINARIES[version], spec(retries)
    threads = min(4, len(os.sched_getaffinity(0)))
    answering = [free_bind() for _ in range(BACKENDS)]
    servers = "".join(f"    server web-{n} {bind}\n" for n, bind in enumerate(answering, 1))
    routes = folder / "routes.map"
    routes.write_text("127.0.0.1/ web\n")
    common = COMMON.format(threads=threads)
    bare, hand = free_bind(), free_bind()
    backend_text = common + "".join(ANSWERING.format(number=n, bind=bind) for n, bind in enumerate(answering))
    proxy = HAProxy(folder / "ours", SystemClock(), binary=binary)
    with (
        plain_haproxy(BINARIES["haproxy-2.8"], folder, "backends", backend_text),
        plain_haproxy(binary, folder, "bare", common + BARE.format(bind=bare) + servers) as bare_pid,
        plain_haproxy(binary, folder, "hand", common + HAND_WRITTEN.format(bind=hand, map=routes) + servers) as hand_pid,
    ):
        await proxy.configure([web])
        heard = asyncio.create_task(hear(proxy))
        try:
            await proxy.assign(
                "web",
                [Backend(f"web-{n}", Address(bind.host, bind.port), False, "") for n, bind in enumerate(answering, 1)],
            )
            master = process.find(Files(folder / "ours"))
            assert master is not None
            targets = {
                "ours": (str(web.route.bind), process.worker_pids(master)),
                "hand": (str(hand), (hand_pid,)),
                "bare": (str(bare), (bare_pid,)),
            }
            runs: dict[str, list[Run]] = {name: [] for name in targets}
            for bind, pids in targets.values():
                await drive(bind, pids, 1, options.connections)
            for number in range(options.rounds):
                for name in rotated(list(targets), number):
                    runs[name].append(await drive(*targets[name], options.seconds, options.connections))
            dropped = proxy.dropped_logs()
        finally:
            heard.cancel()
            await proxy.stop()
    return report(version, retries, runs, dropped)


def rotated(names: list[str], by: int) -> list[str]:
    """Each round begins with another, so that none always runs on the warmest machine."""
    return names[by % len(names) :] + names[: by % len(names)]


async def hear(proxy: HAProxy) -> None:
    async for _ in proxy.requests():
        pass


def report(version: str, retries: Retries, runs: dict[str, list[Run]], dropped: int) -> bool:
    """Print a line against each of the two others; whether the goals against the hand-written one are met."""
    met = True
    for other in ("hand", "bare"):
        pairs = list(zip(runs["ours"], runs[other], strict=True))
        rate = statistics.median(ours.rate / theirs.rate for ours, theirs in pairs)
        cpu = statistics.median(ours.cpu_s / theirs.cpu_s for ours, theirs in pairs)
        ours, theirs = (statistics.median(run.rate for run in runs[name]) for name in ("ours", other))
        goals = "no goal"
        if other == "hand":
            met = round(rate, 2) >= RATE_GOALS[retries] and (retries == "safe" or round(cpu, 2) <= CPU_GOAL)
            goals = f"goal rate {RATE_GOALS[retries]:.2f}" + ("" if retries == "safe" else f", cpu {CPU_GOAL:.2f}")
        print(
            f"proxy_tax  {version} {retries:8}  ours {ours:7,.0f} req/s  {other} {theirs:7,.0f} req/s  "
            f"rate {rate:.2f}  cpu {cpu:.2f}  {goals}  "
            f"median of {len(pairs)} rounds, {len(os.sched_getaffinity(0))} cores, {dropped} log lines lost",
            flush=True,
        )
    return met


async def main() -> bool:
    """All versions with both kinds of retries."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    met = True
    for version in sorted(BINARIES):
        for retries in RATE_GOALS:
            if options.only in f"{version} {retries}":
                with tempfile.TemporaryDirectory() as folder:
                    met = await measure(version, retries, Path(folder), options) and met
    return met


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(0 if asyncio.run(main()) else 1)
