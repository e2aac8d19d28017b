"""DECISIONS, "behavior", "Missing metrics" and "Zero", sentence by sentence."""

from pathlib import Path
from typing import Any

import pytest

from autoscaler.model import Mode, Observation
from autoscaler.spec.models import Behavior, Rate, ScalingRules, ServiceSpec
from autoscaler.spec.models.behavior import HPA_SCALE_DOWN, HPA_SCALE_UP, OPEN
from tests.decide.builders import concurrency, counts, fold, rules, seen, service, step, tracking
from tests.decide.originals.replays import load, policy
from tests.decide.sentences.rows import Row, row

ONE_EACH = tracking(target=1.0)
DOWN_60 = Behavior(scale_up=rules(), scale_down=rules(60.0))
UP_60 = Behavior(scale_up=rules(60.0), scale_down=rules())


def up(*rates: Rate, select: str = "max") -> ServiceSpec:
    return service(ONE_EACH, behavior=Behavior(scale_up=rules(0.0, *rates, select=select), scale_down=rules()))


def down(*rates: Rate, select: str = "max") -> ServiceSpec:
    return service(ONE_EACH, behavior=Behavior(scale_up=rules(), scale_down=rules(0.0, *rates, select=select)))


def asks(*ticks: tuple[float, float], ready: int = 4) -> list[Observation]:
    """Ticks that ask for so many."""
    return [seen(t, ready=ready, request_rate=count) for t, count in ticks]


BEHAVIOR = [
    row("behavior: the first tick remembers current as a recommendation",
        service(ONE_EACH, behavior=DOWN_60), asks((0, 2), (59, 2), (60, 2)), [4, 4, 2]),
    row("behavior: down goes no lower than the highest remembered with t > now - window",
        service(ONE_EACH, behavior=DOWN_60), asks((0, 9), (30, 6), (60, 2), (90, 2)), [9, 9, 6, 2]),
    row("behavior: up goes no higher than the lowest remembered with t > now - window",
        service(ONE_EACH, behavior=UP_60), asks((0, 4), (30, 6), (60, 9), (90, 9)), [4, 4, 6, 9]),
    row("behavior: remembered is the combined recommendation before any limit",
        service(ONE_EACH, max=5, behavior=DOWN_60), asks((0, 9), (59, 2), (60, 2)), [5, 5, 2]),
    row("behavior: a change counts toward a rate while its t > now - period",
        up(Rate(replicas=2, period=15.0)), asks((0, 9), (14.9, 9), (15, 9)), [6, 6, 8]),
    row("behavior: the period starts from current - added + removed in it, both directions",
        up(Rate(replicas=4, period=60.0)), asks((0, 6), (10, 3), (20, 20)), [6, 3, 8]),
    row("behavior: whatever the direction limited",
        down(Rate(replicas=4, period=60.0)), asks((0, 8), (10, 1)), [8, 1]),
    row("behavior: percent up: ceil(start * (1 + p))", up(Rate(percent=10.0, period=15.0)), asks((0, 99)), [5]),
    row("behavior: percent down: start * (1 - p) cut toward zero", down(Rate(percent=30.0, period=15.0)), asks((0, 0)), [2]),
    row("behavior: `max` takes the policy that allows more change",
        up(Rate(replicas=1, period=15.0), Rate(percent=100.0, period=15.0)), asks((0, 99)), [8]),
    row("behavior: so downward",
        down(Rate(replicas=1, period=15.0), Rate(percent=50.0, period=15.0)), asks((0, 0)), [2]),
    row("behavior: `min` less",
        up(Rate(replicas=1, period=15.0), Rate(percent=100.0, period=15.0), select="min"), asks((0, 99)), [5]),
    row("behavior: `disabled` allows none",
        up(Rate(replicas=1, period=15.0), select="disabled"), asks((0, 99)), [4], limited_by=["scale_up_rate"]),
    row("behavior: a limit on the wrong side of current means current",
        service(ONE_EACH, min=4, behavior=Behavior(scale_up=rules(0.0, Rate(replicas=1, period=60.0)), scale_down=rules())),
        asks((0, 1), (1, 9), ready=1), [4, 4], limited_by=["scale_up_rate"]),
]  # fmt: skip


