"""DECISIONS, "target_tracking", "concurrency", "step" and "schedule", sentence by sentence."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from autoscaler.model import Mode, Observation
from autoscaler.spec.load import load_policies
from autoscaler.spec.models import Concurrency
from tests.decide.builders import concurrency, schedule, seen, service, step, tracking
from tests.decide.originals.replays import load, policy
from tests.decide.sentences.rows import Row, row

TOTAL_100 = service(tracking("queue_length", total=100.0))
CPU = service(tracking("cpu", target=0.5))
KEYS = {"stable_window": 60.0, "panic_window": 6.0}
TEN = service(concurrency(10.0, **KEYS))
BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()  # a Monday


def cpu(*values: float | None) -> dict[str, list[float | None]]:
    return {"cpu": list(values)}


def berlin(text: str, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).timestamp()


TARGET_TRACKING = [
    row("target_tracking: on a total, ratio = total / (X * (ready + unready))",
        service(), [seen(ready=2, unready=2, request_rate=215.0)], [4]),
    row("target_tracking: within the tolerance the recommendation is current",
        service(), [seen(ready=4, desired=7, request_rate=210.0)], [7]),
    row("target_tracking: else ceil(total / X)", service(), [seen(ready=4, request_rate=221.0)], [5]),
    row("target_tracking: with no replica at all ceil(total / X)",
        service(), [seen(ready=0, desired=3, request_rate=101.0)], [3], values=[3]),
    row("target_tracking: `total: X`: ratio = total / X; within the tolerance current",
        TOTAL_100, [seen(ready=4, desired=6, queue_length=110.0)], [6]),
    row("target_tracking: `total: X`: else ceil(ratio * ready)",
        TOTAL_100, [seen(ready=4, unready=3, queue_length=120.0)], [5]),
    row("target_tracking: at current 0: ceil(ratio), no tolerance",
        service(tracking("queue_length", total=100.0), min=0), [seen(ready=0, desired=0, queue_length=105.0)], [2]),
    row("target_tracking: with none ready: current",
        TOTAL_100, [seen(ready=0, unready=4, queue_length=500.0)], [4]),
    row("target_tracking: per replica, ratio = mean / target",
        CPU, [seen(ready=2, per_replica=cpu(0.5, 1.0))], [3]),
    row("target_tracking: nulls at a ratio below 1 count as max(100%, target) for cpu",
        CPU, [seen(ready=4, per_replica=cpu(0.1, 0.1, 0.1, None))], [3]),
    row("target_tracking: the target, where that is above 100%",
        service(tracking("cpu", target=1.5)), [seen(ready=4, per_replica=cpu(0.6, 0.6, 0.6, None))], [3]),
    row("target_tracking: so for memory",
        service(tracking("memory", target=0.5)), [seen(ready=4, per_replica={"memory": [0.1, 0.1, 0.1, None]})], [3]),
    row("target_tracking: nulls above 1 count as 0",
        CPU, [seen(ready=4, per_replica=cpu(1.0, 1.0, 1.0, None))], [6]),
    row("target_tracking: starting replicas count as 0 above 1",
        CPU, [seen(ready=3, unready=1, per_replica=cpu(1.0, 1.0, 1.0))], [6]),
    row("target_tracking: and not at all below",
        CPU, [seen(ready=4, unready=2, per_replica=cpu(0.46, 0.46, 0.46, 0.46))], [6]),
    row("target_tracking: a corrected ratio within the tolerance: current",
        CPU, [seen(ready=2, unready=2, per_replica=cpu(1.0, 1.0))], [4]),
    row("target_tracking: or on the other side of 1: current",
        CPU, [seen(ready=2, unready=8, desired=3, per_replica=cpu(1.0, 1.0))], [3]),
    row("target_tracking: or its ceil(ratio * replicas counted) on the other side of current: current",
        CPU, [seen(ready=4, desired=9, per_replica=cpu(1.0, 1.0, 1.0, None))], [9]),
    row("target_tracking: no value at all is a missing metric",
        CPU, [seen(ready=2, per_replica=cpu(None, None))], [2], mode=Mode.HOLD),
    row("target_tracking: tolerances are inclusive: 1 - down <= ratio",
        service(), [seen(ready=10, request_rate=450.0)], [10]),
    row("target_tracking: below it the count falls", service(), [seen(ready=10, request_rate=449.0)], [9]),
    row("target_tracking: tolerances are inclusive: ratio <= 1 + up; 10% by default",
        service(), [seen(ready=10, request_rate=550.0)], [10]),
    row("target_tracking: above it the count rises", service(), [seen(ready=10, request_rate=551.0)], [12]),
]  # fmt: skip

CONCURRENCY = [
    row("concurrency: r = max(1, ready)",
        service(concurrency(10.0, max_scale_up_rate=3.0)), [seen(ready=0, desired=1, concurrency=90.0)], [3]),
    row("concurrency: goal = target * utilization",
        service(concurrency(10.0, utilization=0.5)), [seen(concurrency=9.0)], [2]),
    row("concurrency: want is at least floor(r / max_scale_down_rate)",
        service(concurrency(10.0, **KEYS), max=100),
        [seen(0, concurrency=10.0), seen(100, ready=9, desired=9, concurrency=10.0)], [1, 4]),
    row("concurrency: want is at most ceil(r * max_scale_up_rate)",
        service(concurrency(10.0, max_scale_up_rate=1.5)), [seen(concurrency=90.0)], [2]),
    row("concurrency: panic starts when ceil(panic mean / goal) / r >= panic_threshold",
        TEN, [seen(concurrency=20.0)], [2], mode=Mode.PANIC),
    row("concurrency: and not below", TEN, [seen(concurrency=10.0)], [1], mode=Mode.STABLE),
    row("concurrency: panic lasts for stable_window",
        TEN, [seen(0, concurrency=20.0), seen(60, ready=2, concurrency=0.0)], [2, 2], mode=Mode.PANIC),
    row("concurrency: and ends on the first tick more than stable_window later",
        TEN, [seen(0, concurrency=20.0), seen(60.1, ready=2, concurrency=10.0)], [2, 1], mode=Mode.STABLE),
    row("concurrency: panic is renewed by the same",
        TEN, [seen(0, concurrency=20.0), seen(50, ready=2, concurrency=40.0), seen(110, ready=4, concurrency=0.0)],
        [2, 4, 4], mode=Mode.PANIC),
    row("concurrency: in panic the highest of both wants since it began",
        TEN, [seen(0, concurrency=70.0), seen(20, ready=7, concurrency=20.0)], [7, 7]),
    row("concurrency: else the stable one",
        service(concurrency(10.0, panic_threshold=9.0, **KEYS)),
        [seen(0, concurrency=10.0), seen(30, concurrency=40.0)], [1, 3]),
    row("concurrency: on a first tick with more than one ready it starts in panic at that count",
        TEN, [seen(0, ready=4, concurrency=0.0), seen(60, ready=4, concurrency=0.0), seen(60.1, ready=4, concurrency=0.0)],
        [4, 4, 2]),
    row("concurrency: activation_scale is the least count while there is load",
        service(concurrency(10.0, activation_scale=3)), [seen(concurrency=1.0)], [3]),
    row("concurrency: and without load it is not",
        service(concurrency(10.0, activation_scale=3)), [seen(concurrency=0.0)], [1]),
]  # fmt: skip

OUT = step({"above": 10, "add": 1}, {"above": 50, "add": 3}, {"below": 5, "remove": 1}, {"below": 2, "remove": 50})
STEP = service(OUT)


def queue(*ticks: tuple[float, int, float]) -> list[Observation]:
    return [seen(t, ready=ready, queue_length=value) for t, ready, value in ticks]


STEPS = [
    row("step: `above: X` at value >= X", STEP, queue((0, 2, 10)), [3]),
    row("step: the highest such", STEP, queue((0, 2, 50)), [5]),
    row("step: `below: X` at value <= X",
        service(step({"below": 5, "remove": 1})), queue((0, 4, 5)), [3]),
    row("step: the lowest", service(step({"below": 5, "remove": 1}, {"below": 2, "remove": 2})), queue((0, 4, 2)), [2]),
    row("step: amounts are of current; a percentage of it is cut toward zero",
        service(step({"above": 10, "add": "50%"})), queue((0, 5, 10)), [7]),
    row("step: but at least 1", service(step({"above": 10, "add": "10%"})), queue((0, 5, 10)), [6]),
    row("step: for `cooldown` after a step out it recommends at least what it asked for",
        service(step({"above": 10, "add": 2})),
        [seen(0, ready=2, queue_length=10.0), seen(59, ready=2, desired=2, queue_length=0.0)], [4, 4]),
    row("step: and at least current",
        service(step({"above": 10, "add": 2})),
        [seen(0, ready=2, queue_length=10.0), seen(59, ready=2, desired=6, queue_length=0.0)], [4, 6]),
    row("step: a further step out is max(current, b + its amount of b)", STEP, queue((0, 2, 10), (30, 3, 50)), [3, 5]),
    row("step: a step in waits until `cooldown` after a step out", STEP, queue((0, 2, 10), (59.9, 3, 5)), [3, 3]),
    row("step: a cooldown is over when exactly that old", STEP, queue((0, 2, 10), (60, 3, 5)), [3, 2]),
    row("step: a step in waits until `cooldown` after a step in", STEP, queue((0, 4, 5), (59.9, 3, 5)), [3, 3]),
    row("step: a step out does not wait for a step in", STEP, queue((0, 4, 5), (1, 3, 10)), [3, 4]),
    row("step: with no step to apply it gives no recommendation and holds no other policy up",
        service(OUT, tracking()), [seen(ready=4, queue_length=7.0, request_rate=50.0)], [1], values=[None, 1]),
    row("step: if no policy gives one, the recommendation is current", STEP, queue((0, 4, 7)), [4], wanted=4, values=[None]),
    row("step: at most one step a t", STEP, queue((0, 2, 10), (0, 3, 50)), [3, 3]),
]  # fmt: skip

DAILY = schedule({"cron": "0 12 * * *", "for": "1h", "min": 4})
OVERLAP = schedule(
    {"cron": "0 12 * * *", "for": "1h", "min": 4, "max": 30}, {"cron": "0 12 * * *", "for": "1h", "min": 6, "max": 25}
)
NIGHT = schedule({"cron": "30 2 * * *", "for": "1h", "min": 4}, timezone="Europe/Berlin")
BY_THE_HOUR = schedule({"cron": "*/30 * * * *", "for": "10m", "min": 4}, timezone="Europe/Berlin")
SPRING, AUTUMN = berlin("2026-03-29T03:00"), berlin("2026-10-25T02:30")
EIGHT_HOURS = schedule({"cron": "0 22 * * *", "for": "8h", "min": 4}, timezone="Europe/Berlin")

SCHEDULE = [
    row("schedule: active from each start, start included; UTC by default",
        service(DAILY), [seen(NOON - 0.1, ready=1), seen(NOON, ready=1)], [1, 4]),
    row("schedule: for `for`, end not included", service(DAILY), [seen(NOON + 3599, ready=1), seen(NOON + 3600)], [4, 1]),
    row("schedule: in elapsed time",
        service(EIGHT_HOURS),
        [seen(berlin("2026-10-25T04:59:59"), ready=1), seen(berlin("2026-10-25T05:00"), ready=1)], [4, 1]),
    row("schedule: day of month or day of week where both are set: the day of the week",
        service(schedule({"cron": "0 12 13 * 1", "for": "1h", "min": 4})), [seen(NOON, ready=1)], [4]),
    row("schedule: day of month or day of week where both are set: the day of the month",
        service(schedule({"cron": "0 12 23 * 5", "for": "1h", "min": 4})), [seen(NOON, ready=1)], [4]),
    row("schedule: 7 is Sunday",
        service(schedule({"cron": "0 12 * * 7", "for": "1h", "min": 4})),
        [seen(NOON - 86400, ready=1), seen(NOON, ready=1)], [4, 1]),
    row("schedule: beside metric policies it only raises",
        service(DAILY, tracking()), [seen(NOON, ready=6, request_rate=300.0)], [6], values=[4, 6]),
    row("schedule: where none of them gives a number it recommends max(current, floor)",
        service(DAILY, OUT), [seen(NOON, ready=6, queue_length=7.0)], [6], values=[6, None]),
    row("schedule: alone in the file it recommends the floor, up and down",
        service(DAILY), [seen(NOON, ready=6), seen(NOON + 3600, ready=4)], [4, 1]),
    row("schedule: the floor is the highest of replicas.min and the active rules' min",
        service(OVERLAP, min=2), [seen(NOON, ready=1), seen(NOON + 3600, ready=6)], [6, 2]),
    row("schedule: the ceiling is the lowest active rule's max, so a rule may raise it",
        service(OVERLAP, tracking(), max=10), [seen(NOON, ready=6, request_rate=5000.0)], [25]),
    row("schedule: else replicas.max",
        service(OVERLAP, tracking(), max=10), [seen(NOON - 1, ready=6, request_rate=5000.0)], [10]),
    row("schedule: the floor is met at once",
        service(DAILY, tracking()), [seen(NOON, ready=1, request_rate=50.0)], [4], limited_by=["below_min"]),
    row("schedule: where overlaps cross, max wins",
        service(schedule({"cron": "0 12 * * *", "for": "1h", "min": 8}, {"cron": "0 12 * * *", "for": "1h", "max": 5})),
        [seen(NOON, ready=1)], [5]),
    row("schedule: a start in the hour that a clock change skips is the first moment after it",
        service(NIGHT), [seen(SPRING - 1, ready=1), seen(SPRING, ready=1)], [1, 4]),
    row("schedule: a start in the hour that it repeats happens once, the first time",
        service(NIGHT),
        [seen(AUTUMN, ready=1), seen(AUTUMN + 3600, ready=4), seen(AUTUMN + 3700, ready=1)], [4, 1, 1]),
    row("schedule: rules whose minute starts with * go by elapsed time",
        service(BY_THE_HOUR),
        [seen(AUTUMN, ready=1), seen(AUTUMN + 700, ready=4), seen(AUTUMN + 3600, ready=1)], [4, 1, 4]),
]  # fmt: skip


@pytest.mark.parametrize("told", [*TARGET_TRACKING, *CONCURRENCY, *STEPS, *SCHEDULE])
def test_the_sentence_holds(told: Row) -> None:
    told.check()


def test_concurrencys_defaults(tmp_path: Path) -> None:
    """DECISIONS concurrency: Defaults."""
    told = load(tmp_path, policy([{"type": "concurrency", "target": 10}], 1, 10, {})).policies[0]
    assert isinstance(told, Concurrency)
    assert (told.utilization, told.stable_window, told.panic_window, told.panic_threshold) == (0.7, 60.0, 6.0, 2.0)
    assert (told.max_scale_up_rate, told.max_scale_down_rate, told.activation_scale) == (1000.0, 2.0, 1)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        pytest.param({"cron": "0 0 8 * * 1", "min": 2}, "cron", id="DECISIONS schedule: six fields are refused"),
        pytest.param({"cron": "0 8 L * *", "min": 2}, "cron", id="DECISIONS schedule: L is refused"),
        pytest.param({"cron": "0 8 * * 1#2", "min": 2}, "cron", id="DECISIONS schedule: # is refused"),
        pytest.param({"cron": "@daily", "min": 2}, "cron", id="DECISIONS schedule: names are refused"),
        pytest.param({"cron": "0 8 * * *", "min": 12}, "min", id="DECISIONS schedule: a min above the ceiling is an error"),
    ],
)
def test_what_a_schedule_refuses(tmp_path: Path, rule: dict[str, object], said: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(policy([{"type": "schedule", "rules": [{**rule, "for": "1h"}]}], 1, 10, {}))
    (problem,) = load_policies([path], environ={}).problems
    assert f"policies[0].rules[0].{said}" in str(problem)
