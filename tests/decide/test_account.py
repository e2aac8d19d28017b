"""The account of a decision: what each limit cost, and what would change the answer."""

import pytest

from autoscaler.decide import EMPTY, Case, account
from autoscaler.model import Account, Basis, Move, Observation, Orders, Override, PauseKind, Turn, Without
from autoscaler.spec.models import Behavior, Rate, ServiceSpec
from tests.decide.builders import HPA, case_of, concurrency, rules, schedule, seen, service, step, tracking


def told(spec: ServiceSpec, *ticks: Observation, orders: Orders | None = None) -> Account:
    return account(case_of(spec, ticks, orders or Orders()))


WINDOW = Behavior(scale_up=rules(60.0, Rate(replicas=2, period=60.0)), scale_down=rules(60.0, Rate(replicas=1, period=60.0)))
TWO = (tracking(), tracking("queue_length", total=5.0))


@pytest.mark.parametrize(
    ("spec", "ticks", "orders", "without"),
    [
        pytest.param(service(), [seen(ready=4, request_rate=400.0)], Orders(), [], id="nothing bound it"),
        pytest.param(
            service(behavior=WINDOW),
            [seen(0, ready=4, request_rate=200.0), seen(9, ready=4, request_rate=50.0)],
            Orders(),
            [Without("stabilization", 3)],
            id="without the window the rate still bounds the fall",
        ),
        pytest.param(
            service(behavior=WINDOW),
            [seen(0, ready=4, request_rate=200.0), seen(9, ready=4, request_rate=900.0)],
            Orders(),
            [Without("stabilization", 6)],
            id="without the window the rate still bounds the rise",
        ),
        pytest.param(
            service(max=9, behavior=Behavior(scale_up=rules(0.0, select="disabled"))),
            [seen(ready=4, request_rate=900.0)],
            Orders(),
            [Without("scale_up_rate", 9)],
            id="without a direction that is disabled max still bounds it",
        ),
        pytest.param(
            service(max=9, behavior=Behavior(scale_down=rules(0.0, Rate(replicas=1, period=60.0)))),
            [seen(ready=4, request_rate=50.0)],
            Orders(),
            [Without("scale_down_rate", 1)],
            id="the rate down",
        ),
        pytest.param(
            service(max=6, behavior=HPA),
            [seen(ready=4, request_rate=5000.0)],
            Orders(),
            [Without("scale_up_rate", 6), Without("max", 8)],
            id="each of two limits alone",
        ),
        pytest.param(
            service(max=9),
            [seen(ready=4, request_rate=100.0)],
            Orders(pause=PauseKind.ALL),
            [Without("paused", 2)],
            id="a pause",
        ),
        pytest.param(
            service(max=9),
            [seen(ready=4, request_rate=100.0)],
            Orders(override=Override(replicas=12)),
            [Without("override", 2), Without("max", 12)],
            id="an order, and max above it",
        ),
        pytest.param(
            service(*TWO), [seen(ready=4, request_rate=100.0, queue_length=None)], Orders(), [Without("missing_metrics", 2)],
            id="the hold: by what is known",
        ),
        pytest.param(
            service(step({"above": 9, "add": 1}), concurrency(10.0)),
            [seen(0, ready=1, concurrency=60.0, queue_length=1.0), seen(1, ready=6, concurrency=10.0)],
            Orders(),
            [],
            id="in panic nothing is held",
        ),
        pytest.param(service(), [seen(ready=4, request_rate=None)], Orders(), [], id="a hold without anything known"),
        pytest.param(
            service(min=0), [seen(0, ready=1, request_rate=0.0), seen(300, ready=1, request_rate=0.0)], Orders(),
            [Without("idle", 1)], id="idleness",
        ),
        pytest.param(service(max=3), [seen(ready=9, request_rate=50.0)], Orders(), [], id="a move to a bound"),
        pytest.param(
            service(min=3), [seen(ready=3, request_rate=50.0)], Orders(), [Without("min", 1)], id="min",
        ),
    ],
)  # fmt: skip
def test_what_each_limit_cost(spec: ServiceSpec, ticks: list[Observation], orders: Orders, without: list[Without]) -> None:
    assert list(told(spec, *ticks, orders=orders).without) == without