def missing(what: str, **rest: Any) -> Behavior:
    return Behavior(scale_up=rest.pop("scale_up", rules()), scale_down=rules(), on_missing_metrics=what, **rest)  # type: ignore[arg-type]


TWO = (tracking(), tracking("queue_length", total=1.0))

MISSING = [
    row("Missing metrics: a policy whose metric is missing gives no recommendation",
        service(*TWO), [seen(ready=4, request_rate=400.0, queue_length=None)], [8], values=[8, None], mode=Mode.STABLE),
    row("Missing metrics: hold: if no other policy gives one, the count stays",
        service(), [seen(ready=4, request_rate=None)], [4], mode=Mode.HOLD, limited_by=["missing_metrics"]),
    row("Missing metrics: hold: or the largest is below current, the count stays",
        service(*TWO), [seen(ready=4, request_rate=50.0, queue_length=None)], [4], mode=Mode.HOLD),
    row("Missing metrics: hold: the largest at current is no hold",
        service(*TWO), [seen(ready=4, request_rate=200.0, queue_length=None)], [4], mode=Mode.STABLE),
    row("Missing metrics: hold: and nothing is remembered",
        service(*TWO, behavior=DOWN_60),
        [seen(0, ready=2, request_rate=100.0, queue_length=1.0),
         seen(59, ready=2, desired=9, request_rate=400.0, queue_length=None),
         seen(60, ready=9, request_rate=50.0, queue_length=0.0)], [2, 9, 1]),
    row("Missing metrics: scale_up: it recommends max",
        service(behavior=missing("scale_up"), max=9), [seen(ready=4, request_rate=None)], [9], values=[9]),
    row("Missing metrics: scale_up: so the service grows at scale_up's pace",
        service(behavior=missing("scale_up", scale_up=rules(0.0, Rate(replicas=1, period=15.0))), max=9),
        [seen(ready=4, request_rate=None)], [5]),
    row("Missing metrics: fallback: it recommends max(current, fallback_replicas)",
        service(behavior=missing("fallback", fallback_replicas=6)), [seen(ready=4, request_rate=None)], [6]),
    row("Missing metrics: fallback: never fewer than current",
        service(behavior=missing("fallback", fallback_replicas=3)), [seen(ready=4, request_rate=None)], [4]),
    row("Missing metrics: NaN is missing",
        service(), [seen(ready=4, request_rate=float("nan"))], [4], mode=Mode.HOLD),
    row("Missing metrics: infinities are missing",
        service(), [seen(ready=4, request_rate=float("inf"))], [4], mode=Mode.HOLD),
]  # fmt: skip

NONE = service(tracking(), min=0)
SLOW = Behavior(scale_up=rules(0.0, Rate(replicas=1, period=60.0)), scale_down=rules(300.0, Rate(replicas=1, period=60.0)))
STOPPED = Behavior(scale_up=rules(0.0, select="disabled"), scale_down=rules())


def quiet(t: float, ready: int = 1, waiting: int = 0, **totals: float | None) -> Observation:
    """A tick of a service without load, but for what is given."""
    tick = seen(t, ready=ready, **{"request_rate": 0.0, **totals})  # type: ignore[arg-type]
    return Observation(tick.service, tick.t, tick.ready, tick.unready, tick.totals, waiting=waiting)


