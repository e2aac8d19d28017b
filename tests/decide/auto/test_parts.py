"""The parts of auto: the rate at present, the hold, what a replica carries, and the band."""

import random
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.decide.auto import band as bands
from autoscaler.decide.auto.band import COVERED, Band
from autoscaler.decide.auto.capacity import Capacity, Load, bend, first, learn
from autoscaler.decide.auto.forecasts import NAMES, forecasts
from autoscaler.decide.auto.hold import Held, held, highest
from autoscaler.decide.auto.rates import present
from autoscaler.decide.history import DAY, History, begun
from autoscaler.decide.memory import Point

# ---------------------------------------------------------------- the rate at present


def points(*rates: float) -> tuple[Point, ...]:
    return tuple(Point(float(t), rate) for t, rate in enumerate(rates))


@pytest.mark.parametrize(
    ("rates", "level", "rate"),
    [
        pytest.param([100.0] * 10, 100.0, 100.0, id="steady"),
        pytest.param([100.0] * 9 + [115.0], 100.0, 100.0, id="a gust within chance"),
        pytest.param([100.0] * 8 + [200.0] * 2, 100.0, 200 - 2.2 * sqrt(100), id="twice as much is seen in two seconds"),
        pytest.param([100.0] * 5 + [0.0] * 5, 90.0, 50.0, id="a fall is no more than ten seconds late"),
    ],
)
def test_the_rate_at_present(rates: list[float], level: float, rate: float) -> None:
    assert present(points(*rates), 9.0, level) == pytest.approx(rate)


# ---------------------------------------------------------------- the hold


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 50)), min_size=1, max_size=30))
def test_held_is_the_highest_of_the_last_minute(steps: list[tuple[float, int]]) -> None:
    counts: Held = ()
    t, asked = 0.0, []
    for wait, count in steps:
        t += wait
        asked.append((t, count))
        counts = held(counts, t, count, 60.0)
    assert highest(counts) == max(count for at, count in asked if round(at, 9) > round(t - 60, 9))


# ---------------------------------------------------------------- capacity


def lived(seconds: int, known: Capacity | None = None, start: float = 0.0, **keys: float) -> Capacity:
    """A replica's life under one load from `start` on."""
    known = known or first(start, int(keys.get("ready", 1)))
    for second in range(1, seconds + 1):
        queue, ready = keys.get("queue", 0.0), int(keys.get("ready", 1))
        load = Load(start + second, 1.0, keys["answered"], keys["in_service"], queue, ready, 0)
        known = bend(learn(known, load), load)
    return known


def test_the_service_time_is_seconds_in_service_a_request() -> None:
    assert lived(1, answered=10.0, in_service=1.0).service_s is None
    assert lived(40, answered=10.0, in_service=1.0).service_s == pytest.approx(0.1)


def test_requests_that_are_turned_away_while_none_is_ready_say_nothing_of_the_service_time() -> None:
    known = lived(40, answered=20.0, in_service=0.01, ready=0)
    assert known.service_s is None
    for second in range(9):  # the means of ten seconds still hold some of them
        known = lived(1, known, 40.0 + second, answered=20.0, in_service=0.2 * second)
    assert known.service_s is None
    assert lived(2, known, 49.0, answered=20.0, in_service=2.0).service_s == pytest.approx(0.1)


def test_one_that_is_full_does_not_make_the_service_time_longer() -> None:
    known = lived(40, answered=10.0, in_service=0.8)
    assert lived(60, known, 40.0, answered=12.0, in_service=12.0).service_s == pytest.approx(0.08)


@pytest.mark.parametrize(
    ("load", "slots"),
    [
        pytest.param({"answered": 5.0, "in_service": 0.5}, 1, id="little is known: one at least"),
        pytest.param({"answered": 40.0, "in_service": 4.0}, 8, id="four at once at full speed: twice as many, perhaps"),
        pytest.param({"answered": 300.0, "in_service": 30.0}, 20, id="never more than the proxy gives it"),
        pytest.param(
            {"answered": 10.0, "in_service": 1.0, "queue": 9.0}, 1, id="requests wait all along and it has one: one"
        ),
        pytest.param(
            {"answered": 40.0, "in_service": 4.0, "queue": 9.0}, 4, id="requests wait all along and it has four: four"
        ),
    ],
)
def test_slots_by_what_was_seen(load: dict[str, float], slots: float) -> None:
    assert lived(60, None, 0.0, **load).slots(20) == pytest.approx(slots)


