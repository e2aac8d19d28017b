"""DECISIONS, "Words" and "Order of a decision", sentence by sentence."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autoscaler.decide import decide
from autoscaler.decide.replay import Replay, step
from autoscaler.model import Mode, Orders, Override, PauseKind
from autoscaler.spec.models import Behavior, Rate
from tests.decide.builders import HPA, case_of, concurrency, fold, rules, schedule, seen, service, tracking
from tests.decide.originals.replays import load, policy
from tests.decide.sentences.rows import Row, row

ONE_EACH = tracking(target=1.0)
SLOW_UP = Behavior(scale_up=rules(0.0, Rate(replicas=1, period=60.0)), scale_down=rules())
SLOW_DOWN = Behavior(scale_up=rules(), scale_down=rules(0.0, Rate(replicas=3, period=60.0)))
HELD_300 = Behavior(scale_up=rules(), scale_down=rules(300.0))
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
ALL = Behavior(scale_up=rules(60.0, Rate(replicas=2, period=60.0)), scale_down=rules())

WORDS = [
    row("Words: current is the tick's replicas.desired",
        service(), [seen(ready=2, desired=5, request_rate=None)], [5]),
    row("Words: else the last decision",
        service(), [seen(0, ready=2, request_rate=400.0), seen(1, ready=2, request_rate=None)], [8, 8]),
    row("Words: on a service's first tick ready + unready",
        service(), [seen(ready=2, unready=3, request_rate=None)], [5]),
    row("Words: a given desired that differs replaces the last decision and is no scale event",
        service(behavior=SLOW_UP),
        [seen(0, ready=4, request_rate=200.0), seen(1, ready=4, desired=8, request_rate=900.0)], [4, 9]),
    row("Words: t is Unix time",
        service(schedule({"cron": "0 12 23 11 *", "for": "1m", "min": 3})),
        [seen(NOON - 1, ready=1), seen(NOON, ready=1), seen(NOON + 60, ready=1)], [1, 3, 1]),
    row("Words: the mean of the samples with t > now - window",
        service(tracking(target=1.0, window=10.0)),
        [seen(0, request_rate=90.0), seen(9, request_rate=30.0), seen(10, request_rate=30.0)], [90, 60, 30]),
    row("Words: window 0s is the last sample alone",
        service(ONE_EACH), [seen(0, request_rate=90.0), seen(0.1, request_rate=30.0)], [90, 30]),
    row("Words: concurrency has its own two windows over the samples",
        service(concurrency(10.0, stable_window=60.0, panic_window=6.0, panic_threshold=99.0)),
        [seen(0, concurrency=10.0), seen(50, concurrency=90.0), seen(56, concurrency=20.0)], [1, 5, 4]),
    row("Words: so does its panic window begin after now - window",
        service(concurrency(10.0, stable_window=60.0, panic_window=6.0)),
        [seen(0, concurrency=0.0), seen(44, ready=3, concurrency=19.0), seen(50, concurrency=10.0)], [1, 1, 1],
        mode=Mode.STABLE),
    row("Words: percentiles come measured and are taken as they come",
        service(tracking("latency_p95", total=0.1, window=60.0)),
        [seen(0, ready=2, latency_p95=0.1), seen(1, ready=2, latency_p95=0.4)], [2, 8]),
    row("Words: all of per_replica comes measured and is taken as it comes",
        service(tracking("cpu", target=0.5, window=60.0)),
        [seen(0, ready=1, per_replica={"cpu": [0.5]}), seen(1, ready=1, per_replica={"cpu": [2.0]})], [1, 4]),
    row("Words: a metric is missing when no sample in its window has a value",
        service(tracking(target=1.0, window=10.0)),
        [seen(0, request_rate=4.0), seen(9, request_rate=None), seen(10, request_rate=None)], [4, 4, 4], mode=Mode.HOLD),
    row("Words: with one in its window it is not",
        service(tracking(target=1.0, window=10.0)),
        [seen(0, request_rate=4.0), seen(9, request_rate=None)], [4, 4], mode=Mode.STABLE, values=[4]),
    row("Words: a sample at the same t replaces the one before",
        service(tracking(target=1.0, window=10.0)), [seen(0, request_rate=90.0), seen(0, request_rate=30.0)], [90, 30]),
    row("Words: numbers are rounded to 9 decimals before every ceil",
        service(tracking(target=0.1)), [seen(ready=1, request_rate=0.1 + 0.1 + 0.1)], [3]),
    row("Words: here 100 + 10% is 110",
        service(ONE_EACH, max=500, behavior=Behavior(scale_up=rules(0.0, Rate(percent=10.0, period=15.0)))),
        [seen(ready=100, request_rate=400.0)], [110]),
    row("Words: utilization is not cut to whole per cent",
        service(tracking("cpu", target=0.5)), [seen(ready=1, per_replica={"cpu": [0.5555]})], [2]),
]  # fmt: skip

ORDER = [
    row("Order 1: current above max goes to that bound at once, past windows and rates",
        service(max=6, behavior=Behavior(scale_up=rules(), scale_down=rules(300.0, Rate(replicas=1, period=60.0)))),
        [seen(ready=9, request_rate=450.0)], [6], limited_by=["above_max"]),
    row("Order 1: current below min goes to that bound at once, past windows and rates",
        service(min=6, behavior=ALL), [seen(ready=2, request_rate=100.0)], [6], limited_by=["below_min"]),
    row("Order 1: and is a scale event",
        service(max=6, behavior=SLOW_DOWN),
        [seen(0, ready=9, request_rate=300.0), seen(1, ready=6, request_rate=50.0)], [6, 6], limited_by=["scale_down_rate"]),
    row("Order 1: so does 0 replicas with min >= 1",
        service(), [seen(ready=0, request_rate=0.0)], [1], limited_by=["below_min"]),
    row("Order 1: on that tick the policies are asked as ever",
        service(max=6), [seen(ready=9, request_rate=200.0)], [6], values=[4], wanted=4),
    row("Order 1: and nothing is remembered for stabilization",
        service(max=6, behavior=HELD_300),
        [seen(0, ready=4, request_rate=200.0), seen(1, ready=4, desired=9, request_rate=450.0),
         seen(300, ready=6, request_rate=100.0)], [4, 6, 2]),
    row("Order 2: the largest of the policies' recommendations",
        service(tracking(), tracking("queue_length", total=10.0)),
        [seen(ready=2, request_rate=200.0, queue_length=30.0)], [6], values=[4, 6]),
    row("Order 2: an override is the answer, within min..max",
        service(max=9), [seen(ready=4, request_rate=200.0)], [9],
        orders=Orders(override=Override(replicas=12)), limited_by=["max"], mode=Mode.OVERRIDE),
    row("Order 2: past 3 and 4",
        service(behavior=Behavior(scale_up=rules(60.0, Rate(replicas=1, period=60.0)))),
        [seen(ready=4, request_rate=200.0)], [12], orders=Orders(override=Override(replicas=12)), limited_by=[]),
    row("Order 2: a pause keeps current",
        service(), [seen(ready=4, request_rate=400.0)], [4], orders=Orders(pause=PauseKind.ALL), limited_by=["paused"]),
    row("Order 2: in-only: falls are stopped",
        service(), [seen(ready=4, request_rate=50.0)], [4], orders=Orders(pause=PauseKind.IN), limited_by=["paused"]),
    row("Order 2: in-only: only falls",
        service(), [seen(ready=4, request_rate=400.0)], [8], orders=Orders(pause=PauseKind.IN), limited_by=[]),
    row("Order 2: out-only: rises are stopped",
        service(), [seen(ready=4, request_rate=400.0)], [4], orders=Orders(pause=PauseKind.OUT), limited_by=["paused"]),
    row("Order 2: out-only: only rises",
        service(), [seen(ready=4, request_rate=50.0)], [1], orders=Orders(pause=PauseKind.OUT), limited_by=[]),
    row("Order 3 to 5: stabilization, rates, min and max",
        service(max=5, behavior=ALL),
        [seen(0, ready=1, request_rate=400.0), seen(30, ready=1, request_rate=250.0), seen(61, ready=1, request_rate=450.0)],
        [1, 1, 3],
        limited_by=["stabilization", "scale_up_rate"]),
    row("Order 5: max comes after rates",
        service(max=5, behavior=HPA), [seen(ready=4, request_rate=900.0)], [5], limited_by=["scale_up_rate", "max"]),
    row("Order 5: and so does min",
        service(min=3), [seen(ready=4, request_rate=50.0)], [3], limited_by=["min"]),
    row("Order: value is null where a policy gives none",
        service(tracking(), tracking("queue_length", total=1.0)),
        [seen(ready=4, request_rate=400.0, queue_length=None)], [8], values=[8, None]),
    row("Order: mode is the first that applies: override before paused",
        service(), [seen(ready=4, request_rate=400.0)], [2],
        orders=Orders(override=Override(replicas=2), pause=PauseKind.ALL), mode=Mode.OVERRIDE),
    row("Order: mode: paused before hold",
        service(), [seen(ready=4, request_rate=None)], [4], orders=Orders(pause=PauseKind.ALL), mode=Mode.PAUSED),
    row("Order: mode: paused before idle",
        service(min=0), [seen(0, ready=1, request_rate=0.0), seen(300, ready=1, request_rate=0.0)], [1, 1],
        orders=Orders(pause=PauseKind.ALL), mode=Mode.PAUSED),
    row("Order: mode: idle before panic",
        service(concurrency(10.0, stable_window=3600.0, panic_window=1.0), min=0),
        [seen(0, ready=4, concurrency=0.0), seen(300, ready=4, concurrency=0.0)], [4, 0], mode=Mode.IDLE),
    row("Order: mode: hold before panic",
        service(concurrency(10.0), tracking()),
        [seen(ready=4, desired=9, concurrency=10.0, request_rate=None)], [9], mode=Mode.HOLD),
    row("Order: mode: panic before stable",
        service(concurrency(10.0), tracking()), [seen(ready=1, concurrency=90.0, request_rate=50.0)], [9], mode=Mode.PANIC),
    row("Order: mode: else stable",
        service(concurrency(10.0)), [seen(ready=1, concurrency=10.0)], [1], mode=Mode.STABLE),
]  # fmt: skip


@pytest.mark.parametrize("told", [*WORDS, *ORDER])
def test_the_sentence_holds(told: Row) -> None:
    told.check()


def test_words_window_defaults_to_10s(tmp_path: Path) -> None:
    """DECISIONS Words: `window` is a key of a policy, default 10s."""
    spec = load(tmp_path, policy([{"type": "target_tracking", "metric": "request_rate", "target": 1}], 1, 10, {}))
    assert spec.policies[0].windows == {"request_rate": 10.0}


def test_one_tick_is_one_line_of_replay_with_one_entry_a_policy_in_the_files_order() -> None:
    """DECISIONS Words: one tick is one line; Order: one entry a policy, `policy` its index from 0."""
    spec = service(tracking(), concurrency(10.0), tracking("queue_length", total=5.0))
    line = {"t": 0, "replicas": {"ready": 2}, "metrics": {"request_rate": 400, "concurrency": 5, "queue_length": None}}
    first, so_far = step(Replay(spec), json.dumps(line))
    second, _ = step(so_far, json.dumps({**line, "t": 1}))
    for t, answer in enumerate((first, second)):
        told = json.loads(answer)
        assert told["t"] == t
        assert [(each["policy"], each["type"]) for each in told["recommendations"]] == [
            (0, "target_tracking"), (1, "concurrency"), (2, "target_tracking"),
        ]  # fmt: skip


@pytest.mark.parametrize("orders", [Orders(override=Override(replicas=4)), Orders(pause=PauseKind.ALL)])
def test_under_an_order_policies_are_still_asked_and_remembered(orders: Orders) -> None:
    """DECISIONS Order 2: policies are still asked and remembered."""
    spec = service(behavior=HELD_300)
    _, memory = fold(spec, [seen(0, ready=4, request_rate=200.0)])
    ordered, memory = decide(spec, seen(1, ready=4, request_rate=450.0), memory, orders)
    assert (ordered.desired, ordered.recommendations[0].value) == (4, 9)
    after = decide(spec, seen(300.5, ready=4, desired=9, request_rate=50.0), memory)[0]
    assert after.limits[0].reason.endswith("(highest asked for in the last 5m: 9)")
    assert (after.desired, after.limited_by) == (9, ("stabilization",))


def test_a_decision_names_only_limits_of_the_contract() -> None:
    """DECISIONS Order: `limited_by` takes its names from the list."""
    names = set()
    for told in (each.values[0] for each in (*WORDS, *ORDER)):
        names |= set(case_of(told.spec, told.ticks, told.orders).decide()[0].limited_by)
    assert names <= {
        "above_max", "below_min", "missing_metrics", "stabilization", "scale_up_rate", "scale_down_rate", "max", "min",
        "idle", "paused",
    }  # fmt: skip
    assert len(names) >= 9
