"""How many replicas a rate needs, by a queueing formula: what the oracle runs, and what too few and too many mean.

    the least n with  ErlangC(n k, rate S) exp(-2 (n k / S - rate) w / (1 + cv^2)) <= P      P = 1% wait longer than w
    B(0) = 1    B(i) = a B(i-1) / (i + a B(i-1))    ErlangC = B / (1 - a (1 - B) / c)        a = rate S, c = n k

`k` is a replica's slots, `S` the mean service time in seconds, `w` the time that a request may be queued: the objective on
the wait, or what the objective on latency leaves beside the mean service time. The formula is exact for cv 1; for others the
queue's mean is scaled by (1 + cv^2) / 2. The oracle knows what comes: at any time it has as many as any moment needs that is
nearer than a start takes.
Sources: Cooper, "Introduction to Queueing Theory" (Erlang B recursion); Lee and Longton 1959 (cv).
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import exp

from autoscaler.decide.staffing import erlang_c

LATE_SHARE = 0.01
HALVINGS = 30


@dataclass(slots=True)
class Staffing:
    """What a count of replicas carries, and how many a rate needs. It remembers what it has worked out."""

    service_s: float
    cv: float
    slots: int
    wait_s: float
    _carried: list[float] = field(default_factory=lambda: [0.0])

    def needed(self, rate: float, most: int) -> int:
        """The least replicas that this rate needs, at most `most`."""
        while self._carried[-1] < rate and len(self._carried) <= most:
            self._carried.append(self._carries(len(self._carried)))
        return min(bisect_left(self._carried, rate), most)

    def _carries(self, replicas: int) -> float:
        """The highest rate at which so many replicas keep all but 1% from waiting too long."""
        slots = replicas * self.slots
        low, high = self._carried[-1], slots / self.service_s
        for _ in range(HALVINGS):
            rate = (low + high) / 2
            spare = slots / self.service_s - rate
            late = erlang_c(slots, rate * self.service_s) * exp(-2 * spare * self.wait_s / (1 + self.cv**2))
            low, high = (rate, high) if late <= LATE_SHARE else (low, rate)
        return low


def oracle_replica_seconds(needed: Iterable[tuple[float, int]], startup_s: float) -> float:
    """What the oracle pays; `needed` are the ticks' lengths in seconds and the replicas needed in them."""
    paid = now = 0.0
    ahead: deque[tuple[float, float, int]] = deque()  # start, end and count of ticks, each count below the one before
    waiting: deque[tuple[float, float]] = deque()  # ticks not paid for yet
    for length, count in needed:
        waiting.append((now, now + length))
        while ahead and ahead[-1][2] <= count:
            ahead.pop()
        ahead.append((now, now + length, count))
        now += length
        while waiting and waiting[0][1] + startup_s <= now:
            paid += _pay(*waiting.popleft(), ahead)
    while waiting:
        paid += _pay(*waiting.popleft(), ahead)
    return paid


def _pay(start: float, end: float, ahead: deque[tuple[float, float, int]]) -> float:
    while ahead[0][1] <= start:
        ahead.popleft()
    return ahead[0][2] * (end - start)
