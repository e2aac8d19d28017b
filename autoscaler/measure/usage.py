"""CPU and memory of each replica, as fractions of what it may use.

    cpu     CPU seconds used / (seconds between the two readings * cpus)      `cpus` of the policy, else one core
    memory  bytes / mem_limit

`cpu` is taken between the last reading and the oldest within the window. A replica read once, one whose CPU seconds went
down (it was restarted), and one not read lately have None.

A replica that becomes ready is read from WARM_UP_S later on: what it uses before (code that is being compiled, caches that
fill) tells nothing of the load, and until then it counts like one that starts. So the whole window lies after its warm-up.
Source: Kubernetes, "Horizontal Pod Autoscaling": a CPU sample counts if its window began after the pod became ready, and
`--horizontal-pod-autoscaler-initial-readiness-delay`, whose default is WARM_UP_S.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autoscaler.model import Usage

Fractions = tuple[float | None, ...]

WARM_UP_S = 30.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What a replica had used at `t`."""

    t: float
    cpu_seconds: float | None
    memory_bytes: int | None


class Usages:
    """What the replicas of one service use. It changes in place, as counters do."""

    __slots__ = ("_cpus", "_mem_limit", "_readings", "_window_s")

    def __init__(self, cpus: float | None, mem_limit: int | None, window_s: float) -> None:
        self._cpus = 1.0 if cpus is None else cpus
        self._mem_limit = mem_limit
        self._window_s = max(window_s, 1.0)
        self._readings: dict[str, list[Reading]] = {}

    def is_like(self, other: "Usages") -> bool:
        """Whether both measure against the same limits over the same window."""
        return (self._cpus, self._mem_limit, self._window_s) == (other._cpus, other._mem_limit, other._window_s)

    def read(self, t: float, usages: Mapping[str, Usage]) -> None:
        """What these replicas, by id, have used at `t`; those not among them are forgotten when their window is over."""
        for id, usage in usages.items():
            readings = self._readings.setdefault(id, [])
            if readings and is_restart(readings[-1], usage):
                readings.clear()
            readings.append(Reading(t, usage.cpu_seconds, usage.memory_bytes))
        for id in list(self._readings):
            self._readings[id] = self._within(self._readings[id], t)
            if not self._readings[id]:
                del self._readings[id]

    def cpu(self, t: float, ids: Sequence[str]) -> Fractions:
        """The CPU fraction of each of these replicas."""
        return tuple(self._cpu(self._within(self._readings.get(id, []), t)) for id in ids)

    def memory(self, t: float, ids: Sequence[str]) -> Fractions:
        """The memory fraction of each of these replicas, None where the policy sets no limit."""
        return tuple(self._memory(self._within(self._readings.get(id, []), t)) for id in ids)

    def _within(self, readings: list[Reading], t: float) -> list[Reading]:
        """Those in the window, and the last before it: the window is between two readings."""
        fresh = [index for index, each in enumerate(readings) if each.t > t - self._window_s]
        return readings[max(fresh[0] - 1, 0) :] if fresh else []

    def _cpu(self, readings: Sequence[Reading]) -> float | None:
        told = [each for each in readings if each.cpu_seconds is not None]
        if not told or told[-1] is not readings[-1]:
            return None
        first, last = told[0], told[-1]
        if first.cpu_seconds is None or last.cpu_seconds is None or last.t <= first.t:
            return None
        return (last.cpu_seconds - first.cpu_seconds) / (last.t - first.t) / self._cpus

    def _memory(self, readings: Sequence[Reading]) -> float | None:
        if not readings or self._mem_limit is None or readings[-1].memory_bytes is None:
            return None
        return readings[-1].memory_bytes / self._mem_limit


def is_warm(ready_at: float | None, t: float) -> bool:
    """Whether what a replica uses tells of the load; one that was ready before anyone looked is."""
    return ready_at is None or t - ready_at >= WARM_UP_S


def is_restart(before: Reading, now: Usage) -> bool:
    """Whether the replica's CPU seconds went down: it began anew."""
    return before.cpu_seconds is not None and now.cpu_seconds is not None and now.cpu_seconds < before.cpu_seconds
