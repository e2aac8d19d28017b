"""A route's counters, read several times a second, as what happened since the last tick.

    request_rate   arrivals / elapsed, from the last good reading of the tick before to the last good one of this    1/s
    error_ratio    errors / responses                                                                             0 to 1
    concurrency    mean of `in_flight` (the queued ones too), each reading weighted by the time since the attempt before it
    queue_length   mean of `queued`, likewise

Totals start at 0 with each worker of the proxy. The first view of all is only a baseline; a worker that appears later counts
from 0, and so does one whose counters went down. One that vanishes loses what happened since its last reading, and if it is
seen again goes on from there. Workers reset and readings fail, but a rate is never negative and never leaps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.model import Traffic

WORKERS_KEPT = 64  # gone ones too: a reload leaves one more, and one left out of a page must not count again from 0

NOT_ASKED = "the proxy was not asked since the last tick"
FIRST = "first reading, a rate needs two"


@dataclass(frozen=True, slots=True)
class Flow:
    """What happened at a route since the last tick.

    `problem` says why nothing is known (then all else is None), `elapsed_s` is None after the first reading of all.
    """

    elapsed_s: float | None = None
    arrivals: int | None = None
    responses: int | None = None
    errors: int | None = None
    concurrency: float | None = None
    queue_length: float | None = None
    problem: str = ""


def is_reset(before: Traffic, now: Traffic) -> bool:
    """Whether the worker's counters began anew: any of them went down."""
    return (
        now.arrivals_total < before.arrivals_total
        or now.responses_total < before.responses_total
        or now.errors_total < before.errors_total
    )


class Counters:
    """One service's counters. It changes in place: five readings a second for each service are too many to copy."""

    __slots__ = (
        "_arrivals", "_attempt_t", "_baseline_t", "_errors", "_good_t", "_in_flight", "_in_flight_s", "_known", "_problem",
        "_queued", "_queued_s", "_readings", "_responses", "_weight_s", "queued",
    )  # fmt: skip

    def __init__(self) -> None:
        self._known: dict[str, Traffic] = {}
        self._baseline_t: float | None = None  # the last good reading that an earlier tick has counted
        self._good_t: float | None = None
        self._attempt_t: float | None = None
        self.queued = 0
        self._clear()

    def see(self, t: float, traffic: Sequence[Traffic]) -> None:
        """A good reading, all of the proxy's workers."""
        if self._good_t is None:
            self._known = {each.worker: each for each in traffic}
            self._baseline_t = t
        else:
            for each in traffic:
                self._count(each)
        in_flight = sum([each.in_flight for each in traffic])
        self.queued = sum([each.queued for each in traffic])
        weight = 0.0 if self._attempt_t is None else max(t - self._attempt_t, 0.0)
        self._weight_s += weight
        self._in_flight_s += weight * in_flight
        self._queued_s += weight * self.queued
        self._in_flight += in_flight
        self._queued += self.queued
        self._readings += 1
        self._good_t = self._attempt_t = t
        self._problem = ""

    def miss(self, t: float, problem: str) -> None:
        """A reading that failed."""
        self._attempt_t = t
        self._problem = problem

    def close(self) -> Flow:
        """What happened since this was last asked."""
        if not self._readings or self._good_t is None or self._baseline_t is None:
            return Flow(problem=self._problem or NOT_ASKED)
        elapsed = self._good_t - self._baseline_t
        by_time = self._weight_s > 0
        over = self._weight_s if by_time else self._readings
        flow = Flow(
            elapsed if elapsed > 0 else None,
            self._arrivals,
            self._responses,
            self._errors,
            (self._in_flight_s if by_time else self._in_flight) / over,
            (self._queued_s if by_time else self._queued) / over,
        )
        self._baseline_t = self._good_t
        self._clear()
        return flow

    def _clear(self) -> None:
        self._arrivals = self._responses = self._errors = self._readings = 0
        self._weight_s = self._in_flight_s = self._queued_s = 0.0
        self._in_flight = self._queued = 0
        self._problem = ""

    def _count(self, now: Traffic) -> None:
        before = self._known.pop(now.worker, None)
        if before is None or is_reset(before, now):
            self._arrivals += now.arrivals_total
            self._responses += now.responses_total
            self._errors += now.errors_total
        else:
            self._arrivals += now.arrivals_total - before.arrivals_total
            self._responses += now.responses_total - before.responses_total
            self._errors += now.errors_total - before.errors_total
        self._known[now.worker] = now
        while len(self._known) > WORKERS_KEPT:
            del self._known[next(iter(self._known))]
