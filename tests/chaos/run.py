"""One run of the suite, from its seed: install all, keep the load up, let faults strike one after the other, account.

Half of the faults strike while an order to scale has just been given and nobody has waited for it.
"""

import asyncio
import contextlib
import random
import subprocess
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autoscaler.errors import AutoscalerError
from tests.chaos.accounts import Accounts, Journal, read_journal
from tests.chaos.deck import dealt
from tests.chaos.ground import Ground, ProcessGround, docker_ground
from tests.chaos.lives import Life, Lives
from tests.chaos.load import Clients
from tests.chaos.site import FEWEST, Site
from tests.support.daemons import DaemonUnderTest, bind, running

SURPRISES = 0.5
BREATHS_S = (0.5, 2.5)
STATE_MB = 24
FAILURES = (AssertionError, TimeoutError, AutoscalerError, OSError)


@dataclass(frozen=True, slots=True)
class Struck:
    """One fault that struck, by the loop's clock, and how long it took until all was well again."""

    fault: str
    at: float
    took_s: float


@dataclass
class Outcome:
    """All that came of a run; `broken` are the promises that were broken, in words."""

    runtime: str
    seed: int
    began: float
    seconds: float = 0.0
    struck: list[Struck] = field(default_factory=list)
    accounts: Accounts = field(default_factory=Accounts)
    journal: Journal = field(default_factory=lambda: Journal({}, ()))
    notes: dict[str, list[float]] = field(default_factory=dict)
    lives: list[Life] = field(default_factory=list)
    kills: int = 0
    scale_events: int = 0
    reloads: int = 0
    broken: list[str] = field(default_factory=list)


async def run(folder: Path, instance: str, runtime: str, seed: int, seconds: float, *, quick: bool = False) -> Outcome:
    """`quick`: the short form, each of its faults once. `folder` is a short path that is there."""
    chance = random.Random(seed)
    daemon = DaemonUnderTest(folder, instance)
    outcome = Outcome(runtime, seed, asyncio.get_running_loop().time())
    address = bind()
    with _ground(runtime, daemon) as ground:
        daemon.environ.update(ground.environ)
        async with Clients(f"http://{address}", outcome.accounts, chance) as clients:
            site = Site(daemon, ground, clients, outcome.accounts, chance, address, folder / "shared", patient=quick)
            daemon.write_policy("web", site.policy())
            async with running(daemon):
                await daemon.until_ready("web", FEWEST, 60)
                await _under_load(site, outcome, seconds, quick=quick)
                outcome.scale_events = await _scale_events(site)
    outcome.journal = read_journal((site.shared / "journal").read_text().splitlines())
    outcome.broken += outcome.accounts.unexplained(outcome.journal)
    return outcome


async def _under_load(site: Site, outcome: Outcome, seconds: float, *, quick: bool) -> None:
    lives = Lives(site.daemon)
    watching = asyncio.create_task(lives.watch())
    site.clients.start()
    try:
        await _strike(site, outcome, seconds, quick=quick)
        await site.settled()
    except FAILURES:
        outcome.broken.append(traceback.format_exc())
    finally:
        await site.clients.stop()
        watching.cancel()
    outcome.seconds = asyncio.get_running_loop().time() - outcome.began
    outcome.lives, outcome.notes, outcome.kills = lives.judged(), site.notes, site.kills
    outcome.reloads = site.said("proxy_reloaded")


async def _strike(site: Site, outcome: Outcome, seconds: float, *, quick: bool) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    for fault in dealt(site.ground.name, site.chance, quick=quick):
        if loop.time() > end:
            return
        await asyncio.sleep(site.chance.uniform(*BREATHS_S))
        if site.chance.random() < SURPRISES:
            await site.order_another()
        at = loop.time()
        try:
            await fault.strike(site)
        finally:
            outcome.struck.append(Struck(fault.name, at, loop.time() - at))


async def _scale_events(site: Site) -> int:
    """How often the count was moved: the decisions in the journal, which outlives the daemons."""
    return site.said("decided")


@contextlib.contextmanager
def _ground(runtime: str, daemon: DaemonUnderTest) -> Iterator[Ground]:
    """The runtime, and for Docker a state dir on a disk of its own that can be filled."""
    if runtime == "process":
        yield ProcessGround(daemon.state_dir)
        return
    daemon.state_dir.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={STATE_MB}m,mode=0700", "tmpfs", str(daemon.state_dir)], check=True)
    try:
        with docker_ground(daemon.instance) as ground:
            yield ground
    finally:
        subprocess.run(["umount", str(daemon.state_dir)], check=True)
