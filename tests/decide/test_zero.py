"""Zero: sentence by sentence of DECISIONS, through `replay` and `decide`."""

from typing import Any

import pytest

from autoscaler.decide import decide
from autoscaler.decide.memory import Memory
from autoscaler.model import Mode, Observation, Orders, Override, PauseKind
from autoscaler.spec.models import Behavior, PrometheusMetric, ScaleToZero, ServiceSpec, TargetTracking
from tests.decide.builders import HPA, fold, rules, schedule, seen, service, tracking, why

IDLE_S = 60.0


def may_be_none(*policies: Any, behavior: Behavior = HPA, **bounds: int) -> ServiceSpec:
    spec = service(*(policies or (tracking(),)), min=0, behavior=behavior, **bounds)
    return spec.model_copy(update={"scale_to_zero": ScaleToZero(idle=IDLE_S)})


def waits(t: float, waiting: int, ready: int = 0) -> Observation:
    tick = seen(t, ready=ready, request_rate=0.0)
    return Observation(tick.service, tick.t, tick.ready, 0, tick.totals, waiting=waiting)


def quiet(until: float, **totals: float | None) -> list[Observation]:
    given: Any = totals or {"request_rate": 0.0}
    return [seen(t, ready=1, **given) for t in (0.0, until / 2, until)]


def test_the_floor_is_1_until_the_service_is_idle() -> None:
    decisions, _ = fold(may_be_none(behavior=Behavior(scale_down=rules())), quiet(IDLE_S - 0.1))
    assert {(decision.desired, decision.limited_by, decision.mode) for decision in decisions} == {(1, ("min",), Mode.STABLE)}


def test_idle_goes_to_0_at_once_past_windows_and_rates() -> None:
    ticks = [seen(0, ready=9, request_rate=0.0), seen(IDLE_S, ready=9, request_rate=0.0)]
    decisions, _ = fold(may_be_none(), ticks)
    assert (decisions[0].desired, decisions[0].limited_by) == (9, ("stabilization",))
    assert (decisions[1].desired, decisions[1].mode, decisions[1].limited_by) == (0, Mode.IDLE, ("idle",))
    assert decisions[1].reason == "request_rate 0 at 50 a replica asks for 0; no load for 1m: none"


@pytest.mark.parametrize("name", ["request_rate", "concurrency", "queue_length", "latency_p95"])
def test_each_total_that_is_reported_must_be_0(name: str) -> None:
    spec = may_be_none(tracking(), tracking("latency_p95", total=0.25))
    totals = {"request_rate": 0.0, "concurrency": 0.0, "queue_length": 0.0, "latency_p95": 0.0}
    assert fold(spec, quiet(IDLE_S, **totals))[0][-1].desired == 0
    assert fold(spec, quiet(IDLE_S, **totals | {name: 0.01}))[0][-1].desired == 1


def test_a_metric_of_another_system_is_a_total_of_the_policy_too() -> None:
    depth = PrometheusMetric(source="prometheus", name="depth", server="http://p", query="up")
    spec = may_be_none(TargetTracking(type="target_tracking", metric=depth, target=5.0))
    assert fold(spec, quiet(IDLE_S, request_rate=0.0, depth=0.0))[0][-1].desired == 0
    assert fold(spec, quiet(IDLE_S, request_rate=0.0, depth=1.0))[0][-1].desired == 1
    assert fold(spec, quiet(IDLE_S, request_rate=0.0, depth=None))[0][-1].desired == 1


def test_a_name_present_without_a_value_is_not_idleness_and_one_absent_is_not_asked() -> None:
    spec = may_be_none(tracking(), tracking("queue_length", target=5.0))
    assert fold(spec, quiet(IDLE_S, request_rate=0.0))[0][-1].desired == 0
    assert fold(spec, quiet(IDLE_S, request_rate=0.0, queue_length=None))[0][-1].desired == 1
    assert fold(spec, quiet(IDLE_S, error_ratio=0.0))[0][-1].desired == 1  # nothing that tells load is reported


def test_a_waiting_request_is_no_idleness() -> None:
    ticks = [waits(0.0, 0, ready=1), waits(IDLE_S, 1, ready=1), waits(IDLE_S + 1, 0, ready=1)]
    assert [decision.desired for decision in fold(may_be_none(), ticks)[0]] == [1, 1, 1]


def test_the_clock_starts_at_the_first_tick_and_anew_after_load() -> None:
    ticks = [seen(t, ready=1, request_rate=rate) for t, rate in ((0, 0.0), (30, 5.0), (31, 0.0), (90.9, 0.0), (91, 0.0))]
    assert [decision.desired for decision in fold(may_be_none(), ticks)[0]] == [1, 1, 1, 1, 0]


def at_zero(spec: ServiceSpec) -> Memory:
    return fold(spec, [seen(0, ready=0, request_rate=0.0)])[1]


