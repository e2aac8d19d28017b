"""A policy file as typed values: what a service is, how it is reached, and how its replica count is decided.

These are the values every other room reads. Durations are seconds, sizes bytes, fractions plain numbers, all defaults
filled in. How text becomes them, and what is said where it can't, is in the other modules of this room.
"""

from autoscaler.spec.models.auto import Auto, WaitObjective
from autoscaler.spec.models.base import keys_of
from autoscaler.spec.models.behavior import HPA_SCALE_DOWN, HPA_SCALE_UP, OPEN, Behavior, Rate, ScalingRules
from autoscaler.spec.models.concurrency import Concurrency
from autoscaler.spec.models.latency_slo import LatencySlo
from autoscaler.spec.models.metrics import (
    FRACTION_METRICS,
    LATENCIES,
    PROXY_METRICS,
    REPLICA_METRICS,
    TOTAL_ONLY_METRICS,
    MetricName,
)
from autoscaler.spec.models.policies import Measured, Policy
from autoscaler.spec.models.predictive import Predictive
from autoscaler.spec.models.replica import Build, HealthCheck, Logging, Mount, ReplicaSpec, Secret, Ulimit
from autoscaler.spec.models.route import Bind, Route
from autoscaler.spec.models.schedule import Schedule, ScheduleRule
from autoscaler.spec.models.service import NAME_PATTERN, Bounds, ScaleToZero, ServiceSpec
from autoscaler.spec.models.shadow import MOST_SHADOWS, Shadow
from autoscaler.spec.models.sources import STANDS_INTERVALS, Auth, PrometheusMetric, SourceMetric, Tls
from autoscaler.spec.models.step import Amount, Step, StepRule
from autoscaler.spec.models.target_tracking import TargetTracking, Tolerance

__all__ = [
    "FRACTION_METRICS",
    "HPA_SCALE_DOWN",
    "HPA_SCALE_UP",
    "LATENCIES",
    "MOST_SHADOWS",
    "NAME_PATTERN",
    "OPEN",
    "PROXY_METRICS",
    "REPLICA_METRICS",
    "STANDS_INTERVALS",
    "TOTAL_ONLY_METRICS",
    "Amount",
    "Auth",
    "Auto",
    "Behavior",
    "Bind",
    "Bounds",
    "Build",
    "Concurrency",
    "HealthCheck",
    "LatencySlo",
    "Logging",
    "Measured",
    "MetricName",
    "Mount",
    "Policy",
    "Predictive",
    "PrometheusMetric",
    "Rate",
    "ReplicaSpec",
    "Route",
    "ScaleToZero",
    "ScalingRules",
    "Schedule",
    "ScheduleRule",
    "Secret",
    "ServiceSpec",
    "Shadow",
    "SourceMetric",
    "Step",
    "StepRule",
    "TargetTracking",
    "Tls",
    "Tolerance",
    "Ulimit",
    "WaitObjective",
    "keys_of",
]
