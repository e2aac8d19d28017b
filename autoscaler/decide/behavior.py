"""Behavior: how far and how fast the count may move. First stabilization, then rates.

    down goes no lower than the highest, up no higher than the lowest count asked for with t > now - window
    a period starts from current - added + removed in it, over the changes with t > now - period
    up:    ceil(start * (1 + percent))        start + replicas
    down:  start * (1 - percent), cut         start - replicas
    `max` takes the rate that allows more change, `min` less, `disabled` allows none

A limit on the wrong side of current means current. Windows and periods are seconds.
Source: Kubernetes, "Horizontal Pod Autoscaling", Configurable scaling behavior (HPA v2).
"""

from collections.abc import Iterable

from autoscaler.decide.memory import Asked, Scaled
from autoscaler.decide.rounding import cut, round_up, tidy
from autoscaler.model import Limit
from autoscaler.spec.models import Behavior, Rate, ScalingRules
from autoscaler.units import format_duration

# ---------------------------------------------------------------- stabilization


def stabilize(behavior: Behavior, wanted: int, current: int, asked: Iterable[Asked], t: float) -> Limit | None:
    """The limit that the counts asked for lately put on the move from `current` to `wanted`, None where they put none."""
    if wanted < current:
        window = behavior.scale_down.stabilization_window
        bound = max((each.count for each in _lately(asked, window, t)), default=wanted)
        after = min(current, max(wanted, bound))
        kind, extreme = "scale_down", "highest"
    else:
        window = behavior.scale_up.stabilization_window
        bound = min((each.count for each in _lately(asked, window, t)), default=wanted)
        after = max(current, min(wanted, bound))
        kind, extreme = "scale_up", "lowest"
    if after == wanted:
        return None
    until = lets_move(behavior, after, asked, t, up=wanted > current)
    reason = (
        f"held at {after} by {kind} stabilization for {left(until, t)}"
        f" ({extreme} asked for in the last {format_duration(window)}: {bound})"
    )
    return Limit("stabilization", wanted, after, reason, until)


def lets_move(behavior: Behavior, count: int, asked: Iterable[Asked], t: float, *, up: bool) -> float:
    """When stabilization lets the count leave `count` upward or downward: `t` where it does now."""
    window = (behavior.scale_up if up else behavior.scale_down).stabilization_window
    holding = [each.t for each in _lately(asked, window, t) if (each.count <= count if up else each.count >= count)]
    return tidy(max(holding) + window) if holding else t


def _lately(asked: Iterable[Asked], window: float, t: float) -> list[Asked]:
    since = tidy(t - window)
    return [each for each in asked if each.t > since]


# ---------------------------------------------------------------- rates


def limit_rate(behavior: Behavior, wanted: int, current: int, scaled: tuple[Scaled, ...], t: float) -> Limit | None:
    """The limit that the rates put on the move from `current` to `wanted`, None where they put none."""
    up = wanted > current
    rules = behavior.scale_up if up else behavior.scale_down
    allowed = farthest(rules, current, scaled, t, up=up)
    if allowed is None or (allowed >= wanted if up else allowed <= wanted):
        return None
    until = allows_more(rules, allowed, (*scaled, Scaled(t, allowed - current)), t, up=up)
    name = "scale_up_rate" if up else "scale_down_rate"
    when = "" if until is None else f", more in {left(until, t)}"
    return Limit(name, wanted, allowed, f"{name} allows {allowed} for now ({rates_told(rules)}){when}", until)


def farthest(rules: ScalingRules, current: int, scaled: Iterable[Scaled], t: float, *, up: bool) -> int | None:
    """The count that the rates allow to go to from `current`, None where there are none."""
    if rules.select == "disabled":
        return current
    if not rules.policies:
        return None
    ends = [_end(rate, current - _changed(scaled, rate.period, t), up=up) for rate in rules.policies]
    if up:
        return max(current, max(ends) if rules.select == "max" else min(ends))
    return min(current, min(ends) if rules.select == "max" else max(ends))


def allows_more(rules: ScalingRules, count: int, scaled: tuple[Scaled, ...], t: float, *, up: bool) -> float | None:
    """When the rates let the count go beyond `count`, as changes leave their periods: `t` where they do now.

    None where they never will.
    """
    leaves = {tidy(change.t + rate.period) for change in scaled for rate in rules.policies}
    for at in sorted({t} | {at for at in leaves if at > t}):
        allowed = farthest(rules, count, scaled, at, up=up)
        if allowed is None or (allowed > count if up else allowed < count):
            return at
    return None


def _end(rate: Rate, start: int, *, up: bool) -> int:
    if rate.replicas is not None:
        return start + rate.replicas if up else start - rate.replicas
    part = (rate.percent or 0.0) / 100
    return round_up(start * (1 + part)) if up else cut(start * (1 - part))


def _changed(scaled: Iterable[Scaled], period: float, t: float) -> int:
    since = tidy(t - period)
    return sum([change.by for change in scaled if change.t > since])


def rates_told(rules: ScalingRules) -> str:
    """One direction's rates for people."""
    if rules.select == "disabled":
        return "disabled"
    if not rules.policies:
        return "as fast as asked"
    rates = [f"{_part_told(rate)} in {format_duration(rate.period)}" for rate in rules.policies]
    return rates[0] if len(rates) == 1 else f"the {'most' if rules.select == 'max' else 'least'} of {' and '.join(rates)}"


def _part_told(rate: Rate) -> str:
    if rate.replicas is None:
        return f"{rate.percent:g}%"
    return "1 replica" if rate.replicas == 1 else f"{rate.replicas} replicas"


def left(until: float | None, t: float) -> str:
    """How long until then, for people."""
    if until is None:
        return "an unknown time"
    seconds = max(until - t, 0.0)
    return format_duration(float(round(seconds)) if seconds >= 10 else round(seconds, 1))
