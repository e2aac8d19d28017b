"""The traces by name: files where they are there, else generated; as requests/s of each second, scaled to a peak.

    rates = trace's rates x peak / highest rate         peak: what so many replicas carry at 70%

Of the hourly file, a year long, some weeks are taken. All files are taken as recorded, not smoothed.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from autoscaler.simulate import Trace, load_trace
from benchmarks.evaluate import generated
from benchmarks.evaluate.compiled import Numbers, zeros
from benchmarks.evaluate.fleet import SERVICE_S

DAY_S = 86400
PEAK_UTILIZATION = 0.7


@dataclass(frozen=True, slots=True)
class Cut:
    """A file, and which days of it are taken."""

    file: str
    first_day: int = 0
    days: int | None = None


FILES = {
    "wikipedia": Cut("wikipedia-2022-hourly.csv", first_day=60, days=21),
    "worldcup98": Cut("worldcup98-jun08-jun21.csv"),
    "twitter": Cut("twitter-2021-08.csv"),
    "nasa": Cut("nasa-jul95.csv"),
}


def names(folder: Path) -> list[str]:
    """The files' names where all are there, else those of generated traces."""
    return list(FILES if all((folder / cut.file).exists() for cut in FILES.values()) else generated.SHAPES)


def peak_rate(replicas: int) -> float:
    """The rate that so many replicas carry at 70%."""
    return replicas * PEAK_UTILIZATION / SERVICE_S


@lru_cache(maxsize=2)
def rates(folder: Path, name: str, replicas: int, days: int | None = None) -> Numbers:
    """Each second's rate, with the highest at what so many replicas carry; of the first `days` alone."""
    if name in FILES:
        cut = FILES[name]
        trace = _between(load_trace(folder / cut.file), cut.first_day, cut.days)
        values = [rate for _, rate in trace.rates(1.0)]
    else:
        values = generated.rates(name, generated.DAYS)
    scale = peak_rate(replicas) / max(values)
    count = min(len(values), len(values) if days is None else days * DAY_S) // 60 * 60
    scaled = zeros(count)
    for second in range(count):
        scaled[second] = values[second] * scale
    return scaled


def _between(trace: Trace, first_day: int, days: int | None) -> Trace:
    begin = trace.start + first_day * DAY_S
    end = trace.end if days is None else begin + days * DAY_S
    return Trace(tuple(segment for segment in trace.segments if begin <= segment.start and segment.end <= end))
