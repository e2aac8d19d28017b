"""Knative's KPA in exact fractions, written after its own source, to compare with. None of our code is in it.

Source: knative/serving `pkg/autoscaler/scaling/autoscaler.go` (newAutoscaler, Scale), without burst capacity, reachability
and its delay window. As DECISIONS has it, a window's value is the mean of the samples in it, not of buckets of a second.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor


@dataclass
class Kpa:
    """One autoscaler, made when so many pods are ready, and what it remembers."""

    goal: Fraction
    stable_window: Fraction
    panic_window: Fraction
    panic_threshold: Fraction
    max_scale_up_rate: Fraction
    max_scale_down_rate: Fraction
    activation_scale: int
    panicking_since: Fraction | None = None
    most_in_panic: int = 0
    samples: list[tuple[Fraction, Fraction]] = field(default_factory=list)

    def made(self, now: Fraction, ready: int) -> None:
        """It starts in panic where there is more than one pod."""
        self.panicking_since = now if ready > 1 else None
        self.most_in_panic = ready

    def scale(self, now: Fraction, ready: int, sample: Fraction | None) -> int | None:
        """One look: the pods wanted, None where it has no data."""
        if sample is not None:
            self.samples.append((now, sample))
        stable, panic = self.mean(self.stable_window, now), self.mean(self.panic_window, now)
        if stable is None or panic is None:
            return None
        pods = max(1, ready)
        over = Fraction(ceil(panic / self.goal), pods) >= self.panic_threshold
        if over:
            self.panicking_since = now
        elif self.panicking_since is not None and self.panicking_since + self.stable_window < now:
            self.panicking_since, self.most_in_panic = None, 0
        wanted = self.wanted(stable, pods)
        if self.panicking_since is None:
            return wanted
        self.most_in_panic = max(self.most_in_panic, wanted, self.wanted(panic, pods))
        return self.most_in_panic

    def mean(self, window: Fraction, now: Fraction) -> Fraction | None:
        inside = [sample for at, sample in self.samples if at > now - window]
        return sum(inside, Fraction(0)) / len(inside) if inside else None

    def wanted(self, mean: Fraction, pods: int) -> int:
        asked = ceil(mean / self.goal)
        count = min(max(asked, floor(pods / self.max_scale_down_rate)), ceil(pods * self.max_scale_up_rate))
        return max(count, self.activation_scale) if asked > 0 and self.activation_scale > 1 else count
