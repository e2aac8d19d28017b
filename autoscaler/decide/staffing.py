"""Staffing: how many replicas keep requests from waiting, by a queueing formula.

    late(n)    ErlangC(n k, a) exp(-(n k - a) w / S)          a = rate S: the share that waits longer than w
    needed     the least n with late(n) <= P, by bisection: late falls as n grows
    B(0) = 1   B(i) = a B(i-1) / (i + a B(i-1))   ErlangC = B / (1 - a (1 - B) / c)      c = n k slots

`k` is a replica's slots, `S` its service time and `w` the allowed wait in seconds. Requests come by chance and are served
for times spread exponentially, first come, first served: M/M/c.
Sources: Erlang 1917; Cooper, "Introduction to Queueing Theory" (the recursion).
"""

from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, exp, isfinite, sqrt

from autoscaler.decide.rounding import tidy

FORGOTTEN = 20.0  # so many deviations below the load the recursion may start, with what flow balance says there
MOST = 10_000  # no service may have more replicas


@dataclass(frozen=True, slots=True)
class Staffing:
    """What replicas carry: `slots` requests at a time each, in `service_s` seconds. `share` of all may wait `wait_s`."""

    service_s: float
    slots: float
    wait_s: float
    share: float

    @property
    def each(self) -> float:
        """The requests/s that a replica carries when it is full."""
        return self.slots / self.service_s

    @lru_cache(maxsize=1024)  # noqa: B019  a frozen value's, and bounded
    def needed(self, rate: float) -> int:
        """The least replicas that keep this rate (requests/s) from waiting; none where there is no rate."""
        offered = rate * self.service_s
        if offered <= 0:
            return 0
        if not isfinite(offered) or offered / self.slots >= MOST:
            return MOST
        fewest = max(1, ceil(tidy(offered / self.slots)))
        spare = 1
        while self.late(min(fewest + spare, MOST), offered) > self.share and fewest + spare < MOST:
            spare *= 2
        counts = range(fewest, min(fewest + spare, MOST))
        return fewest + bisect_left(counts, -self.share, key=lambda count: -self.late(count, offered))

    def late(self, replicas: int, offered: float) -> float:
        """The share of requests that waits longer than allowed, at `offered` requests in service on average."""
        slots = max(1, round(replicas * self.slots))
        if offered >= slots:
            return 1.0
        return erlang_c(slots, offered) * exp(-(slots - offered) * self.wait_s / self.service_s)


def erlang_c(slots: int, offered: float) -> float:
    """The probability that a request has to wait, at `offered` = rate x service time."""
    if offered >= slots:
        return 1.0
    start = max(0, int(offered - FORGOTTEN * sqrt(offered)))
    blocked = 1 - start / offered if start else 1.0
    for count in range(start + 1, slots + 1):
        blocked = offered * blocked / (count + offered * blocked)
    return blocked / (1 - offered * (1 - blocked) / slots)
