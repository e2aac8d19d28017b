"""Why this many, in words: an account in the order in which a decision is made, then what would change it.

    1. where it starts    2. what the policies ask for    3. stabilization    4. rates    5. bounds

Source: DECISIONS, "Order of a decision".
"""

from collections.abc import Iterator

from autoscaler.decide import latency_slo
from autoscaler.decide.auto import policy as auto
from autoscaler.decide.behavior import left, rates_told
from autoscaler.decide.predictive import policy as predictive
from autoscaler.decide.recommend import ASKED_LAST
from autoscaler.decide.rounding import round_up
from autoscaler.model import Account, Basis, Decision, Limit, Mode, Move, Recommendation, Turn
from autoscaler.spec.models import Behavior
from autoscaler.units import format_duration

AT_A_BOUND = ("above_max", "below_min")
OF_POLICIES = ("missing_metrics", "paused", "idle")
RATES = ("scale_up_rate", "scale_down_rate")
WINDOWS = ("stabilization", "anti_flap")
BOUNDS = ("max", "min")
ELSEWHERE = (*AT_A_BOUND, *OF_POLICIES, *RATES, *BOUNDS)
HOLDS_S = {"auto": auto.HOLD_S, "latency_slo": latency_slo.HOLD_S, "predictive": predictive.HOLD_S}
CALLED = {
    "missing_metrics": "the hold",
    "paused": "the pause",
    "idle": "going to none",
    "stabilization": "the window",
    "anti_flap": "the longer window",
    "scale_up_rate": "the rate",
    "scale_down_rate": "the rate",
}


def explain(why: Account, behavior: Behavior) -> str:
    """An account for people; `behavior` is what its service moves by."""
    decision = why.decision
    return "\n".join(
        [
            f"{decision.service}: {_count(decision)} (mode {decision.mode})",
            *_parts(decision.reason, "  "),
            "",
            *_steps(why, behavior),
            "",
            *_move("more", why.more, why, up=True),
            *_move("fewer", why.fewer, why, up=False),
        ]
    )


def _count(decision: Decision) -> str:
    wanted = "1 replica wanted" if decision.desired == 1 else f"{decision.desired} replicas wanted"
    if decision.desired == decision.current:
        return f"{wanted}, as before"
    return f"{wanted}, {'up' if decision.desired > decision.current else 'down'} from {decision.current}"


# ---------------------------------------------------------------- the steps of a decision


def _steps(why: Account, behavior: Behavior) -> Iterator[str]:
    decision = why.decision
    at_a_bound = [limit for limit in decision.limits if limit.name in AT_A_BOUND]
    yield f"1. before: {decision.current} wanted, {why.ready} ready, {why.starting} starting; allowed: {decision.within}"
    yield from _limits(at_a_bound, why, named=True)
    yield f"2. {_asked(decision)}"
    of_policy = {basis.policy: basis for basis in why.bases}
    for said in decision.recommendations:
        yield from _recommendation(said, of_policy.get(said.policy))
    if decision.mode is Mode.OVERRIDE and not at_a_bound:
        yield from (f"   an operator's order goes first; without it: {each.desired}" for each in why.without[:1])
    yield from _limits([limit for limit in decision.limits if limit.name in OF_POLICIES], why, named=True)
    if at_a_bound or decision.mode in (Mode.OVERRIDE, Mode.IDLE):
        told = "the move to a bound" if at_a_bound else "the order" if decision.mode is Mode.OVERRIDE else "idleness"
        yield f"3. stabilization: not asked, {told} goes past it"
        yield f"4. rates: not asked, {told} goes past them"
    else:
        windows = [format_duration(each.stabilization_window) for each in (behavior.scale_up, behavior.scale_down)]
        rates = [rates_told(each) for each in (behavior.scale_up, behavior.scale_down)]
        limits = [limit for limit in decision.limits if limit.name not in ELSEWHERE]
        yield from _step("3. stabilization", f"windows: up {windows[0]}, down {windows[1]}", limits, why)
        limits = [limit for limit in decision.limits if limit.name in RATES]
        yield from _step("4. rates", f"up {rates[0]}; down {rates[1]}", limits, why)
    yield from _step("5. bounds", str(decision.within), [limit for limit in decision.limits if limit.name in BOUNDS], why)


