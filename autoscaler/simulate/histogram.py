"""Times counted in bins that are each half a per cent wider than the one before, so that a percentile is within 0.25%."""

from collections.abc import Iterable
from math import exp, log

BINS_PER_E = 200.0
SHORTEST_S = 1e-6


class Histogram:
    """Counts of times. It changes in place: there are millions."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts: dict[int, float] = {}
        self.total = 0.0

    def add(self, seconds: Iterable[float], weight: float = 1.0) -> None:
        """Count these, each `weight` times."""
        counts, get = self.counts, self.counts.get
        total = 0.0
        for value in seconds:
            place = int(BINS_PER_E * log(value + SHORTEST_S) + 4000.0)  # cut toward zero would join two bins there
            counts[place] = get(place, 0.0) + weight
            total += weight
        self.total += total

    def merge(self, other: "Histogram", sign: int = 1) -> None:
        """Count what the other has counted; with `sign` -1 take it out again."""
        for place, count in other.counts.items():
            left = self.counts.get(place, 0.0) + sign * count
            if left > 1e-9:
                self.counts[place] = left
            else:
                self.counts.pop(place, None)
        self.total = max(0.0, self.total + sign * other.total)

    def quantile(self, share: float) -> float | None:
        """The time that this share of them does not exceed; None where none was counted."""
        if not self.counts:
            return None
        left = share * sum(self.counts.values())
        place = 0
        for place in sorted(self.counts):
            left -= self.counts[place]
            if left <= 0:
                break
        return exp((place - 4000.0 + 0.5) / BINS_PER_E) - SHORTEST_S
