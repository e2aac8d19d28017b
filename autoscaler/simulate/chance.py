"""Counts drawn by chance: Poisson and binomial, exact where they are small, normal where they are large."""

from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate
from math import exp, lgamma, log, sqrt
from random import Random

LARGE = 500.0  # a mean from which the normal distribution is used


def poisson(rng: Random, mean: float, count: int) -> list[int]:
    """So many draws."""
    if mean <= 0:
        return [0] * count
    if mean > LARGE:
        deviation = sqrt(mean)
        return [max(0, int(rng.gauss(mean, deviation) + 0.5)) for _ in range(count)]
    least, sums = _poisson_sums(mean)
    top = sums[-1]
    return [least + bisect_right(sums, rng.random() * top) for _ in range(count)]


@lru_cache(maxsize=64)
def _poisson_sums(mean: float) -> tuple[int, list[float]]:
    """The least number that matters, and from it on the cumulated probabilities, seven deviations to each side."""
    reach = 7 * sqrt(mean) + 7
    least = max(0, int(mean - reach))
    numbers = range(least, int(mean + reach) + 1)
    return least, list(accumulate(exp(number * log(mean) - mean - lgamma(number + 1)) for number in numbers))


def binomial(rng: Random, count: int, chance: float) -> int:
    """How many of `count` happen, each with this chance."""
    if count <= 0 or chance <= 0:
        return 0
    if chance >= 1:
        return count
    if chance > 0.5:
        return count - binomial(rng, count, 1 - chance)
    mean = count * chance
    if mean > 50:
        return max(0, min(count, int(rng.gauss(mean, sqrt(mean * (1 - chance))) + 0.5)))
    happened, at = 0, 0
    rarely = log(1 - chance)
    while (at := at + int(log(1.0 - rng.random()) / rarely) + 1) <= count:  # the next that happens: a geometric step
        happened += 1
    return happened
