"""What is learned of a service, tick by tick."""

from dataclasses import replace

import pytest

from autoscaler.decide.service_model import Service, Tick, from_memory, learn, unknown

SLOTS = 20


def taught(
    known: Service,
    seconds: int,
    *,
    ready: int = 4,
    rate: float = 100.0,
    service_s: float = 0.1,
    queue: float = 0.0,
    busy: float | None = None,
    latency_s: float = 0.3,
) -> Service:
    """What is known after so many ticks of a second that are all alike."""
    begun = known.learned_at
    for second in range(1, seconds + 1):
        at_replicas = rate * service_s if busy is None else busy
        tick = Tick(begun + second, ready, rate, at_replicas, queue, latency_s, 10.0)
        known = learn(known, tick, 0.95, SLOTS)
    return known


def first(ready: int = 4) -> Service:
    return unknown(0.0, ready, 0.95)


def test_the_same_tick_twice_teaches_nothing_more() -> None:
    known = taught(first(), 60)
    again = learn(known, Tick(known.learned_at, 4, 900.0, 900.0, 0.0, 9.0, 10.0), 0.95, SLOTS)
    assert again == known
    assert learn(known, Tick(known.learned_at, 9, 900.0, 900.0, 0.0, 9.0, 10.0), 0.95, SLOTS) == known


def test_the_pace_is_known_once_there_were_seconds_and_requests_enough() -> None:
    assert taught(first(), 20).pace is None
    assert taught(first(), 30).pace == pytest.approx(10.0)
    assert taught(first(), 40, rate=0.5).pace is None
    assert taught(first(), 70, rate=0.5).pace == pytest.approx(10.0)


def test_where_few_requests_come_it_averages_for_longer() -> None:
    busy, quiet = (taught(taught(first(), 300, rate=rate), 60, rate=rate, service_s=0.2) for rate in (100.0, 0.1))
    assert busy.pace == pytest.approx(1 / 0.163, rel=0.01)
    assert quiet.pace == pytest.approx(1 / 0.117, rel=0.01)


def test_while_many_wait_the_pace_is_left_alone() -> None:
    known = taught(taught(first(), 60), 30, rate=300.0, busy=10.0, queue=50.0, latency_s=5.0)
    assert known.pace == pytest.approx(10.0)
    assert known.kappa == pytest.approx(3.0)
    assert known.crowded_at == known.learned_at


def test_after_a_count_that_changed_it_waits_for_it_to_settle() -> None:
    known = taught(taught(first(), 60), 5, ready=8, busy=999.0)
    assert known.pace == pytest.approx(10.0)
    assert known.slots is None
    assert known.span == pytest.approx(0.0)


def test_the_percentile_of_a_window_from_before_the_count_changed_teaches_nothing() -> None:
    known = taught(taught(first(), 60), 10, ready=8, latency_s=9.0)
    assert known.kappa == pytest.approx(3.0)
    assert taught(known, 10, ready=8, latency_s=9.0).kappa > 3.1


@pytest.mark.parametrize(("service_s", "bend"), [(0.05, 0.0), (1 / 16, 0.4), (0.1, 1.0), (0.2, 1.0), (0.04, 0.0)])
def test_the_bend_is_the_pace_lost_by_the_load_gained(service_s: float, bend: float) -> None:
    """From 10 requests/s a replica at a pace of 20 to twice as many at another."""
    known = taught(taught(first(10), 60, ready=10, service_s=0.05), 60, ready=5, service_s=service_s)
    assert known.bend == pytest.approx(bend)


def test_a_pace_that_the_bend_does_not_explain_makes_it_forgotten() -> None:
    known = taught(taught(first(10), 60, ready=10, service_s=0.05), 60, ready=5, service_s=0.1)
    known = taught(known, 60, ready=10, service_s=0.05)
    assert known.bend == pytest.approx(1.0)
    assert taught(known, 120, ready=10, service_s=0.2).bend is None


def test_slots_are_what_is_busy_while_requests_wait_more_at_once_and_fewer_soon() -> None:
    known = taught(first(), 20, busy=16.0, queue=9.0)
    assert known.slots == pytest.approx(4.0)
    assert taught(known, 2, busy=24.0, queue=9.0).slots == pytest.approx(6.0)
    assert taught(known, 100, busy=8.0, queue=9.0).slots == pytest.approx(2.0, abs=0.05)
    assert taught(known, 100, busy=8.0).slots == pytest.approx(4.0)


def test_it_goes_through_a_memory_of_numbers() -> None:
    known = taught(taught(first(10), 60, ready=10, service_s=0.05), 60, ready=5, service_s=0.1, queue=1.0)
    assert from_memory(known.to_memory()) == known
    assert from_memory({}) is None
    assert from_memory(replace(known, bend=2.0).to_memory()) is None
