"""What would change the answer: for each metric the value beyond which the policies ask for more, or for fewer.

    more    the least value, upward from the present one, at which the largest recommendation is above the count decided
    fewer   the greatest, downward, at which it is below

All else stays as it is. A value is sought by going away from the present one, by half of it each time, and then by halving:
at most 100 decisions a metric and direction, made only when someone asks why. Where the answer is not monotone (steps of
different sizes), it is a value at which the answer turns, not always the nearest.
"""

from collections.abc import Callable, Iterator

from autoscaler.decide.case import Case
from autoscaler.model import Basis, Decision, Turn

STRIDE = 1.5
STRIDES = 60  # 1.5^60 is 4 * 10^10
HALVINGS = 40
EXACT = 1e-7  # of the value
DIGITS = 6  # as values are told
ROUNDED_AWAY = 1e-6  # of the target: less than that is no load, and what turns the answer is the rounding of counts


def turns(case: Case, decision: Decision, bases: tuple[Basis, ...], *, up: bool) -> tuple[Turn, ...]:
    """Where each metric would turn the answer that way, in the policies' order; none where it is that way already."""
    if decision.wanted > decision.desired if up else decision.wanted < decision.desired:
        return ()
    found: dict[str, Turn] = {}
    for basis in bases:
        if basis.value is not None and basis.metric not in found:
            turn = _turn(case, decision.desired, basis, basis.value, up=up)
            if turn is not None:
                found[basis.metric] = turn
    return tuple(found.values())


def _turn(case: Case, count: int, basis: Basis, value: float, *, up: bool) -> Turn | None:
    def asks(at: float) -> int:
        return case.with_value(basis.metric, at).decide()[0].wanted

    def turned(at: float) -> bool:
        return asks(at) > count if up else asks(at) < count

    beyond = turned(value)  # so it is where the metric was not steady, and a surge within its windows has the say
    last = value
    for at in _away(value, basis.target, up=up != beyond):
        if turned(at) != beyond:
            stays, turns_at = (at, last) if beyond else (last, at)
            return _told(basis, *_halved(turned, stays, turns_at), asks, turned)
        last = at
    return None


def _away(value: float, target: float | None, *, up: bool) -> Iterator[float]:
    """Values ever farther from this one: upward without end, downward to 0."""
    if up:
        start = max(value, (target or 1.0) / STRIDE**20)
        yield from (start * STRIDE**stride for stride in range(1, STRIDES))
    elif value > 0:
        yield from (value / STRIDE**stride for stride in range(1, STRIDES))
        yield 0.0


def _halved(turned: Callable[[float], bool], stays: float, turns_at: float) -> tuple[float, float]:
    """The same two values, brought together."""
    for _ in range(HALVINGS):
        if abs(turns_at - stays) <= EXACT * max(abs(stays), abs(turns_at)):
            break
        middle = (stays + turns_at) / 2
        if turned(middle):
            turns_at = middle
        else:
            stays = middle
    return stays, turns_at


def _told(
    basis: Basis, stays: float, turns_at: float, asks: Callable[[float], int], turned: Callable[[float], bool]
) -> Turn:
    """The turn at the roundest value that is as near as values are told."""
    at = float(f"{turns_at:.{DIGITS}g}")
    if abs(at) < (basis.target or 1.0) * ROUNDED_AWAY:
        at = 0.0
    return Turn(basis.metric, basis.per_replica, at, turned(at), asks(turns_at))
