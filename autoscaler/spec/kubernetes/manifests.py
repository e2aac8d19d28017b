"""The documents of a file, and what an HPA or a ScaledObject says: bounds, policies, behavior, and what else hangs on them.

    HPA    minReplicas (1), maxReplicas, metrics, behavior
    KEDA   minReplicaCount (0), maxReplicaCount (100), triggers, cooldownPeriod (300 s), fallback, the HPA's behavior

Source: Kubernetes API, autoscaling/v2; KEDA, "ScaledObject specification".
"""

from collections.abc import Iterator
from typing import Any

from autoscaler.spec.kubernetes.behavior import read_behavior, read_tolerance
from autoscaler.spec.kubernetes.fields import Field, Reading
from autoscaler.spec.kubernetes.metrics import read_metrics
from autoscaler.spec.kubernetes.triggers import Asked, read_trigger
from autoscaler.spec.kubernetes.workload import Workload
from autoscaler.spec.models import HPA_SCALE_DOWN
from autoscaler.spec.nodes import Node, Path
from autoscaler.spec.problems import Problems
from autoscaler.units import format_duration

HPA, SCALED_OBJECT = "HorizontalPodAutoscaler", "ScaledObject"
HPA_VERSIONS = ("autoscaling/v2", "autoscaling/v2beta2")
MOST_REPLICAS = 10_000
KEDA_MAX, KEDA_COOLDOWN_S, KEDA_MIN = 100, 300, 0

PAUSES = {
    "autoscaling.keda.sh/paused": "{pause}",
    "autoscaling.keda.sh/paused-replicas": "`autoscaler scale {name} {value}`",
    "autoscaling.keda.sh/paused-scale-in": "{pause} --in-only",
    "autoscaling.keda.sh/paused-scale-down": "{pause} --in-only",
    "autoscaling.keda.sh/paused-scale-out": "{pause} --out-only",
}


def manifests(root: Node, problems: Problems, path: Path = ()) -> Iterator[Field]:
    """The objects of a document: itself, or what a List holds."""
    field = Field(root, root.mark, path, Reading(problems))
    if field.at("kind").text().endswith("List") and field.at("items").given:
        for item in field.at("items").items():
            if item.node is not None:
                yield from manifests(item.node, problems, item.path)
    else:
        yield field


def target_of(manifest: Field) -> str:
    """The name of what is scaled."""
    return manifest.at("spec", "scaleTargetRef", "name").needed("name: web").text()


# ---------------------------------------------------------------- HPA


def read_hpa(manifest: Field, workload: Workload, server: Any) -> dict[str, Any]:
    """The policy's keys that an HPA says."""
    spec = manifest.at("spec")
    told: dict[str, Any] = {"replicas": _bounds(spec.at("minReplicas"), spec.at("maxReplicas").needed("maxReplicas: 10"), 1)}
    told["policies"] = read_metrics(spec, workload, server)
    return told | _behavior(spec.at("behavior"), told["policies"])


def _bounds(least: Field, most: Field, usual: int, usual_most: int | None = None) -> dict[str, int]:
    low, high = least.whole_number(usual), most.whole_number(usual_most, least=1)
    if low is None or high is None:
        return {}
    if low > high:
        least.refuse(f"{low} is above the maximum {high}", "lower it or raise the maximum")
    if high > MOST_REPLICAS:
        most.note(f"at most {MOST_REPLICAS} replicas are allowed here")
    return {"min": min(low, MOST_REPLICAS), "max": min(high, MOST_REPLICAS)}


def _behavior(field: Field, policies: list[dict[str, Any]]) -> dict[str, Any]:
    """`behavior:`, where it says anything; a tolerance goes to each policy that has one."""
    behavior, tolerance = read_behavior(field), read_tolerance(field)
    for policy in policies if tolerance else []:
        if policy["type"] == "target_tracking":
            policy["tolerance"] = tolerance
    return {"behavior": behavior} if behavior else {}


# ---------------------------------------------------------------- KEDA


