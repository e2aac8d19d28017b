"""Memory as text: what was saved comes back, what can't be meant is refused, and no time lies ahead."""

import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.decide import EMPTY, Memory, decide
from autoscaler.decide.history import KEPT, History
from autoscaler.decide.memory import AWAY_S, MAX_CHARACTERS, MAX_LEVEL, Asked, Flaps, Forced, Point, Scaled, Turn, aged
from autoscaler.decide.recommend import RECOMMENDERS
from tests.decide.builders import (
    HPA,
    auto,
    concurrency,
    fold,
    latency_slo,
    predictive,
    schedule,
    seen,
    service,
    step,
    tracking,
)

FULL = Memory(
    t=1000.0,
    desired=4,
    recent=(Asked(990.0, 7), Asked(995.0, 3)),
    latest=Asked(1000.0, 4),
    scaled=(Scaled(991.5, 3), Scaled(1000.0, -1)),
    forced=Forced(1000.0, 9),
    flaps=Flaps(2, 980.0, Turn(991.5, up=True)),
    samples={"request_rate": (Point(999.0, 180.5), Point(1000.0, 200.0))},
    policies={"0:concurrency": {"panic_at": 998.0, "panic_count": 9.0}},
    history={"request_rate": History(14, (None, None), 16, 760.5, 4)},
)


@pytest.mark.parametrize("memory", [EMPTY, FULL], ids=["empty", "full"])
def test_what_was_saved_comes_back(memory: Memory) -> None:
    assert Memory.from_json(memory.to_json(), now=1001.0) == memory


def test_times_later_than_now_become_now() -> None:
    back = Memory.from_json(FULL.to_json(), now=993.0)
    assert back == Memory(
        t=993.0,
        desired=4,
        recent=(Asked(990.0, 7), Asked(993.0, 3)),
        latest=Asked(993.0, 4),
        scaled=(Scaled(991.5, 3), Scaled(993.0, -1)),
        forced=Forced(993.0, 9),
        flaps=Flaps(2, 980.0, Turn(991.5, up=True)),
        samples={"request_rate": (Point(993.0, 200.0),)},
        policies={"0:concurrency": {"panic_at": 993.0, "panic_count": 9.0}},
        history=FULL.history,
    )


def test_changes_that_fall_on_one_time_are_one() -> None:
    assert Memory.from_json(FULL.to_json(), now=991.0).scaled == (Scaled(991.0, 2),)


def test_a_clock_put_back_an_hour_while_away_lets_nothing_go_early_or_never() -> None:
    spec = service(behavior=HPA)
    _, memory = fold(spec, [seen(7200.0 + t, ready=8, request_rate=400.0) for t in range(5)])
    restored = Memory.from_json(memory.to_json(), now=3600.0)
    decisions, _ = fold(spec, [seen(3600.0 + t, ready=8, request_rate=50.0) for t in (0, 299.9, 300)], restored)
    assert [decision.desired for decision in decisions] == [8, 8, 1]


def test_who_was_away_for_long_waits_for_a_full_window_before_a_fall() -> None:
    spec = service(tracking(window=10.0), behavior=HPA)
    _, memory = fold(spec, [seen(float(t), ready=8, request_rate=400.0) for t in range(5)])
    restored = Memory.from_json(memory.to_json(), now=4000.0)
    ticks = [seen(4000.0 + t, ready=8, request_rate=50.0) for t in (0, 60, 299.9, 300)]
    assert [decision.desired for decision in fold(spec, ticks, restored)[0]] == [8, 8, 8, 1]


def test_a_short_absence_changes_no_decision() -> None:
    spec = service(behavior=HPA)
    _, memory = fold(spec, [seen(0.0, ready=8, request_rate=400.0), seen(10.0, ready=8, request_rate=50.0)])
    restored = Memory.from_json(memory.to_json(), now=15.0)
    for t in (15.0, 299.9, 300.0, 301.0):
        tick = seen(t, ready=8, request_rate=50.0)
        assert decide(spec, tick, restored) == decide(spec, tick, memory)