def test_full_replicas_have_as_many_slots_as_they_work_on_at_full_speed() -> None:
    known = lived(60, answered=10.0, in_service=1.0)
    assert lived(60, known, 60.0, answered=40.0, in_service=20.0).slots(20) == pytest.approx(4.0)


def test_a_replica_that_slows_down_under_many_has_fewer_slots_than_it_is_given() -> None:
    known = lived(60, answered=8.0, in_service=0.8)
    assert lived(30, known, 60.0, answered=10.0, in_service=12.0).slots(20) == pytest.approx(1.0, abs=0.02)


def test_a_slower_version_is_learned_while_requests_wait() -> None:
    known = lived(120, answered=9.0, in_service=0.9)
    slow = lived(20, known, 120.0, answered=4.0, in_service=1.0, queue=30.0)
    assert slow.slots(20) / (slow.service_s or 0) == pytest.approx(4.0, rel=0.05)


@pytest.mark.parametrize(
    ("in_service", "seconds"), [pytest.param(0.45, 130, id="faster"), pytest.param(1.3, 220, id="slower")]
)
def test_another_version_is_learned_within_minutes(in_service: float, seconds: int) -> None:
    known = lived(600, answered=9.0, in_service=0.9)
    assert lived(seconds, known, 600.0, answered=9.0, in_service=in_service).service_s == pytest.approx(in_service / 9)


def test_the_service_time_is_not_less_by_chance() -> None:
    chance, known = random.Random(5), first(0.0, 1)
    told = []
    for second in range(1, 3001):
        load = Load(float(second), 1.0, 10.0, chance.gauss(1.0, 0.3), 0.0, 1, 0)  # a piece's mean deviates by 5.5%
        known = bend(learn(known, load), load)
        told.append(known.service_s or 0.1)
    assert sum(told) / len(told) == pytest.approx(0.1, rel=0.03)


def test_what_is_seen_while_requests_wait_all_along_says_nothing_of_the_service_time() -> None:
    known = lived(120, answered=9.0, in_service=0.9)
    assert lived(600, known, 120.0, answered=10.0, in_service=20.0, queue=30.0).service_s == pytest.approx(0.1)


def test_the_start_up_is_seconds_spent_starting_a_replica() -> None:
    known = first(0.0, 1)
    for second in range(1, 9):
        known = learn(known, Load(float(second), 1.0, 1.0, 0.1, 0.0, 1, 2))
    known = learn(known, Load(9.0, 1.0, 1.0, 0.1, 0.0, 3, 0))
    assert known.startup_s == pytest.approx(8.0, rel=0.01)


# ---------------------------------------------------------------- the band


def watched(rates: list[float], steps_kept: list[tuple[float, float]] | None = None) -> Band:
    """A band over a rate each five seconds; what it said and what came are kept."""
    band, history, t = bands.begun(0.0, rates[0]), begun(0), 0.0
    for rate in rates:
        t += 5.0
        if steps_kept is not None and band.upper is not None:
            steps_kept.append((band.upper, rate))
        history = history.seen(rate, int(t // 60))
        band = bands.step(band, t, rate, rate, history, t, 20.0)
    return band


def test_a_band_covers_nearly_all_and_not_much_more() -> None:
    chance = random.Random(3)
    kept: list[tuple[float, float]] = []
    watched([100 + chance.gauss(0, 10) for _ in range(6000)], kept)
    late = kept[len(kept) // 3 :]
    above = sum(rate - 1.5 * sqrt(rate / 10) > upper for upper, rate in late) / len(late)
    assert above < 1 - COVERED
    assert sum(upper for upper, _ in late) / len(late) < 125


def test_a_burst_by_the_clock_is_foreseen_by_the_forecast_that_knows_the_hour() -> None:
    hours = [200.0 if minute % 60 == 10 else 100.0 for minute in range(60 * 60)]
    band = watched([rate for rate in hours for _ in range(12)])
    best = band.best
    assert best is not None
    assert NAMES[best % len(NAMES)] == "these minutes an hour ago"


def test_forecasts_by_the_clock_know_the_minutes_ahead() -> None:
    values = tuple(500.0 if minute % DAY == 7 else 10.0 for minute in range(8 * DAY + 5))
    history = History(0, values, 8 * DAY + 5)
    by_name = dict(zip(NAMES, forecasts((10.0,) * 7, history, 8 * DAY + 8), strict=True))
    assert by_name["the 4th highest of these minutes on the last 7 days"] == 500.0
    assert by_name["these minutes a week ago"] == 500.0
    assert by_name["these minutes an hour ago"] == 10.0
