"""Asks every policy, and takes the largest answer.

A new policy type is a module with a `recommend` like `target_tracking`'s and a line in `RECOMMENDERS`. What it wants to
remember it hands back as the answer's `memory`, and is given again next time. Forecasts and then schedules are asked last:
what they ask for hangs on whether any policy on what is measured now (for schedules: any on a metric) gave a number.

A policy whose metric is missing answers as `behavior.on_missing_metrics` says: `hold`: nothing, and if no other asks for
more than there is, the count is held; `scale_up`: the most there may be; `fallback`: max(current, fallback_replicas).
Source: DECISIONS, "Order of a decision" 2 and "Missing metrics".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autoscaler.decide import auto, concurrency, latency_slo, predictive, schedule, step, target_tracking
from autoscaler.decide.history import History
from autoscaler.decide.memory import Memory, PolicyMemory, PolicyTables
from autoscaler.decide.question import Answer, Question
from autoscaler.decide.samples import Points
from autoscaler.model import Fence, Observation, Recommendation
from autoscaler.spec.models import Behavior, ServiceSpec

RECOMMENDERS: Mapping[str, Callable[[Any, Question], Answer]] = {
    "target_tracking": target_tracking.recommend,
    "concurrency": concurrency.recommend,
    "step": step.recommend,
    "schedule": schedule.recommend,
    "latency_slo": latency_slo.recommend,
    "auto": auto.recommend,
    "predictive": predictive.recommend,
}

ASKED_LAST = ("predictive", "schedule")
FALLBACK_REPLICAS = 3  # the contract's default of `fallback_replicas`


@dataclass(frozen=True, slots=True)
class Said:
    """What all policies said in one tick. `held`: one is blind, and no other asks for as many as there are. `panic`: one
    answers a surge."""

    recommendations: tuple[Recommendation, ...]
    wanted: int
    held: bool
    panic: bool
    why: str
    policies: Mapping[str, PolicyMemory]
    tables: Mapping[str, PolicyTables]


def ask(
    spec: ServiceSpec,
    seen: Observation,
    points: Points,
    history: Mapping[str, History],
    memory: Memory,
    *,
    t: float,
    current: int,
    within: Fence,
) -> Said:
    """Each policy's recommendation in the file's order, and the largest of them (current where there is none).

    `points` and `history` have this tick's samples, `memory` is that of the decision before.
    """
    said: dict[int, Recommendation] = {}
    kept: dict[str, PolicyMemory] = {}
    tables: dict[str, PolicyTables] = {}
    blind = panic = False
    others: dict[str, bool] = {}
    for index, policy in sorted(enumerate(spec.policies), key=lambda each: _turn(each[1].type)):
        slot = f"{index}:{policy.type}"
        question = Question(
            seen=seen,
            t=t,
            current=current,
            points=points,
            memory=memory.policies.get(slot, {}),
            tables=memory.tables.get(slot, {}),
            floor=within.min,
            others_answer=_any(others, before=policy.type),
            history=history,
            wall=t + seen.wall_offset,
            max_concurrency=spec.route.max_concurrency,
        )
        answer = RECOMMENDERS[policy.type](policy, question)
        value, reason = answer.value, answer.reason
        if answer.missing:
            value, reason = _blind(spec.behavior, answer, current, within.max)
            blind = blind or value is None
        panic = panic or answer.panic
        others[policy.type] = others.get(policy.type, False) or value is not None
        if answer.memory:
            kept[slot] = answer.memory
        if answer.tables:
            tables[slot] = answer.tables
        said[index] = Recommendation(index, policy.type, value, policy.metric, answer.raw, reason, answer.out_of_reach)
    in_order = tuple(said[index] for index in range(len(spec.policies)))
    best = _largest(in_order)
    held = blind and (best is None or best.value is None or best.value < current)
    wanted = current if best is None or best.value is None else best.value
    return Said(in_order, wanted, held, panic, _why(in_order, best, held), kept, tables)


def _turn(kind: str) -> int:
    """When a policy of this type is asked: 0 is first."""
    return ASKED_LAST.index(kind) + 1 if kind in ASKED_LAST else 0


def _any(answered: Mapping[str, bool], before: str) -> bool | None:
    """Whether a policy that is asked before those of this type gave a number, None where the file has none."""
    earlier = [gave for kind, gave in answered.items() if _turn(kind) < _turn(before)]
    return any(earlier) if earlier else None


def _blind(behavior: Behavior, answer: Answer, current: int, most: int) -> tuple[int | None, str]:
    """What a policy recommends whose metric is missing."""
    match behavior.on_missing_metrics:
        case "scale_up":
            return most, f"{answer.reason}; asks for the most, {most} (on_missing_metrics: scale_up)"
        case "fallback":
            fallback = behavior.fallback_replicas or FALLBACK_REPLICAS
            count = max(current, fallback)
            return count, f"{answer.reason}; asks for {count} (fallback_replicas: {fallback})"
        case _:
            return None, answer.reason


def _largest(said: Sequence[Recommendation]) -> Recommendation | None:
    best = None
    for each in said:
        if each.value is not None and (best is None or best.value is None or each.value > best.value):
            best = each
    return best


def _why(said: Sequence[Recommendation], best: Recommendation | None, held: bool) -> str:
    """The reason of the largest; where it is held, first what is missing."""
    if best is not None and not held:
        return best.reason
    blind = [each.reason for each in said if each.value is None]
    return "; ".join(blind if best is None else [*blind, best.reason])
