"""One whole run: a daemon lives through a plan of faults, then all is calm, and it must have put everything right.

0 .. 18 s   the plan            then   20 ticks to converge, from when the last back-off lets go
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from tests.simulation import virtual
from tests.simulation.faults import FAULTS_LAST_S, Fault, make_plan
from tests.simulation.host import Host

CONVERGED_WITHIN_S = 20.0
STAYS_S = 2.0
LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to: the laws that were broken, nothing where all held; and what was told, a line an event."""

    broken: tuple[str, ...]
    trace: tuple[str, ...]
    seconds: float


def live(seed: int, plan: Sequence[Fault] | None = None) -> Outcome:
    """Run the seed, or another plan in the seed's world."""
    host = Host(seed)
    work = _live(host, make_plan(seed) if plan is None else plan)
    try:
        seconds, complaints = virtual.run(work)
    except virtual.NothingLeft:
        seconds, complaints = 0.0, ["it hangs for ever"]
    except Exception as error:
        seconds, complaints = 0.0, [f"it ended with {error!r}"]
    return Outcome((*host.outside.broken, *complaints), tuple(host.trace()), seconds)


async def _live(host: Host, plan: Sequence[Fault]) -> float:
    await host.start()
    for fault in plan:
        await _until(host, fault.t)
        await host.befall(fault)
    await _until(host, FAULTS_LAST_S)
    await _converge(host)
    left = await host.stop()
    if left:
        host.outside.breaks(f"tasks left at the end: {left}")
    return host.outside.time()


async def _until(host: Host, t: float) -> None:
    if t > host.outside.time():
        await asyncio.sleep(t - host.outside.time())


async def _converge(host: Host) -> None:
    """What is as it shall be must stay so for a moment."""
    since: float | None = None
    began = host.outside.time()
    last_at = began
    while since is None or host.outside.time() - since < STAYS_S:
        await asyncio.sleep(LOOK_EVERY_S)
        last_at = max(last_at, host.backing_off_until())
        host.laws.check()
        left = host.unconverged()
        if not left:
            since = since or host.outside.time()
            continue
        since = None
        if host.outside.time() > last_at + CONVERGED_WITHIN_S:
            host.outside.breaks(f"not converged in {CONVERGED_WITHIN_S:g} s: {'; '.join(left)}")
            return
