"""What is plotted of a run: at most POINTS stretches of time of equal length, with the means and extremes of their ticks."""

from dataclasses import dataclass, field

from autoscaler.simulate.histogram import Histogram
from autoscaler.simulate.trace import Trace

POINTS = 1500


@dataclass(frozen=True, slots=True)
class Point:
    """A stretch: its start, requests/s, the most desired, the least ready, p95 in seconds and the share late."""

    t: float
    rate: float
    desired: int
    ready: int
    p95_s: float | None
    late: float | None


@dataclass(slots=True)
class _Stretch:
    start: float
    seconds: float = 0.0
    requests: float = 0.0
    arrivals: int = 0
    late: int = 0
    desired: int = 0
    ready: int | None = None
    latencies: Histogram = field(default_factory=Histogram)


class Timeline:
    """Collects a run. It changes in place."""

    def __init__(self, trace: Trace, tick_s: float) -> None:
        self._length_s = max(tick_s, (trace.end - trace.start) / POINTS)
        self._current = _Stretch(trace.start)
        self.points: list[Point] = []

    def add(
        self,
        end: float,
        span_s: float,
        rate: float,
        ready: int,
        desired: int,
        arrivals: int,
        late: int,
        latencies: Histogram,
    ) -> None:
        """A tick; `late` of its time's requests were found to be late."""
        at = self._current
        at.seconds += span_s
        at.requests += rate * span_s
        at.arrivals += arrivals
        at.late += late
        at.desired = max(at.desired, desired)
        at.ready = ready if at.ready is None else min(at.ready, ready)
        at.latencies.merge(latencies)
        if at.seconds >= self._length_s - 1e-9:
            self.close(end)

    def close(self, end: float) -> None:
        """The stretch is over, and the next begins."""
        at = self._current
        if at.seconds > 0:
            p95 = at.latencies.quantile(0.95)
            late = min(1.0, at.late / at.arrivals) if at.arrivals else None
            self.points.append(Point(at.start, at.requests / at.seconds, at.desired, at.ready or 0, p95, late))
        self._current = _Stretch(end)
