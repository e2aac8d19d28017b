"""What a daemon is built of. A dry run has no `hands`: none of its parts can write, by type."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from autoscaler.ports import Clock, Emit, MetricSource, Proxy, ProxyReader, ReplicaRuntime, RuntimeReader, Store
from autoscaler.spec.load import Loaded
from autoscaler.spec.models import SourceMetric

SourceOf = Callable[[SourceMetric, str], MetricSource]  # of a mapping, and the folder of its policy file


class Meterings(Protocol):
    """What the daemon counts of itself, beside its events."""

    def observe_tick(self, seconds: float) -> None: ...

    def replica_seconds(self, service: str, seconds: float) -> None: ...

    def failed_requests(self, service: str, cause: str, weight: float) -> None: ...

    def runtime_error(self, runtime: str, operation: str) -> None: ...

    def metric_error(self, service: str, source: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Hands:
    """What changes the world: the same objects that `Parts` reads from."""

    proxy: Proxy
    runtime: Callable[[str], ReplicaRuntime]


@dataclass(frozen=True, slots=True)
class Parts:
    """The outside, as one daemon sees it.

    `admit` has a runtime's first service run there, and raises an AutoscalerError where this daemon may not.
    """

    clock: Clock
    emit: Emit
    store: Store
    proxy: ProxyReader
    runtime: Callable[[str], RuntimeReader]
    source: SourceOf
    admit: Callable[[str], Awaitable[None]]
    hands: Hands | None
    read_policies: Callable[[], Loaded]
    read_kept: Callable[[str, Path], Loaded]
    paths: Sequence[Path]
    meterings: Meterings
    stop: asyncio.Event
