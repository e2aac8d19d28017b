"""What happened, counted as it happens: in all, by minute, and since the last tick.

    requests = answered + dropped + in flight       at any time, where requests that an engine holds are in flight

A request is late, an SLO violation, where it breaks one of the objectives, or was dropped. It counts in the minute in which
it came. Latency is time queued + service, of those answered.
"""

from dataclasses import dataclass, field
from math import inf

from autoscaler.simulate.histogram import Histogram

MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Objective:
    """What makes a request late: its latency, or its time queued, in seconds."""

    latency_s: float = inf
    wait_s: float = inf


@dataclass(slots=True)
class SinceTick:
    """Counts since the last tick. The integrals are over time: seconds x requests."""

    arrivals: int = 0
    answered: int = 0
    dropped: int = 0
    in_flight_s: float = 0.0
    busy_s: float = 0.0
    latencies: Histogram = field(default_factory=Histogram)


@dataclass(slots=True)
class Tally:
    """Counts since the start. It changes in place."""

    objective: Objective
    requests: int = 0
    answered: int = 0
    dropped: int = 0
    late: int = 0
    latencies: Histogram = field(default_factory=Histogram)
    arrivals_by_minute: dict[int, int] = field(default_factory=dict)
    late_by_minute: dict[int, int] = field(default_factory=dict)
    tick: SinceTick = field(default_factory=SinceTick)

    def close(self) -> SinceTick:
        """What happened since this was last asked."""
        tick = self.tick
        self.requests += tick.arrivals
        self.answered += tick.answered
        self.dropped += tick.dropped
        self.latencies.merge(tick.latencies)
        self.tick = SinceTick()
        return tick

    def begin(self, in_flight: int) -> None:
        """Forget what was counted so far: the score begins here, with so many requests in flight."""
        self.requests = in_flight
        self.answered = self.dropped = self.late = 0
        self.latencies = Histogram()
        self.arrivals_by_minute = {}
        self.late_by_minute = {}

    def count_arrivals(self, t: float, count: int) -> None:
        """So many requests came about `t`."""
        self.tick.arrivals += count
        minute = int(t // MINUTE_S)
        self.arrivals_by_minute[minute] = self.arrivals_by_minute.get(minute, 0) + count

    def count_late(self, came: float, count: int = 1) -> None:
        """So many that came at `came` were late."""
        if count:
            self.late += count
            minute = int(came // MINUTE_S)
            self.late_by_minute[minute] = self.late_by_minute.get(minute, 0) + count

    def count_drops(self, came: float, count: int = 1) -> None:
        """So many that came at `came` got a 503."""
        self.tick.dropped += count
        self.count_late(came, count)

    def windows_violated(self, share: float = 0.01) -> float:
        """Of the minutes in which requests came, those in which more than this share of them was late."""
        if not self.arrivals_by_minute:
            return 0.0
        late = self.late_by_minute
        violated = sum(1 for minute, count in self.arrivals_by_minute.items() if late.get(minute, 0) > share * count)
        return violated / len(self.arrivals_by_minute)
