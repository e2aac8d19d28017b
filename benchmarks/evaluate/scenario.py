"""What a controller is put to: a trace, its first `days` or all of them, scored after `warm_days`."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.evaluate import traces
from benchmarks.evaluate.compiled import Numbers

DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Scenario:
    """One line of conditions. In outages metrics are missing for a minute each hour."""

    trace: str
    startup_s: int
    peak_replicas: int = 30
    warm_days: int = 7
    days: int | None = None
    crashes_an_hour: float = 0.0
    has_outages: bool = False
    seed: int = 1

    @property
    def warm_s(self) -> int:
        """When the score begins."""
        return self.warm_days * DAY_S

    @property
    def most(self) -> int:
        """`replicas.max`, of all controllers: far above what any of them should need."""
        return 4 * self.peak_replicas

    def rates(self, folder: Path) -> Numbers:
        """Each second's rate."""
        return traces.rates(folder, self.trace, self.peak_replicas, self.days)

    def to_json(self) -> dict[str, Any]:
        """Its fields."""
        return asdict(self)
