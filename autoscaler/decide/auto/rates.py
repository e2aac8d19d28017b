"""The rate at present: at once higher when it rises by more than chance, but not for each gust.

    rate = max( min(level, m10),  max over spans s of  m_s - k_s sqrt(m_s / s) )        s 10, 5, 3, 2 seconds

`m_s` is the mean of the last s seconds in requests/s; sqrt(m_s / s) is its deviation where requests come by chance
(Poisson). `k` grows as s shrinks, as there are more short spans to be wrong in. `level` is the rate smoothed over half a
minute.
"""

from math import sqrt

from autoscaler.decide.memory import Point
from autoscaler.decide.samples import mean

SPANS = ((10.0, 1.0), (5.0, 1.4), (3.0, 1.8), (2.0, 2.2))  # seconds, deviations that chance is granted


def present(points: tuple[Point, ...], t: float, level: float) -> float:
    """The requests/s that come now; `points` are the samples of the last ten seconds."""
    averages = [mean(points, span, t) or 0.0 for span, _ in SPANS]
    surest = (surely(average, *each) for average, each in zip(averages, SPANS, strict=True))
    return max(min(level, averages[0]), *surest)


def surely(average: float, span: float, deviations: float) -> float:
    """The part of a mean that is not chance, by so many deviations."""
    return max(0.0, average - deviations * sqrt(average / span))