def test_a_hold_is_told_by_the_memory_of_the_policies_that_know() -> None:
    spec = service(tracking("queue_length", total=5.0), concurrency(10.0))
    surge = [seen(0, ready=1, concurrency=5.0), seen(30, ready=1, concurrency=80.0)]
    ticks = [*surge, seen(40, ready=9, desired=9, concurrency=10.0)]
    assert told(spec, *ticks).decision.recommendations[1].value == 8
    assert told(spec, *ticks).without == (Without("missing_metrics", 8),)


@pytest.mark.parametrize(
    ("spec", "tick", "more", "fewer"),
    [
        pytest.param(
            service(tracking()), seen(ready=4, request_rate=200.0),
            [Turn("request_rate", True, 220.0, False, 5)], [Turn("request_rate", True, 150.0, True, 3)], id="target",
        ),
        pytest.param(
            service(tracking("queue_length", total=10.0)), seen(ready=4, queue_length=10.0),
            [Turn("queue_length", False, 11.0, False, 5)], [Turn("queue_length", False, 7.5, True, 3)], id="total",
        ),
        pytest.param(
            service(tracking("cpu", target=0.5)), seen(ready=2, unready=0, per_replica={"cpu": [0.5, 0.5]}),
            [Turn("cpu", True, 0.55, False, 3)], [Turn("cpu", True, 0.25, True, 1)], id="at each replica",
        ),
        pytest.param(
            service(step({"above": 100, "add": 2}, {"below": 20, "remove": 1})), seen(ready=4, queue_length=50.0),
            [Turn("queue_length", False, 100.0, True, 6)], [Turn("queue_length", False, 20.0, True, 3)], id="steps",
        ),
        pytest.param(
            service(tracking()), seen(ready=1, request_rate=0.0),
            [Turn("request_rate", True, 55.0, False, 2)], [], id="from nothing: never below min",
        ),
        pytest.param(
            service(tracking(), tracking("queue_length", total=10.0)), seen(ready=4, request_rate=200.0, queue_length=10.0),
            [Turn("request_rate", True, 220.0, False, 5), Turn("queue_length", False, 11.0, False, 5)], [],
            id="either for more, neither alone for fewer",
        ),
        pytest.param(
            service(tracking()), seen(ready=2, request_rate=400.0, desired=8),
            [Turn("request_rate", True, 400.0, False, 9)], [Turn("request_rate", True, 350.0, True, 7)],
            id="from the count decided, not from the ready",
        ),
        pytest.param(service(tracking()), seen(ready=2, request_rate=None), [], [], id="missing"),
        pytest.param(
            service(tracking(), tracking("queue_length", total=10.0)), seen(ready=4, request_rate=200.0, queue_length=None),
            [Turn("request_rate", True, 220.0, False, 5)], [], id="missing beside one that is there",
        ),
        pytest.param(
            service(step({"below": 0, "remove": 1})), seen(ready=4, queue_length=5e6),
            [], [Turn("queue_length", False, 0.0, True, 3)], id="at nothing alone",
        ),
        pytest.param(
            service(tracking("cpu", target=0.5)), seen(ready=4, per_replica={"cpu": [0.5, 0.5, 0.5, None]}),
            [Turn("cpu", True, 0.733333, False, 5)], [Turn("cpu", True, 0.166667, False, 3)],
            id="silent replicas stay silent",
        ),
        pytest.param(
            service(tracking(), tracking(target=60.0)), seen(ready=4, request_rate=200.0),
            [Turn("request_rate", True, 220.0, False, 5)], [Turn("request_rate", True, 150.0, True, 3)],
            id="each metric once",
        ),
        pytest.param(service(schedule({"cron": "0 8 * * *", "for": "1h", "min": 2})), seen(ready=2), [], [], id="no metric"),
    ],
)  # fmt: skip
def test_what_would_change_the_answer(spec: ServiceSpec, tick: Observation, more: list[Turn], fewer: list[Turn]) -> None:
    why = told(spec, tick)
    assert (list(why.more.turns), list(why.fewer.turns)) == (more, fewer)


