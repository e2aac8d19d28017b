"""What has happened since the start, counted: folded from events, and told by control where there is no event.

    reaction = ready(first replica started after a decision for more) − decided
    drain    = stopping − draining, of one replica

Times are those of the events, so a replayed journal gives the same. Counters start at 0 with the daemon, as
Prometheus' `rate` expects; those of a service go with it.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from autoscaler.model import Event, EventKind
from autoscaler.telemetry.metrics import METRICS, VALUES

Labels = tuple[str, ...]
Totals = defaultdict[tuple[str, Labels], float]


@dataclass(slots=True)
class Histogram:
    """Counts by bucket. `counts` has one more than there are bounds: what is beyond the last."""

    bounds_s: Sequence[float]
    counts: list[int] = field(default_factory=list)
    sum_s: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds_s) + 1)

    def observe(self, seconds: float) -> None:
        """Count one. A negative time, from a clock put back between two events, counts as none."""
        seconds = max(seconds, 0.0)
        place = sum(bound < seconds for bound in self.bounds_s)
        self.counts[place] += 1
        self.sum_s += seconds


@dataclass(slots=True)
class _Reaction:
    """A decision for more replicas, and those started since."""

    decided_at: float
    started: set[str] = field(default_factory=set)


@dataclass(slots=True)
class ServiceCounters:
    """One service's. Keys of `totals` are a counter's name and its label values besides the service."""

    totals: Totals = field(default_factory=lambda: _zeros(of_service=True))
    seconds: dict[str, Histogram] = field(default_factory=dict)
    reaction: _Reaction | None = None
    draining_since: dict[str, float] = field(default_factory=dict)

    def observe(self, name: str, seconds: float) -> None:
        """Add one time to a histogram."""
        if name not in self.seconds:
            self.seconds[name] = Histogram(METRICS[name].buckets_s)
        self.seconds[name].observe(seconds)


class Counters:
    """Listens to events, and is told the rest by control."""

    def __init__(self) -> None:
        self.services: defaultdict[str, ServiceCounters] = defaultdict(ServiceCounters)
        self.daemon = _zeros(of_service=False)
        self.ticks = Histogram(METRICS["autoscaler_tick_duration_seconds"].buckets_s)

    # ---------------------------------------------------------------- told by control

    def observe_tick(self, seconds: float) -> None:
        """One tick of one service took this long."""
        self.ticks.observe(seconds)

    def failed_requests(self, service: str, cause: str, weight: float) -> None:
        """The proxy itself answered so many requests with an error."""
        self.services[service].totals["autoscaler_requests_failed_total", (cause,)] += weight

    def replica_seconds(self, service: str, seconds: float) -> None:
        """So much more time its replicas existed."""
        self.services[service].totals["autoscaler_replica_seconds_total", ()] += seconds

    def metric_error(self, service: str, source: str) -> None:
        """One reading from that source failed."""
        self.services[service].totals["autoscaler_metric_errors_total", (source,)] += 1

    def runtime_error(self, runtime: str, operation: str) -> None:
        """A runtime failed one operation."""
        self.daemon["autoscaler_runtime_errors_total", (runtime, operation)] += 1

    # ---------------------------------------------------------------- folded from events

    def __call__(self, event: Event) -> None:
        if event.service:
            self._of_service(event, self.services[event.service])
        self._of_daemon(event)

    def _of_daemon(self, event: Event) -> None:
        match event.kind:
            case EventKind.SERVICE_REMOVED:
                self.services.pop(event.service, None)
            case EventKind.RELOADED:
                self.daemon["autoscaler_config_reload_total", ("success",)] += 1
            case EventKind.RELOAD_FAILED:
                self.daemon["autoscaler_config_reload_total", ("failure",)] += 1
            case EventKind.PROXY_RELOADED:
                self.daemon["autoscaler_proxy_reloads_total", (str(event.facts.get("outcome", "success")),)] += 1
            case EventKind.START_FAILED | EventKind.ACTION_FAILED:
                self.runtime_error(str(event.facts.get("runtime", "")), str(event.facts.get("operation", "")))
            case EventKind.PROXY_RESTARTED:
                self.daemon["autoscaler_proxy_restarts_total", ()] += 1

    def _of_service(self, event: Event, service: ServiceCounters) -> None:
        match event.kind:
            case EventKind.DECIDED:
                _decided(event, service)
            case EventKind.FLAPPED:
                service.totals["autoscaler_flaps_total", ()] += 1
            case EventKind.REPLICA_STARTING:
                if service.reaction is not None:
                    service.reaction.started.add(event.replica)
            case EventKind.REPLICA_READY:
                _ready(event, service)
            case EventKind.START_FAILED:
                service.totals["autoscaler_replica_starts_total", ("error",)] += 1
            case EventKind.REPLICA_FAILED:
                _failed(event, service)
            case EventKind.REPLICA_DRAINING:
                service.draining_since[event.replica] = event.t
            case EventKind.REPLICA_TAKEN_BACK | EventKind.REPLICA_REMOVED:
                service.draining_since.pop(event.replica, None)
            case EventKind.REPLICA_STOPPING:
                since = service.draining_since.pop(event.replica, None)
                if since is not None:
                    service.observe("autoscaler_drain_seconds", event.t - since)


def _decided(event: Event, service: ServiceCounters) -> None:
    before, desired = event.facts.get("before"), event.facts.get("desired")
    if not isinstance(before, int) or not isinstance(desired, int) or before == desired:
        return
    direction = "up" if desired > before else "down"
    service.totals["autoscaler_scale_events_total", (direction,)] += 1
    if direction == "down":
        service.reaction = None
    elif service.reaction is None:
        service.reaction = _Reaction(event.t)


def _ready(event: Event, service: ServiceCounters) -> None:
    seconds = event.facts.get("start_seconds")
    if isinstance(seconds, int | float):
        service.totals["autoscaler_replica_starts_total", ("ready",)] += 1
        service.observe("autoscaler_replica_start_seconds", seconds)
    if service.reaction is not None and event.replica in service.reaction.started:
        service.observe("autoscaler_scale_reaction_seconds", event.t - service.reaction.decided_at)
        service.reaction = None


def _failed(event: Event, service: ServiceCounters) -> None:
    reason = str(event.facts.get("reason", "exited"))
    if event.facts.get("was_ready", True):
        service.totals["autoscaler_replica_replacements_total", (reason,)] += 1
    else:
        outcome = "timeout" if reason == "timeout" else "crashed"
        service.totals["autoscaler_replica_starts_total", (outcome,)] += 1


def _zeros(*, of_service: bool) -> Totals:
    """The series that are there from the start, at 0."""
    zeros: Totals = defaultdict(float)
    for name, metric in METRICS.items():
        if metric.type == "counter" and ("service" in metric.labels) is of_service:
            varying = [label for label in metric.labels if label != "service"]
            values = [(value,) for value in VALUES.get(name, ())] if varying else [()]
            zeros.update({(name, labels): 0.0 for labels in values})
    return zeros
