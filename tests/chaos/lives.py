"""Memory and open descriptors of each daemon, from /proc: what they are after its first minute, and what at its end.

Both come and go with what is under way, so the median of a stretch of seconds is what counts.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.support.daemons import DaemonUnderTest

SAMPLE_S = 1.0
SETTLED_S = 60.0
STRETCH = 20  # samples
MEGABYTE = 1024**2


@dataclass(frozen=True, slots=True)
class Sample:
    """At `age_s` of its life."""

    age_s: float
    rss_bytes: int
    descriptors: int


@dataclass(frozen=True, slots=True)
class Life:
    """One daemon that outlived its first minute long enough to be judged."""

    pid: int
    seconds: float
    rss_mb: float
    grown_mb: float
    descriptors: int
    more_descriptors: int


@dataclass
class Lives:
    """All daemons of a run."""

    daemon: DaemonUnderTest
    samples: dict[int, list[Sample]] = field(default_factory=dict)

    async def watch(self) -> None:
        """Take samples until cancelled."""
        loop = asyncio.get_running_loop()
        began: dict[int, float] = {}
        while True:
            await asyncio.sleep(SAMPLE_S)
            process = self.daemon.process
            if process is not None and process.poll() is None:
                born = began.setdefault(process.pid, loop.time())
                sample = _sample(process.pid, loop.time() - born)
                if sample is not None:
                    self.samples.setdefault(process.pid, []).append(sample)

    def judged(self) -> list[Life]:
        """Those that lived long enough: a stretch after the first minute, and another one at the end."""
        return [life for pid, samples in self.samples.items() if (life := _judged(pid, samples)) is not None]


def _sample(pid: int, age_s: float) -> Sample | None:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return Sample(age_s, pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir(f"/proc/{pid}/fd")))
    except (OSError, IndexError):
        return None


def _judged(pid: int, samples: Sequence[Sample]) -> Life | None:
    settled = [sample for sample in samples if sample.age_s >= SETTLED_S]
    if len(settled) < 2 * STRETCH:
        return None
    first, last = settled[:STRETCH], settled[-STRETCH:]
    before = median(sample.rss_bytes for sample in first)
    descriptors = round(median(sample.descriptors for sample in first))
    return Life(
        pid=pid,
        seconds=samples[-1].age_s,
        rss_mb=before / MEGABYTE,
        grown_mb=(median(sample.rss_bytes for sample in last) - before) / MEGABYTE,
        descriptors=descriptors,
        more_descriptors=round(median(sample.descriptors for sample in last)) - descriptors,
    )
