"""A policy file as typed values: what a service is, how it is reached, and how its replica count is decided.

These are the values every other room reads. Durations are seconds, sizes bytes, fractions plain numbers, all defaults
filled in. How text becomes them, and what is said where it can't, is in the other modules of this room.
"""

from autoscaler.spec.models.behavior import HPA_SCALE_DOWN, HPA_SCALE_UP, Behavior, Rate, ScalingRules
from autoscaler.spec.models.metrics import (
    FRACTION_METRICS,
    LATENCIES,
    PROXY_METRICS,
    REPLICA_METRICS,
    TOTAL_ONLY_METRICS,
    MetricName,
)
from autoscaler.spec.models.policies import Policy, TargetTracking, Tolerance
from autoscaler.spec.models.replica import Build, HealthCheck, Logging, Mount, ReplicaSpec, Secret, Ulimit
from autoscaler.spec.models.route import Bind, Route
from autoscaler.spec.models.service import NAME_PATTERN, Bounds, ServiceSpec

__all__ = [
    "FRACTION_METRICS",
    "HPA_SCALE_DOWN",
    "HPA_SCALE_UP",
    "LATENCIES",
    "NAME_PATTERN",
    "PROXY_METRICS",
    "REPLICA_METRICS",
    "TOTAL_ONLY_METRICS",
    "Behavior",
    "Bind",
    "Bounds",
    "Build",
    "HealthCheck",
    "Logging",
    "MetricName",
    "Mount",
    "Policy",
    "Rate",
    "ReplicaSpec",
    "Route",
    "ScalingRules",
    "Secret",
    "ServiceSpec",
    "TargetTracking",
    "Tolerance",
    "Ulimit",
]
