"""explain: the whole text, as people read it at night: why this many, and why not more or fewer?"""

from textwrap import dedent

from autoscaler.model import Orders, Override, PauseKind
from autoscaler.spec.models import Behavior, Rate
from tests.decide.builders import HPA, concurrency, rules, schedule, seen, service, step, tracking, why


def text(told: str) -> str:
    return dedent(told).strip()


def test_held_by_the_tolerance() -> None:
    spec = service(tracking(window=10.0), max=20, behavior=HPA)
    assert why(spec, seen(ready=4, request_rate=210.0)) == text("""
        web: 4 replicas wanted, as before (mode stable)
          request_rate 210 at 50 a replica: 105% of what 4 carry, within tolerance (90% to 110%), asks for 4

        1. before: 4 wanted, 4 ready, 0 starting; allowed: min 1, max 20
        2. the policies ask for 4
           [0] target_tracking, request_rate over 10s: 4 (the formula alone: 4.2)
               request_rate 210 at 50 a replica: 105% of what 4 carry, within tolerance (90% to 110%), asks for 4
        3. stabilization: no effect (windows: up 0s, down 5m)
        4. rates: no effect (up the most of 100% in 15s and 4 replicas in 15s; down 100% in 15s)
        5. bounds: no effect (min 1, max 20)

        more: allowed at once, as far as 8
           request_rate above 220 asks for 5
        fewer: allowed in 5m at the earliest (stabilization), as far as 1
           request_rate at 150 or below for 5m asks for 3
    """)


def test_held_by_stabilization() -> None:
    spec = service(tracking(), tracking("cpu", target=0.7), max=20, behavior=HPA)
    ticks = [
        seen(0, ready=4, request_rate=200.0, per_replica={"cpu": [0.7] * 4}),
        seen(42, ready=4, request_rate=110.0, per_replica={"cpu": [0.3] * 4}),
    ]
    assert why(spec, *ticks) == text("""
        web: 4 replicas wanted, as before (mode stable)
          request_rate 110 at 50 a replica asks for 3
          held at 4 by scale_down stabilization for 4m18s (highest asked for in the last 5m: 4)

        1. before: 4 wanted, 4 ready, 0 starting; allowed: min 1, max 20
        2. the policies ask for 3, the largest of these
           [0] target_tracking, request_rate now: 3 (2.2 rounded up)
               request_rate 110 at 50 a replica asks for 3
           [1] target_tracking, cpu: 2 (1.71429 rounded up)
               cpu 0.3 a replica, target 0.7 asks for 2
        3. stabilization: 3 -> 4 (windows: up 0s, down 5m)
           held at 4 by scale_down stabilization for 4m18s (highest asked for in the last 5m: 4)
           without the window: 3
        4. rates: no effect (up the most of 100% in 15s and 4 replicas in 15s; down 100% in 15s)
        5. bounds: no effect (min 1, max 20)

        more: allowed at once, as far as 8
           request_rate above 220 asks for 5
           cpu above 0.77 a replica asks for 5
        fewer: allowed in 4m18s at the earliest (stabilization), as far as 1
           3 is asked for already
    """)


def test_held_by_a_rate() -> None:
    ticks = [seen(0, ready=4, request_rate=5000.0), seen(3, ready=5, unready=3, request_rate=5000.0)]
    assert why(service(behavior=HPA), *ticks) == text("""
        web: 8 replicas wanted, as before (mode stable)
          request_rate 5000 at 50 a replica asks for 100
          scale_up_rate allows 8 for now (the most of 100% in 15s and 4 replicas in 15s), more in 12s

        1. before: 8 wanted, 5 ready, 3 starting; allowed: min 1, max 100
        2. the policies ask for 100
           [0] target_tracking, request_rate now: 100
               request_rate 5000 at 50 a replica asks for 100
        3. stabilization: no effect (windows: up 0s, down 5m)
        4. rates: 100 -> 8 (up the most of 100% in 15s and 4 replicas in 15s; down 100% in 15s)
           scale_up_rate allows 8 for now (the most of 100% in 15s and 4 replicas in 15s), more in 12s
           without the rate: 100
        5. bounds: no effect (min 1, max 100)

        more: allowed in 12s at the earliest (scale_up_rate), as far as 16
           100 is asked for already
        fewer: allowed in 5m at the earliest (stabilization), as far as 1
           request_rate at 350 or below for 5m asks for 7
    """)


