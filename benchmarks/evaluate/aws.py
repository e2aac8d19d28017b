"""Target tracking as AWS has it for ECS services: two alarms on datapoints of one minute, and proportional steps.

    out   3 of 3 datapoints above the target                    desired = ceil(rate / target)
    in    15 of 15 below 90% of the target                      the same, not within 300 s of the last step in

A datapoint is requests/s per replica that was ready. A step out waits for none before it: in its cooldown capacity that was
added counts as there, and a larger step goes on at once. How much a step in takes is not published; here it takes all.
Source: Application Auto Scaling, user guide, "How target tracking scaling works" and "Define cooldown periods".
"""

from collections import deque
from math import ceil

from autoscaler.decide.rounding import tidy
from benchmarks.evaluate.fleet import Seen

OUT_OF = 3
IN_OF = 15
IN_SHARE = 0.9
COOLDOWN_S = 300.0


class AwsTargetTracking:
    """Asked once a minute. It changes in place."""

    period_s = 60

    def __init__(self, target: float, most: int) -> None:
        self._target = target
        self._most = most
        self._ratios: deque[float] = deque(maxlen=IN_OF)
        self._desired: int | None = None
        self._stepped_in_at: float | None = None

    def decide(self, seen: Seen) -> int:
        """After one more datapoint."""
        desired = seen.ready + seen.starting if self._desired is None else self._desired
        self._ratios.append(tidy(seen.rate / max(seen.ready, 1) / self._target))
        wanted = min(max(1, ceil(tidy(seen.rate / self._target))), self._most)
        if wanted > desired and self._all_of(OUT_OF, above=1.0):
            desired = wanted
        elif wanted < desired and self._all_of(IN_OF, below=IN_SHARE) and self._may_step_in(seen.t):
            desired = wanted
            self._stepped_in_at = seen.t
        self._desired = desired
        return desired

    def _all_of(self, count: int, above: float = -1.0, below: float = float("inf")) -> bool:
        latest = list(self._ratios)[-count:]
        return len(latest) == count and all(above < ratio < below for ratio in latest)

    def _may_step_in(self, t: float) -> bool:
        return self._stepped_in_at is None or t - self._stepped_in_at >= COOLDOWN_S
