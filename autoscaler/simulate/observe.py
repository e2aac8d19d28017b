"""What a decision sees of the modelled service, as the meter would tell it.

    request_rate    arrivals / tick                 concurrency    time average of queued and in service
    error_ratio     dropped / (answered + dropped)  queue_length   time average of queued
    latency_*       over the policy's window        cpu            busy share of each replica's slots

Nothing else is modelled: `memory` and metrics of other systems are missing. With no request in the window latencies and
`error_ratio` are 0, a fact. Source: CONTRACT, "Metrics".
"""

from collections import deque

from autoscaler.measure.latency import PERCENTILES
from autoscaler.model import Observation, Sample
from autoscaler.simulate.fleet import Fleet
from autoscaler.simulate.histogram import Histogram
from autoscaler.simulate.tally import SinceTick
from autoscaler.spec.models import ServiceSpec

OUTAGE = "the proxy did not answer"
TOTALS = ("request_rate", "concurrency", "queue_length", "error_ratio")


class Window:
    """Latencies of the last while. It changes in place."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ticks: deque[tuple[float, Histogram]] = deque()
        self._all = Histogram()
        self._unanswered: deque[tuple[float, int]] = deque()

    def add(self, t: float, tick: SinceTick) -> None:
        """A tick that ended at `t`; who is older than the window leaves."""
        self._ticks.append((t, tick.latencies))
        self._all.merge(tick.latencies)
        self._unanswered.append((t, tick.arrivals + tick.dropped))
        while self._ticks and self._ticks[0][0] <= t - self._seconds:
            self._all.merge(self._ticks.popleft()[1], sign=-1)
        while self._unanswered and self._unanswered[0][0] <= t - self._seconds:
            self._unanswered.popleft()

    def sample(self, t: float, share: float) -> Sample:
        """The percentile now: 0 where no request came, missing where none was answered."""
        value = self._all.quantile(share)
        if value is not None:
            return Sample(value, t)
        came = sum(count for _, count in self._unanswered)
        return Sample(None, t, f"none of {came} requests was answered") if came else Sample(0.0, t)


class Eyes:
    """Makes a tick's observation. It changes in place."""

    def __init__(self, spec: ServiceSpec) -> None:
        self._service = spec.service
        windows: dict[str, float] = {}
        for policy in spec.policies:
            for metric in policy.windows.keys() & PERCENTILES.keys():
                windows[metric] = max(windows.get(metric, 1.0), policy.windows[metric])
        self._windows = {name: Window(seconds) for name, seconds in windows.items()}
        self._waiting = 0

    def see(self, t: float, span_s: float, tick: SinceTick, fleet: Fleet, *, outage: bool) -> Observation:
        """The tick that took `span_s` seconds and ended at `t`."""
        busy = fleet.busy()
        for window in self._windows.values():
            window.add(t, tick)
        if outage:
            totals = {name: Sample(None, t, OUTAGE) for name in (*TOTALS, *self._windows)}
            cpu: tuple[float | None, ...] = (None,) * len(busy)
        else:
            self._waiting = fleet.queued
            totals = _totals(t, span_s, tick)
            totals |= {name: window.sample(t, PERCENTILES[name]) for name, window in self._windows.items()}
            cpu = busy
        counts = fleet.ready, fleet.starting
        return Observation(
            self._service, t, *counts, totals, {"cpu": cpu}, waiting=self._waiting, warming=fleet.ready - len(busy)
        )


def _totals(t: float, span_s: float, tick: SinceTick) -> dict[str, Sample]:
    told = tick.answered + tick.dropped
    if told:
        errors = Sample(tick.dropped / told, t)
    elif tick.arrivals:
        errors = Sample(None, t, f"none of {tick.arrivals} requests is answered yet")
    else:
        errors = Sample(0.0, t)
    return {
        "request_rate": Sample(tick.arrivals / span_s, t),
        "concurrency": Sample(max(0.0, tick.in_flight_s / span_s), t),
        "queue_length": Sample(max(0.0, (tick.in_flight_s - tick.busy_s) / span_s), t),
        "error_ratio": errors,
    }