ZERO = [
    row("Zero: with min 0 the floor is 1 until the service is idle", NONE, [quiet(0), quiet(299.9)], [1, 1]),
    row("Zero: idle goes to 0 at once, past windows and rates, mode idle",
        service(tracking(), min=0, behavior=SLOW), [quiet(0, ready=9), quiet(300, ready=9)], [9, 0], mode=Mode.IDLE),
    row("Zero: the clock starts at the first tick", NONE, [quiet(1000), quiet(1299), quiet(1300)], [1, 1, 0]),
    row("Zero: idle: no request waiting", NONE, [quiet(0), quiet(200, waiting=1), quiet(300), quiet(599)], [1, 1, 1, 1]),
    row("Zero: idle: request_rate, concurrency and queue_length all 0",
        NONE, [quiet(0), quiet(200, concurrency=0.1), quiet(300), quiet(600)], [1, 1, 1, 0]),
    row("Zero: idle: and the policies' own totals",
        service(tracking("error_ratio", total=0.5), min=0),
        [quiet(0, error_ratio=0.0), quiet(200, error_ratio=0.5), quiet(300, error_ratio=0.0)], [1, 1, 1]),
    row("Zero: at least one of them is reported", NONE, [seen(0, ready=1), seen(300, ready=1)], [1, 1]),
    row("Zero: a missing metric is not idleness", NONE, [quiet(0), quiet(200, request_rate=None), quiet(300)], [1, 1, 1]),
    row("Zero: at 0 a waiting request wakes at once to the largest of 1 and ceil(waiting / max_concurrency)",
        NONE, [quiet(0), quiet(300), quiet(301, ready=0, waiting=41)], [1, 0, 3]),
    row("Zero: or load", NONE, [quiet(0), quiet(300), quiet(301, ready=0, request_rate=0.1)], [1, 0, 1]),
    row("Zero: even where a rate would allow 0",
        service(tracking(), min=0, behavior=STOPPED), [quiet(0), quiet(300), quiet(301, ready=0, waiting=41)], [1, 0, 3]),
    row("Zero: what policies ask beyond that follows at their pace",
        service(tracking(), min=0, behavior=SLOW),
        [quiet(0), quiet(300), quiet(400, ready=0, request_rate=500.0), quiet(430, request_rate=500.0),
         quiet(460, request_rate=500.0)], [1, 0, 1, 1, 2]),
    row("Zero: a name present with null is not idleness",
        NONE, [quiet(0, queue_length=None), quiet(300, queue_length=None)], [1, 1]),
    row("Zero: a built-in name absent from the tick is not asked",
        service(concurrency(10.0), min=0), [quiet(0), quiet(300)], [1, 0]),
]  # fmt: skip


@pytest.mark.parametrize("told", [*BEHAVIOR, *MISSING, *ZERO])
def test_the_sentence_holds(told: Row) -> None:
    told.check()


T, C = {"type": "target_tracking", "metric": "request_rate", "target": 1}, {"type": "concurrency", "target": 1}
S = {"type": "step", "metric": "queue_length", "steps": [{"above": 1, "add": 1}]}
CRON = {"type": "schedule", "rules": [{"cron": "0 8 * * *", "for": "1h", "min": 2}]}


@pytest.mark.parametrize(
    ("policies", "scale_up", "scale_down"),
    [
        pytest.param([T], HPA_SCALE_UP, HPA_SCALE_DOWN, id="DECISIONS behavior: HPA's defaults for target_tracking"),
        pytest.param([S], HPA_SCALE_UP, HPA_SCALE_DOWN, id="DECISIONS behavior: and step"),
        pytest.param([C, T], HPA_SCALE_UP, HPA_SCALE_DOWN, id="DECISIONS behavior: where any policy is"),
        pytest.param([C], OPEN, OPEN, id="DECISIONS behavior: where they are only concurrency it is open"),
        pytest.param([CRON], OPEN, OPEN, id="DECISIONS behavior: schedule alone too"),
        pytest.param([C, CRON], OPEN, OPEN, id="DECISIONS behavior: a schedule beside them changes nothing"),
    ],
)
def test_each_field_left_out_takes_its_default(
    tmp_path: Path, policies: list[dict[str, Any]], scale_up: ScalingRules, scale_down: ScalingRules
) -> None:
    behavior = load(tmp_path, policy(policies, 1, 10, {})).behavior
    assert (behavior.scale_up, behavior.scale_down) == (scale_up, scale_down)


def test_the_hpas_defaults() -> None:
    """DECISIONS behavior: up: no window, the more of 100% and 4 replicas in 15 s; down: 300 s window, 100% in 15 s."""
    by_default = Behavior()
    assert counts(service(ONE_EACH, behavior=by_default), asks((0, 99), (1, 99), (15, 99), ready=2)) == [6, 6, 12]
    assert counts(service(ONE_EACH, behavior=by_default), asks((0, 99), ready=9)) == [18]
    assert counts(service(ONE_EACH, behavior=by_default), asks((0, 1), (299, 1), (300, 1), ready=9)) == [9, 9, 1]


def test_a_step_in_the_open_is_taken_at_once() -> None:
    """DECISIONS behavior: open: no window, no rate."""
    decisions = fold(service(concurrency(1.0), step({"above": 1, "add": 1})), [seen(ready=1, concurrency=90.0)])[0]
    assert (decisions[0].desired, decisions[0].limited_by) == (90, ())
