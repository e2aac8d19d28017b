"""Windows over a metric's samples.

    mean of the samples with t > now - window      window 0: the sample of this tick alone

A sample without a value (None, NaN, an infinity) takes no part; one at the same `t` replaces the one before. A metric is
missing when no sample in its window has a value. Percentiles come measured over their window, so their last one counts.
Source: DECISIONS, "Words".
"""

from collections.abc import Iterable, Mapping
from math import isfinite

from autoscaler.decide.memory import Point
from autoscaler.decide.rounding import tidy
from autoscaler.model import Sample
from autoscaler.spec.models import LATENCIES, REPLICA_METRICS, Policy

Points = Mapping[str, tuple[Point, ...]]


def keep(policies: Iterable[Policy], totals: Mapping[str, Sample], remembered: Points, t: float) -> Points:
    """The samples that these policies' windows need, this tick's among them."""
    windows: dict[str, float] = {}
    for policy in policies:
        for metric in policy.windows.keys() - REPLICA_METRICS:
            windows[metric] = max(windows.get(metric, 0.0), window_of(policy, metric))
    return {metric: _with(remembered.get(metric, ()), totals.get(metric), window, t) for metric, window in windows.items()}


def window_of(policy: Policy, metric: str) -> float:
    """The window that is taken of a policy's samples of a metric here, in seconds."""
    return 0.0 if metric in LATENCIES else policy.windows[metric]


def within(points: tuple[Point, ...], window: float, t: float) -> tuple[Point, ...]:
    """The samples in the window: another policy may look back further."""
    since = tidy(t - window)
    return tuple([point for point in points if point.t > since or point.t == t])


def mean(points: tuple[Point, ...], window: float, t: float) -> float | None:
    """The mean of the samples in the window, None where there is none."""
    since = tidy(t - window)
    values = [point.value for point in points if point.t > since or point.t == t]
    if not values:
        return None
    average = sum(values) / len(values)
    return average if isfinite(average) else None


def _with(points: tuple[Point, ...], sample: Sample | None, window: float, t: float) -> tuple[Point, ...]:
    since = tidy(t - window)
    kept = [point for point in points if since < point.t < t]
    if sample is not None and sample.value is not None and isfinite(sample.value):
        kept.append(Point(t, sample.value))
    return tuple(kept)
