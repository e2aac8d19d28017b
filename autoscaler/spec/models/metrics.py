"""The built-in metrics of a policy file, and a target in a metric's unit. Source: CONTRACT, "Metrics"."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo

from autoscaler.units import parse_duration, parse_fraction

MetricName = Literal[
    "request_rate",
    "concurrency",
    "queue_length",
    "latency_p50",
    "latency_p90",
    "latency_p95",
    "latency_p99",
    "error_ratio",
    "cpu",
    "memory",
]

LATENCIES = ("latency_p50", "latency_p90", "latency_p95", "latency_p99")
PROXY_METRICS = ("request_rate", "concurrency", "queue_length", *LATENCIES, "error_ratio")
REPLICA_METRICS = ("cpu", "memory")
TOTAL_ONLY_METRICS = (*LATENCIES, "error_ratio")
FRACTION_METRICS = ("error_ratio", *REPLICA_METRICS)


def _aim(given: Any, info: ValidationInfo) -> Any:
    """A target in its metric's unit: a fraction may be written as a percentage, a latency as a duration."""
    metric = info.data.get("metric")
    if not isinstance(given, str) or metric is None:
        return given
    if metric in LATENCIES:
        return parse_duration(given)
    if metric in FRACTION_METRICS:
        return parse_fraction(given)
    raise ValueError(f"found {given!r}; {metric} takes a plain number such as 50")


Aim = Annotated[float, BeforeValidator(_aim, json_schema_input_type=str | float), Field(gt=0)]