def read_scaled_object(manifest: Field, workload: Workload, name: str) -> dict[str, Any]:
    """The policy's keys that a ScaledObject says."""
    spec = manifest.at("spec")
    interval = spec.at("pollingInterval").whole_number(least=1)
    asked = Asked(workload, format_duration(interval) if interval is not None else "")
    least, most = spec.at("minReplicaCount"), spec.at("maxReplicaCount")
    bounds = _bounds(least, most, KEDA_MIN, KEDA_MAX)
    told: dict[str, Any] = {"replicas": bounds | _idle(spec, bounds)}
    triggers = spec.at("triggers").needed("triggers: [{type: cpu, ...}]").items()
    read = [(each, read_trigger(each, asked)) for each in triggers]
    for trigger, policy in read:
        if policy is not None and policy["type"] == "schedule":
            _within(trigger, policy["rules"][0], bounds)
    told["policies"] = _together(_named_apart([policy for _, policy in read if policy is not None]))
    told |= _behavior(spec.at("advanced", "horizontalPodAutoscalerConfig", "behavior"), told["policies"])
    if all(policy["type"] == "schedule" for policy in told["policies"]):
        _paced(told)
    spec.at("advanced", "horizontalPodAutoscalerConfig").pass_over("name")
    spec.at("advanced").pass_over("restoreToOriginalReplicaCount")
    _fallback(spec.at("fallback"), told, bounds)
    _cooldown(spec, told)
    _pauses(manifest.at("metadata", "annotations"), name)
    return told


def _paced(told: dict[str, Any]) -> None:
    """A schedule alone has no window here; KEDA's HPA has one."""
    down = told.setdefault("behavior", {}).setdefault("scale_down", {})
    down.setdefault("stabilization_window", format_duration(HPA_SCALE_DOWN.stabilization_window))


def _idle(spec: Field, bounds: dict[str, int]) -> dict[str, int]:
    idle = spec.at("idleReplicaCount")
    if idle.whole_number() is None:
        return {}
    if bounds.get("min", 0) > 1:
        idle.note(f"a service that may have none has 1 at least while there is load, not {bounds['min']}")
    return {"min": 0}


def _within(trigger: Field, rule: dict[str, Any], bounds: dict[str, int]) -> None:
    most = bounds.get("max", MOST_REPLICAS)
    if rule["min"] > most:
        trigger.at("metadata", "desiredReplicas").note(f"is above the maximum: {most}")
        rule["min"] = most


def _named_apart(policies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Metrics of other systems with names of their own."""
    taken: set[str] = set()
    for policy in policies:
        metric = policy.get("metric")
        if isinstance(metric, dict):
            wanted, number = metric["name"], 1
            while metric["name"] in taken:
                number += 1
                metric["name"] = f"{wanted}-{number}"
            taken.add(metric["name"])
    return policies


def _together(policies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rules of one time zone in one schedule."""
    schedules: dict[str, dict[str, Any]] = {}
    kept = []
    for policy in policies:
        if policy["type"] != "schedule":
            kept.append(policy)
        elif policy["timezone"] in schedules:
            schedules[policy["timezone"]]["rules"] += policy["rules"]
        else:
            schedules[policy["timezone"]] = policy
            kept.append(policy)
    return kept


def _fallback(field: Field, told: dict[str, Any], bounds: dict[str, int]) -> None:
    if not field.given:
        return
    field.at("failureThreshold").note("a metric is missing after three intervals without a value")
    replicas, kind = field.at("replicas").needed("replicas: 3").whole_number(), field.at("behavior")
    if kind.text("static") == "currentReplicas":
        return  # as ours does by default
    if kind.text("static") != "currentReplicasIfHigher":
        (kind if kind.given else field).note("never fewer than there are: max(current, fallback_replicas)")
    if replicas:
        behavior = told.setdefault("behavior", {})
        behavior["on_missing_metrics"] = "fallback"
        behavior["fallback_replicas"] = min(replicas, bounds.get("max", MOST_REPLICAS))


def _cooldown(spec: Field, told: dict[str, Any]) -> None:
    seconds = spec.at("cooldownPeriod").whole_number(KEDA_COOLDOWN_S)
    if told["replicas"].get("min") == 0 and seconds is not None:
        told["scale_to_zero"] = {"idle": format_duration(max(seconds, 1))}
    first = spec.at("initialCooldownPeriod")
    if first.given and first.text() != "0":
        first.note("idleness counts from the first look on")


def _pauses(annotations: Field, name: str) -> None:
    for key, order in PAUSES.items():
        pause = annotations.at(key)
        if pause.given and pause.text().lower() not in ("false", "0" if "replicas" not in key else "false"):
            told = order.format(pause=f"`autoscaler pause {name}", name=name, value=pause.text())
            pause.note(f"is an order, not a policy: {told}{'`' if told.count('`') % 2 else ''} once it runs")
