"""The highest count of the last while: what goes up at once comes down only when nothing has asked for it for so long."""

from autoscaler.decide.rounding import tidy
from autoscaler.units import format_duration

Held = tuple[tuple[float, int], ...]  # when, how many: each count below the one before it


def held(before: Held, t: float, count: int, hold_s: float) -> Held:
    """With one more count; those that can't be the highest any more are left out."""
    since = tidy(t - hold_s)
    return (*[each for each in before if each[0] > since and each[1] > count], (t, count))


def highest(counts: Held) -> int:
    """The highest of them, 0 where there is none."""
    return counts[0][1] if counts else 0


def told_hold(counts: Held, count: int, t: float, hold_s: float) -> str:
    """For people: on what grounds and for how long `count` stays, where nothing asks for as many any more."""
    last = max((at for at, asked in counts if asked >= count), default=t)
    left = format_duration(round(tidy(last + hold_s - t), 3))
    return f"held at the most of the last {format_duration(hold_s)} for {left} more"
