"""Waiting in one queue before many slots: how long requests take, and how many replicas keep a share of them in time.

    C = rho^(sqrt(2 (N + 1)) - 1)                               the share that waits; N slots, rho = rate * S / N
    P(wait > t | it waits) = exp(-theta t)                      theta = 2 (N / S - rate) / (1 + cv^2)
    S = 1 / (u - v rate / n)                                    the time at a replica, by the load on it
    P(time at a replica > t) = exp(-nu (t - d))     for t > d   so that its mean is S and its percentile kappa S

`u` is one over the time at an idle replica, `v` how much of a replica one request takes: 1 where it works on one at a time,
1/4 where on four, 0 where requests don't slow one another down. `cv` is 1 / (nu S), at most what kappa allows.
C takes slots that are no whole number, costs the same for a hundred thousand of them, and is exact for one.
Sources: Sakasegawa 1977, "An approximation formula Lq = a rho^b / (1 - rho)"; Lee and Longton 1959 (cv); Kleinrock,
"Queueing Systems" II, section 4.4 (processor sharing: u, v).
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log, sqrt

NARROWEST = 1e-3  # of S: a time that never varies has no rate at which its tail falls
RAREST = 1e-12
FARTHEST = 10.0
MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Replica:
    """What one replica does: `u` in 1/s, `v` and `kappa` plain numbers, `slots` the requests that it takes at once."""

    u: float
    v: float
    kappa: float
    slots: float

    @property
    def idle_s(self) -> float:
        """The time at a replica with nothing else to do."""
        return 1 / self.u

    def time_s(self, load: float) -> float | None:
        """The mean time at a replica that `load` requests a second come to, None beyond what it carries."""
        gap = self.u - self.v * load
        return 1 / gap if gap > 0 else None


def waiting_share(slots: float, offered: float) -> float:
    """The share of requests that wait, at `offered` = rate x service time."""
    if offered >= slots:
        return 1.0
    return float((offered / slots) ** (sqrt(2 * (slots + 1)) - 1))


def late_share(replica: Replica, replicas: int, rate: float, percentile: float, limit_s: float) -> float:
    """The share of requests that take longer than `limit_s`, waiting and at a replica; `percentile` is kappa's, 0 to 1."""
    time_s = replica.time_s(rate / replicas)
    slots = replicas * replica.slots
    if time_s is None or rate * time_s >= slots:
        return 1.0
    spread, least = _tail(replica.kappa, time_s, percentile)
    over = limit_s - least
    if over <= 0:
        return 1.0
    waited = (1 + (spread / time_s) ** 2) / (2 * (slots / time_s - rate))
    waits = waiting_share(slots, rate * time_s)
    return min(1.0, (1 - waits) * exp(-over / spread) + waits * _sum_over(over, spread, waited))


def latency_near(replica: Replica, replicas: int, rate: float, percentile: float, measured_s: float) -> float | None:
    """The percentile of the latency, found from one measured: right where they are equal, and toward right elsewhere.

    None beyond what the replicas carry.
    """
    time_s = replica.time_s(rate / replicas)
    if time_s is None or rate * time_s >= replicas * replica.slots:
        return None
    spread, _ = _tail(replica.kappa, time_s, percentile)
    late = late_share(replica, replicas, rate, percentile, measured_s)
    return max(measured_s + spread * log(max(late, RAREST) / (1 - percentile)), measured_s / FARTHEST)


def least(replica: Replica, rate: float, percentile: float, limit_s: float, near: int) -> int:
    """The least replicas that keep `percentile` of the requests within `limit_s`; looked for from `near` on."""

    def enough(replicas: int) -> bool:
        return late_share(replica, replicas, rate, percentile, limit_s) <= 1 - percentile

    return 0 if rate <= 0 else _first(enough, max(near, 1))


def _tail(kappa: float, time_s: float, percentile: float) -> tuple[float, float]:
    """The mean of the time beyond the least, and the least."""
    depth = -log(1 - percentile)
    spread = min(abs(kappa - 1) / abs(depth - 1), kappa / depth)
    spread = max(spread, NARROWEST) * time_s
    return spread, max(kappa * time_s - depth * spread, 0.0)


def _sum_over(over: float, a: float, b: float) -> float:
    """P(A + B > over) of two exponential times of means `a` and `b`."""
    if abs(a - b) < 1e-6 * a:
        return (1 + over / a) * exp(-over / a)
    return (a * exp(-over / a) - b * exp(-over / b)) / (a - b)


def _first(enough: Callable[[int], bool], near: int) -> int:
    """The least count that is enough, MOST where none is."""
    low, high = near - 1, near
    while not enough(high):
        low, high = high, 2 * high
        if high >= MOST:
            return MOST
    if high == near and (low == 0 or enough(low)):
        low, high = 0, max(low, 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
