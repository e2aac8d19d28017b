"""From a policy to an HPA or a ScaledObject, and what of the policy has no counterpart there.

    cpu, memory at a target       Resource, in per cent of the request (make that `cpus`, `mem_limit`), else in cores, bytes
    a metric of the proxy         the daemon's own series of it, autoscaler_metric_value: External, or a prometheus trigger
    schedule (KEDA)               cron triggers
    replicas, behavior            field by field

`convert` makes of the result a policy that decides alike, as far as the policy has a counterpart.
Source: Kubernetes API, autoscaling/v2; KEDA, "ScaledObject specification".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from autoscaler.spec.kubernetes.behavior import tolerance_of, write_behavior
from autoscaler.spec.kubernetes.cron import end_of
from autoscaler.spec.kubernetes.manifests import HPA, HPA_VERSIONS, SCALED_OBJECT
from autoscaler.spec.kubernetes.metrics import OWN_SERIES
from autoscaler.spec.kubernetes.quantity import format_quantity
from autoscaler.spec.models import REPLICA_METRICS, Schedule, ServiceSpec, TargetTracking
from autoscaler.spec.nodes import Path
from autoscaler.units import format_duration

Target = Literal["hpa", "keda"]

SERVER = "http://prometheus.monitoring:9090"
FAILURES = 3  # as many intervals as a sample of ours stands
DEFAULT_WINDOW_S = 10.0


@dataclass(frozen=True, slots=True)
class Exported:
    """A manifest, and what of the policy it doesn't say: path and why."""

    manifest: Mapping[str, Any]
    notes: tuple[tuple[Path, str], ...]


@dataclass(frozen=True, slots=True)
class _Writing:
    """One service on its way to a manifest."""

    spec: ServiceSpec
    notes: list[tuple[Path, str]] = field(default_factory=list)

    def tell(self, path: Path, what: str) -> None:
        self.notes.append((path, what))


def export(spec: ServiceSpec, to: Target) -> Exported:
    """The manifest of a service's policy."""
    writing = _Writing(spec)
    manifest = _hpa(writing) if to == "hpa" else _scaled_object(writing)
    if spec.shadow:
        writing.tell(("shadow",), "has no counterpart")
    return Exported(manifest, tuple(writing.notes))


# ---------------------------------------------------------------- HPA


def _hpa(writing: _Writing) -> dict[str, Any]:
    spec = writing.spec
    if spec.replicas.min == 0:
        writing.tell(("replicas", "min"), "0 takes the feature gate HPAScaleToZero, and nothing wakes it: KEDA does")
    metrics = [made for index in range(len(spec.policies)) if (made := _metric(writing, index)) is not None]
    if not metrics:
        writing.tell(("policies",), "none has a counterpart: without metrics an HPA takes 80% of the CPU")
    if spec.behavior.on_missing_metrics != "hold":
        writing.tell(("behavior", "on_missing_metrics"), "an HPA holds")
    told: dict[str, Any] = {
        "scaleTargetRef": _target(spec),
        "minReplicas": spec.replicas.min,
        "maxReplicas": spec.replicas.max,
    }
    if metrics:
        told["metrics"] = metrics
    behavior = _behavior(writing)
    return _manifest(HPA_VERSIONS[0], HPA, spec, told | ({"behavior": behavior} if behavior else {}))


def _metric(writing: _Writing, index: int) -> dict[str, Any] | None:
    policy, path = writing.spec.policies[index], ("policies", index)
    if not isinstance(policy, TargetTracking):
        hint = ": KEDA's cron does it" if isinstance(policy, Schedule) else ""
        writing.tell(path, f"{policy.type} has no counterpart in an HPA{hint}")
        return None
    _tell_window(writing, policy, path)
    try:
        if policy.metric in REPLICA_METRICS:
            return {"type": "Resource", "resource": {"name": policy.metric, "target": _share(policy, writing.spec)}}
        kind, key = ("AverageValue", "averageValue") if policy.per_replica else ("Value", "value")
        target = {"type": kind, key: format_quantity(policy.aim or 0.0)}
    except ValueError as error:
        writing.tell(path, str(error))
        return None
    labels = {"service": writing.spec.service, "metric": policy.metric}
    return {"type": "External", "external": {"metric": _series(labels), "target": target}}


def _series(labels: Mapping[str, str]) -> dict[str, Any]:
    return {"name": OWN_SERIES, "selector": {"matchLabels": dict(labels)}}


def _share(policy: TargetTracking, spec: ServiceSpec) -> dict[str, Any]:
    """In whole per cent where it is one, else in cores or bytes."""
    target = policy.target or 0.0
    percent = round(target * 100, 7)
    if percent == int(percent):
        return {"type": "Utilization", "averageUtilization": int(percent)}
    return {"type": "AverageValue", "averageValue": format_quantity(target * _limit(policy.metric, spec))}


def _limit(metric: str, spec: ServiceSpec) -> float:
    return (spec.replica.cpus or 1.0) if metric == "cpu" else float(spec.replica.mem_limit or 0)


# ---------------------------------------------------------------- KEDA


