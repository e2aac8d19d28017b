"""Manifests that take only what a test is about, and what comes of them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autoscaler.spec.kubernetes import Converted, Given, convert
from autoscaler.spec.load import Loaded, load_policies

FILE = "m.yaml"
FILLED = Given(image="app:1", port=5000, bind="127.0.0.1:8080", cpus=0.5, mem_limit=256 * 1024**2)


def hpa(*metrics: Mapping[str, Any], **spec: Any) -> dict[str, Any]:
    """An HPA on these metrics, of 2 to 20 replicas where nothing else is said."""
    told = {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "minReplicas": 2, "maxReplicas": 20, **spec}
    told = {key: value for key, value in told.items() if value is not None}
    if metrics:
        told["metrics"] = list(metrics)
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web-hpa"},
        "spec": told,
    }


def resource(name: str, **target: Any) -> dict[str, Any]:
    """A metric of a resource."""
    kind = "Utilization" if "averageUtilization" in target else "AverageValue"
    return {"type": "Resource", "resource": {"name": name, "target": {"type": kind, **target}}}


def named(kind: str, name: str, **target: Any) -> dict[str, Any]:
    """A Pods, Object or External metric."""
    how = "AverageValue" if "averageValue" in target else "Value"
    return {"type": kind, kind.lower(): {"metric": {"name": name}, "target": {"type": how, **target}}}


def scaled_object(*triggers: Mapping[str, Any], annotations: Mapping[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A ScaledObject with these triggers, of at least one replica where nothing else is said."""
    metadata: dict[str, Any] = {"name": "web-keda"}
    if annotations:
        metadata["annotations"] = dict(annotations)
    told = {"scaleTargetRef": {"name": "web"}, "minReplicaCount": 1, "triggers": list(triggers), **spec}
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": metadata,
        "spec": {key: value for key, value in told.items() if value is not None},
    }


def trigger(kind: str, metric_type: str | None = None, **metadata: str) -> dict[str, Any]:
    """A trigger of KEDA's."""
    told = {"type": kind, "metadata": metadata}
    return told if metric_type is None else told | {"metricType": metric_type}


def deployment(name: str = "web", **container: Any) -> dict[str, Any]:
    """A Deployment of one container."""
    template = {"spec": {"containers": [{"name": "app", **container}]}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {"template": template}}


def text_of(*manifests: Mapping[str, Any]) -> str:
    """A file of these manifests: JSON is YAML."""
    return "\n---\n".join(json.dumps(each) for each in manifests)


def converted(*manifests: Mapping[str, Any], given: Given = FILLED) -> Converted:
    """The only policy that comes of these manifests."""
    (policy,) = convert(text_of(*manifests), FILE, given)
    return policy


def policies(*manifests: Mapping[str, Any], given: Given = FILLED) -> Sequence[Mapping[str, Any]]:
    """The policies of the only service."""
    told: Sequence[Mapping[str, Any]] = converted(*manifests, given=given).policy["policies"]
    return told


def notes(policy: Converted) -> dict[str, str]:
    """What is told, by key path, places apart."""
    return {str(note).partition(": ")[2].rpartition(": ")[0] or str(note): note.what for note in policy.notes}


def loaded(folder: Path, text: str) -> Loaded:
    """A policy's text as `autoscaler validate` takes it, where there may be no replicas."""
    (folder / "policy.yaml").write_text(text)
    return load_policies([folder / "policy.yaml"], environ={}, to_zero=True)
