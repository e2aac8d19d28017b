"""Concurrency: as many replicas as keep each at `target` x `utilization` requests at once, over two windows.

    r = max(1, ready)      goal = target * utilization
    want = ceil(mean / goal), within floor(r / max_scale_down_rate) .. ceil(r * max_scale_up_rate)      for each window

Panic begins, and is renewed, when ceil(panic mean / goal) / r >= panic_threshold. It ends on the first tick more than the
stable window after. In panic: the highest of both wants since it began; else the stable want. A service first seen with more
than one ready replica starts in panic at that count, so that a restart never scales in before a stable window has passed.
Source: Knative Serving, `pkg/autoscaler/scaling` (KPA), and "Configuring scale bounds" for `activation_scale`.
"""

from dataclasses import dataclass
from math import isfinite

from autoscaler.decide.memory import PolicyMemory
from autoscaler.decide.question import Answer, Question, missing, problem
from autoscaler.decide.rounding import cut, round_up, tidy
from autoscaler.decide.samples import mean
from autoscaler.spec.models import Concurrency
from autoscaler.units import format_duration


@dataclass(frozen=True, slots=True)
class _Panic:
    """A panic since some time: when it was last renewed, and the highest want since it began."""

    renewed_at: float
    highest: int


def recommend(policy: Concurrency, asked: Question) -> Answer:
    """The replicas this policy asks for; `value` is None where it can't know."""
    panic = _remembered(asked)
    goal = policy.target * policy.utilization
    points = asked.points[policy.metric]
    stable = mean(points, policy.stable_window, asked.t)
    recent = mean(points, policy.panic_window, asked.t)
    if stable is None or recent is None:
        return missing(policy.metric, problem(policy.metric, asked), _memory(panic))
    if not isfinite(stable / goal) or not isfinite(recent / goal):
        return missing(policy.metric, f"{max(stable, recent):g} is too large", _memory(panic))
    ready = max(1, asked.seen.ready)
    wants = _want(policy, stable / goal, ready), _want(policy, recent / goal, ready)
    if tidy(round_up(recent / goal) / ready) >= policy.panic_threshold:
        panic = _Panic(asked.t, 0 if panic is None else panic.highest)
    elif panic is not None and tidy(panic.renewed_at + policy.stable_window) < asked.t:
        panic = None
    said = f"{_told(stable, policy.stable_window)} at {goal:.4g} a replica"
    if panic is None:
        return Answer(wants[0], tidy(stable / goal), f"{said} asks for {wants[0]}", memory=_memory(None))
    highest = max(panic.highest, *wants)
    lasts = format_duration(round(tidy(panic.renewed_at + policy.stable_window - asked.t), 3))
    over, surge = format_duration(policy.panic_window), round_up(policy.panic_threshold * ready)
    fast = f"{_told(recent, policy.panic_window)}; the last {over} ask for {round_up(recent / goal)}, {surge} is a surge"
    lasting = f"panic (after a surge or a start) for {lasts} more: asks for {highest}, the most since it began"
    reason = f"{said}, {fast}; {lasting}"
    raw = tidy(max(stable, recent) / goal)
    return Answer(highest, raw, reason, panic=True, memory=_memory(_Panic(panic.renewed_at, highest)))


def _want(policy: Concurrency, replicas: float, ready: int) -> int:
    """What one window's mean asks for; while it asks for any, `activation_scale` at least."""
    asks = round_up(replicas)
    fewest = cut(ready / policy.max_scale_down_rate)
    most = round_up(ready * policy.max_scale_up_rate)
    want = min(max(asks, fewest), most)
    return max(want, policy.activation_scale) if asks > 0 else want


def _remembered(asked: Question) -> _Panic | None:
    """The panic so far. On the first tick more than one ready replica is a reason for one."""
    memory = asked.memory
    if "watched" in memory:
        kept = memory.keys() >= {"renewed_at", "highest"}
        return _Panic(memory["renewed_at"], int(memory["highest"])) if kept else None
    return _Panic(asked.t, asked.seen.ready) if asked.seen.ready > 1 else None


def _memory(panic: _Panic | None) -> PolicyMemory:
    told = {"watched": 1.0}
    return told if panic is None else told | {"renewed_at": panic.renewed_at, "highest": float(panic.highest)}


def _told(average: float, window: float) -> str:
    return f"concurrency {average:.4g} over {format_duration(window)}"
