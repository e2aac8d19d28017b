"""`GET /metrics`: the daemon's status read at the moment of the scrape, and the counters beside it.

Nothing is kept between two scrapes but when each metric last had a value, so series of a service that is gone, or of a
metric that is missing, are simply not there any more. Source: prometheus_client, "Custom Collectors".
"""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from autoscaler import __version__
from autoscaler.model import Mode, ReplicaState
from autoscaler.status import DaemonStatus, ServiceStatus
from autoscaler.telemetry.counters import Counters, Histogram, Labels, ServiceCounters
from autoscaler.telemetry.metrics import METRICS

LIMITS = (
    "above_max",
    "below_min",
    "missing_metrics",
    "stabilization",
    "scale_up_rate",
    "scale_down_rate",
    "max",
    "min",
    "idle",
    "paused",
)
"""Shown as 0 while they don't bind; any other is shown while it does."""

Values = Mapping[Labels, float]


class Metrics:
    """The daemon's own registry. `status` is asked at each scrape, `now` is the clock's."""

    def __init__(self, status: Callable[[], DaemonStatus], counters: Counters, now: Callable[[], float]) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(_Scrape(status, counters, now))
        self.registry.register(GC_COLLECTOR)
        self.registry.register(PLATFORM_COLLECTOR)
        ProcessCollector(registry=self.registry)

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """The page and its content type, in the format that the scraper accepts."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type


class _Scrape(Collector):
    def __init__(self, status: Callable[[], DaemonStatus], counters: Counters, now: Callable[[], float]) -> None:
        self._status = status
        self._counters = counters
        self._now = now
        self._known_at: dict[tuple[str, str], float] = {}

    def describe(self) -> Iterable[Family]:
        return []

    def collect(self) -> Iterable[Family]:
        status = self._status()
        gauges = {
            **_of_daemon(status),
            **_merged(_of_service(service) for service in status.services),
            "autoscaler_metric_age_seconds": self._ages(status),
        }
        for name, values in gauges.items():
            yield _gauge(name, values)
        for name, values in self._counts(status).items():
            yield _counter(name, values)
        yield from self._histograms(status)

    def _ages(self, status: DaemonStatus) -> Values:
        seen = {(service.name, m.name): m.sample for service in status.services for m in service.metrics}
        known = {key: sample.t for key, sample in seen.items() if sample.value is not None}
        self._known_at = {key: t for key, t in (self._known_at | known).items() if key in seen}
        now = self._now()
        return {key: max(now - t, 0.0) for key, t in self._known_at.items()}

    def _counts(self, status: DaemonStatus) -> Mapping[str, Values]:
        found: dict[str, dict[Labels, float]] = {name: {} for name, m in METRICS.items() if m.type == "counter"}
        for (name, labels), total in self._counters.daemon.items():
            found[name][labels] = total
        for service in status.services:
            for (name, labels), total in self._of(service).totals.items():
                found[name][service.name, *labels] = total
        found["autoscaler_proxy_dropped_logs_total"][()] = status.proxy_dropped_logs
        return found

    def _histograms(self, status: DaemonStatus) -> Iterable[Family]:
        for name, metric in METRICS.items():
            if metric.type == "histogram" and metric.labels:
                empty = Histogram(metric.buckets_s)
                yield _histogram(name, {(s.name,): self._of(s).seconds.get(name, empty) for s in status.services})
        yield _histogram("autoscaler_tick_duration_seconds", {(): self._counters.ticks})

    def _of(self, service: ServiceStatus) -> ServiceCounters:
        return self._counters.services.get(service.name) or ServiceCounters()


def _of_daemon(status: DaemonStatus) -> dict[str, Values]:
    return {
        "autoscaler_build_info": {(__version__,): 1},
        "autoscaler_degraded": {(reason,): 1 for reason in status.degraded},
        "autoscaler_config_last_reload_successful": {(): status.last_reload_successful},
        "autoscaler_last_tick_timestamp_seconds": {} if status.last_tick_at is None else {(): status.last_tick_at},
    }


def _of_service(service: ServiceStatus) -> Mapping[str, Values]:
    """The gauges of one service; its name is the first label of each."""
    decision, name = service.decision, (service.name,)
    recommendations = decision.recommendations if decision is not None else ()
    bound = decision.limited_by if decision is not None else ()
    metrics = {m.name: m for m in reversed(service.metrics)}  # two policies on one metric: the first one's
    return {
        "autoscaler_desired_replicas": {name: service.desired},
        "autoscaler_replicas": {(*name, state.value): service.count(state) for state in ReplicaState},
        "autoscaler_min_replicas": {name: service.min},
        "autoscaler_max_replicas": {name: service.max},
        "autoscaler_metric_value": {(*name, m.name): m.sample.value for m in metrics.values() if m.sample.value is not None},
        "autoscaler_metric_target": {(*name, m.name): m.target for m in metrics.values() if m.target is not None},
        "autoscaler_recommendation": {(*name, str(r.policy)): r.value for r in recommendations if r.value is not None},
        "autoscaler_objective_out_of_reach": {(*name, str(r.policy)): r.out_of_reach for r in recommendations},
        "autoscaler_mode": {(*name, mode.value): mode is decision.mode for mode in Mode} if decision is not None else {},
        "autoscaler_limited": {(*name, limit): limit in bound for limit in (*LIMITS, *bound)},
        "autoscaler_at_max": {name: service.desired >= service.max},
        "autoscaler_health_suspect": {name: service.health_suspect},
        "autoscaler_waiting_requests": {name: service.waiting},
        **_of_shadows(service),
    }


def _of_shadows(service: ServiceStatus) -> Mapping[str, Values]:
    """What is not known yet has no series."""
    desired: dict[Labels, float] = {}
    replicas: dict[Labels, float] = {}
    late: dict[Labels, float] = {}
    for shadow in service.shadows:
        labels = (service.name, shadow.name)
        if shadow.decision is not None:
            desired[labels] = shadow.decision.desired
        if shadow.recent.ratio is not None:
            replicas[labels] = shadow.recent.ratio
        for of, share in (("shadow", shadow.recent.late), ("ran", shadow.recent.ran_late)):
            if share is not None:
                late[*labels, of] = share
    return {
        "autoscaler_shadow_desired_replicas": desired,
        "autoscaler_shadow_replicas_ratio": replicas,
        "autoscaler_shadow_late_ratio": late,
    }


def _merged(parts: Iterable[Mapping[str, Values]]) -> dict[str, Values]:
    merged: dict[str, dict[Labels, float]] = {}
    for part in parts:
        for name, values in part.items():
            merged.setdefault(name, {}).update(values)
    return dict(merged)


def _gauge(name: str, values: Values) -> Family:
    family = GaugeMetricFamily(name, METRICS[name].help, labels=METRICS[name].labels)
    for labels, value in values.items():
        family.add_metric(labels, float(value))
    return family


def _counter(name: str, values: Values) -> Family:
    family = CounterMetricFamily(name, METRICS[name].help, labels=METRICS[name].labels)
    for labels, value in values.items():
        family.add_metric(labels, float(value))
    return family


def _histogram(name: str, histograms: Mapping[Labels, Histogram]) -> Family:
    family = HistogramMetricFamily(name, METRICS[name].help, labels=METRICS[name].labels)
    for labels, histogram in histograms.items():
        total, buckets = 0, []
        for bound, count in zip((*map(str, histogram.bounds_s), "+Inf"), histogram.counts, strict=True):
            total += count
            buckets.append((bound, float(total)))
        family.add_metric(labels, buckets, sum_value=histogram.sum_s)
    return family
