"""Anti-flap: what is noticed, how long a fall waits for it, and how that relaxes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.decide import EMPTY, Memory, decide
from autoscaler.decide.anti_flap import CALM_S, LONGEST_S, lets_fall, level_at, notice, window_at
from autoscaler.decide.memory import Asked, Flaps, Turn
from autoscaler.model import Decision, Orders, Override, PauseKind
from autoscaler.spec.models import Behavior
from tests.decide.builders import OPEN_UP, fold, rules, schedule, seen, service, tracking, why
from tests.decide.strategies import histories, observations, specs

YEAR_S = 365 * 86400.0


def behavior(window: float = 60.0, *, anti_flap: bool = True) -> Behavior:
    """As fast as asked, but for a down window."""
    return Behavior(scale_up=OPEN_UP, scale_down=rules(window), anti_flap=anti_flap)


def decisions(*loads: tuple[float, float], window: float = 60.0, anti_flap: bool = True) -> list[Decision]:
    """What is decided under these requests a second, 50 a replica, of 3 ready ones."""
    spec = service(behavior=behavior(window, anti_flap=anti_flap))
    return fold(spec, [seen(t, ready=3, request_rate=load) for t, load in loads])[0]


def counts(*loads: tuple[float, float], window: float = 60.0, anti_flap: bool = True) -> list[int]:
    return [decision.desired for decision in decisions(*loads, window=window, anti_flap=anti_flap)]


UP, BACK, UP_AGAIN = (10, 400), (70, 100), (80, 400)
SPIKES = ((0, 100), UP, BACK, UP_AGAIN)


# ---------------------------------------------------------------- noticed


@pytest.mark.parametrize(
    ("loads", "flaps"),
    [
        pytest.param(SPIKES, ["8 -> 2, 1m after it went up", "2 -> 8, 10s after it went down"], id="there, back and again"),
        pytest.param(((0, 100), UP, (310, 100)), ["8 -> 2, 5m after it went up"], id="five minutes after"),
        pytest.param(((0, 100), UP, (310.5, 100)), [], id="later"),
        pytest.param(((0, 100), UP, (20, 600), (30, 900)), [], id="on the same way"),
        pytest.param(((0, 100), UP, (70, 200), (80, 200), (90, 100)), ["8 -> 4, 1m after it went up"], id="and on down"),
    ],
)
@pytest.mark.parametrize("anti_flap", [True, False], ids=["on", "off"])
def test_a_move_back_within_five_minutes_is_noticed(
    loads: Sequence[tuple[float, float]], flaps: list[str], anti_flap: bool
) -> None:
    told = [decision.flap for decision in decisions(*loads, anti_flap=anti_flap) if decision.flap]
    assert told[: len(flaps)] == flaps
    assert len(told) == len(flaps)


def test_a_longer_down_window_makes_a_longer_while() -> None:
    assert decisions((0, 100), UP, (610, 100), window=600)[-1].flap == "8 -> 2, 10m after it went up"


def test_a_move_to_a_bound_and_one_of_a_schedules_floor_are_no_turns() -> None:
    spec = service(tracking(), schedule({"cron": "1 0 * * *", "for": "1m", "min": 6}), behavior=behavior(0))
    told, memory = fold(spec, [seen(t, request_rate=100.0) for t in (0, 60, 120)])
    assert [(decision.desired, decision.flap) for decision in told] == [(2, ""), (6, ""), (2, "")]
    assert memory.flaps.level == 0


def test_an_operators_moves_are_no_turns() -> None:
    spec = service(behavior=behavior(0))
    ticks = [seen(0.0, ready=2, request_rate=100.0), seen(1.0, ready=2, request_rate=400.0)]
    _, memory = fold(spec, ticks)
    ordered, memory = decide(spec, seen(2.0, request_rate=400.0), memory, Orders(override=Override(replicas=3)))
    assert (ordered.desired, ordered.flap) == (3, "")
    back, memory = decide(spec, seen(3.0, request_rate=400.0), memory)
    assert (back.desired, back.flap) == (8, "")


def test_to_none_and_awake_again_are_no_turns() -> None:
    spec = service(min=0, behavior=behavior(0))
    told, _ = fold(spec, [seen(t, request_rate=load) for t, load in ((0, 0.0), (300, 0.0), (301, 40.0), (302, 100.0))])
    assert [(decision.desired, decision.flap) for decision in told] == [(1, ""), (0, ""), (1, ""), (2, "")]


def test_a_turn_asked_again_at_the_same_time_is_one() -> None:
    flaps, told = notice(behavior(), Flaps(turn=Turn(0.0, up=True)), 8, 2, 10.0, own=True)
    assert (flaps, bool(told)) == (Flaps(1, 10.0, Turn(10.0, up=False)), True)
    assert notice(behavior(), flaps, 2, 8, 10.0, own=True) == (flaps, "")


# ---------------------------------------------------------------- answered


def test_each_flap_doubles_the_window_and_only_falls_wait() -> None:
    held = (*SPIKES, (90, 100), (400, 100), (679.9, 100), (680, 100), (681, 900))
    assert counts(*held) == [3, 8, 2, 8, 8, 8, 8, 2, 18]
    assert counts(*held, anti_flap=False) == [3, 8, 2, 8, 8, 2, 2, 2, 18]


def test_the_limit_says_why_and_until_when() -> None:
    decision = decisions(*SPIKES, (90, 100))[-1]
    (limit,) = decision.limits
    assert (limit.name, limit.before, limit.after, limit.until) == ("anti_flap", 2, 8, 680.0)
    assert decision.reason.endswith(
        "held at 8 by anti_flap for 9m50s (it turned back 10s ago, so the down window is 10m instead of 1m)"
    )


@pytest.mark.parametrize(
    ("window", "windows"),
    [
        (0.0, [300, 600, 1200, 2400, 3600, 3600]),
        (60.0, [300, 600, 1200, 2400, 3600, 3600]),
        (300.0, [600, 1200, 2400, 3600, 3600]),
        (3600.0, [3600, 3600]),
    ],
)
def test_the_window_is_bounded_by_an_hour(window: float, windows: list[float]) -> None:
    flaps, t, told = Flaps(turn=Turn(0.0, up=True)), 0.0, []
    for number in range(len(windows)):
        t += 1
        flaps, _ = notice(behavior(window), flaps, 8 - 6 * (number % 2), 2 + 6 * (number % 2), t, own=True)
        told.append(window_at(behavior(window), flaps, t))
    assert told == windows


def test_a_flap_after_calm_hours_counts_on_from_where_they_left_it() -> None:
    flaps = Flaps(3, 100.0, Turn(7299.0, up=True))
    assert notice(behavior(), flaps, 8, 2, 7300.0, own=True)[0].level == 2
    assert notice(behavior(), flaps, 8, 2, 7299.5, own=True)[0].level == 3


def test_no_flap_counts_beyond_the_longest_window() -> None:
    flaps = Flaps(5, 100.0, Turn(100.0, up=True))
    assert notice(behavior(), flaps, 8, 2, 101.0, own=True)[0].level == 5


def test_it_relaxes_by_half_for_each_calm_hour() -> None:
    flaps = Flaps(3, 100.0)
    at = [100.0, 3699.9, 3700.0, 7300.0, 10900.0, 1e9]
    assert [level_at(flaps, t) for t in at] == [3, 3, 2, 1, 0, 0]
    assert [window_at(behavior(), flaps, t) for t in at] == [1200, 1200, 600, 300, 60, 60]
    assert {window_at(behavior(anti_flap=False), flaps, t) for t in at} == {60}


@pytest.mark.parametrize(
    ("asked_at", "falls"),
    [
        pytest.param(100.0, 700.0, id="within its window"),
        pytest.param(3500.0, 3800.0, id="the window is halved meanwhile"),
        pytest.param(3300.0, 3680.0, id="and is over by then: at that moment"),
        pytest.param(7200.0, 7280.0, id="to the file's own"),
        pytest.param(7270.0, 7330.0, id="which then counts"),
    ],
)
def test_a_fall_waits_as_the_window_relaxes(asked_at: float, falls: float) -> None:
    flaps = Flaps(2, 80.0, Turn(80.0, up=True))
    asked = Asked(asked_at, 8)
    assert lets_fall(behavior(), flaps, 8, [asked], asked_at + 1) == falls
    assert lets_fall(behavior(), flaps, 9, [asked], asked_at + 1) == asked_at + 1
    memory = Memory(t=asked_at, desired=8, latest=asked, flaps=flaps)
    spec = service(behavior=behavior())
    early, after = decide(spec, seen(falls - 0.1, ready=3, request_rate=100.0), memory)
    assert early.desired == 8
    assert early.limits[0].until == falls
    assert decide(spec, seen(falls, ready=3, request_rate=100.0), after)[0].desired == 2


def test_a_pause_goes_before_it() -> None:
    spec = service(behavior=behavior())
    _, memory = fold(spec, [seen(t, ready=3, request_rate=load) for t, load in SPIKES])
    decision, _ = decide(spec, seen(90.0, ready=3, request_rate=100.0), memory, Orders(pause=PauseKind.IN))
    assert decision.limited_by == ("paused",)


def test_explain_says_when_it_may_fall() -> None:
    spec = service(behavior=behavior())
    text = why(spec, *(seen(t, ready=3, request_rate=load) for t, load in (*SPIKES, (90, 100))))
    assert "3. stabilization: 2 -> 8 " in text
    assert "   held at 8 by anti_flap for 9m50s " in text
    assert "   without the longer window: 8\n" in text  # the window of the policy file would hold it too
    assert "fewer: allowed in 9m50s at the earliest (anti_flap), as far as 1\n" in text
    assert "more: allowed at once, as far as 100\n" in text
    later = why(spec, *(seen(t, ready=3, request_rate=load) for t, load in (*SPIKES, (90, 100), (150, 100))))
    assert "   without the longer window: 2\n" in later


# ---------------------------------------------------------------- laws


def test_a_year_of_flaps_is_remembered_in_no_more_room() -> None:
    spec, memory, sizes = service(behavior=behavior()), EMPTY, []
    for number in range(3000):
        start = number * YEAR_S / 3000
        for t, load in ((start, 100.0), (start + 10, 400.0), (start + 20, 200.0), (start + 80, 100.0)):
            _, memory = decide(spec, seen(t, ready=3, request_rate=load), memory)
        sizes.append(len(memory.to_json()))
    assert max(sizes[1500:]) <= max(sizes[:1500]) + 8  # times have more digits


@settings(max_examples=80, deadline=None)
@given(st.data(), specs(), st.integers(0, 5), st.floats(0, 1000))
def test_it_changes_nothing_where_it_is_off_and_never_lowers_where_it_is_on(
    data: st.DataObject, spec: Any, level: int, at: float
) -> None:
    memory, t = data.draw(histories(spec))
    tick = data.draw(observations(t=t))
    flapped = replace(memory, flaps=Flaps(level, min(at, t)))
    off = spec.model_copy(update={"behavior": spec.behavior.model_copy(update={"anti_flap": False})})
    on = spec.model_copy(update={"behavior": spec.behavior.model_copy(update={"anti_flap": True})})
    plain = decide(off, tick, memory)[0]
    assert replace(decide(off, tick, flapped)[0], flap=plain.flap) == plain
    assert decide(on, tick, flapped)[0].desired >= plain.desired


@given(st.floats(0, 3600), st.integers(0, 5), st.floats(0, 1e5))
def test_the_window_is_never_shorter_than_the_files_nor_longer_than_an_hour(window: float, level: int, later: float) -> None:
    told = window_at(behavior(window), Flaps(level, 0.0), later)
    assert window <= told <= max(window, LONGEST_S)
    assert window_at(behavior(window), Flaps(level, 0.0), later + CALM_S) <= told
