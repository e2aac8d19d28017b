"""How often to ask a system that does not answer: a circuit breaker for one who asks regularly.

    closed      asked every interval, while fewer than FAILURES questions in a row went unanswered
    open        nothing is asked for interval x 2, 4, 8 ..., at most LONGEST_WAIT_S
    half open   then one question: an answer closes it, silence opens it for twice as long

Seconds. Source: M. Nygard, "Release It!", Circuit Breaker; without a clock, since the one who asks has one.
"""

from dataclasses import dataclass

FAILURES = 5
LONGEST_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """`failures` is how many questions in a row went unanswered."""

    failures: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it is asked less often."""
        return self.failures >= FAILURES

    def failed(self) -> "Breaker":
        """After a question without an answer."""
        return Breaker(self.failures + 1)

    def wait_s(self, interval_s: float) -> float:
        """How long after one question the next may be asked."""
        if not self.is_open:
            return interval_s
        doublings = min(self.failures - FAILURES + 1, 32)  # by then the longest wait is reached, whatever the interval
        return max(interval_s, min(interval_s * 2.0**doublings, LONGEST_WAIT_S))