@pytest.mark.parametrize(("waiting", "desired"), [(0, 0), (1, 1), (20, 1), (21, 2), (45, 3)])
def test_at_0_waiting_requests_wake_as_many_as_bear_them(waiting: int, desired: int) -> None:
    spec = may_be_none(behavior=Behavior(scale_up=rules(select="disabled")))
    decision, _ = decide(spec, waits(1.0, waiting), at_zero(spec))
    assert decision.desired == desired


def test_at_0_load_wakes_at_once_even_where_a_rate_would_allow_none() -> None:
    spec = may_be_none(behavior=Behavior(scale_up=rules(600.0, select="disabled")))
    decision, _ = decide(spec, seen(1.0, ready=0, request_rate=400.0), at_zero(spec))
    assert (decision.desired, decision.limited_by, decision.mode) == (1, ("stabilization", "min"), Mode.STABLE)


def test_what_policies_ask_beyond_that_follows_at_their_pace() -> None:
    spec = may_be_none()
    decision, memory = decide(spec, seen(1.0, ready=0, request_rate=400.0), at_zero(spec))
    assert (decision.desired, decision.limited_by) == (4, ("scale_up_rate",))
    assert decide(spec, seen(1.0, ready=0, desired=4, request_rate=400.0), memory)[0].desired == 4


def test_at_0_a_missing_metric_neither_wakes_nor_hides_a_request() -> None:
    spec = may_be_none()
    asleep, _ = decide(spec, seen(1.0, ready=0, request_rate=None), at_zero(spec))
    assert (asleep.desired, asleep.mode) == (0, Mode.IDLE)
    tick = seen(1.0, ready=0, request_rate=None)
    woken, _ = decide(spec, Observation("web", 1.0, 0, 0, tick.totals, waiting=1), at_zero(spec))
    assert (woken.desired, woken.limited_by) == (1, ("missing_metrics", "min"))


def test_with_min_1_there_is_always_one() -> None:
    spec = service(behavior=HPA).model_copy(update={"scale_to_zero": ScaleToZero(idle=IDLE_S)})
    assert fold(spec, quiet(2 * IDLE_S))[0][-1].desired == 1


def test_a_schedules_floor_keeps_it_awake() -> None:
    spec = may_be_none(
        schedule({"cron": "0 0 * * *", "for": 90.0, "min": 2}), tracking(), behavior=Behavior(scale_down=rules())
    )
    ticks = [seen(t, ready=2, request_rate=0.0) for t in (0.0, 89.0, 90.0, 149.0, 150.0)]
    assert [decision.desired for decision in fold(spec, ticks)[0]] == [2, 2, 1, 1, 0]


def test_override_and_pause_are_above_idleness() -> None:
    spec = may_be_none()
    _, memory = fold(spec, [seen(0, ready=3, request_rate=0.0)])
    tick = seen(IDLE_S, ready=3, request_rate=0.0)
    ordered, _ = decide(spec, tick, memory, Orders(override=Override(replicas=2)))
    assert (ordered.desired, ordered.mode) == (2, Mode.OVERRIDE)
    paused, _ = decide(spec, tick, memory, Orders(pause=PauseKind.ALL))
    assert (paused.desired, paused.mode, paused.limited_by) == (3, Mode.PAUSED, ("paused",))
    rises, _ = decide(spec, tick, memory, Orders(pause=PauseKind.OUT))
    assert rises.desired == 0


def test_idleness_outlasts_a_restart_and_not_a_long_absence() -> None:
    spec = may_be_none()
    _, memory = fold(spec, [seen(0, ready=1, request_rate=0.0)])
    soon = Memory.from_json(memory.to_json(), now=59.0)
    assert decide(spec, seen(60.0, ready=1, request_rate=0.0), soon)[0].desired == 0
    late = Memory.from_json(memory.to_json(), now=4000.0)
    assert decide(spec, seen(4000.0, ready=1, request_rate=0.0), late)[0].desired == 1


def test_when_it_will_be_none_is_told() -> None:
    spec = may_be_none(behavior=Behavior(scale_down=rules()))
    ticks = [seen(0, ready=1, request_rate=20.0), seen(1, ready=1, request_rate=0.0), seen(21, ready=1, request_rate=0.0)]
    assert why(spec, *ticks[:1]).endswith("fewer: to none after 1m without any load")
    assert why(spec, *ticks).endswith("fewer: to none in 40s if no load comes")
    assert why(spec, *ticks, seen(61, ready=1, request_rate=0.0)).endswith("fewer: there are none")


def test_explain_tells_why_there_is_one_at_least() -> None:
    spec = may_be_none()
    assert "allowed: min 1 (until idle), max 100\n" in why(spec, *quiet(IDLE_S - 1))
    assert "bounded by min 1 (requests wait: 3)\n" in why(spec, *quiet(IDLE_S), waits(IDLE_S + 1, 3))
    load = seen(IDLE_S + 1, ready=0, request_rate=0.0, concurrency=1.0)
    assert "bounded by min 1 (there is load)\n" in why(spec, *quiet(IDLE_S), load)
