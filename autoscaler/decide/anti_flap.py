"""Anti-flap: a count that turns back is noticed, and with `behavior.anti_flap: true` falls later for a while.

    flap      a move in the other direction than the one before, within max(300 s, down window) of it
    level     + 1 at each flap, - 1 for each hour since the last one; 0 to the least that reaches an hour
    window    min(1 h, max(down window, 150 s) * 2 ^ level), in place of the down window while level > 0

Why so: a replica that goes within 5 minutes of its coming, or is back so soon, was hardly worth the start, and a turn within
the down window is what that window is there to prevent. The first answer is no shorter than the 5 minutes that make a flap,
the last an hour, the longest window that a policy file may have. A calm hour halves it: while the load goes on swinging, one
flap an hour is what relaxing costs. Only falls wait; a rise is never late for it. Moves to a bound, to and from zero and by
an operator are no turns of the policies' own. All follows from the last flap and the last move. Times are seconds.
"""

from collections.abc import Iterable
from dataclasses import replace

from autoscaler.decide.behavior import left
from autoscaler.decide.memory import Asked, Flaps, Turn
from autoscaler.decide.rounding import cut, tidy
from autoscaler.model import Limit
from autoscaler.spec.models import Behavior
from autoscaler.units import format_duration

FLAP_S = 300.0
LEAST_S = FLAP_S / 2  # doubled by the first flap
LONGEST_S = 3600.0
CALM_S = 3600.0


def notice(behavior: Behavior, flaps: Flaps, current: int, desired: int, t: float, *, own: bool) -> tuple[Flaps, str]:
    """What to remember after a decision, and the flap for people, "" where it is none. `own`: the policies moved it."""
    if desired == current or (flaps.turn is not None and flaps.turn.t == t):
        return flaps, ""  # asked again at the same time it stands in for the move before
    if not own:
        return replace(flaps, turn=None), ""
    turn, last = Turn(t, desired > current), flaps.turn
    if last is None or last.up == turn.up or tidy(t - last.t) > max(FLAP_S, _down(behavior)):
        return replace(flaps, turn=turn), ""
    level = min(level_at(flaps, t) + 1, _most(behavior))
    told = f"{current} -> {desired}, {left(t, last.t)} after it went {'up' if last.up else 'down'}"
    return Flaps(level, t, turn), told


def hold(behavior: Behavior, flaps: Flaps, wanted: int, current: int, asked: Iterable[Asked], t: float) -> Limit | None:
    """The limit that the longer window puts on a fall from `current` to `wanted`, None where it puts none."""
    longer = window_at(behavior, flaps, t)
    lately = [each for each in asked if each.t > tidy(t - longer)] if longer > _down(behavior) else []
    after = min(current, max([wanted, *(each.count for each in lately)]))
    if after == wanted:
        return None
    until = lets_fall(behavior, flaps, after, lately, t)
    reason = (
        f"held at {after} by anti_flap for {left(until, t)} (it turned back {left(t, flaps.at)} ago, so the down window is"
        f" {format_duration(longer)} instead of {format_duration(_down(behavior))})"
    )
    return Limit("anti_flap", wanted, after, reason, until)


def lets_fall(behavior: Behavior, flaps: Flaps, count: int, asked: Iterable[Asked], t: float) -> float:
    """When the longer window lets the count fall below `count`, relaxing as it does meanwhile: `t` where it does now."""
    times = [each.t for each in asked if each.count >= count]
    if not times or window_at(behavior, flaps, t) <= _down(behavior):
        return t
    newest, begins = max(times), t
    for level in range(level_at(flaps, t), 0, -1):
        relaxes = tidy(flaps.at + (flaps.level - level + 1) * CALM_S)
        falls = max(begins, tidy(newest + _window(behavior, level)))
        if falls < relaxes:
            return falls
        begins = relaxes
    return max(begins, tidy(newest + _down(behavior)))


def level_at(flaps: Flaps, t: float) -> int:
    """The level now: one less for each calm hour."""
    return max(flaps.level - cut((t - flaps.at) / CALM_S), 0) if flaps.level else 0


def window_at(behavior: Behavior, flaps: Flaps, t: float) -> float:
    """The down window in force."""
    return _window(behavior, level_at(flaps, t)) if behavior.anti_flap else _down(behavior)


def _window(behavior: Behavior, level: int) -> float:
    down = _down(behavior)
    return min(LONGEST_S, max(down, LEAST_S) * 2**level) if level else down


def _most(behavior: Behavior) -> int:
    """The least level whose window is the longest."""
    level = 0
    while max(_down(behavior), LEAST_S) * 2**level < LONGEST_S:
        level += 1
    return level


def _down(behavior: Behavior) -> float:
    return behavior.scale_down.stabilization_window
