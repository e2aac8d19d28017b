"""What a number that another system told a while ago is worth now.

    a number stands until the next, STANDS_INTERVALS x interval at most; then it is missing
    0, while requests arrived within the last `window_s`, is implausible: missing, unless the policy trusts it

A source that has lost its data often answers 0, and 0 would take replicas away. Seconds; `arrived_at` is when the proxy
last counted an arrival. Source: CONTRACT, "Metrics".
"""

from autoscaler.model import Reading, Sample
from autoscaler.spec.models import STANDS_INTERVALS
from autoscaler.units import format_duration


def standing(last: Reading | None, problem: str, interval_s: float, t: float) -> Sample:
    """The last number while it stands. `problem` is why there is no newer one, "" where the last question was answered."""
    if last is None:
        return Sample(None, t, problem or "not asked for yet")
    if t - last.t <= STANDS_INTERVALS * interval_s:
        return Sample(last.value, last.t)
    return Sample(None, t, problem or f"no answer for {format_duration(round(t - last.t))}")


def plausible(sample: Sample, arrived_at: float | None, window_s: float, t: float) -> Sample:
    """The sample, unless it is a 0 that the proxy knows better."""
    if sample.value != 0 or arrived_at is None or t - arrived_at >= window_s:
        return sample
    return Sample(None, t, "it is 0 while requests arrive (`trust_zero: true`, if it may be)")
