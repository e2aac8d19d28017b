"""Histories to forecast from, and what is remembered after days of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import cos, pi

from autoscaler.decide import EMPTY, Memory
from autoscaler.decide.history import DAY, History
from autoscaler.decide.predictive.contest import Contest, begun, gone_on

FIRST = 20_139 * DAY  # a midnight of 2025


def history_of(values: Sequence[float | None], first: int = FIRST) -> History:
    """These minutes, and the one that runs after them."""
    return History(first, tuple(values), first + len(values))


def day(minute: int) -> float:
    """From 100 at midnight to 1,000 at noon."""
    return 550 - 450 * cos(2 * pi * minute / DAY)


def minutes(days: float, shape: Callable[[int], float] = day, first: int = FIRST) -> list[float]:
    """So many days of a shape by the minute since 1970."""
    return [shape(minute) for minute in range(first, first + round(days * DAY))]


def judged(history: History, season: int = DAY, slots: int = 1, contest: Contest | None = None) -> Contest:
    """The contest when it has caught up with a history."""
    contest = begun(season, slots, history) if contest is None else contest
    while (after := gone_on(contest, history)) != contest:
        contest = after
    return contest


def remembering(history: History, t: float, memory: Memory = EMPTY, metric: str = "request_rate") -> Memory:
    """A memory that has this history, as of `t`."""
    return replace(memory, t=t, desired=memory.desired or 1, history={metric: history})
