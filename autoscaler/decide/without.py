"""What each limit cost: the same tick decided again without it.

The other limits stay, so the count is what would have come of it: without a window, a rate may still slow the move down.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from autoscaler.decide.case import Case
from autoscaler.model import Decision, Limit, Mode, Without
from autoscaler.spec.models import Bounds, ServiceSpec

_Kept = TypeVar("_Kept")


def without_each(case: Case, decision: Decision) -> tuple[Without, ...]:
    """The counts without an operator's order, then without each limit that bound the decision, in the order applied."""
    return tuple(_each(case, decision))


def _each(case: Case, decision: Decision) -> Iterator[Without]:
    if decision.mode is Mode.OVERRIDE:
        yield Without("override", _count(replace(case, orders=replace(case.orders, override=None))))
    for limit in decision.limits:
        if limit.name in ("max", "min"):
            yield Without(limit.name, limit.before)  # the last of all: nothing comes after it
        else:
            other = _lifted(case, decision, limit)
            if other is not None:
                yield Without(limit.name, _count(other))


def _lifted(case: Case, decision: Decision, limit: Limit) -> Case | None:
    """The case without this limit, None where nothing could be in its place."""
    match limit.name:
        case "stabilization":
            direction = "scale_up" if limit.before > limit.after else "scale_down"
            return _with_rules(case, direction, stabilization_window=0.0)
        case "anti_flap":
            return _with_behavior(case, anti_flap=False)
        case "scale_up_rate" | "scale_down_rate":
            return _with_rules(case, limit.name.removesuffix("_rate"), policies=(), select="max")
        case "paused":
            return replace(case, orders=replace(case.orders, pause=None))
        case "idle":
            return replace(case, spec=_never_none(case.spec))
        case "missing_metrics":
            return _sighted(case, decision)
        case _:
            return None


def _with_rules(case: Case, direction: str, **rules: object) -> Case:
    return _with_behavior(case, **{direction: getattr(case.spec.behavior, direction).model_copy(update=rules)})


def _with_behavior(case: Case, **changes: object) -> Case:
    behavior = case.spec.behavior.model_copy(update=changes)
    return replace(case, spec=case.spec.model_copy(update={"behavior": behavior}))


def _sighted(case: Case, decision: Decision) -> Case | None:
    """The case with those policies alone that gave a count."""
    known = [said.policy for said in decision.recommendations if said.value is not None]
    if not known:
        return None
    policies, memory = case.spec.policies, case.memory
    places = {f"{index}:{policies[index].type}": f"{place}:{policies[index].type}" for place, index in enumerate(known)}
    spec = _never_none(case.spec.model_copy(update={"policies": tuple(policies[index] for index in known)}))
    numbers, tables = _moved(memory.policies, places), _moved(memory.tables, places)
    return replace(case, spec=spec, memory=replace(memory, policies=numbers, tables=tables))


def _moved(kept: Mapping[str, _Kept], places: Mapping[str, str]) -> dict[str, _Kept]:
    """What policies keep for themselves, at their new places."""
    return {place: kept[was] for was, place in places.items() if was in kept}


def _never_none(spec: ServiceSpec) -> ServiceSpec:
    least = max(spec.replicas.min, 1)
    return spec.model_copy(update={"replicas": Bounds(min=least, max=spec.replicas.max)})


def _count(case: Case) -> int:
    return case.decide()[0].desired
