"""A dry run's hands: they say what would be done, and have nothing to do it with."""

from collections.abc import Mapping

from autoscaler.control.executor import Begun, FailedStart
from autoscaler.model import Event, EventKind, Plan, Step
from autoscaler.ports import Clock, Emit
from autoscaler.spec.models import ServiceSpec


class Rehearsal:
    """In place of the executor. Each plan that differs from the last is told as one event."""

    serving: frozenset[str] = frozenset()
    drained_at: Mapping[str, float] = {}
    log_tails: Mapping[str, tuple[str, ...]] = {}
    problem = ""

    def __init__(self, clock: Clock, emit: Emit) -> None:
        self._clock = clock
        self._emit = emit
        self._last = ""

    def under_way(self) -> Mapping[str, Step]:
        return {}

    def take_failed_starts(self) -> list[FailedStart]:
        return []

    def dispatch(self, spec: ServiceSpec, plan: Plan, ids: Mapping[str, str]) -> Begun:
        text = str(plan)
        if text != self._last:
            for line in text.splitlines():
                self._emit(Event(self._clock.now(), spec.service, EventKind.WOULD, cause=line))
        self._last = text
        return Begun()

    async def close(self) -> None:
        """Nothing was begun."""