def _asked(decision: Decision) -> str:
    if all(said.value is None for said in decision.recommendations):
        return f"no policy gives a count, so it stays at {decision.wanted}"
    of_these = ", the largest of these" if len(decision.recommendations) > 1 else ""
    return f"the policies ask for {decision.wanted}{of_these}"


def _step(name: str, rules: str, limits: list[Limit], why: Account) -> Iterator[str]:
    effect = ", ".join(f"{limit.before} -> {limit.after}" for limit in limits) or "no effect"
    yield f"{name}: {effect} ({rules})"
    yield from _limits(limits, why, named=False)


def _recommendation(said: Recommendation, basis: Basis | None) -> Iterator[str]:
    about = f", {said.metric}" if said.metric else ""
    over = (
        "" if basis is None or basis.window is None else f" over {format_duration(basis.window)}" if basis.window else " now"
    )
    asks = "no count" if said.value is None else str(said.value)
    yield f"   [{said.policy}] {said.type}{about}{over}: {asks}{_raw(said)}"
    yield from _parts(said.reason, "       ")


def _parts(reason: str, indent: str) -> Iterator[str]:
    """A reason, each of its parts on a line of its own."""
    yield from (f"{indent}{part}" for part in reason.split("; "))


def _raw(said: Recommendation) -> str:
    """The number before rounding up, where it says more than the count."""
    if said.raw is None or said.value is None or said.raw == said.value:
        return ""
    if round_up(said.raw) == said.value:
        return f" ({said.raw:g} rounded up)"
    return f" (the formula alone: {said.raw:g})"


def _limits(limits: list[Limit], why: Account, *, named: bool) -> Iterator[str]:
    """Each limit's reason and what it cost, where `named` after the limit itself."""
    without = {each.limit: each.desired for each in why.without}
    for limit in limits:
        indent = "   "
        if named:
            yield f"{indent}{limit.name}: {limit.before} -> {limit.after}"
            indent = "       "
        ends = "" if limit.until is None or limit.name not in (*AT_A_BOUND, *BOUNDS) else _ends(limit.until, why)
        yield f"{indent}{limit.reason}{ends}"
        if limit.name in without:
            yield f"{indent}without {CALLED.get(limit.name, limit.name)}: {without[limit.name]}"


def _ends(until: float, why: Account) -> str:
    return f"; that bound ends in {left(until, why.decision.t)}"


# ---------------------------------------------------------------- what would change it


def _move(name: str, move: Move, why: Account, *, up: bool) -> Iterator[str]:
    yield f"{name}: {move.told}"
    decision = why.decision
    lasting = move.waits_for in WINDOWS and move.at is not None
    span = f" for {left(move.at, decision.t)}" if lasting else ""
    for turn in move.turns:
        yield f"   {_turn(turn, up=up)}{span} asks for {turn.asks}"
    if move.turns or move.waits_for not in ("", *WINDOWS, *RATES):
        return
    if decision.wanted > decision.desired if up else decision.wanted < decision.desired:
        yield f"   {decision.wanted} is asked for already"
        return
    asks = f"asks for {'more' if up else 'fewer'}"
    metrics = dict.fromkeys(basis.metric for basis in why.bases if basis.value is not None)
    missing = dict.fromkeys(basis.metric for basis in why.bases if basis.value is None)
    if metrics:
        yield f"   no value of {' or '.join(metrics)} alone {asks} now"
        yield from _besides(decision, up=up)
    elif missing:
        yield f"   no metric {asks} before {' and '.join(missing)} is back"


def _besides(decision: Decision, *, up: bool) -> Iterator[str]:
    """What the policies that have the say go by besides their metric's value, and how long they keep a count."""
    alone = all(said.type in ASKED_LAST for said in decision.recommendations)
    for kind in dict.fromkeys(said.type for said in decision.recommendations if said.value == decision.wanted):
        if kind == "latency_slo":
            yield "   latency_slo goes by how many requests come and how long each takes"
        hold_s = predictive.HOLD_ALONE_S if alone and kind == "predictive" else HOLDS_S.get(kind)
        if hold_s is not None and not up:
            yield f"   {kind} asks for fewer after needing fewer for {format_duration(hold_s)}"


def _turn(turn: Turn, *, up: bool) -> str:
    each = " a replica" if turn.per_replica and turn.metric in ("cpu", "memory") else ""
    side = "above" if up else "below"
    return f"{turn.metric} at {turn.at:g}{each} or {side}" if turn.inclusive else f"{turn.metric} {side} {turn.at:g}{each}"
