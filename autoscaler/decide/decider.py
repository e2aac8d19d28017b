"""One decision: from the policies' answers to a count, through everything that may bound it.

    1. current beyond a bound: to that bound at once
    2. the largest recommendation; an override instead; a pause keeps current
    3. stabilization (or anti-flap's longer window)    4. rates    5. min, max

The same values give the same decision: now, after a restart, in a replay; and asked again at the same `t`, the same count.
For that a decision stands in for one before it at the same `t`: its samples, its recommendation, its change.
Source: DECISIONS, "Order of a decision".
"""

from collections.abc import Mapping
from dataclasses import replace

from autoscaler.decide import anti_flap
from autoscaler.decide.behavior import left, limit_rate, stabilize
from autoscaler.decide.bounds import fence, in_force
from autoscaler.decide.history import History, minute_of
from autoscaler.decide.history import keep as keep_minutes
from autoscaler.decide.memory import MAX_COUNT, Asked, Flaps, Forced, Memory, Scaled
from autoscaler.decide.recommend import Said, ask
from autoscaler.decide.rounding import tidy
from autoscaler.decide.samples import keep
from autoscaler.decide.zero import look
from autoscaler.model import NO_ORDERS, Decision, Fence, Limit, Mode, Observation, Orders, Override, PauseKind
from autoscaler.spec.models import Behavior, ServiceSpec
from autoscaler.units import format_duration


def decide(spec: ServiceSpec, seen: Observation, memory: Memory, orders: Orders = NO_ORDERS) -> tuple[Decision, Memory]:
    """How many replicas `spec` shall have, and what to remember of it. Raises ValueError where time runs backwards."""
    t = tidy(seen.t)
    if memory.t is not None and t < memory.t:
        raise ValueError(f"t went back from {memory.t:.12g} to {t:.12g}")
    override = in_force(orders, t)
    within = fence(spec, override, t, seen.wall_offset)
    current, scaled = _opening(seen, memory, t)
    rest = look(spec, seen, memory.idle_since, current, t) if within.min == 0 else None
    least = within.min
    if rest is not None and not rest.asleep:
        within = replace(within, min=min(rest.floor, within.max), min_by=rest.told)
    asked = _asked_before(memory, current, t)
    points = keep(spec.policies, seen.totals, memory.samples, t)
    history = _history(spec, seen, memory, t)
    said = ask(spec, seen, points, history, memory, t=t, current=current, within=within)
    moved = not least <= current <= within.max
    if moved:
        limits = [_to_bound(current, within)]
    elif override is not None and override.replicas is not None:
        limits = _bounded(override.replicas, within)
    elif rest is not None and rest.asleep:
        limits = _idle(spec, said, orders.pause, current)
    else:
        limits = _limited(spec.behavior, said, orders.pause, current, asked, scaled, memory.flaps, within, t)
    ordered = override.replicas if override is not None and not moved else None
    desired = limits[-1].after if limits else said.wanted if ordered is None else ordered
    mode = _mode(said, override, orders.pause, moved=moved, asleep=rest is not None and rest.asleep)
    reason = _reason(said, limits, override, mode, t)
    own = not moved and ordered is None and 0 not in (current, desired)
    flaps, flap = anti_flap.notice(spec.behavior, memory.flaps, current, desired, t, own=own)
    decision = Decision(
        seen.service, t, desired, current, said.wanted, said.recommendations, tuple(limits), mode, reason, within, flap
    )
    latest = memory.latest if memory.latest is not None and memory.latest.t == t else None
    return decision, Memory(
        t=t,
        desired=desired,
        recent=_needed(spec.behavior, flaps, asked, t),
        latest=latest if moved or said.held else Asked(t, min(said.wanted, MAX_COUNT)),
        scaled=_changed(spec.behavior, scaled, desired - current, t),
        forced=Forced(t, current) if moved else None,
        idle_since=None if rest is None else rest.since,
        flaps=flaps,
        samples=points,
        policies=said.policies,
        tables=said.tables,
        history=history,
    )


# ---------------------------------------------------------------- where a decision starts from


def _opening(seen: Observation, memory: Memory, t: float) -> tuple[int, tuple[Scaled, ...]]:
    """Current, and the changes that count toward rates.

    A given `desired` that differs replaces the last decision, and with it the change that one made at this same `t`. A
    move to a bound that is asked again starts from where it started.
    """
    if memory.desired is None:
        return (seen.ready + seen.unready if seen.desired is None else seen.desired), ()
    if seen.desired is not None and seen.desired != memory.desired:
        return seen.desired, tuple(change for change in memory.scaled if change.t != t)
    if memory.forced is not None and memory.forced.t == t:
        return memory.forced.was, tuple(change for change in memory.scaled if change.t != t)
    return memory.desired, memory.scaled


