"""The replicas of a count that nobody acts on: one more is ready after the start-up time, one fewer is gone at once.

Those that start are the first to go.
"""

from dataclasses import dataclass

Starting = tuple[tuple[float, int], ...]


@dataclass(frozen=True, slots=True)
class Fleet:
    """So many are ready; `starting` says when how many more will be, the soonest first."""

    ready: int
    starting: Starting = ()

    @property
    def count(self) -> int:
        """All of them."""
        return self.ready + sum(count for _, count in self.starting)

    def at(self, t: float) -> "Fleet":
        """As it is at `t`."""
        came = sum(count for at, count in self.starting if at <= t)
        return Fleet(self.ready + came, tuple([each for each in self.starting if each[0] > t])) if came else self

    def moved(self, count: int, t: float, startup_s: float) -> "Fleet":
        """With `count` of them wanted at `t`."""
        more = count - self.count
        if more > 0:
            return Fleet(self.ready, tuple(sorted((*self.starting, (t + startup_s, more)))))
        starting = list(self.starting)
        while more < 0 and starting:
            at, last = starting.pop()
            if last > -more:
                starting.append((at, last + more))
            more = min(0, last + more)
        return Fleet(self.ready + more, tuple(starting))


def there(ready: int, unready: int, t: float, startup_s: float) -> Fleet:
    """The replicas that are seen, those that start as if they had just begun to."""
    return Fleet(ready, ((t + startup_s, unready),) if unready else ())