def test_held_by_max() -> None:
    assert why(service(max=6, behavior=HPA), seen(ready=6, request_rate=400.0)) == text("""
        web: 6 replicas wanted, as before (mode stable)
          request_rate 400 at 50 a replica asks for 8
          bounded by max 6

        1. before: 6 wanted, 6 ready, 0 starting; allowed: min 1, max 6
        2. the policies ask for 8
           [0] target_tracking, request_rate now: 8
               request_rate 400 at 50 a replica asks for 8
        3. stabilization: no effect (windows: up 0s, down 5m)
        4. rates: no effect (up the most of 100% in 15s and 4 replicas in 15s; down 100% in 15s)
        5. bounds: 8 -> 6 (min 1, max 6)
           bounded by max 6
           without max: 8

        more: not beyond max 6
        fewer: allowed in 5m at the earliest (stabilization), as far as 1
           request_rate at 250 or below for 5m asks for 5
    """)


def test_held_because_one_of_two_metrics_is_missing() -> None:
    spec = service(tracking(), tracking("queue_length", total=5.0), max=20, behavior=HPA)
    ticks = [
        seen(0, ready=4, request_rate=200.0, queue_length=5.0),
        seen(400, ready=4, request_rate=110.0, queue_length=None),
    ]
    assert why(spec, *ticks) == text("""
        web: 4 replicas wanted, as before (mode hold)
          queue_length is missing: it is gone
          request_rate 110 at 50 a replica asks for 3
          held at 4 until it is back

        1. before: 4 wanted, 4 ready, 0 starting; allowed: min 1, max 20
        2. the policies ask for 3, the largest of these
           [0] target_tracking, request_rate now: 3 (2.2 rounded up)
               request_rate 110 at 50 a replica asks for 3
           [1] target_tracking, queue_length now: no count
               queue_length is missing: it is gone
           missing_metrics: 3 -> 4
               held at 4 until it is back
               without the hold: 3
        3. stabilization: no effect (windows: up 0s, down 5m)
        4. rates: no effect (up the most of 100% in 15s and 4 replicas in 15s; down 100% in 15s)
        5. bounds: no effect (min 1, max 20)

        more: allowed at once, as far as 8
           request_rate above 220 asks for 5
        fewer: when queue_length is back
    """)


def test_held_because_the_only_metric_is_missing() -> None:
    assert why(service(max=4), seen(ready=2, request_rate=None)) == text("""
        web: 2 replicas wanted, as before (mode hold)
          request_rate is missing: it is gone
          held at 2 until it is back

        1. before: 2 wanted, 2 ready, 0 starting; allowed: min 1, max 4
        2. no policy gives a count, so it stays at 2
           [0] target_tracking, request_rate now: no count
               request_rate is missing: it is gone
           missing_metrics: 2 -> 2
               held at 2 until it is back
        3. stabilization: no effect (windows: up 0s, down 0s)
        4. rates: no effect (up as fast as asked; down as fast as asked)
        5. bounds: no effect (min 1, max 4)

        more: allowed at once, as far as 4
           no metric asks for more before request_rate is back
        fewer: when request_rate is back
    """)


def test_in_panic() -> None:
    ticks = [seen(0, ready=1, concurrency=8.0), seen(30, ready=1, concurrency=60.0), seen(50, ready=6, concurrency=20.0)]
    assert why(service(concurrency(10.0), max=50), *ticks) == text("""
        web: 6 replicas wanted, as before (mode panic)
          concurrency 29.33 over 1m at 10 a replica, concurrency 20 over 6s
          the last 6s ask for 2, 12 is a surge
          panic (after a surge or a start) for 40s more: asks for 6, the most since it began

        1. before: 6 wanted, 6 ready, 0 starting; allowed: min 1, max 50
        2. the policies ask for 6
           [0] concurrency, concurrency over 1m: 6 (the formula alone: 2.93333)
               concurrency 29.33 over 1m at 10 a replica, concurrency 20 over 6s
               the last 6s ask for 2, 12 is a surge
               panic (after a surge or a start) for 40s more: asks for 6, the most since it began
        3. stabilization: no effect (windows: up 0s, down 0s)
        4. rates: no effect (up as fast as asked; down as fast as asked)
        5. bounds: no effect (min 1, max 50)

        more: allowed at once, as far as 50
           concurrency above 60 asks for 7
        fewer: allowed at once, as far as 1
           no value of concurrency alone asks for fewer now
    """)


