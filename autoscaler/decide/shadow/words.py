"""Shadows for people: what each would have now, and what it would have cost and made wait, beside what ran."""

from collections.abc import Iterator, Sequence

from autoscaler.decide.shadow.score import LATE_S
from autoscaler.model import Tally
from autoscaler.status import ShadowStatus
from autoscaler.units import format_duration

HOUR_S = 3600.0


def told_of(shadows: Sequence[ShadowStatus]) -> Iterator[str]:
    """Lines for `explain`; none where there are no shadows."""
    if not shadows:
        return
    yield from ("", "shadows, decided on the same numbers and never acted on:")
    for shadow in shadows:
        yield from _shadow(shadow)
    yield f"  (late: waits longer than {format_duration(LATE_S)}, by the same model of both)"
    if not all(shadow.seen_full for shadow in shadows):
        yield "  (a guess as yet: no replica was seen full, so each is taken to bear at most twice what it was seen to)"


def _shadow(shadow: ShadowStatus) -> Iterator[str]:
    if shadow.problem:
        yield f"  {shadow.name}: {shadow.problem}"
    elif shadow.decision is None:
        yield f"  {shadow.name}: nothing decided yet"
    else:
        wanted = "replica" if shadow.decision.desired == 1 else "replicas"
        first, *more = shadow.decision.reason.split("; ")
        yield f"  {shadow.name}: {shadow.decision.desired} {wanted} wanted: {first}"
        yield from (f"    {part}" for part in more)
    if shadow.total.seconds:
        yield f"    last day or so: {score(shadow.recent)}"
        yield f"    in all: {_hours(shadow.total)}"


def score(tally: Tally) -> str:
    """`3.2 replicas on average, 78% of the 4.1 that ran; 1.3% of requests late, 0.2% with what ran`."""
    share = "none ran" if tally.ratio is None else f"{tally.ratio:.0%} of the {tally.ran_replicas or 0:.3g} that ran"
    replicas = f"{tally.replicas or 0:.3g} replicas on average, {share}"
    if tally.late is None or tally.ran_late is None:
        return f"{replicas}; waits not known yet"
    return f"{replicas}; {percent(tally.late)} of requests late, {percent(tally.ran_late)} with what ran"


def percent(share: float) -> str:
    """A small share with as many digits as say something."""
    return "under 0.01%" if 0 < share < 1e-4 else f"{share * 100:.2g}%" if share < 0.1 else f"{share:.0%}"


def _hours(tally: Tally) -> str:
    over = format_duration(float(round(tally.seconds)))
    return (
        f"{tally.replica_seconds / HOUR_S:.3g} replica-hours in {over}, {tally.ran_replica_seconds / HOUR_S:.3g} ran; "
        f"{tally.late_requests:.0f} of {tally.requests:.0f} requests late, {tally.ran_late_requests:.0f} with what ran"
    )
