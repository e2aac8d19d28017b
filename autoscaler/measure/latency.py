"""Latency percentiles of the requests that finished lately, from the proxy's log.

One DDSketch (relative error 1%) for each slice of time, merged over the window when a percentile is asked for. A slice is a
second, longer where the window is longer than a minute, so that a merge is of some 60 at most; the oldest one counts until
all of it has left the window. A request counts by its weight:
a sampled line stands for several. WebSockets and answers that never came have no latency and are kept apart.
Source: Masson, Rim, Lee, "DDSketch", VLDB 2019.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from ddsketch import DDSketch

from autoscaler.model import Request

PERCENTILES = {"latency_p50": 0.50, "latency_p90": 0.90, "latency_p95": 0.95, "latency_p99": 0.99}
SLICES = 60
LONGEST_WAIT_S = 1e6  # a latency beyond is a broken log line


@dataclass(slots=True)
class Slice:
    """The requests heard of in one slice of time."""

    number: int
    sketch: DDSketch = field(default_factory=DDSketch)
    apart: float = 0.0
    unanswered: float = 0.0


@dataclass(frozen=True, slots=True)
class Heard:
    """The log over a window: by percentile, None where no line told a latency; `apart` are WebSockets."""

    percentiles: dict[str, float | None]
    told: float
    apart: float
    unanswered: float


class Latencies:
    """One service's latencies over a window. It changes in place: there is one sketch a second and thousands of lines."""

    __slots__ = ("_slice_s", "_slices", "_window_s", "lost")

    def __init__(self, window_s: float) -> None:
        self._window_s = max(window_s, 1.0)
        self._slice_s = max(1.0, self._window_s / SLICES)
        self._slices: deque[Slice] = deque(maxlen=SLICES + 2)
        self.lost = 0

    def hear(self, t: float, requests: Iterable[Request]) -> None:
        """Requests that the log told at `t`."""
        number = int(t // self._slice_s)
        if not self._slices or self._slices[-1].number < number:
            self._slices.append(Slice(number))
        current = self._slices[-1]  # time that went back stays in the newest slice
        add = current.sketch.add
        for request in requests:
            latency, weight = request.latency_s, request.weight
            if not 0 < weight < LONGEST_WAIT_S or (latency is not None and not 0 <= latency <= LONGEST_WAIT_S):
                self.lost += 1
            elif latency is not None:
                add(latency, weight)
            elif request.failure is None:
                current.apart += weight
            else:
                current.unanswered += weight

    def over(self, t: float, names: Iterable[str]) -> Heard:
        """These percentiles of the window that ends at `t`."""
        since = t - self._window_s
        while self._slices and (self._slices[0].number + 1) * self._slice_s <= since:
            self._slices.popleft()
        merged = DDSketch()
        for each in self._slices:
            merged.merge(each.sketch)
        return Heard(
            {name: _quantile(merged, PERCENTILES[name]) for name in names},
            merged.count,
            sum(each.apart for each in self._slices),
            sum(each.unanswered for each in self._slices),
        )


def _quantile(sketch: DDSketch, quantile: float) -> float | None:
    value = sketch.get_quantile_value(quantile)
    return None if value is None else float(value)