def test_ordered_by_an_operator_beyond_max() -> None:
    ticks = [seen(0, ready=4, request_rate=200.0), seen(30, ready=4, request_rate=400.0)]
    ordered = Orders(override=Override(replicas=12, until=90.0, reason="sale"))
    assert why(service(max=9), *ticks, orders=ordered) == text("""
        web: 9 replicas wanted, up from 4 (mode override)
          an operator ordered 12 for 1m (sale)
          bounded by max 9

        1. before: 4 wanted, 4 ready, 0 starting; allowed: min 1, max 9
        2. the policies ask for 8
           [0] target_tracking, request_rate now: 8
               request_rate 400 at 50 a replica asks for 8
           an operator's order goes first; without it: 8
        3. stabilization: not asked, the order goes past it
        4. rates: not asked, the order goes past them
        5. bounds: 12 -> 9 (min 1, max 9)
           bounded by max 9
           without max: 12

        more: when the order ends, in 1m
        fewer: when the order ends, in 1m
    """)


def test_bounds_narrowed_by_an_operator() -> None:
    ticks = [seen(0, ready=2, request_rate=100.0), seen(30, ready=2, request_rate=400.0)]
    assert why(service(max=9), *ticks, orders=Orders(override=Override(max=3, until=90.0))) == text("""
        web: 3 replicas wanted, up from 2 (mode stable)
          request_rate 400 at 50 a replica asks for 8
          bounded by max 3 (narrowed by an operator)

        1. before: 2 wanted, 2 ready, 0 starting; allowed: min 1, max 3 (narrowed by an operator)
        2. the policies ask for 8
           [0] target_tracking, request_rate now: 8
               request_rate 400 at 50 a replica asks for 8
        3. stabilization: no effect (windows: up 0s, down 0s)
        4. rates: no effect (up as fast as asked; down as fast as asked)
        5. bounds: 8 -> 3 (min 1, max 3 (narrowed by an operator))
           bounded by max 3 (narrowed by an operator); that bound ends in 1m
           without max: 8

        more: not beyond max 3 (narrowed by an operator) for the next 1m
        fewer: allowed at once, as far as 1
           request_rate at 110 or below asks for 2
    """)


def test_falls_paused() -> None:
    ticks = [seen(0, ready=4, request_rate=200.0), seen(30, ready=4, request_rate=100.0)]
    assert why(service(max=9), *ticks, orders=Orders(pause=PauseKind.IN)) == text("""
        web: 4 replicas wanted, as before (mode paused)
          request_rate 100 at 50 a replica asks for 2
          held at 4 by a pause

        1. before: 4 wanted, 4 ready, 0 starting; allowed: min 1, max 9
        2. the policies ask for 2
           [0] target_tracking, request_rate now: 2
               request_rate 100 at 50 a replica asks for 2
           paused: 2 -> 4
               held at 4 by a pause
               without the pause: 2
        3. stabilization: no effect (windows: up 0s, down 0s)
        4. rates: no effect (up as fast as asked; down as fast as asked)
        5. bounds: no effect (min 1, max 9)

        more: allowed at once, as far as 9
           request_rate above 220 asks for 5
        fewer: when the pause ends
    """)


def test_a_schedules_floor() -> None:
    spec = service(tracking(), schedule({"cron": "0 8 * * *", "for": "10h", "min": 4}), max=9, behavior=HPA)
    ticks = [seen(8 * 3600 - 600, ready=1, request_rate=20.0), seen(8 * 3600 + 60, ready=1, request_rate=20.0)]
    assert why(spec, *ticks) == text("""
        web: 4 replicas wanted, up from 1 (mode stable)
          '0 8 * * *' is active, asks for 4
          1 is below min 4 (by schedule): to 4 at once

        1. before: 1 wanted, 1 ready, 0 starting; allowed: min 4 (by schedule), max 9
           below_min: 1 -> 4
               1 is below min 4 (by schedule): to 4 at once; that bound ends in 9h59m
        2. the policies ask for 4, the largest of these
           [0] target_tracking, request_rate now: 1 (0.4 rounded up)
               request_rate 20 at 50 a replica asks for 1
           [1] schedule: 4
               '0 8 * * *' is active, asks for 4
        3. stabilization: not asked, the move to a bound goes past it
        4. rates: not asked, the move to a bound goes past them
        5. bounds: no effect (min 4 (by schedule), max 9)

        more: allowed at once, as far as 5
           request_rate above 200 asks for 5
        fewer: not below min 4 (by schedule) for the next 9h59m
    """)


def test_moved_to_max_at_once() -> None:
    assert why(service(max=6, behavior=HPA), seen(ready=9, request_rate=200.0)) == text("""
        web: 6 replicas wanted, down from 9 (mode stable)
          request_rate 200 at 50 a replica asks for 4
          9 is above max 6: to 6 at once

        1. before: 9 wanted, 9 ready, 0 starting; allowed: min 1, max 6
           above_max: 9 -> 6
               9 is above max 6: to 6 at once
        2. the policies ask for 4
           [0] target_tracking, request_rate now: 4
               request_rate 200 at 50 a replica asks for 4
        3. stabilization: not asked, the move to a bound goes past it
        4. rates: not asked, the move to a bound goes past them
        5. bounds: no effect (min 1, max 6)

        more: not beyond max 6
        fewer: allowed in 5m at the earliest (stabilization), as far as 1
           4 is asked for already
    """)