def test_after_a_long_absence_the_count_is_asked_anew_and_the_samples_are_gone() -> None:
    away = Memory.from_json(FULL.to_json(), now=1000.0 + AWAY_S + 1)
    asked = (*FULL.recent, Asked(1000.0, 4), Asked(1000.0 + AWAY_S + 1, 4))
    assert away == replace(FULL, recent=asked, latest=None, forced=None, flaps=Flaps(2, 980.0), samples={}, policies={})
    assert Memory.from_json(FULL.to_json(), now=1000.0 + AWAY_S) == FULL
    assert aged(replace(FULL, latest=None), 9000.0).recent == (*FULL.recent, Asked(9000.0, 4))


def test_a_policys_numbers_are_no_times_unless_their_name_says_so() -> None:
    numbers = {"0:concurrency": {"panic_at": 998.0, "panic_count": 5000.0}}
    assert Memory.from_json(changed(policies=numbers), now=990.0).policies == {
        "0:concurrency": {"panic_at": 990.0, "panic_count": 5000.0}
    }


def test_a_long_life_remembers_no_more_than_a_short_one() -> None:
    """Of each policy type, over random load: the most that is saved at a time doesn't grow."""
    chance = Random(7)
    spec = service(
        tracking(window=30.0),
        tracking("latency_p95", total=0.2, window=30.0),
        tracking("cpu", target=0.7),
        concurrency(10.0),
        step({"above": 30, "add": 2}, {"below": 5, "remove": 1}),
        schedule({"cron": "*/5 * * * *", "for": "1m", "min": 3}),
        auto(),
        latency_slo(0.25),
        predictive(season="1h"),
        max=20,
        behavior=HPA,
    )
    assert {policy.type for policy in spec.policies} == set(RECOMMENDERS)
    memory, count, lengths = EMPTY, 1, []
    for t in range(0, 20_000, 5):
        most = 150.0 if t // 500 % 2 else 5.0
        load = round(chance.uniform(1.0, most), 2)
        totals = {"request_rate": 5 * load, "concurrency": load, "queue_length": load / 4, "latency_p95": load / 500}
        known = {name: None if chance.random() < 0.05 else value for name, value in totals.items()}
        tick = seen(1.7e9 + t, ready=count, per_replica={"cpu": [load / 100] * count}, **known)  # type: ignore[arg-type]
        decision, memory = decide(spec, tick, memory)
        count = decision.desired
        lengths.append(len(memory.to_json()))
    assert max(lengths[2000:]) <= 1.02 * max(lengths[:2000])


def test_no_replicas_is_a_count() -> None:
    assert Memory.from_json(changed(desired=0, recent=[[990.0, 0]]), now=1000.0).desired == 0


def test_a_memory_of_before_flaps_were_noticed_has_none() -> None:
    told = json.loads(FULL.to_json())
    del told["flaps"]
    assert Memory.from_json(json.dumps(told), now=1001.0) == replace(FULL, flaps=Flaps())


def test_a_memory_of_before_minutes_were_saved_has_none() -> None:
    told = json.loads(FULL.to_json())
    del told["history"]
    assert Memory.from_json(json.dumps(told), now=1001.0) == replace(FULL, history={})


def test_of_the_history_the_minute_that_runs_is_saved_and_none_that_is_over() -> None:
    full = replace(FULL, history={"request_rate": History(14, (3.0, 4.0), 16, 760.5, 4)})
    assert Memory.from_json(full.to_json(), now=1001.0) == FULL


def test_no_level_is_beyond_what_can_be_doubled() -> None:
    assert Memory.from_json(changed(flaps=[10**6, 980.0, None]), now=1001.0).flaps.level == MAX_LEVEL


