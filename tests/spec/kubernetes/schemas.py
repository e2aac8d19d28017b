"""What Kubernetes' and KEDA's published schemas require of the manifests that we write, in the words of JSON Schema.

Source: the OpenAPI schema of autoscaling/v2, and the types of keda.sh/v1alpha1.
"""

from typing import Any


def _closed(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    """A mapping with these keys and no others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **optional},
        "additionalProperties": False,
    }


TEXT: dict[str, Any] = {"type": "string"}
NAME = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}
QUANTITY = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?([numkMGTPE]|[KMGTPE]i|[eE][0-9]+)?$"}


def _count(least: int, most: int = 2**31 - 1) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most}


RULES = _closed(
    {},
    stabilizationWindowSeconds=_count(0, 3600),
    selectPolicy={"enum": ["Max", "Min", "Disabled"]},
    policies={
        "type": "array",
        "minItems": 1,
        "items": _closed({"type": {"enum": ["Pods", "Percent"]}, "value": _count(1), "periodSeconds": _count(1, 1800)}),
    },
    tolerance=QUANTITY,
)
BEHAVIOR = _closed({}, scaleUp=RULES, scaleDown=RULES)
TARGET = _closed(
    {"type": {"enum": ["Utilization", "Value", "AverageValue"]}},
    averageUtilization=_count(1),
    averageValue=QUANTITY,
    value=QUANTITY,
)
SELECTOR = _closed({}, matchLabels={"type": "object", "additionalProperties": TEXT})
METRIC = {
    "oneOf": [
        _closed(
            {"type": {"const": "Resource"}, "resource": _closed({"name": {"enum": ["cpu", "memory"]}, "target": TARGET})}
        ),
        _closed(
            {
                "type": {"const": "External"},
                "external": _closed({"metric": _closed({"name": TEXT}, selector=SELECTOR), "target": TARGET}),
            }
        ),
    ]
}
HPA = _closed(
    {
        "apiVersion": {"const": "autoscaling/v2"},
        "kind": {"const": "HorizontalPodAutoscaler"},
        "metadata": _closed({"name": NAME}),
        "spec": _closed(
            {"scaleTargetRef": _closed({"kind": TEXT, "name": NAME}, apiVersion=TEXT), "maxReplicas": _count(1)},
            minReplicas=_count(0),
            metrics={"type": "array", "minItems": 1, "items": METRIC},
            behavior=BEHAVIOR,
        ),
    }
)
SCALED_OBJECT = _closed(
    {
        "apiVersion": {"const": "keda.sh/v1alpha1"},
        "kind": {"const": "ScaledObject"},
        "metadata": _closed({"name": NAME}),
        "spec": _closed(
            {
                "scaleTargetRef": _closed({"name": NAME}),
                "triggers": {
                    "type": "array",
                    "items": _closed(
                        {"type": TEXT, "metadata": {"type": "object", "additionalProperties": TEXT}},
                        name=TEXT,
                        metricType={"enum": ["Utilization", "Value", "AverageValue"]},
                    ),
                },
            },
            minReplicaCount=_count(0),
            maxReplicaCount=_count(1),
            cooldownPeriod=_count(0),
            fallback=_closed(
                {"failureThreshold": _count(0), "replicas": _count(0)},
                behavior={"enum": ["static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"]},
            ),
            advanced=_closed({}, horizontalPodAutoscalerConfig=_closed({}, behavior=BEHAVIOR)),
        ),
    }
)
SCHEMAS = {"hpa": HPA, "keda": SCALED_OBJECT}