def _history(spec: ServiceSpec, seen: Observation, memory: Memory, t: float) -> Mapping[str, History]:
    """The minutes that policies learn from, with this tick; asked again at the same `t` they have it already."""
    if memory.t == t:
        return memory.history
    return keep_minutes(spec.policies, seen.totals, memory.history, minute_of(t + seen.wall_offset))


def _asked_before(memory: Memory, current: int, t: float) -> tuple[Asked, ...]:
    """The counts asked for before this `t`; on the first tick current is one."""
    if memory.t is None:
        return (Asked(t, current),)
    latest = memory.latest
    if latest is None or latest.t == t:
        return memory.recent
    return (*(each for each in memory.recent if each.count != latest.count), latest)


# ---------------------------------------------------------------- what bounds it


def _to_bound(current: int, within: Fence) -> Limit:
    bound = within.clamp(current)
    if current > bound:
        told = f"{current} is above {within.told_max()}: to {bound} at once"
        return Limit("above_max", current, bound, told, within.max_until)
    told = f"{current} is below {within.told_min()}: to {bound} at once"
    return Limit("below_min", current, bound, told, within.min_until)


def _limited(
    behavior: Behavior,
    said: Said,
    pause: PauseKind | None,
    current: int,
    asked: tuple[Asked, ...],
    scaled: tuple[Scaled, ...],
    flaps: Flaps,
    within: Fence,
    t: float,
) -> list[Limit]:
    """The limits between what the policies want and the count, in the order applied."""
    if said.held:
        held = Limit("missing_metrics", said.wanted, current, f"held at {current} until it is back")
        return [held, *_bounded(current, within)]
    limits: list[Limit] = []
    count = said.wanted
    if count != current and pause is not None and pause is not (PauseKind.OUT if count < current else PauseKind.IN):
        return [Limit("paused", count, current, f"held at {current} by a pause")]
    if count != current:
        longer = anti_flap.hold(behavior, flaps, count, current, asked, t) if count < current else None
        steady = longer or stabilize(behavior, count, current, asked, t)
        if steady is not None:
            limits.append(steady)
            count = steady.after
    if count != current:
        rate = limit_rate(behavior, count, current, scaled, t)
        if rate is not None:
            limits.append(rate)
            count = rate.after
    return [*limits, *_bounded(count, within)]


def _idle(spec: ServiceSpec, said: Said, pause: PauseKind | None, current: int) -> list[Limit]:
    """To none at once, past windows and rates, unless a pause stops the fall."""
    if current > 0 and pause is not None and pause is not PauseKind.OUT:
        return [Limit("paused", 0, current, f"held at {current} by a pause")]
    if current == 0:
        return [Limit("idle", said.wanted, 0, "no load: none until a request comes")]
    return [Limit("idle", said.wanted, 0, f"no load for {format_duration(spec.idle)}: none")]


def _bounded(count: int, within: Fence) -> list[Limit]:
    bound = within.clamp(count)
    if bound == count:
        return []
    if count > bound:
        return [Limit("max", count, bound, f"bounded by {within.told_max()}", within.max_until)]
    return [Limit("min", count, bound, f"bounded by {within.told_min()}", within.min_until)]


def _mode(said: Said, override: Override | None, pause: PauseKind | None, *, moved: bool, asleep: bool) -> Mode:
    if override is not None and override.replicas is not None:
        return Mode.OVERRIDE
    if pause is not None:
        return Mode.PAUSED
    if asleep:
        return Mode.IDLE
    if said.held and not moved:
        return Mode.HOLD
    return Mode.PANIC if said.panic else Mode.STABLE


def _reason(said: Said, limits: list[Limit], override: Override | None, mode: Mode, t: float) -> str:
    """The decision in one sentence."""
    told = said.why
    if mode is Mode.OVERRIDE and override is not None:
        span = "" if override.until is None else f" for {left(override.until, t)}"
        told = f"an operator ordered {override.replicas}{span}" + (f" ({override.reason})" if override.reason else "")
    return "; ".join([told, *(limit.reason for limit in limits)])


# ---------------------------------------------------------------- what stays in memory


def _needed(behavior: Behavior, flaps: Flaps, asked: tuple[Asked, ...], t: float) -> tuple[Asked, ...]:
    window = max(behavior.scale_up.stabilization_window, anti_flap.window_at(behavior, flaps, t))
    since = tidy(t - window)
    return tuple([each for each in asked if each.t > since])


def _changed(behavior: Behavior, scaled: tuple[Scaled, ...], by: int, t: float) -> tuple[Scaled, ...]:
    """The changes that some rate counts, with this one; changes at one `t` are one."""
    if not by and not scaled:
        return ()
    rates = (*behavior.scale_up.policies, *behavior.scale_down.policies)
    since = tidy(t - max((rate.period for rate in rates), default=0.0))
    by += sum(change.by for change in scaled if change.t == t)
    kept = [change for change in scaled if since < change.t < t]
    return (*kept, Scaled(t, by)) if by else tuple(kept)
