"""Waits at so many replicas: what piles up where they carry less than what comes, and chance by a queueing formula.

    c = replicas * slots                                    a = rate * S            carried = c / S requests/s
    backlog   b <- b + (arrivals/s - carried) * elapsed     not below 0, at most what `queue_timeout` lets wait
    late      P(wait > w) = C exp(-(c - a) (w - b / carried) / S)          1 where a >= c, or b alone makes them wait so long
    queue     b + a C / (c - a)                             waiting on average
    delay     b / carried + S / (c - a) ln(C / (1 - p))     which the share p waits no longer than

`S` is the service time in seconds, `slots` what a replica works on at once, `C` the share that waits. The formula is of a
load that lasts, so that close to full it tells longer waits than a short peak would have; beyond ten service times the
backlog alone tells.
Source: queueing.py.
"""

from dataclasses import dataclass
from math import exp, log

from autoscaler.decide.queueing import waiting_share

MOST_BY_CHANCE = 10.0


@dataclass(frozen=True, slots=True)
class Line:
    """Requests that come to `slots` in all, each for `service_s`; `backlog` of them wait already, at most `timeout_s`."""

    slots: float
    service_s: float
    backlog: float
    timeout_s: float

    @property
    def carried(self) -> float:
        """Requests/s when all slots are taken."""
        return self.slots / self.service_s

    def after(self, arrivals: float, elapsed_s: float) -> float:
        """The backlog once so many requests/s have come for so long."""
        most = max(self.carried, arrivals) * self.timeout_s
        return min(max(0.0, self.backlog + (arrivals - self.carried) * elapsed_s), most)

    def in_service(self, rate: float) -> float:
        """The requests at the slots."""
        return min(self.slots, rate * self.service_s)

    def queue(self, rate: float) -> float:
        """The requests that wait."""
        if rate <= 0 or not self.slots:
            return self.backlog
        offered = rate * self.service_s
        spare = self.slots - offered
        times = min(waiting_share(self.slots, offered) / spare, MOST_BY_CHANCE) if spare > 0 else MOST_BY_CHANCE
        return self.backlog + offered * times

    def late(self, rate: float, wait_s: float) -> float:
        """The share of requests that waits longer."""
        if rate <= 0:
            return 0.0
        spare = self.slots - rate * self.service_s
        left_s = wait_s - self.backlog / self.carried if self.slots else 0.0
        if spare <= 0 or left_s < 0:
            return 1.0
        return waiting_share(self.slots, rate * self.service_s) * exp(-spare * left_s / self.service_s)

    def delay_s(self, rate: float, percentile: float) -> float:
        """The wait that this share of the requests, 0 to 1, stays within."""
        if not self.slots:
            return self.timeout_s if rate > 0 or self.backlog > 0 else 0.0
        spare = self.slots - rate * self.service_s
        over = waiting_share(self.slots, rate * self.service_s) / (1 - percentile)
        times = MOST_BY_CHANCE if spare <= 0 else min(log(max(over, 1.0)) / spare, MOST_BY_CHANCE)
        return min(self.backlog / self.carried + self.service_s * times, self.timeout_s)
