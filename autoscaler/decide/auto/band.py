"""Band: the rate that the next while stays below, nearly always. Cheap forecasts compete for it, and calibrate themselves.

Each few seconds each forecast f of the highest rate y from now to `horizon_s` ahead is given a margin m, on two scales:

    bound = g^-1( g(f) + m )                 g = sqrt (chance grows so) and log(1 + .) (bursts grow so)
    m <- m + c s (q - [g(y) <= g(f) + m])    once y is known: the q-quantile of what the forecast misses by
    s <- the mean of |g(y) - g(f)|           the step's size;  c = 0.02, more at first
    loss <- mean of max(q (y - bound), (1 - q) (bound - y))

The bound of the least loss is the band: all cover a share q of the time, but the one that knows when, is the cheapest. `y`
is the highest mean of ten seconds less what is chance in it.
Sources: Gibbs and Candes 2021, "Adaptive conformal inference under distribution shift" (the margin); Koenker and Bassett
1978 (the loss).
"""

from dataclasses import dataclass, replace
from math import exp, expm1, log1p, sqrt

from autoscaler.decide.auto.forecasts import HALF_LIVES_S, NAMES, Levels, forecasts, smoothed
from autoscaler.decide.auto.rates import surely
from autoscaler.decide.history import History, minute_of
from autoscaler.decide.rounding import tidy

STEP_S = 5.0
STEPS_AHEAD = 8  # forecasts are made so many a horizon at most
COVERED = 0.93  # the share of the time that the load stays below the band; most of the rest does no harm
CHANCE = 1.5  # deviations of a ten seconds' mean that are chance
PACE = 0.02
EARLY_PACE = 20.0
EARLY = 300.0
SCALE_PACE = 0.001
LOSS_PACE = 0.0005  # some three hours
FIRST_MARGINS = (1.0, 0.25)
FIRST_SCALES = (0.5, 0.1)
LEARNED = 24  # steps with an outcome before the band is believed

COUNT = len(NAMES)


@dataclass(frozen=True, slots=True)
class Made:
    """Forecasts made at `t`, and the highest rate since."""

    t: float
    values: tuple[float, ...]
    peak: float


@dataclass(frozen=True, slots=True)
class Band:
    """What is known so far; `margins`, `scales` and `losses` are those on the first scale, then those on the second.

    `upper` is the band, by forecast `by`; None while too little is known.
    """

    t: float
    levels: Levels
    steps: int
    margins: tuple[float, ...]
    scales: tuple[float, ...]
    losses: tuple[float, ...]
    made: tuple[Made, ...] = ()
    upper: float | None = None
    by: int = 0

    @property
    def level(self) -> float:
        """The rate smoothed over half a minute."""
        return self.levels[1]

    @property
    def best(self) -> int | None:
        """Which margin is the cheapest, None while too little is known."""
        return self.losses.index(min(self.losses)) if self.steps >= LEARNED else None


def begun(t: float, rate: float) -> Band:
    """Nothing is known but the rate."""
    margins = tuple(margin for margin in FIRST_MARGINS for _ in range(COUNT))
    scales = tuple(scale for scale in FIRST_SCALES for _ in range(COUNT))
    return Band(t, (rate,) * len(HALF_LIVES_S), 0, margins, scales, (0.0,) * (2 * COUNT))


def is_due(band: Band, t: float) -> bool:
    """Whether a step is to be made."""
    return tidy(t - band.t) >= STEP_S


def step(band: Band, t: float, rate: float, ten: float, history: History, wall: float, horizon_s: float) -> Band:
    """With the mean `rate` since the last step and that of the last ten seconds; `upper` is by what was learned before."""
    levels = smoothed(band.levels, rate, t - band.t)
    values = forecasts(levels, history, minute_of(wall + horizon_s))
    best = band.best
    upper = None if best is None else _moved(values[best % COUNT], band.margins[best], best)
    band = replace(band, t=t, levels=levels, upper=upper, by=0 if best is None else best % COUNT)
    seen = surely(ten, 10.0, CHANCE)
    made = [Made(each.t, each.values, max(each.peak, seen)) for each in band.made]
    while made and tidy(t - made[0].t) >= horizon_s:
        band = _learned(band, made.pop(0))
    if not made or tidy(t - made[-1].t) >= horizon_s / STEPS_AHEAD:
        made.append(Made(t, values, 0.0))
    return replace(band, made=tuple(made))


def _learned(band: Band, made: Made) -> Band:
    """The margins, after what came of these forecasts."""
    pace = PACE * (1 + EARLY_PACE * exp(-band.steps / EARLY))
    loss_pace = max(LOSS_PACE, 1 / (band.steps + 1))
    margins, scales, losses = [], [], []
    outcomes = (sqrt(made.peak), log1p(made.peak))
    for index, (margin, scale, loss) in enumerate(zip(band.margins, band.scales, band.losses, strict=True)):
        value = made.values[index % COUNT]
        missed = outcomes[index // COUNT] - (sqrt(value) if index < COUNT else log1p(value))
        over = made.peak - _moved(value, margin, index)
        lost = COVERED * over if over > 0 else (COVERED - 1) * over
        losses.append(loss + (lost - loss) * loss_pace)
        margins.append(margin + pace * scale * (COVERED if missed > margin else COVERED - 1))
        scales.append(scale + (abs(missed) - scale) * SCALE_PACE)
    return replace(band, steps=band.steps + 1, margins=tuple(margins), scales=tuple(scales), losses=tuple(losses))


def _moved(value: float, margin: float, index: int) -> float:
    """A forecast moved by a margin on its scale, never below nothing."""
    if index < COUNT:
        return max(0.0, sqrt(value) + margin) ** 2
    return max(0.0, expm1(log1p(value) + margin))
