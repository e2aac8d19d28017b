"""All health checks fail at once while the app answers: HAProxy, daemon and replicas are real, under load."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from autoscaler.load import Kind, Live, Load, constant, run
from autoscaler.web.models import EventAnswer
from tests.support.daemons import DaemonUnderTest, policy, running, states
from tests.support.proxied import BINARIES

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

EACH_WAS_ASKED_S = 3.0  # a new server falls at its first bad answer: let all have had a good one
CHECKS_WOULD_FAIL_S = 7.0  # after five bad answers, one a second, HAProxy leaves a server
SCALING = ("health_suspect", "health_back", "replica_starting", "replica_ready", "replica_draining")


@dataclass
class Suspicion:
    """A daemon with four ready replicas under load; `bad` is the file that has their checks fail."""

    daemon: DaemonUnderTest
    bad: Path
    names: frozenset[str]
    load: Load
    abort: asyncio.Event

    async def events(self) -> Sequence[EventAnswer]:
        """What happened since the health check became a suspect."""
        async with self.daemon.client() as client:
            told = [e for e in (await client.history("web", 500)).events if e.kind in SCALING]
        return told[[e.kind for e in told].index("health_suspect") :]


@pytest.fixture(params=sorted(BINARIES))
async def suspicion(request: pytest.FixtureRequest, address: str, tmp_path: Path, instance: str) -> AsyncIterator[Suspicion]:
    """Each HAProxy in turn."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "haproxy").symlink_to(BINARIES[request.param])
    daemon = DaemonUnderTest(tmp_path, instance, environ={"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"})
    bad = tmp_path / "bad"
    text = policy("process", address).replace("{tcp: true}", "{http: /healthz, interval: 1s, retries: 5}")
    daemon.write_policy("web", text.replace("environment: {", f'environment: {{BAD_HEALTH: "{bad}", '))
    kinds = (Kind("/"), Kind("/", 0.2, "POST", b"x"))
    load = Load(port=int(address.rpartition(":")[2]), rate=constant(40), duration_s=150, kinds=kinds, connections=8)
    async with running(daemon):
        await daemon.until_ready("web", 1)
        await daemon.scale("web", 4)
        before = await daemon.until_ready("web", 4)
        yield Suspicion(daemon, bad, frozenset(r.name for r in before.replicas), load, asyncio.Event())


@asynccontextmanager
async def under_load(suspicion: Suspicion) -> AsyncIterator[None]:
    """Not a request fails, and many came."""
    sending = asyncio.create_task(run(suspicion.load, Live(), suspicion.abort))
    try:
        await asyncio.sleep(EACH_WAS_ASKED_S)
        yield
    finally:
        suspicion.abort.set()
        summary = await sending
    assert summary.requests > 100
    assert summary.failures == ()


async def names_that_answer(suspicion: Suspicion) -> frozenset[str]:
    """Who serves now."""
    load = Load(port=suspicion.load.port, rate=constant(40), duration_s=2, kinds=(Kind("/"),), connections=8)
    return frozenset((await run(load, Live(), asyncio.Event())).by_replica)


async def test_all_stay_in_use_while_the_check_is_bad_for_new_ones_too_until_it_is_mended(suspicion: Suspicion) -> None:
    async with under_load(suspicion):
        suspicion.bad.write_text("all")
        await suspicion.daemon.until("web", lambda s: s.health_suspect)
        await asyncio.sleep(CHECKS_WOULD_FAIL_S)
        assert await names_that_answer(suspicion) == suspicion.names
        during = await suspicion.daemon.service("web")
        suspicion.bad.unlink()
        await suspicion.daemon.until("web", lambda s: not s.health_suspect and states(s)["ready"] == len(s.replicas) == 4)
        events = await suspicion.events()
    assert during.health_suspect
    assert {r.name for r in during.replicas if r.state == "failed"} == suspicion.names
    assert (states(during)["starting"], states(during)["draining"]) == (1, 0)
    assert [e.kind for e in events if e.kind.startswith("health")] == ["health_suspect", "health_back"]


async def test_one_at_a_time_is_replaced_the_new_one_ready_first(suspicion: Suspicion) -> None:
    async with under_load(suspicion):
        suspicion.bad.write_text("old")
        await suspicion.daemon.until(
            "web",
            lambda s: (
                not s.health_suspect
                and states(s)["ready"] == len(s.replicas) == 4
                and suspicion.names.isdisjoint(r.name for r in s.replicas)
            ),
            timeout_s=90,
        )
        events = await suspicion.events()
    assert [e.kind for e in events if e.kind.startswith("health")] == ["health_suspect", "health_back"]
    moves = [e.kind for e in events if e.kind.startswith("replica")]
    assert moves == ["replica_starting", "replica_ready", "replica_draining"] * 4
