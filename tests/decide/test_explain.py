"""explain: the whole text, as people read it."""

from autoscaler.decide import EMPTY, decide, explain
from autoscaler.model import Orders, Override, PauseKind
from autoscaler.spec.models import Behavior, Rate
from tests.decide.builders import HPA, fold, rules, seen, service, tracking


def test_held_by_stabilization() -> None:
    spec = service(tracking(), tracking("cpu", target=0.7), max=20, behavior=HPA)
    ticks = [
        seen(0, ready=4, request_rate=200.0, per_replica={"cpu": [0.7] * 4}),
        seen(42, ready=4, request_rate=110.0, per_replica={"cpu": [0.3] * 4}),
    ]
    decisions, memory = fold(spec, ticks)
    assert explain(spec, decisions[-1], memory) == (
        "web: 4 replicas wanted, the policies ask for 3 (stable)\n"
        "  request_rate 110 at 50 a replica asks for 3; held at 4 by scale_down stabilization for 4m18s"
        " (highest of the last 5m was 4)\n"
        "\n"
        "policies\n"
        "  [0] target_tracking on request_rate: 3 (2.2 before rounding up)\n"
        "      request_rate 110 at 50 a replica asks for 3\n"
        "  [1] target_tracking on cpu: 2 (1.71429 before rounding up)\n"
        "      cpu 0.3 a replica, target 0.7 asks for 2\n"
        "\n"
        "limits, in the order applied\n"
        "  stabilization: 3 -> 4, 1 more than without it, lets go in 4m18s\n"
        "      held at 4 by scale_down stabilization for 4m18s (highest of the last 5m was 4)\n"
        "  bounds: min 1, max 20\n"
        "\n"
        "next move\n"
        "  more: at once, as far as 8\n"
        "  fewer: in 4m18s at the earliest (stabilization), then as far as 1"
    )


def test_a_first_tick_without_a_metric() -> None:
    decision, memory = decide(service(max=4), seen(ready=2, request_rate=None), EMPTY)
    text = explain(service(max=4), decision, memory)
    assert "web: 2 replicas wanted, the policies ask for 2 (hold)" in text
    assert "request_rate: gives none\n      request_rate is missing: it is gone" in text
    assert "missing_metrics: 2 -> 2, no change" in text
    assert "more: at once, as far as 4\n  fewer: when the missing metric is back" in text


def test_the_next_move_waits_for_a_rate() -> None:
    spec = service(behavior=HPA)
    decisions, memory = fold(spec, [seen(0, ready=4, request_rate=5000.0), seen(3, ready=8, request_rate=5000.0)])
    assert "  more: in 12s at the earliest (scale_up_rate), then as far as 16\n" in explain(spec, decisions[1], memory)


def test_the_next_move_waits_for_an_operator() -> None:
    spec = service(max=9)
    ordered = Orders(override=Override(replicas=5, until=60.0))
    decision, memory = decide(spec, seen(ready=4, request_rate=400.0), EMPTY, ordered)
    assert explain(spec, decision, memory, ordered).endswith(
        "more: when the order ends, in 1m\n  fewer: when the order ends, in 1m"
    )
    paused = Orders(pause=PauseKind.IN)
    decision, memory = decide(spec, seen(ready=4, request_rate=400.0), EMPTY, paused)
    assert explain(spec, decision, memory, paused).endswith("more: at once, as far as 9\n  fewer: when the pause ends")


def test_bounds_stop_the_next_move() -> None:
    spec = service(max=1)
    decision, memory = decide(spec, seen(ready=1, request_rate=400.0), EMPTY)
    text = explain(spec, decision, memory)
    assert text.startswith("web: 1 replica wanted, the policies ask for 8 (stable)")
    assert "  max: 8 -> 1, 7 fewer than without it\n" in text
    assert text.endswith("more: not beyond max 1\n  fewer: not below min 1")


def test_without_a_limit_it_says_so() -> None:
    decision, memory = decide(service(max=9), seen(ready=4, request_rate=200.0), EMPTY)
    text = explain(service(max=9), decision, memory)
    assert "\n\nlimits: none bound it\n  bounds: min 1, max 9\n\n" in text


def test_bounds_say_that_an_operator_narrowed_them_and_what_that_cost() -> None:
    spec, narrowed = service(max=9), Orders(override=Override(max=3, until=60.0))
    decision, memory = decide(spec, seen(ready=2, request_rate=400.0), EMPTY, narrowed)
    text = explain(spec, decision, memory, narrowed)
    assert "  bounds: min 1, max 3 (narrowed by an operator)\n" in text
    assert "  max: 8 -> 3, 5 fewer than without it, lets go in 1m\n" in text
    assert text.endswith("more: not beyond max 3 (narrowed by an operator)\n  fewer: at once, as far as 1")


def test_an_order_without_an_end_ends_when_it_ends() -> None:
    ordered = Orders(override=Override(replicas=5))
    decision, memory = decide(service(max=9), seen(ready=4, request_rate=400.0), EMPTY, ordered)
    text = explain(service(max=9), decision, memory, ordered)
    assert text.endswith("more: when the order ends\n  fewer: when the order ends")


def test_a_direction_that_is_disabled_never_moves() -> None:
    fixed = Behavior(scale_up=rules(select="disabled"), scale_down=rules(select="disabled"))
    decision, memory = decide(service(behavior=fixed), seen(ready=4, request_rate=200.0), EMPTY)
    text = explain(service(behavior=fixed), decision, memory)
    assert text.endswith("more: never: scale_up is disabled\n  fewer: never: scale_down is disabled")


def test_each_direction_waits_for_rules_of_its_own() -> None:
    slow = Behavior(scale_up=rules(0.0, Rate(replicas=4, period=15.0)), scale_down=rules(0.0, Rate(replicas=1, period=60.0)))
    down = fold(service(behavior=slow), [seen(0, ready=8, request_rate=50.0), seen(5, ready=7, request_rate=50.0)])
    text = explain(service(behavior=slow), down[0][-1], down[1])
    assert text.endswith("more: at once, as far as 12\n  fewer: in 55s at the earliest (scale_down_rate), then as far as 6")