def changed(**keys: Any) -> str:
    return json.dumps({**json.loads(FULL.to_json()), **keys})


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("null", id="null"),
        pytest.param("[]", id="a list"),
        pytest.param("{", id="cut in the middle"),
        pytest.param(FULL.to_json()[:-40], id="cut near the end"),
        pytest.param("[" * 100_000, id="nested deeply"),
        pytest.param('{"version": 1}', id="keys missing"),
        pytest.param(changed(version=2), id="a newer version"),
        pytest.param(changed(extra=1), id="a key too many"),
        pytest.param(changed(flaps=[1, 2.0]), id="flaps without a turn"),
        pytest.param(changed(flaps={"level": 1}), id="a mapping for flaps"),
        pytest.param(changed(flaps=[-1, 2.0, None]), id="a level below none"),
        pytest.param(changed(flaps=[1, 2.0, [3.0, 1]]), id="a number for a way"),
        pytest.param(changed(t="now"), id="text for a time"),
        pytest.param(changed(t=None), id="a count without a time"),
        pytest.param(changed(desired=None), id="a time without a count"),
        pytest.param(changed(desired=-1), id="a negative count"),
        pytest.param(changed(desired=True), id="true for a count"),
        pytest.param(changed(desired=1.5), id="half a replica"),
        pytest.param(changed(desired=10**9), id="a count beyond reason"),
        pytest.param(changed(recent=[[1.0, 2, 3]]), id="three in a pair"),
        pytest.param(changed(recent={"1": 2}), id="a mapping for pairs"),
        pytest.param(changed(latest=[]), id="an empty pair"),
        pytest.param(changed(scaled=[[None, 1]]), id="null for a time"),
        pytest.param(changed(samples={"request_rate": [[1.0, "many"]]}), id="text for a value"),
        pytest.param(changed(samples=[]), id="a list for a mapping"),
        pytest.param(changed(policies={"0:x": {"a": None}}), id="null for a policy's number"),
        pytest.param(changed(history={"request_rate": [5, 6, 1.0]}), id="three of a minute's four"),
        pytest.param(changed(history={"request_rate": [6, 5, 1.0, 1]}), id="a history that ends before it begins"),
        pytest.param(changed(history={"request_rate": [0, KEPT + 1, 1.0, 1]}), id="a history beyond a fortnight"),
        pytest.param(changed(history={"request_rate": [5.5, 6, 1.0, 1]}), id="half a minute"),
        pytest.param(changed(history={"request_rate": [10**40, 10**40, 1.0, 1]}), id="a minute beyond reason"),
        pytest.param(FULL.to_json().replace("180.5", "NaN"), id="NaN"),
        pytest.param(FULL.to_json().replace("180.5", "1e999"), id="infinity"),
        pytest.param(FULL.to_json().replace("180.5", "1" * 5000), id="an endless number"),
        pytest.param(FULL.to_json().replace("180.5", "1" * 400), id="a number beyond floats"),
    ],
)
def test_what_can_not_be_meant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Memory.from_json(text, now=2000.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000, "saved memory is nested too deeply"),
        ("{}", "saved memory is not one of version 1"),
        (" " * (MAX_CHARACTERS + 1), f"saved memory of {MAX_CHARACTERS + 1} characters, {MAX_CHARACTERS} allowed"),
        (changed(t=None), "saved memory has a time without a count, or a count without a time"),
        (changed(t="now"), "saved memory holds 'now' for a number"),
        (changed(desired=1.5), "saved memory holds 1.5 for a count"),
        (changed(desired=-1), "saved memory holds -1 for a count"),
        (changed(samples=[]), "saved memory holds [] for a mapping"),
        (changed(recent=[[1.0]]), "saved memory holds [[1.0]] for pairs"),
        (FULL.to_json().replace("180.5", "NaN"), "saved memory holds NaN"),
        (FULL.to_json().replace("180.5", "1e999"), "saved memory holds an infinity"),
        (FULL.to_json().replace("180.5", "1" * 400), "saved memory holds a number too large"),
    ],
)
def test_what_is_refused_is_said(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        Memory.from_json(text, now=2000.0)
    assert str(raised.value) == said


def test_what_json_has_no_word_for_is_never_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        replace(FULL, policies={"0:x": {"a": float("nan")}}).to_json()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_text_does_worse_than_valueerror(data: st.DataObject) -> None:
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    )
    key = data.draw(st.sampled_from(sorted(json.loads(FULL.to_json()))))
    text = changed(**{key: data.draw(values)})
    try:
        memory = Memory.from_json(text, now=2000.0)
    except ValueError:
        return
    assert memory.t is None or memory.t <= 2000.0
    assert decide(service(), seen(2000.0, request_rate=10.0), memory)[0].desired >= 1


def test_a_count_of_any_size_that_was_asked_for_is_read_again() -> None:
    _, memory = fold(service(), [seen(0.0, ready=1, request_rate=1e12), seen(1.0, ready=1, request_rate=1e12)])
    assert Memory.from_json(memory.to_json(), now=1.0) == memory