def test_a_mean_is_turned_as_a_whole_whatever_was_in_its_window() -> None:
    why = told(service(tracking(window=10.0)), seen(0, ready=4, request_rate=100.0), seen(5, ready=4, request_rate=300.0))
    assert why.bases == (Basis(0, "request_rate", 200.0, 10.0, 50.0, True),)
    assert why.more.turns == (Turn("request_rate", True, 220.0, False, 5),)


def test_what_is_taken_as_measured_has_no_window() -> None:
    late = service(tracking("latency_p95", total=0.25, window=30.0))
    assert told(late, seen(0, ready=1, latency_p95=9.0), seen(5, ready=1, latency_p95=0.2)).bases == (
        Basis(0, "latency_p95", 0.2, None, 0.25, False),
    )
    each = service(tracking("cpu", target=0.5))
    assert told(each, seen(ready=3, per_replica={"cpu": [0.4, 0.6, float("nan")]})).bases == (
        Basis(0, "cpu", 0.5, None, 0.5, True),
    )


def test_a_turn_is_of_a_steady_value_whatever_surges_within_the_windows() -> None:
    spec = service(concurrency(10.0, panic_window=6.0))
    surge = [seen(0, ready=1, concurrency=0.0), *(seen(t, ready=1, concurrency=5.0) for t in range(1, 50))]
    why = told(spec, *surge, seen(55, ready=1, concurrency=35.0, desired=3))
    assert why.decision.desired == 4
    assert why.more.turns == (Turn("concurrency", True, 40.0, False, 5),)
    assert why.fewer.turns == (Turn("concurrency", True, 30.0, True, 3),)


def test_where_window_and_rate_end_together_the_window_is_told() -> None:
    both = Behavior(scale_down=rules(60.0, Rate(replicas=1, period=60.0)))
    why = told(service(behavior=both), seen(0, ready=4, request_rate=200.0), seen(60, ready=4, request_rate=150.0))
    assert (why.decision.desired, why.fewer.at, why.fewer.waits_for) == (3, 120.0, "stabilization")
    sooner = told(service(behavior=both), seen(0, ready=4, request_rate=200.0), seen(60, ready=4, request_rate=50.0))
    assert (sooner.decision.desired, sooner.fewer.at, sooner.fewer.waits_for) == (3, 120.0, "scale_down_rate")


def test_the_next_moves_have_times_and_reasons() -> None:
    spec = service(max=20, behavior=HPA)
    why = told(spec, seen(0, ready=4, request_rate=200.0), seen(42, ready=4, request_rate=110.0))
    assert (why.ready, why.starting) == (4, 0)
    assert why.more == Move(42.0, 8, "", "allowed at once, as far as 8", (Turn("request_rate", True, 220.0, False, 5),))
    assert why.fewer == Move(300.0, 1, "stabilization", "allowed in 4m18s at the earliest (stabilization), as far as 1", ())


def test_an_account_is_of_the_decision_that_was_made() -> None:
    spec, tick = service(max=20, behavior=HPA), seen(42, ready=4, request_rate=110.0)
    case = Case(spec, tick, EMPTY)
    assert account(case).decision == case.decide()[0]


def test_asking_why_is_bounded_work(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = service(tracking(), tracking("queue_length", total=10.0), concurrency(10.0), step({"above": 9, "add": 1}))
    case = Case(spec, seen(ready=4, request_rate=200.0, queue_length=3.0, concurrency=30.0), EMPTY)
    decide, asked = Case.decide, []

    def counted(self: Case) -> object:
        asked.append(self)
        return decide(self)

    monkeypatch.setattr(Case, "decide", counted)
    account(case)
    assert 20 < len(asked) < 500
