"""What is kept of a metric for days: its mean in each minute of the wall clock."""

from dataclasses import dataclass

MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Minutes:
    """The means of the minutes from `first` since 1970 on, without a gap; None where one isn't known."""

    first: int
    means: tuple[float | None, ...]

    @property
    def end(self) -> int:
        """The minute after the last."""
        return self.first + len(self.means)

    def between(self, start: int, stop: int) -> tuple[float | None, ...]:
        """The means of the minutes from `start` to before `stop`, None for those that are not among these."""
        low = min(max(start, self.first), stop)
        high = max(min(stop, self.end), low)
        known = self.means[low - self.first : high - self.first]
        return (*[None] * (low - start), *known, *[None] * (stop - high))
