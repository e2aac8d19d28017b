"""Backing off from replicas that keep dying: wait 1, 2, 4 .. 300 s between starts, and start one at a time meanwhile.

A *failure* is a start that the runtime refused, a replica that was never ready, or one that died within `PROVEN_S` of being
ready. One that was proven and then dies is replaced at once. Replicas that were started before the last failure was known
belong to the same wave and count once; a replica proven after the last failure ends the back-off.
"""

from dataclasses import dataclass, replace

PROVEN_S = 10.0
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """`streak` failures in a row, the last of them at `failed_at`, because of `why`; no start before `until`."""

    streak: int = 0
    failed_at: float = 0.0
    until: float = 0.0
    why: str = ""


NO_BACKOFF = Backoff()


def failed(
    backoff: Backoff, why: str, started_at: float, now: float, *, was_ready: bool = False, wait_s: float = 0.0
) -> Backoff:
    """A start of `started_at` came to nothing, or its replica died soon after it was ready; wait `wait_s` at least."""
    if backoff.streak and started_at <= backoff.failed_at:
        return replace(backoff, why=why, until=max(backoff.until, now + wait_s))
    first_death = was_ready and not backoff.streak
    own_s = 0.0 if first_death else min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(backoff.streak, 30))
    return Backoff(backoff.streak + 1, now, now + max(own_s, wait_s), why)


def proven(backoff: Backoff, started_at: float) -> Backoff:
    """A replica started at `started_at` has been ready for `PROVEN_S`."""
    return NO_BACKOFF if started_at > backoff.failed_at else backoff
