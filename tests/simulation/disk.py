"""A simulated disk under the store: what is saved is on it within a second, or when that is asked for, unless it is full; a
kill loses what is not."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from autoscaler.model import Minutes, Orders
from autoscaler.store.memory import MemoryStore
from tests.simulation.outside import Outside

COMMIT_EVERY_S = 1.0


@dataclass
class Disk:
    """What outlives a daemon. `is_behind`: it was full when it was last to be written."""

    documents: dict[str, str] = field(default_factory=dict)
    orders: dict[str, Orders] = field(default_factory=dict)
    policies: dict[str, str] = field(default_factory=dict)
    minutes: dict[str, Mapping[str, Minutes]] = field(default_factory=dict)
    is_behind: bool = False


class DiskStore(MemoryStore):
    """One daemon's Store. Orders and policies are written at once, documents once a second."""

    def __init__(self, outside: Outside, disk: Disk) -> None:
        super().__init__()
        self._outside = outside
        self._disk = disk
        self._documents = dict(disk.documents)
        self._orders = dict(disk.orders)
        self._policies = dict(disk.policies)
        self._minutes = dict(disk.minutes)
        self._committed_at = 0.0

    @property
    def degraded(self) -> str:
        return "no space left on device" if self._outside.has("disk full") else ""

    async def save(self, service: str, document: str) -> None:
        self._documents[service] = document
        if self._outside.time() - self._committed_at >= COMMIT_EVERY_S:
            self.commit()

    async def written(self) -> None:
        self.commit()

    async def set_orders(self, service: str, orders: Orders) -> None:
        await super().set_orders(service, orders)
        self.commit()

    async def set_good_policies(self, documents: Mapping[str, str]) -> None:
        await super().set_good_policies(documents)
        self.commit()

    def commit(self) -> None:
        """Write, where there is room."""
        if self._outside.has("disk full"):
            self._disk.is_behind = True
            return
        self._disk.is_behind = False
        self._committed_at = self._outside.time()
        self._disk.documents = dict(self._documents)
        self._outside.names.written(self._documents)
        self._disk.orders = dict(self._orders)
        self._disk.policies = dict(self._policies)
        self._disk.minutes = dict(self._minutes)
