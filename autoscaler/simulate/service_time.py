"""How long a replica works on a request, from a mean and a coefficient of variation (deviation / mean).

    cv 1    exponential
    cv 0    the mean, always
    other   lognormal: ln S ~ N(ln mean - s^2/2, s),   s^2 = ln(1 + cv^2)

`residual` is the rest of a service that is under way at a moment chosen without knowing it: a service is the likelier to be
caught the longer it is. Source: Kleinrock, "Queueing Systems" I, section 5.2.
"""

from dataclasses import dataclass
from math import erfc, exp, log, sqrt
from random import Random


@dataclass(frozen=True, slots=True)
class ServiceTime:
    """A distribution of service times, in seconds."""

    mean_s: float
    cv: float = 1.0

    @property
    def sigma(self) -> float:
        """The deviation of the logarithm."""
        return sqrt(log(1 + self.cv**2))

    def draws(self, rng: Random, count: int) -> list[float]:
        """So many service times."""
        mean = self.mean_s
        if self.cv == 0:
            return [mean] * count
        if self.cv == 1:
            uniform = rng.random
            return [-mean * log(1.0 - uniform()) for _ in range(count)]
        sigma = self.sigma
        mu = log(mean) - sigma**2 / 2
        gauss = rng.gauss
        return [exp(gauss(mu, sigma)) for _ in range(count)]

    def tail(self, seconds: float) -> float:
        """The share of requests that take longer."""
        if seconds < 0:
            return 1.0
        if self.cv == 0:
            return 1.0 if self.mean_s > seconds else 0.0
        if self.cv == 1:
            return exp(-seconds / self.mean_s)
        if seconds == 0:
            return 1.0
        sigma = self.sigma
        return 0.5 * erfc((log(seconds / self.mean_s) / sigma + sigma / 2) / sqrt(2))

    def residuals(self, rng: Random, count: int) -> list[float]:
        """The rests of so many services that are under way."""
        if self.cv == 1:
            return self.draws(rng, count)
        if self.cv == 0:
            return [self.mean_s * rng.random() for _ in range(count)]
        sigma = self.sigma
        mu = log(self.mean_s) + sigma**2 / 2  # the lengths of services that are caught: each weighted by itself
        return [exp(rng.gauss(mu, sigma)) * rng.random() for _ in range(count)]
