"""A case of an original's tests as a policy's text and lines for `replay`, and what comes of them.

JSON is YAML too, so a policy is written as a mapping. A `Seen` is a policy and what a tick reports for it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autoscaler.decide.replay import Replay, step
from autoscaler.spec.load import load_policies
from autoscaler.spec.models import ServiceSpec

OPEN = {"stabilization_window": "0s", "policies": []}
NO_LIMITS = {"scale_up": OPEN, "scale_down": OPEN}
LONG_AGO = -10_000.0  # longer than any window or period, in seconds


@dataclass(frozen=True, slots=True)
class Seen:
    """A policy and its numbers in the tick: one a ready replica (None: reports none), or the service's total."""

    policy: Mapping[str, Any]
    values: tuple[float | None, ...] | None = None
    total: float | None = None


def cpu(target: str, *values: float | None, **keys: Any) -> Seen:
    """HPA's Resource metric with a Utilization target; usage as a fraction of the mean request."""
    return Seen({"type": "target_tracking", "metric": "cpu", "target": target, **keys}, values)


def pods(target: float, *values: float | None, **keys: Any) -> Seen:
    """HPA's Pods metric, as `memory` at 100%: there a replica that reports none counts as the target too."""
    shares = tuple(None if value is None else value / target for value in values)
    return Seen({"type": "target_tracking", "metric": "memory", "target": "100%", **keys}, shares)


def average(target: float, total: float | None, **keys: Any) -> Seen:
    """HPA's Object or External metric with an AverageValue target."""
    return Seen({"type": "target_tracking", "metric": "request_rate", "target": target, "window": "0s", **keys}, total=total)


def value(target: float, total: float | None, **keys: Any) -> Seen:
    """HPA's Object or External metric with a Value target."""
    return Seen({"type": "target_tracking", "metric": "queue_length", "total": target, "window": "0s", **keys}, total=total)


def asks(count: int) -> Seen:
    """A policy that recommends just this count."""
    return average(1, count, tolerance=0)


@dataclass(frozen=True, slots=True)
class Case:
    """One reconciliation of an HPA. `ready` left out: those that report, or all that are not starting.

    A settled one has been at `current` for longer than any window: the original's own recommendations were empty.
    """

    current: int
    seen: Sequence[Seen]
    expected: int
    min: int = 1
    max: int = 100
    ready: int | None = None
    unready: int = 0
    behavior: Mapping[str, Any] = field(default_factory=dict)
    settled: bool = False

    def ticks(self) -> list[str]:
        """The lines of the case."""
        counted = [len(seen.values) for seen in self.seen if seen.values is not None]
        ready = self.ready if self.ready is not None else max(counted, default=self.current - self.unready)
        times = [LONG_AGO, 0.0] if self.settled else [0.0]
        return [tick(t, ready, self.seen, unready=self.unready, desired=self.current) for t in times]

    def counts(self, folder: Path) -> list[int]:
        """The counts decided, one a tick."""
        text = policy((seen.policy for seen in self.seen), self.min, self.max, self.behavior)
        return [answer["desired"] for answer in answers(folder, text, self.ticks())]


def policy(policies: Iterable[Mapping[str, Any]], least: int, most: int, behavior: Mapping[str, Any]) -> str:
    """The text of a policy file."""
    document = {
        "service": "web",
        "replica": {"image": "app:1", "port": 5000, "mem_limit": "1g"},
        "route": {"bind": "127.0.0.1:8080"},
        "replicas": {"min": least, "max": most},
        "policies": list(policies),
        "behavior": behavior,
    }
    return json.dumps({key: what for key, what in document.items() if what})


def tick(t: float, ready: int, seen: Iterable[Seen], *, unready: int = 0, desired: int | None = None) -> str:
    """A line for `replay`."""
    seen = tuple(seen)
    line = {
        "t": t,
        "replicas": {"ready": ready, "unready": unready, "desired": desired},
        "metrics": {each.policy.get("metric", "concurrency"): each.total for each in seen if each.values is None},
        "per_replica": {each.policy["metric"]: each.values for each in seen if each.values is not None},
    }
    return json.dumps(line)


def answers(folder: Path, text: str, lines: Iterable[str]) -> list[dict[str, Any]]:
    """What `replay` answers to each line."""
    replay, told = Replay(load(folder, text)), []
    for line in lines:
        answer, replay = step(replay, line)
        told.append(json.loads(answer))
    return told


def load(folder: Path, text: str) -> ServiceSpec:
    """The service of a policy file, as `replay` loads it."""
    path = folder / "policy.yaml"
    path.write_text(text)
    loaded = load_policies([path], environ={}, to_zero=True)
    assert [str(problem) for problem in loaded.problems] == []
    return loaded.documents[0].spec
