"""The Prometheus metrics of the daemon: names, types, labels and meanings.

docs/metrics.md is made of this, and prometheus.py exports nothing else but `process_*` and `python_*`. Units are the
base ones and come last, counters end in `_total`. Source: prometheus.io, "Metric and label naming".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from autoscaler.model import FailureCause

Type = Literal["gauge", "counter", "histogram"]

STARTS_S = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
DRAINS_S = (0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
TICKS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


@dataclass(frozen=True, slots=True)
class Metric:
    """`buckets_s` are a histogram's upper bounds."""

    type: Type
    help: str
    labels: tuple[str, ...] = ()
    buckets_s: tuple[float, ...] = ()


def _gauge(help: str, *labels: str) -> Metric:
    return Metric("gauge", help, labels)


def _counter(help: str, *labels: str) -> Metric:
    return Metric("counter", help, labels)


def _histogram(help: str, buckets_s: tuple[float, ...], *labels: str) -> Metric:
    return Metric("histogram", help, labels, buckets_s)


METRICS: Mapping[str, Metric] = {
    "autoscaler_desired_replicas": _gauge("Replicas that the last decision asks for.", "service"),
    "autoscaler_replicas": _gauge("Replicas by state.", "service", "state"),
    "autoscaler_min_replicas": _gauge("Fewest replicas the policy allows.", "service"),
    "autoscaler_max_replicas": _gauge("Most replicas the policy allows.", "service"),
    "autoscaler_metric_value": _gauge(
        "Value of a metric that a policy looks at, over its window; absent while it is missing.", "service", "metric"
    ),
    "autoscaler_metric_target": _gauge("What the policy aims for: a replica's share, or the total.", "service", "metric"),
    "autoscaler_metric_age_seconds": _gauge("Time since a metric last had a value.", "service", "metric"),
    "autoscaler_recommendation": _gauge(
        "Replicas that one policy asks for; policy is its index in the file, from 0; absent where it gives none.",
        "service",
        "policy",
    ),
    "autoscaler_objective_out_of_reach": _gauge(
        "1 while no count of replicas meets the objective of a policy: more do not help.", "service", "policy"
    ),
    "autoscaler_mode": _gauge("1 for the mode of the last decision, 0 for the others.", "service", "mode"),
    "autoscaler_limited": _gauge("1 while a limit bounds the desired replicas.", "service", "reason"),
    "autoscaler_at_max": _gauge("1 while the most replicas allowed are asked for.", "service"),
    "autoscaler_health_suspect": _gauge(
        "1 while so many replicas fail their health check at once that the check itself is the suspect.", "service"
    ),
    "autoscaler_waiting_requests": _gauge("Requests that wait for a replica.", "service"),
    "autoscaler_shadow_desired_replicas": _gauge("Replicas that a shadow would ask for.", "service", "shadow"),
    "autoscaler_shadow_replicas_ratio": _gauge(
        "Replica-seconds of a shadow over those that ran, of the last day or so.", "service", "shadow"
    ),
    "autoscaler_shadow_late_ratio": _gauge(
        "Share of requests that would wait over 200 ms, of the last day or so, by one model of a shadow and of what ran.",
        "service",
        "shadow",
        "of",
    ),
    "autoscaler_scale_events_total": _counter("Decisions that changed the desired replicas.", "service", "direction"),
    "autoscaler_flaps_total": _counter(
        "Moves back within 5 minutes, or the down window where that is longer, of a move the other way.", "service"
    ),
    "autoscaler_replica_starts_total": _counter("Starts of replicas by what came of them.", "service", "outcome"),
    "autoscaler_replica_replacements_total": _counter(
        "Replicas that were ready once and had to be replaced, by reason.", "service", "reason"
    ),
    "autoscaler_metric_errors_total": _counter("Readings of a metric that failed, by source.", "service", "source"),
    "autoscaler_requests_failed_total": _counter(
        "Requests that the proxy itself answered with an error, by cause; scaled up where its log is sampled.",
        "service",
        "cause",
    ),
    "autoscaler_replica_seconds_total": _counter("Time that replicas existed, summed over them.", "service"),
    "autoscaler_replica_start_seconds": _histogram("Time from a replica's start until it was ready.", STARTS_S, "service"),
    "autoscaler_scale_reaction_seconds": _histogram(
        "Time from a decision for more replicas until the first one started for it was ready.", STARTS_S, "service"
    ),
    "autoscaler_drain_seconds": _histogram(
        "Time from a replica's last new request until its stop signal.", DRAINS_S, "service"
    ),
    "autoscaler_proxy_dropped_logs_total": _counter("Lines of the proxy's log that were lost."),
    "autoscaler_proxy_reloads_total": _counter("Reloads of the proxy by outcome.", "outcome"),
    "autoscaler_proxy_restarts_total": _counter("Times the proxy had died and was started again."),
    "autoscaler_degraded": _gauge("1 while the daemon does without something.", "reason"),
    "autoscaler_config_last_reload_successful": _gauge("Whether the policy files were all good when last read."),
    "autoscaler_config_reload_total": _counter("Readings of changed policy files by outcome.", "outcome"),
    "autoscaler_runtime_errors_total": _counter("Operations that a runtime failed.", "runtime", "operation"),
    "autoscaler_last_tick_timestamp_seconds": _gauge("When a service was last decided on, in Unix time."),
    "autoscaler_tick_duration_seconds": _histogram("Time that a tick of a service took.", TICKS_S),
    "autoscaler_build_info": _gauge("1, with the version of this autoscaler.", "version"),
}

VALUES: Mapping[str, tuple[str, ...]] = {
    "autoscaler_scale_events_total": ("up", "down"),
    "autoscaler_replica_starts_total": ("ready", "crashed", "timeout", "error"),
    "autoscaler_replica_replacements_total": ("exited", "oom", "unhealthy", "hung"),
    "autoscaler_requests_failed_total": tuple(cause.value for cause in FailureCause),
    "autoscaler_proxy_reloads_total": ("success", "failure"),
    "autoscaler_config_reload_total": ("success", "failure"),
}
"""The values of a counter's one label besides the service, where they are few: counted from 0 on, so that the first is
an increase too."""
