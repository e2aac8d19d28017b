"""The next move each way: when it is possible at the earliest, how far it could go, and what it waits for.

It is told for policies that ask for the move from now on. Times are told from the decision on ("in 42s"), so that the text
needs no clock and no time zone.
"""

from dataclasses import dataclass

from autoscaler.decide.anti_flap import lets_fall
from autoscaler.decide.behavior import allows_more, farthest, left, lets_move
from autoscaler.decide.bounds import in_force
from autoscaler.decide.case import Case
from autoscaler.decide.memory import Memory
from autoscaler.decide.rounding import tidy
from autoscaler.decide.turns import turns
from autoscaler.model import Basis, Decision, Mode, Move, PauseKind
from autoscaler.units import format_duration


@dataclass(frozen=True, slots=True)
class _When:
    """When a move is possible, as `Move` has it; `stopped`: whatever the policies ask."""

    at: float | None
    reach: int | None
    waits_for: str
    told: str
    stopped: bool = False


def next_move(case: Case, decision: Decision, after: Memory, bases: tuple[Basis, ...], *, up: bool) -> Move:
    """The next move that way; `after` is the memory that came with the decision."""
    when = _stopped(case, decision, after, bases, up=up) or _possible(case, decision, after, up=up)
    asked_by = () if when.stopped else turns(case, decision, bases, up=up)
    return Move(when.at, when.reach, when.waits_for, when.told, asked_by)


def _possible(case: Case, decision: Decision, after: Memory, *, up: bool) -> _When:
    """When stabilization and rates let the count move."""
    behavior, count, t, within = case.spec.behavior, decision.desired, decision.t, decision.within
    rules = behavior.scale_up if up else behavior.scale_down
    asked = after.recent if after.latest is None else (*after.recent, after.latest)
    steady = lets_move(behavior, count, asked, t, up=up)
    calm = t if up else lets_fall(behavior, after.flaps, count, asked, t)
    rate = allows_more(rules, count, after.scaled, t, up=up)
    if rate is None:
        direction = "scale_up" if up else "scale_down"
        return _When(None, None, "disabled", f"never: {direction} is disabled", stopped=True)
    at = max(steady, calm, rate)
    end = farthest(rules, count, after.scaled, at, up=up)
    bound = within.max if up else within.min
    reach = bound if end is None else min(end, bound) if up else max(end, bound)
    if at <= t:
        return _When(t, reach, "", f"allowed at once, as far as {reach}")
    times = {"stabilization": steady, "anti_flap": calm, "scale_up_rate" if up else "scale_down_rate": rate}
    waits = max(times, key=lambda name: times[name])
    return _When(at, reach, waits, f"allowed in {left(at, t)} at the earliest ({waits}), as far as {reach}")


def _stopped(case: Case, decision: Decision, after: Memory, bases: tuple[Basis, ...], *, up: bool) -> _When | None:
    """Why the count can't move that way whatever the policies ask, None where it can."""
    within, t, pause = decision.within, decision.t, case.orders.pause
    override = in_force(case.orders, t)
    if decision.mode is Mode.OVERRIDE and override is not None:
        return _until(override.until, t, "override", "when the order ends")
    if up and decision.desired >= within.max:
        return _until(within.max_until, t, "max", f"not beyond {within.told_max()}")
    if not up and decision.desired <= within.min:
        if case.spec.replicas.min == 0 and within.min <= 1:
            return _to_none(case, decision, after)
        return _until(within.min_until, t, "min", f"not below {within.told_min()}")
    if pause is not None and pause is not (PauseKind.IN if up else PauseKind.OUT):
        return _When(None, None, "paused", "when the pause ends", stopped=True)
    missing = _held_for(case, decision, bases)
    if not up and missing:
        return _When(None, None, "missing_metrics", f"when {missing} is back", stopped=True)
    return None


def _held_for(case: Case, decision: Decision, bases: tuple[Basis, ...]) -> str:
    """The missing metrics without which nothing falls, "" where there are none."""
    if case.spec.behavior.on_missing_metrics != "hold":
        return ""
    silent = {said.policy for said in decision.recommendations if said.value is None}
    metrics = dict.fromkeys(basis.metric for basis in bases if basis.policy in silent and basis.value is None)
    return " and ".join(metrics) or ("the missing metric" if decision.mode is Mode.HOLD else "")


def _until(until: float | None, t: float, name: str, told: str) -> _When:
    ends = "" if until is None else f", in {left(until, t)}" if name == "override" else f" for the next {left(until, t)}"
    return _When(until, None, name, f"{told}{ends}", stopped=True)


def _to_none(case: Case, decision: Decision, after: Memory) -> _When:
    """When a service that may have none will have none."""
    if decision.desired == 0:
        return _When(None, None, "min", "there are none", stopped=True)
    idle = case.spec.idle
    if after.idle_since is None:
        told = f"to none after {format_duration(idle)} without any load"
        return _When(None, 0, "idle", told, stopped=True)
    at = tidy(after.idle_since + idle)
    return _When(at, 0, "idle", f"to none in {left(at, decision.t)} if no load comes", stopped=True)
