"""Why this many: every recommendation, limit and number, what each limit cost, and when the next move is possible.

Times are told from the decision on ("in 42s"), so that the text needs no clock and no time zone.
"""

from autoscaler.decide.anti_flap import lets_fall
from autoscaler.decide.behavior import allows_more, farthest, left, lets_move
from autoscaler.decide.bounds import in_force
from autoscaler.decide.memory import Memory
from autoscaler.decide.rounding import tidy
from autoscaler.model import NO_ORDERS, Decision, Fence, Limit, Mode, Orders, PauseKind, Recommendation
from autoscaler.spec.models import ServiceSpec
from autoscaler.units import format_duration


def explain(spec: ServiceSpec, decision: Decision, memory: Memory, orders: Orders = NO_ORDERS) -> str:
    """The decision for people. `memory` is the one that came with it, `orders` those it was made under."""
    within = decision.within
    lines = [
        f"{decision.service}: {_wanted(decision.desired)}, the policies ask for {decision.wanted} ({decision.mode})",
        f"  {decision.reason}",
        "",
        "policies",
        *(_recommendation(each) for each in decision.recommendations),
        "",
        "limits, in the order applied" if decision.limits else "limits: none bound it",
        *(_limit(limit, decision.t) for limit in decision.limits),
        f"  bounds: {within}",
        "",
        "next move",
        f"  more: {_next(spec, decision, memory, orders, within, up=True)}",
        f"  fewer: {_next(spec, decision, memory, orders, within, up=False)}",
    ]
    return "\n".join(lines)


def _recommendation(said: Recommendation) -> str:
    asks = "gives none" if said.value is None else str(said.value)
    raw = "" if said.raw is None else f" ({said.raw:g} before rounding up)"
    about = f"{said.type} on {said.metric}" if said.metric else said.type
    return f"  [{said.policy}] {about}: {asks}{raw}\n      {said.reason}"


def _limit(limit: Limit, t: float) -> str:
    cost = limit.after - limit.before
    kept = "no change" if cost == 0 else f"{abs(cost)} {'more' if cost > 0 else 'fewer'} than without it"
    lets_go = "" if limit.until is None else f", lets go in {left(limit.until, t)}"
    return f"  {limit.name}: {limit.before} -> {limit.after}, {kept}{lets_go}\n      {limit.reason}"


def _next(spec: ServiceSpec, decision: Decision, memory: Memory, orders: Orders, within: Fence, *, up: bool) -> str:
    """When the count could next move that way, if the policies asked for it from now on."""
    stop = _stopped(spec, decision, memory, orders, within, up=up)
    if stop:
        return stop
    count, t = decision.desired, decision.t
    rules = spec.behavior.scale_up if up else spec.behavior.scale_down
    asked = memory.recent if memory.latest is None else (*memory.recent, memory.latest)
    steady = lets_move(spec.behavior, count, asked, t, up=up)
    calm = t if up else lets_fall(spec.behavior, memory.flaps, count, asked, t)
    rate = allows_more(rules, count, memory.scaled, t, up=up)
    if rate is None:
        return f"never: {'scale_up' if up else 'scale_down'} is disabled"
    at = max(steady, calm, rate)
    end = farthest(rules, count, memory.scaled, at, up=up)
    bound = within.max if up else within.min
    reach = bound if end is None else min(end, bound) if up else max(end, bound)
    if at <= t:
        return f"at once, as far as {reach}"
    names = {"scale_up_rate" if up else "scale_down_rate": rate, "stabilization": steady, "anti_flap": calm}
    waits = max(names, key=lambda name: names[name])
    return f"in {left(at, t)} at the earliest ({waits}), then as far as {reach}"


def _stopped(spec: ServiceSpec, decision: Decision, memory: Memory, orders: Orders, within: Fence, *, up: bool) -> str:
    """Why the count can't move that way at all, "" where it can."""
    override = in_force(orders, decision.t)
    if decision.mode is Mode.OVERRIDE and override is not None:
        return "when the order ends" + ("" if override.until is None else f", in {left(override.until, decision.t)}")
    if up and decision.desired >= within.max:
        return f"not beyond {within.told_max()}"
    if not up and decision.desired <= within.min:
        return (
            _to_none(spec, decision, memory)
            if spec.replicas.min == 0 and within.min <= 1
            else f"not below {within.told_min()}"
        )
    if orders.pause is not None and orders.pause is not (PauseKind.IN if up else PauseKind.OUT):
        return "when the pause ends"
    if not up and decision.mode is Mode.HOLD:
        return "when the missing metric is back"
    return ""


def _to_none(spec: ServiceSpec, decision: Decision, memory: Memory) -> str:
    """When a service that may have none will have none."""
    if decision.desired == 0:
        return "there are none"
    idle = spec.idle
    if memory.idle_since is None:
        return f"to none after {format_duration(idle)} without any load"
    return f"to none in {left(tidy(memory.idle_since + idle), decision.t)} if no load comes"


def _wanted(count: int) -> str:
    return "1 replica wanted" if count == 1 else f"{count} replicas wanted"
