"""The built-in metrics of a policy file, and numbers in their units. Source: CONTRACT, "Metrics"."""

from typing import Literal

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


def in_unit(metric: str, given: str) -> float:
    """What was written for a metric in its unit: a latency as a duration, a fraction as a percentage. Raises ValueError."""
    if metric in LATENCIES:
        return parse_duration(given)
    if metric in FRACTION_METRICS:
        return parse_fraction(given)
    raise ValueError(f"found {given!r}; {metric} takes a plain number such as 50")
