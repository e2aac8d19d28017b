"""Kubernetes' HPA v2 in exact fractions, written after its own source, to compare with. None of our code is in it.

Source: kubernetes `pkg/controller/podautoscaler/{horizontal,replica_calculator}.go`: computeReplicasForMetrics,
calcPlainMetricReplicas, stabilizeRecommendationWithBehaviors, convertDesiredReplicasWithBehaviorRate. Known departures, as
DECISIONS has them: exact numbers instead of floats, utilization not cut to per cent, and a count of 0 below min is raised.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, trunc


@dataclass(frozen=True)
class Metric:
    """`kind` is average, value or resource; values of resource are one a ready pod."""

    kind: str
    target: Fraction
    total: Fraction | None = None
    pods: tuple[Fraction | None, ...] = ()


@dataclass(frozen=True)
class Scaling:
    """One direction: policies are (kind, value, period) with kind pods or percent."""

    window: Fraction
    policies: tuple[tuple[str, Fraction, Fraction], ...]
    select: str = "max"


@dataclass
class Hpa:
    """One autoscaler and what it remembers."""

    min: int
    max: int
    up: Scaling
    down: Scaling
    tolerance_up: Fraction = Fraction(1, 10)
    tolerance_down: Fraction = Fraction(1, 10)
    recommendations: list[tuple[Fraction, int]] = field(default_factory=list)
    ups: list[tuple[Fraction, int]] = field(default_factory=list)
    downs: list[tuple[Fraction, int]] = field(default_factory=list)

    def reconcile(self, now: Fraction, current: int, ready: int, unready: int, metrics: list[Metric]) -> int:
        """One sync: the new spec.replicas."""
        if not self.recommendations:
            self.recommendations.append((now, current))
        if current > self.max:
            desired = self.max
        elif current < self.min:
            desired = self.min
        else:
            said = [self.proposal(metric, current, ready, unready) for metric in metrics]
            known = [each for each in said if each is not None]
            if not known or (len(known) < len(said) and max(known) < current):
                return current
            desired = self.normalized(now, current, max(known))
        if desired > current:
            self.ups.append((now, desired - current))
        elif desired < current:
            self.downs.append((now, current - desired))
        return desired

    def proposal(self, metric: Metric, current: int, ready: int, unready: int) -> int | None:
        if metric.kind == "resource":
            return self.plain(metric, current, unready)
        if metric.total is None:
            return None
        if metric.kind == "average":
            pods = ready + unready
            if pods and self.within(metric.total / (metric.target * pods)):
                return current
            return ceil(metric.total / metric.target)
        ratio = metric.total / metric.target
        if current == 0:
            return ceil(ratio)
        if self.within(ratio) or ready == 0:  # with none ready the HPA says 0; DECISIONS departs
            return current
        return ceil(ratio * ready)

    def plain(self, metric: Metric, current: int, unready: int) -> int | None:
        known = [pod for pod in metric.pods if pod is not None]
        missing = len(metric.pods) - len(known)
        if not known:
            return None
        ratio = sum(known, Fraction(0)) / len(known) / metric.target
        with_unready = unready > 0 and ratio > 1
        if not with_unready and not missing:
            return current if self.within(ratio) else ceil(ratio * len(known))
        if ratio == 1:  # the HPA counts missing pods as 0 here and may scale in; missing must not lower
            return current
        filler = max(Fraction(1), metric.target) if ratio < 1 else Fraction(0)
        pods = known + [filler] * missing + ([Fraction(0)] * unready if with_unready else [])
        again = sum(pods, Fraction(0)) / len(pods) / metric.target
        if self.within(again) or (ratio < 1 < again) or (again < 1 < ratio):
            return current
        count = ceil(again * len(pods))
        if (again < 1 and count > current) or (again > 1 and count < current):
            return current
        return count

    def within(self, ratio: Fraction) -> bool:
        return 1 - self.tolerance_down <= ratio <= 1 + self.tolerance_up

    def normalized(self, now: Fraction, current: int, desired: int) -> int:
        up = down = desired
        for at, count in self.recommendations:
            if at > now - self.up.window:
                up = min(up, count)
            if at > now - self.down.window:
                down = max(down, count)
        self.recommendations.append((now, desired))
        steady = min(max(current, up), down)
        if steady > current:
            limit = max(self.limit(self.up, now, current, sign=1), current)
            return min(steady, limit, self.max)
        if steady < current:
            limit = min(self.limit(self.down, now, current, sign=-1), current)
            return max(steady, limit, self.min)
        return steady

    def limit(self, scaling: Scaling, now: Fraction, current: int, sign: int) -> int:
        if scaling.select == "disabled":
            return current
        limits = []
        for kind, value, period in scaling.policies:
            added = sum(by for at, by in self.ups if at > now - period)
            removed = sum(by for at, by in self.downs if at > now - period)
            start = current - added + removed
            if kind == "pods":
                limits.append(start + sign * int(value))
            else:
                moved = start * (1 + sign * value / 100)
                limits.append(ceil(moved) if sign > 0 else trunc(moved))
        more_change = scaling.select == "max"
        return max(limits) if (sign > 0) == more_change else min(limits)
