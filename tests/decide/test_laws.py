"""What holds for every policy, tick and memory."""

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.control.saved import Saved, dump, load
from autoscaler.decide import EMPTY, Case, Memory, account, decide, explain
from autoscaler.decide.history import told
from autoscaler.decide.replay import Replay, step
from autoscaler.model import Mode, Observation, Orders, Sample
from autoscaler.spec.models import REPLICA_METRICS, Behavior, ServiceSpec
from autoscaler.store.hours import hours_of, read_hours, to_text
from tests.decide.builders import fold, service, tracking
from tests.decide.strategies import (
    concurrent,
    foreseen,
    histories,
    line_of,
    observations,
    orders,
    paced,
    promised,
    specs,
    stepped,
    streams,
    tracked,
)

unscheduled = st.one_of(tracked, concurrent, stepped, promised, foreseen)
HOLDING = ("stabilization", "anti_flap", "scale_up_rate", "scale_down_rate")
laws = settings(max_examples=80, deadline=None)


def saved_and_loaded(memory: Memory, now: float) -> Memory:
    """As a daemon's end and the next one's start leave it: the decision's JSON, and beside it the minutes by the hour."""
    document = dump(Saved(memory))
    hours = [
        ("web", metric, hour, to_text(means))
        for metric, minutes in told(memory.history).items()
        for hour, means in hours_of(minutes).items()
    ]
    saved, problem = load(document, read_hours(hours)[0].get("web", {}), now)
    assert problem == ""
    return saved.memory


@laws
@given(st.data(), specs(), orders)
def test_asking_twice_at_once_changes_nothing(data: st.DataObject, spec: ServiceSpec, ordered: Orders) -> None:
    memory, t = data.draw(histories(spec))
    seen = data.draw(observations(t=t))
    first, after = decide(spec, seen, memory, ordered)
    second, again = decide(spec, seen, after, ordered)
    assert second.desired == first.desired
    assert decide(spec, seen, again, ordered) == (second, again)


@laws
@given(st.data(), specs(), orders)
def test_the_count_is_always_within_bounds(data: st.DataObject, spec: ServiceSpec, ordered: Orders) -> None:
    memory, t = data.draw(histories(spec))
    decision, _ = decide(spec, data.draw(observations(t=t)), memory, ordered)
    least = 0 if spec.replicas.min == 0 else decision.within.min  # paused at 0 it stays there
    assert least <= decision.desired <= decision.within.max
    if not any(policy.type == "schedule" for policy in spec.policies):
        assert spec.replicas.min <= decision.desired <= spec.replicas.max


@laws
@given(st.data(), specs())
def test_the_same_values_give_the_same_decision(data: st.DataObject, spec: ServiceSpec) -> None:
    memory, t = data.draw(histories(spec))
    seen = data.draw(observations(t=t))
    assert decide(spec, seen, memory) == decide(spec, seen, memory)


@laws
@given(st.data(), specs(), orders)
def test_memory_through_json_gives_the_same_next_decision(data: st.DataObject, spec: ServiceSpec, ordered: Orders) -> None:
    memory, t = data.draw(histories(spec))
    restored = saved_and_loaded(memory, now=t if memory.t is None else memory.t)
    assert restored == memory
    seen = data.draw(observations(t=t))
    assert decide(spec, seen, restored, ordered) == decide(spec, seen, memory, ordered)


@settings(max_examples=40, deadline=None)
@given(st.data(), specs(), orders)
def test_a_restart_at_any_tick_changes_no_later_decision(data: st.DataObject, spec: ServiceSpec, ordered: Orders) -> None:
    ticks = data.draw(streams())
    memory, restarted = EMPTY, EMPTY
    for tick in ticks:
        decision, memory = decide(spec, tick, memory, ordered)
        again, restarted = decide(spec, tick, restarted, ordered)
        assert again == decision
        if data.draw(st.booleans()):
            restarted = saved_and_loaded(restarted, now=tick.t)


@settings(max_examples=40, deadline=None)
@given(st.data(), specs())
def test_replaying_a_log_gives_the_same_decisions(data: st.DataObject, spec: ServiceSpec) -> None:
    ticks = [replace(tick, warming=0) for tick in data.draw(streams())]  # of which a line says nothing
    so_far = Replay(spec)
    for tick, decision in zip(ticks, fold(spec, ticks)[0], strict=True):
        answer, so_far = step(so_far, line_of(tick))
        replayed = json.loads(answer)
        assert (replayed["desired"], replayed["mode"]) == (decision.desired, decision.mode)
        assert replayed["limited_by"] == list(decision.limited_by)
        assert [said["value"] for said in replayed["recommendations"]] == [said.value for said in decision.recommendations]
        assert [said["raw"] for said in replayed["recommendations"]] == [said.raw for said in decision.recommendations]


