"""Step: the metric's value says how many replicas more or fewer.

    `above: X` applies at value >= X, the highest such; `below: X` at value <= X, the lowest; a step out goes first
    an amount in per cent is of current, cut toward zero, at least 1

A step out from base b holds for `cooldown`: meanwhile it recommends at least current and what it asked for, and a further
step out is the amount of b beyond b. A step in waits until `cooldown` after the last step either way; a step out does not
wait for a step in. With nothing to do it recommends nothing, and holds no other policy up.
Source: AWS Application Auto Scaling, "Step scaling policies".
"""

from dataclasses import dataclass
from math import isfinite

from autoscaler.decide.memory import PolicyMemory
from autoscaler.decide.question import Answer, Question, missing, problem, warming_up
from autoscaler.decide.rounding import cut, tidy
from autoscaler.decide.samples import mean, window_of
from autoscaler.spec.models import REPLICA_METRICS, Amount, Step, StepRule
from autoscaler.units import format_duration


@dataclass(frozen=True, slots=True)
class _Taken:
    """The last step: when, from which count, and to which."""

    at: float
    base: int
    count: int

    @property
    def out(self) -> bool:
        return self.count > self.base


def recommend(policy: Step, asked: Question) -> Answer:
    """The replicas this policy asks for; `value` is None where it can't know, or where there is nothing to do."""
    fresh = warming_up(asked) if policy.metric in REPLICA_METRICS else None
    if fresh is not None:
        return fresh
    taken = _remembered(asked.memory)
    value = _value(policy, asked)
    if value is None:
        return missing(policy.metric, problem(policy.metric, asked), asked.memory)
    cooling = taken is not None and asked.t < tidy(taken.at + policy.cooldown)
    rule = _rule(policy, value)
    said = f"{policy.metric} {value:.4g}"
    if taken is not None and taken.at == asked.t:
        return _answer(taken.count, taken, f"{said}, one step a time, asks for {taken.count}")
    if rule is not None and rule.add is not None:
        return _out(
            policy, rule.add, asked, taken if cooling else None, f"{said} at {rule.above:g} and above: add {rule.add}"
        )
    if cooling and taken is not None and taken.out:
        return _held(policy, asked, taken, said)
    if rule is None or rule.remove is None:
        return Answer(None, None, f"{said}: no step applies", memory=asked.memory)
    if cooling and taken is not None:
        return Answer(None, None, f"{said}: the next step in waits, {_left(policy, taken, asked.t)}", memory=asked.memory)
    count = max(asked.current - _amount(rule.remove, asked.current), 0)
    step = _Taken(asked.t, asked.current, count)
    return _answer(count, step, f"{said} at {rule.below:g} and below: remove {rule.remove}, asks for {count}")


def _out(policy: Step, amount: Amount, asked: Question, taken: _Taken | None, said: str) -> Answer:
    """A step out: a new one, or one beyond that which still holds."""
    if taken is None or not taken.out:
        count = asked.current + _amount(amount, asked.current)
        return _answer(count, _Taken(asked.t, asked.current, count), f"{said}, asks for {count}")
    further = taken.base + _amount(amount, taken.base)
    if further <= max(taken.count, asked.current):
        return _held(policy, asked, taken, said)
    reason = f"{said} beyond the step from {taken.base}, asks for {further}"
    return _answer(further, _Taken(asked.t, taken.base, further), reason)


def _held(policy: Step, asked: Question, taken: _Taken, said: str) -> Answer:
    """While a step out holds."""
    count = max(asked.current, taken.count)
    return _answer(
        count, taken, f"{said}; the step out from {taken.base} holds, {_left(policy, taken, asked.t)}, asks for {count}"
    )


def _rule(policy: Step, value: float) -> StepRule | None:
    """The step that applies."""
    number = tidy(value)
    above = [(rule.above, rule) for rule in policy.steps if rule.above is not None and number >= tidy(rule.above)]
    if above:
        return max(above, key=lambda each: each[0])[1]
    below = [(rule.below, rule) for rule in policy.steps if rule.below is not None and number <= tidy(rule.below)]
    return min(below, key=lambda each: each[0])[1] if below else None


def _amount(amount: Amount, of: int) -> int:
    if amount.replicas is not None:
        return amount.replicas
    return max(cut(of * (amount.percent or 0.0) / 100), 1)


def _value(policy: Step, asked: Question) -> float | None:
    """The metric over its window; of one that is measured at the replicas the mean over those that report it."""
    if policy.metric not in REPLICA_METRICS:
        return mean(asked.points[policy.metric], window_of(policy, policy.metric), asked.t)
    known = [each for each in asked.seen.per_replica.get(policy.metric, ()) if each is not None and isfinite(each)]
    average = sum(known) / len(known) if known else None
    return average if average is not None and isfinite(average) else None


def _remembered(memory: PolicyMemory) -> _Taken | None:
    if not memory.keys() >= {"stepped_at", "base", "count"}:
        return None
    return _Taken(memory["stepped_at"], int(memory["base"]), int(memory["count"]))


def _answer(count: int, taken: _Taken, reason: str) -> Answer:
    memory = {"stepped_at": taken.at, "base": float(taken.base), "count": float(taken.count)}
    return Answer(count, float(count), reason, memory=memory)


def _left(policy: Step, taken: _Taken, t: float) -> str:
    return f"{format_duration(round(tidy(taken.at + policy.cooldown - t), 3))} of its cooldown left"
