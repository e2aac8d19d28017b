"""Target tracking: as many replicas as carry `target` each.

    a total by `target`:  ceil(total / target)                     ratio = total / (target * (ready + unready))
    a total by `total`:   ceil(ratio * ready)                      ratio = value / total
    per replica:          ceil(ratio * replicas counted)           ratio = mean / target

Unchanged while 1 - down <= ratio <= 1 + up. Values and targets are in the metric's unit, `cpu` and `memory` fractions.
Source: Kubernetes, "Horizontal Pod Autoscaling", Algorithm details (HPA v2: AverageValue, Value, Utilization).
"""

from math import isfinite

from autoscaler.decide.question import Answer, Question, missing, problem, warming_up
from autoscaler.decide.rounding import round_up, tidy
from autoscaler.decide.samples import mean, window_of
from autoscaler.spec.models import REPLICA_METRICS, TargetTracking, Tolerance


def recommend(policy: TargetTracking, asked: Question) -> Answer:
    """The replicas this policy asks for; `value` is None where it can't know."""
    if policy.metric in REPLICA_METRICS:
        return _per_replica(policy, policy.target or 1.0, asked)
    value = mean(asked.points[policy.metric], window_of(policy, policy.metric), asked.t)
    if value is None:
        return missing(policy.metric, problem(policy.metric, asked))
    if policy.target is not None:
        return _average(policy, policy.target, value, asked)
    return _value(policy, policy.total or 1.0, value, asked)


def _average(policy: TargetTracking, target: float, total: float, asked: Question) -> Answer:
    """HPA's AverageValue: `target` is one replica's share."""
    replicas = asked.seen.ready + asked.seen.unready
    raw = total / target
    if not isfinite(raw):
        return missing(policy.metric, f"{total:g} is too large")
    said = f"{policy.metric} {total:g} at {target:g} a replica"
    ratio = total / (target * max(replicas, 1))
    if replicas and _within(policy.tolerance, ratio):
        near = _near(policy.tolerance, ratio, f"of what {replicas} carry")
        return Answer(asked.current, tidy(raw), f"{said}: {near}, asks for {asked.current}")
    return _count(raw, said)


def _value(policy: TargetTracking, total: float, value: float, asked: Question) -> Answer:
    """HPA's Value: `total` is the whole service's. With none ready it can't be said what one carries: stay."""
    ready = asked.seen.ready
    ratio = value / total
    if not isfinite(ratio * max(ready, 1)):
        return missing(policy.metric, f"{value:g} is too large")
    said = f"{policy.metric} {value:g} at a total of {total:g}"
    if asked.current == 0:
        return _count(ratio, said)
    raw = tidy(ratio * ready)
    if _within(policy.tolerance, ratio):
        return Answer(asked.current, raw, f"{said}: {_near(policy.tolerance, ratio, 'of it')}, asks for {asked.current}")
    if ready == 0:
        return Answer(asked.current, raw, f"{said}, but none is ready, asks for {asked.current}")
    return _count(ratio * ready, f"{said} with {ready} ready")


def _per_replica(policy: TargetTracking, target: float, asked: Question) -> Answer:
    """HPA's Utilization, without cutting it to whole per cent.

    Replicas without a value count against the move: full below the target, idle above it; those that start or warm up count
    as idle above it. Where that leaves the ratio within tolerance or turns the move round, the count stays.
    """
    fresh = warming_up(asked)
    if fresh is not None:
        return fresh
    given = asked.seen.per_replica.get(policy.metric, ())
    known = [value for value in given if value is not None and isfinite(value)]
    ratio = sum(known) / len(known) / target if known else None
    if ratio is None or not isfinite(ratio):
        return missing(policy.metric, "no replica reports it" if ratio is None else "its values are too large")
    silent = max(len(given), asked.seen.ready - asked.seen.warming) - len(known)
    side = tidy(ratio)
    starting = asked.seen.unready + asked.seen.warming if side > 1 else 0
    said = f"{policy.metric} {ratio * target:.3g} a replica, target {target:g}"
    if not silent and not starting:
        if _within(policy.tolerance, ratio):
            near = _near(policy.tolerance, ratio, "of it")
            return Answer(asked.current, tidy(ratio * len(known)), f"{said}: {near}, asks for {asked.current}")
        return _count(ratio * len(known), said)
    counted = len(known) + silent + starting
    full = max(1.0, target)  # never below the target, or a silent replica would lower the count
    total = sum(known) + (silent * full if side < 1 else 0.0)
    corrected = total / counted / target
    said = f"{said} ({silent} silent, {starting} starting count as {full if side < 1 else 0:g})"
    if side == 1 or _within(policy.tolerance, corrected) or (tidy(corrected) > 1) != (side > 1):
        return _stay(corrected * counted, f"{said}, so {corrected * target:.3g}", asked)
    count = round_up(corrected * counted)
    if (count < asked.current) if side > 1 else (count > asked.current):
        return _stay(corrected * counted, f"{said}, so {corrected * target:.3g}", asked)
    return _count(corrected * counted, said)


def _within(tolerance: Tolerance, ratio: float) -> bool:
    return tidy(1 - tolerance.down) <= tidy(ratio) <= tidy(1 + tolerance.up)


def _near(tolerance: Tolerance, ratio: float, what: str) -> str:
    """A ratio within tolerance for people."""
    low, high = (1 - tolerance.down) * 100, (1 + tolerance.up) * 100
    return f"{ratio * 100:.4g}% {what}, within tolerance ({low:.4g}% to {high:.4g}%)"


def _count(raw: float, said: str) -> Answer:
    count = max(round_up(raw), 0)
    return Answer(count, tidy(raw), f"{said} asks for {count}")


def _stay(raw: float, said: str, asked: Question) -> Answer:
    return Answer(asked.current, tidy(raw), f"{said}: no clear move, asks for {asked.current}")