@laws
@given(st.data(), specs())
def test_a_metric_that_goes_missing_never_lowers_the_count(data: st.DataObject, spec: ServiceSpec) -> None:
    memory, t = data.draw(histories(spec))
    seen = data.draw(observations(t=t))
    metrics = [metric for policy in spec.policies for metric in policy.windows]
    if not metrics:
        return  # a schedule alone may lower it: it asks no metric
    gone = data.draw(st.sampled_from(metrics))
    if spec.replicas.min == 0 and gone in REPLICA_METRICS:
        return  # what replicas use has no say in idleness
    blind = replace(
        seen,
        totals={name: Sample(None, t) if name == gone else sample for name, sample in seen.totals.items()},
        per_replica={name: values for name, values in seen.per_replica.items() if name != gone},
    )
    memory = replace(memory, samples={name: () if name == gone else had for name, had in memory.samples.items()})
    decision, _ = decide(spec, blind, memory)
    assert decision.desired >= min(decision.current, decision.within.max)


@laws
@given(st.data(), specs(st.just(Behavior()), paced), st.floats(0, 1e4), st.floats(0, 1e4))
def test_more_load_never_gives_fewer(data: st.DataObject, spec: ServiceSpec, a: float, b: float) -> None:
    seen = replace(data.draw(observations(t=0.0)), unready=0, warming=0, desired=None)

    def under(value: float) -> int:
        loaded = replace(
            seen,
            totals={metric: Sample(value, 0.0) for policy in spec.policies for metric in policy.windows},
            per_replica=dict.fromkeys(("cpu", "memory"), (value,) * seen.ready),
        )
        return decide(spec, loaded, EMPTY)[0].desired

    assert under(min(a, b)) <= under(max(a, b))


@settings(max_examples=25, deadline=None)
@given(specs(policies=unscheduled), st.integers(1, 20), st.floats(0, 1000), st.floats(0, 2))
def test_steady_input_converges_and_then_stays_still(spec: ServiceSpec, ready: int, total: float, share: float) -> None:
    memory, counts = EMPTY, [ready]
    for tick in range(200):
        t = 30.0 * tick
        totals = {metric: Sample(total, t) for policy in spec.policies for metric in policy.windows}
        shares = dict.fromkeys(("cpu", "memory"), (share,) * counts[-1])
        decision, memory = decide(spec, Observation("web", t, counts[-1], 0, totals, shares), memory)
        counts.append(decision.desired)
    assert len(set(counts[-40:])) == 1, counts


@laws
@given(st.data(), specs(), orders)
def test_every_limit_takes_the_count_from_the_one_before(data: st.DataObject, spec: ServiceSpec, ordered: Orders) -> None:
    memory, t = data.draw(histories(spec))
    decision, _ = decide(spec, data.draw(observations(t=t)), memory, ordered)
    for earlier, later in zip(decision.limits, decision.limits[1:], strict=False):
        assert earlier.after == later.before
    if decision.limits:
        assert decision.limits[-1].after == decision.desired
    assert all(limit.until is None or limit.until > decision.t for limit in decision.limits)
    assert (decision.mode is Mode.HOLD) <= ("missing_metrics" in decision.limited_by)


@laws
@given(st.data(), specs(policies=unscheduled))
def test_a_rate_or_window_lets_go_at_its_until_and_not_before(data: st.DataObject, spec: ServiceSpec) -> None:
    memory, t = data.draw(histories(spec))
    seen = data.draw(observations(t=t))
    decision, after = decide(spec, seen, memory)
    if len(decision.limits) != 1 or decision.limits[0].name not in HOLDING:
        return
    limit = decision.limits[0]
    if limit.until is None or limit.after != decision.current or limit.until - t < 1e-3:
        return
    if spec.replicas.min == 0:
        return  # idleness may come first
    lasting = service(tracking(target=1.0), min=spec.replicas.min, max=spec.replicas.max, behavior=spec.behavior)
    wants = Observation("web", t, 0, 0, {"request_rate": Sample(float(limit.before), t)})
    early = decide(lasting, replace(wants, t=limit.until - 1e-4), after)[0]
    then = decide(lasting, replace(wants, t=limit.until), after)[0]
    assert early.desired == decision.desired
    assert [(each.name, each.after) for each in then.limits[:1]] != [(limit.name, limit.after)]


@laws
@given(st.data(), specs(), orders)
def test_everything_can_be_explained(data: st.DataObject, spec: ServiceSpec, ordered: Orders) -> None:
    memory, t = data.draw(histories(spec))
    why = account(Case(spec, data.draw(observations(t=t)), memory, ordered))
    decision, text = why.decision, explain(why, spec.behavior)
    assert all(part in text for said in decision.recommendations for part in said.reason.split("; "))
    assert all(limit.reason in text for limit in decision.limits)


@laws
@given(st.data(), specs(), orders)
def test_beyond_a_turn_the_policies_ask_for_what_it_says_and_before_it_for_no_more(
    data: st.DataObject, spec: ServiceSpec, ordered: Orders
) -> None:
    memory, t = data.draw(histories(spec))
    case = Case(spec, data.draw(observations(t=t)), memory, ordered)
    why = account(case)
    for turn in why.more.turns:
        beyond = turn.at + 1e-5 * max(turn.at, 1e-3)
        assert case.with_value(turn.metric, beyond).decide()[0].wanted > why.decision.desired
    for turn in why.fewer.turns:
        beyond = turn.at * (1 - 1e-5)
        assert case.with_value(turn.metric, beyond).decide()[0].wanted < why.decision.desired
