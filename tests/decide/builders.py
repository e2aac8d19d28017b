"""Specs and observations that take only what a test is about."""

from collections.abc import Mapping, Sequence
from typing import Any

from autoscaler.decide import EMPTY, Case, account, decide, explain
from autoscaler.decide.memory import Memory
from autoscaler.model import NO_ORDERS, Decision, Observation, Orders, Sample
from autoscaler.spec.models import (
    Auto,
    Behavior,
    Bind,
    Bounds,
    Concurrency,
    LatencySlo,
    Policy,
    Predictive,
    Rate,
    ReplicaSpec,
    Route,
    ScalingRules,
    Schedule,
    ServiceSpec,
    Step,
    TargetTracking,
    Tolerance,
)

OPEN_UP = ScalingRules(stabilization_window=0.0, policies=())
OPEN_DOWN = ScalingRules(stabilization_window=0.0, policies=())
OPEN = Behavior(scale_up=OPEN_UP, scale_down=OPEN_DOWN)
HPA = Behavior()


def tracking(metric: str = "request_rate", window: float = 0.0, **keys: Any) -> TargetTracking:
    """A target_tracking policy, of 50 a replica where nothing else is said."""
    if not {"target", "total"} & keys.keys():
        keys["target"] = 50.0
    tolerance = keys.pop("tolerance", Tolerance())
    return TargetTracking.model_validate(
        {"type": "target_tracking", "metric": metric, "window": f"{window:.6f}s", "tolerance": tolerance, **keys}
    )


def concurrency(target: float = 10.0, **keys: Any) -> Concurrency:
    """A concurrency policy of 10 requests a replica, all of them used, where nothing else is said."""
    return Concurrency.model_validate({"type": "concurrency", "target": target, "utilization": 1.0, **keys})


def step(*rules: Mapping[str, Any], metric: str = "queue_length", cooldown: float = 60.0, window: float = 0.0) -> Step:
    """A step policy on the queue, with no window where nothing else is said."""
    return Step.model_validate({"type": "step", "metric": metric, "steps": rules, "cooldown": cooldown, "window": window})


def latency_slo(objective: float = 0.25, **keys: Any) -> LatencySlo:
    """A latency_slo policy: 95% within 250 ms where nothing else is said."""
    return LatencySlo.model_validate({"type": "latency_slo", "objective": objective, **keys})


def predictive(metric: str = "request_rate", target: float = 50.0, **keys: Any) -> Predictive:
    """A predictive policy, of 50 a replica, a day's season and five minutes ahead where nothing else is said."""
    return Predictive.model_validate({"type": "predictive", "metric": metric, "target": target, **keys})


def schedule(*rules: Mapping[str, Any], timezone: str = "UTC") -> Schedule:
    """A schedule; a rule is {cron, for, min, max}."""
    return Schedule.model_validate({"type": "schedule", "timezone": timezone, "rules": rules})


def auto(**objective: Any) -> Auto:
    """The auto policy; keys are its objective's."""
    return Auto.model_validate({"type": "auto", "objective": objective})


def service(*policies: Policy, min: int = 1, max: int = 100, behavior: Behavior = OPEN) -> ServiceSpec:
    """A service under these policies."""
    return ServiceSpec(
        service="web",
        replica=ReplicaSpec(port=5000),
        route=Route(bind=Bind(host="127.0.0.1", port=8080)),
        replicas=Bounds(min=min, max=max),
        policies=policies or (tracking(),),
        behavior=behavior,
    )


def rules(window: float = 0.0, *rates: Rate, select: Any = "max") -> ScalingRules:
    """One direction's behavior."""
    return ScalingRules(stabilization_window=window, policies=rates, select=select)


def seen(
    t: float = 0.0,
    ready: int = 1,
    unready: int = 0,
    *,
    desired: int | None = None,
    warming: int = 0,
    per_replica: Mapping[str, Sequence[float | None]] | None = None,
    **totals: float | None,
) -> Observation:
    """A tick; a total that is None is missing."""
    return Observation(
        "web",
        t,
        ready,
        unready,
        {name: Sample(value, t, "" if value is not None else "it is gone") for name, value in totals.items()},
        {name: tuple(values) for name, values in (per_replica or {}).items()},
        desired=desired,
        warming=warming,
    )


def fold(
    spec: ServiceSpec, ticks: Sequence[Observation], memory: Memory = EMPTY, orders: Orders = NO_ORDERS
) -> tuple[list[Decision], Memory]:
    """All decisions over these ticks."""
    decisions = []
    for tick in ticks:
        decision, memory = decide(spec, tick, memory, orders)
        decisions.append(decision)
    return decisions, memory


def case_of(spec: ServiceSpec, ticks: Sequence[Observation], orders: Orders = NO_ORDERS) -> Case:
    """What the last of these ticks was decided on; `orders` were given before it."""
    return Case(spec, ticks[-1], fold(spec, ticks[:-1])[1], orders)


def why(spec: ServiceSpec, *ticks: Observation, orders: Orders = NO_ORDERS) -> str:
    """The words that explain the last of these ticks."""
    return explain(account(case_of(spec, ticks, orders)), spec.behavior)


def counts(spec: ServiceSpec, ticks: Sequence[Observation]) -> list[int]:
    """The counts decided over these ticks."""
    return [decision.desired for decision in fold(spec, ticks)[0]]