def _scaled_object(writing: _Writing) -> dict[str, Any]:
    spec = writing.spec
    triggers = [trigger for index in range(len(spec.policies)) for trigger in _triggers(writing, index)]
    if not triggers:
        writing.tell(("policies",), "none has a counterpart: a ScaledObject needs a trigger, so write one")
    told: dict[str, Any] = {
        "scaleTargetRef": {"name": spec.service},
        "minReplicaCount": spec.replicas.min,
        "maxReplicaCount": spec.replicas.max,
    }
    if spec.replicas.min == 0:
        if spec.idle != int(spec.idle):
            writing.tell(("scale_to_zero", "idle"), "KEDA has whole seconds")
        told["cooldownPeriod"] = max(int(spec.idle), 1)
        writing.tell(("scale_to_zero",), "holding requests meanwhile takes KEDA's HTTP add-on")
    told |= _fallback(writing, triggers)
    behavior = _behavior(writing)
    if behavior:
        told["advanced"] = {"horizontalPodAutoscalerConfig": {"behavior": behavior}}
    return _manifest("keda.sh/v1alpha1", SCALED_OBJECT, spec, told | {"triggers": triggers})


def _triggers(writing: _Writing, index: int) -> list[dict[str, Any]]:
    policy, path = writing.spec.policies[index], ("policies", index)
    if isinstance(policy, Schedule):
        return _crons(writing, policy, path)
    if not isinstance(policy, TargetTracking):
        writing.tell(path, f"{policy.type} has no counterpart in KEDA")
        return []
    _tell_window(writing, policy, path)
    if policy.metric in REPLICA_METRICS:
        try:
            share = _share(policy, writing.spec)
        except ValueError as error:
            writing.tell(path, str(error))
            return []
        value = share.get("averageValue", share.get("averageUtilization"))
        return [{"type": policy.metric, "metricType": share["type"], "metadata": {"value": str(value)}}]
    query = f'{OWN_SERIES}{{service="{writing.spec.service}",metric="{policy.metric}"}}'
    metadata = {"serverAddress": SERVER, "query": query, "threshold": _number(policy.aim or 0.0)}
    metadata["ignoreNullValues"] = "false"  # no answer is not no load
    kind = "AverageValue" if policy.per_replica else "Value"
    return [{"type": "prometheus", "metricType": kind, "metadata": metadata}]


def _crons(writing: _Writing, policy: Schedule, path: Path) -> list[dict[str, Any]]:
    triggers = []
    for number, rule in enumerate(policy.rules):
        here = (*path, "rules", number)
        if rule.max is not None:
            writing.tell((*here, "max"), "KEDA's cron has no maximum")
        end = end_of(rule.cron, rule.for_s)
        if rule.min is None:
            continue
        if end is None:
            writing.tell((*here, "for"), f"{format_duration(rule.for_s)} after {rule.cron!r} is no cron: left out")
            continue
        metadata = {"timezone": policy.timezone, "start": rule.cron, "end": end, "desiredReplicas": str(rule.min)}
        triggers.append({"type": "cron", "metadata": metadata})
    return triggers


def _fallback(writing: _Writing, triggers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """KEDA's `currentReplicasIfHigher` is ours: max(current, replicas). It has a fallback for AverageValue alone."""
    behavior = writing.spec.behavior
    if behavior.on_missing_metrics == "hold":
        return {}
    if not any(each["type"] == "prometheus" and each["metricType"] == "AverageValue" for each in triggers):
        writing.tell(("behavior", "on_missing_metrics"), "KEDA falls back only for a metric with a `target`: it holds")
        return {}
    if behavior.on_missing_metrics == "scale_up":
        writing.tell(("behavior", "on_missing_metrics"), "scale_up goes to the maximum at once")
    most = writing.spec.replicas.max
    replicas = most if behavior.on_missing_metrics == "scale_up" else behavior.fallback_replicas or FAILURES
    return {"fallback": {"failureThreshold": FAILURES, "replicas": replicas, "behavior": "currentReplicasIfHigher"}}


def _number(number: float) -> str:
    return repr(number).removesuffix(".0")


# ---------------------------------------------------------------- what they share


def _manifest(version: str, kind: str, service: ServiceSpec, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": service.service}, "spec": dict(spec)}


def _target(spec: ServiceSpec) -> dict[str, str]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": spec.service}


def _behavior(writing: _Writing) -> dict[str, Any]:
    policies = enumerate(writing.spec.policies)
    tracking = [(index, policy) for index, policy in policies if isinstance(policy, TargetTracking)]
    tolerance = tolerance_of(tracking, writing.tell)
    if writing.spec.behavior.anti_flap:
        writing.tell(("behavior", "anti_flap"), "has no counterpart")
    return write_behavior(writing.spec.behavior, tolerance, writing.tell)


def _tell_window(writing: _Writing, policy: TargetTracking, path: Path) -> None:
    if policy.window != DEFAULT_WINDOW_S and policy.metric not in REPLICA_METRICS:
        what = f"{format_duration(policy.window)}: average in the query, an HPA takes the last value"
        writing.tell((*path, "window"), what)
