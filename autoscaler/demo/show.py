"""What the demo shows: a line a moment, live on a terminal, and the summary."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from autoscaler.load import Recent, Summary

BAR_WIDTH = 30
TICKS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Moment:
    """One look while it runs: seconds since the start, requests/s, and replicas by state."""

    t: float
    recent: Recent
    ready: int
    starting: int
    draining: int
    desired: int
    why: str


def line(moment: Moment) -> str:
    """A moment in a pipe."""
    p95 = "-" if moment.recent.p95_s is None else f"{moment.recent.p95_s * 1000:.0f} ms"
    replicas = f"{moment.ready} ready, {moment.starting} starting, {moment.draining} draining"
    return (
        f"{moment.t:5.0f} s  {moment.recent.rate:6.1f} requests/s  p95 {p95:>7}  {replicas}  {moment.recent.failed} failed"
    )


def picture(moments: Sequence[Moment], failed: int) -> str:
    """The last moments on a terminal: two curves and the figures of now."""
    now = moments[-1]
    p95 = "-" if now.recent.p95_s is None else f"{now.recent.p95_s * 1000:.0f} ms"
    return "\n".join(
        [
            f"  rate      {curve([m.recent.rate for m in moments])}  {now.recent.rate:.0f} requests/s",
            f"  replicas  {curve([float(m.ready) for m in moments])}  "
            f"{now.ready} ready, {now.starting} starting, {now.draining} draining",
            f"  p95       {p95}",
            f"  failed    {failed}",
            "",
            f"  why {now.desired}: {now.why}",
        ]
    )


def curve(values: Sequence[float]) -> str:
    """A row of blocks as high as the last values, the highest of all full."""
    top = max([*values, 1e-9])
    shown = list(values)[-BAR_WIDTH:]
    blocks = "".join(TICKS[max(0, min(len(TICKS) - 1, round(value / top * (len(TICKS) - 1))))] for value in shown)
    return blocks.rjust(BAR_WIDTH)


def summary(done: Summary, moments: Sequence[Moment]) -> str:
    """What it came to."""
    peak = max((m.ready for m in moments), default=0)
    used = replica_seconds(moments)
    always_peak = peak * (moments[-1].t - moments[0].t) if moments else 0.0
    saved = f", {1 - used / always_peak:.0%} less than {peak} all the time ({always_peak:.0f})" if always_peak else ""
    causes = ", ".join(f"{cause} {count}" for cause, count in sorted(done.failed.items()))
    p95 = "-" if done.p95_s is None else f"{done.p95_s * 1000:.0f} ms"
    return "\n".join(
        [
            f"requests         {done.requests}",
            f"failed           {done.failed_total}{f' ({causes})' if causes else ''}",
            f"p95              {p95}",
            f"peak replicas    {peak}",
            f"replica-seconds  {used:.0f}{saved}",
        ]
    )


def replica_seconds(moments: Sequence[Moment]) -> float:
    """Replicas that were there, starting and draining ones too, over time."""
    return sum((m.ready + m.starting + m.draining) * (after.t - m.t) for m, after in pairwise(moments))
