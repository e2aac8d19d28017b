"""Generated traces with the statistics of real ones, for where there are none. One rate a minute, deterministic by name.

diurnal   a day and a week, with slow noise            bursty   eight bursts a day, 2 to 5 times, of 5 to 15 minutes
flash     one crowd a day: up within an hour, hours    step     levels that last some hours
ramp      the rate doubles or halves over hours        noisy    diurnal at 50 requests a minute: counts vary by chance
to_zero   by day on working days, else next to none    clock    a burst at the start of each hour, and at :15 and :45
"""

from collections.abc import Callable
from math import exp, pi, sin
from random import Random
from zlib import crc32

from autoscaler.simulate.chance import poisson

DAYS = 10
MINUTES = 1440
NOISY_PER_MINUTE = 48.0

Rates = list[float]


def rates(shape: str, days: int) -> Rates:
    """Each second's rate of a trace of this shape."""
    made = SHAPES[shape](Random(crc32(shape.encode())), days)
    return [rate for rate in made for _ in range(60)]


def _diurnal(rng: Random, days: int, noise: float = 0.02) -> Rates:
    """A day's two harmonics, quieter weekends, and noise that stays for twenty minutes."""
    phase, level = rng.uniform(0, 2 * pi), 0.0
    made = []
    for minute in range(days * MINUTES):
        day = minute / MINUTES
        base = 1 + 0.6 * sin(2 * pi * (day - 0.35)) + 0.15 * sin(4 * pi * day + phase)
        level = 0.95 * level + rng.gauss(0, noise)
        made.append(base * (0.7 if day % 7 >= 5 else 1.0) * exp(level))
    return made


def _bursty(rng: Random, days: int) -> Rates:
    made = _diurnal(rng, days)
    for _ in range(8 * days):
        first, length, times = rng.randrange(len(made)), rng.randint(5, 15), rng.uniform(2, 5)
        fades = rng.random() < 0.5
        for place in range(min(length, len(made) - first)):
            made[first + place] *= times - (times - 1) * place / length if fades else times
    return made


def _flash(rng: Random, days: int) -> Rates:
    made = _diurnal(rng, days)
    for day in range(days):
        first, up, hold, times = (
            day * MINUTES + rng.randrange(1000),
            rng.randint(10, 60),
            rng.randint(20, 120),
            rng.uniform(2, 5),
        )
        for place in range(up + hold + 90):
            rise = min(1.0, place / up)
            fall = exp(-max(0, place - up - hold) / 20)
            made[first + place] *= 1 + (times - 1) * rise * fall
    return made


def _step(rng: Random, days: int) -> Rates:
    made: Rates = []
    while len(made) < days * MINUTES:
        made += [rng.uniform(0.2, 1)] * (10 + int(rng.expovariate(1 / 180)))
    return made[: days * MINUTES]


def _ramp(rng: Random, days: int) -> Rates:
    made: Rates = []
    level = 0.5
    while len(made) < days * MINUTES:
        length, to = rng.randint(60, 360), min(1.0, max(0.1, level * rng.choice((0.5, 2.0))))
        made += [level + (to - level) * place / length for place in range(length)]
        level = to
    return made[: days * MINUTES]


def _noisy(rng: Random, days: int) -> Rates:
    made = _diurnal(rng, days)
    return [float(poisson(rng, NOISY_PER_MINUTE * rate, 1)[0]) for rate in made]


def _to_zero(rng: Random, days: int) -> Rates:
    made = _diurnal(rng, days, noise=0.05)
    return [rate if _works(minute) else 0.002 * rate for minute, rate in enumerate(made)]


def _works(minute: int) -> bool:
    return minute // MINUTES % 7 < 5 and 7 * 60 <= minute % MINUTES < 19 * 60


def _clock(rng: Random, days: int) -> Rates:
    made = _diurnal(rng, days)
    times = {0: 2.2, 15: 1.5, 45: 1.5}
    return [rate * times.get(minute % 60, 1.0) for minute, rate in enumerate(made)]


SHAPES: dict[str, Callable[[Random, int], Rates]] = {
    "diurnal": _diurnal,
    "bursty": _bursty,
    "flash": _flash,
    "step": _step,
    "ramp": _ramp,
    "noisy": _noisy,
    "to_zero": _to_zero,
    "clock": _clock,
}