def test_a_step_that_holds() -> None:
    spec = service(step({"above": 100, "add": 2}, {"below": 20, "remove": 1}), max=9, behavior=HPA)
    assert why(spec, seen(0, ready=2, queue_length=120.0), seen(30, ready=4, queue_length=50.0)) == text("""
        web: 4 replicas wanted, as before (mode stable)
          queue_length 50
          the step out from 2 holds, 30s of its cooldown left, asks for 4

        1. before: 4 wanted, 4 ready, 0 starting; allowed: min 1, max 9
        2. the policies ask for 4
           [0] step, queue_length now: 4
               queue_length 50
               the step out from 2 holds, 30s of its cooldown left, asks for 4
        3. stabilization: no effect (windows: up 0s, down 5m)
        4. rates: no effect (up the most of 100% in 15s and 4 replicas in 15s; down 100% in 15s)
        5. bounds: no effect (min 1, max 9)

        more: allowed at once, as far as 8
           no value of queue_length alone asks for more now
        fewer: allowed in 5m at the earliest (stabilization), as far as 1
           no value of queue_length alone asks for fewer now
    """)


def test_none_because_it_is_idle() -> None:
    spec = service(min=0)
    assert why(spec, seen(0, ready=1, request_rate=0.0), seen(300, ready=1, request_rate=0.0)) == text("""
        web: 0 replicas wanted, down from 1 (mode idle)
          request_rate 0 at 50 a replica asks for 0
          no load for 5m: none

        1. before: 1 wanted, 1 ready, 0 starting; allowed: min 0, max 100
        2. the policies ask for 0
           [0] target_tracking, request_rate now: 0
               request_rate 0 at 50 a replica asks for 0
           idle: 0 -> 0
               no load for 5m: none
               without going to none: 1
        3. stabilization: not asked, idleness goes past it
        4. rates: not asked, idleness goes past them
        5. bounds: no effect (min 0, max 100)

        more: allowed at once, as far as 100
           request_rate above 0 asks for 1
        fewer: there are none
    """)


def test_an_order_without_an_end_ends_when_it_ends() -> None:
    told = why(service(max=9), seen(ready=4, request_rate=400.0), orders=Orders(override=Override(replicas=5)))
    assert told.endswith("more: when the order ends\nfewer: when the order ends")


def test_an_order_waits_for_the_move_to_a_bound() -> None:
    told = why(service(max=6), seen(ready=9, request_rate=200.0), orders=Orders(override=Override(replicas=2)))
    assert "\n   above_max: 9 -> 6\n" in told
    assert "an operator's order goes first" not in told
    assert "3. stabilization: not asked, the move to a bound goes past it\n" in told


def test_a_direction_that_is_disabled_never_moves() -> None:
    fixed = Behavior(scale_up=rules(select="disabled"), scale_down=rules(select="disabled"))
    told = why(service(behavior=fixed), seen(ready=4, request_rate=200.0))
    assert "4. rates: no effect (up disabled; down disabled)\n" in told
    assert told.endswith("more: never: scale_up is disabled\nfewer: never: scale_down is disabled")


def test_each_direction_waits_for_rules_of_its_own() -> None:
    slow = Behavior(scale_up=rules(0.0, Rate(replicas=4, period=15.0)), scale_down=rules(0.0, Rate(replicas=1, period=60.0)))
    told = why(service(behavior=slow), seen(0, ready=8, request_rate=50.0), seen(5, ready=7, request_rate=50.0))
    assert "more: allowed at once, as far as 12\n   request_rate above 385 asks for 8\n" in told
    assert told.endswith("fewer: allowed in 55s at the earliest (scale_down_rate), as far as 6\n   1 is asked for already")


def test_of_rates_the_one_that_is_chosen_is_told() -> None:
    careful = Behavior(scale_up=rules(0.0, Rate(replicas=1, period=15.0), Rate(percent=50.0, period=60.0), select="min"))
    told = why(service(behavior=careful), seen(ready=4, request_rate=200.0))
    assert "(up the least of 1 replica in 15s and 50% in 1m; down 100% in 15s)" in told


def test_one_is_told_as_one() -> None:
    assert why(service(max=1), seen(ready=1, request_rate=400.0)).startswith(
        "web: 1 replica wanted, as before (mode stable)\n"
    )
