"""The highest count of the last while: what goes up at once comes down only when nothing has asked for it for so long."""

from autoscaler.decide.rounding import tidy

Held = tuple[tuple[float, int], ...]  # when, how many: each count below the one before it


def held(before: Held, t: float, count: int, hold_s: float) -> Held:
    """With one more count; those that can't be the highest any more are left out."""
    since = tidy(t - hold_s)
    return (*[each for each in before if each[0] > since and each[1] > count], (t, count))


def highest(counts: Held) -> int:
    """The highest of them, 0 where there is none."""
    return counts[0][1] if counts else 0
