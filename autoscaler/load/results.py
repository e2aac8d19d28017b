"""What came of the requests: each one, the counters while it runs, and the summary. Every request that was due is counted.

`failure` is "" for a 2xx, `status_503` and the like for any other status, else how the connection failed:

    refused   nobody listens                    closed   no byte of an answer came, and the connection was closed
    connect   it could not be made otherwise    reset    the same, by a reset
    garbage   what came is no HTTP              cut      the answer ended before its end
    timeout   not answered in time              unsent   more in flight than the generator allows itself
"""

import math
from array import array
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

FAILURES_KEPT = 1000
RECENT_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Result:
    """One request: due at `t` after the start, and answered in full `latency_s` later."""

    t: float
    path: str
    latency_s: float
    status: int
    replica: str
    failure: str


@dataclass(frozen=True, slots=True)
class Recent:
    """The last seconds: requests that were due a second, and of those answered the latency; None where there is none."""

    rate: float
    failed: int
    p50_s: float | None
    p95_s: float | None
    replicas: int


@dataclass(frozen=True, slots=True)
class Summary:
    """All of it. `aborted` ones were in flight when it was called off, and count as neither."""

    requests: int
    failed: Mapping[str, int]
    aborted: int
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    by_replica: Mapping[str, int]
    failures: tuple[Result, ...]
    connections_opened: int
    duration_s: float

    @property
    def failed_total(self) -> int:
        """How many were not answered with 2xx."""
        return sum(self.failed.values())


class Live:
    """Counters of a load under way, for a live view; times are seconds since the start."""

    def __init__(self) -> None:
        self.t = 0.0
        self.due = 0
        self.done = 0
        self.in_flight = 0
        self.aborted = 0
        self.connections_opened = 0
        self.failed: Counter[str] = Counter()
        self.by_replica: Counter[str] = Counter()
        self.failures: deque[Result] = deque(maxlen=FAILURES_KEPT)
        self._latencies = array("d")
        self._recent: deque[tuple[float, Result]] = deque(maxlen=RECENT_KEPT)
        self._recent_due: deque[float] = deque(maxlen=RECENT_KEPT)

    def was_due(self, t: float) -> None:
        """A request is sent."""
        self.due += 1
        self.in_flight += 1
        self._recent_due.append(t)

    def ended(self, result: Result) -> None:
        """It came to this."""
        self.done += 1
        self.in_flight -= 1
        if result.failure:
            self.failed[result.failure] += 1
            self.failures.append(result)
        else:
            self._latencies.append(result.latency_s)
        if result.replica:
            self.by_replica[result.replica] += 1
        self._recent.append((result.t + result.latency_s, result))

    def recent(self, window_s: float) -> Recent:
        """The last `window_s` seconds."""
        since = self.t - window_s
        ended = [result for _, result in takewhile(lambda kept: kept[0] >= since, reversed(self._recent))]
        latencies = [result.latency_s for result in ended if not result.failure]
        return Recent(
            rate=sum(1 for _ in takewhile(lambda t: t >= since, reversed(self._recent_due)))
            / max(min(window_s, self.t), 1e-9),
            failed=sum(bool(result.failure) for result in ended),
            p50_s=percentile(latencies, 50),
            p95_s=percentile(latencies, 95),
            replicas=len({result.replica for result in ended if result.replica}),
        )

    def summary(self) -> Summary:
        """What it has come to so far."""
        ordered = sorted(self._latencies)
        return Summary(
            requests=self.done,
            failed=dict(self.failed),
            aborted=self.aborted,
            p50_s=percentile(ordered, 50),
            p95_s=percentile(ordered, 95),
            p99_s=percentile(ordered, 99),
            by_replica=dict(self.by_replica),
            failures=tuple(self.failures),
            connections_opened=self.connections_opened,
            duration_s=self.t,
        )


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The smallest value that so many percent do not exceed (nearest rank); None of none."""
    if not values:
        return None
    return sorted(values)[max(math.ceil(len(values) * percent / 100) - 1, 0)]
