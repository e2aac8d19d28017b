"""Which replicas go first when there are too many: starting ones, then those with the fewest requests, then the newest.

Unhealthy ones don't come up here: they are failed, count for nothing, and go anyway.
"""

from collections.abc import Iterable

from autoscaler.model import Replica, ReplicaState
from autoscaler.reconcile.names import number_of


def pick_victims(replicas: Iterable[Replica], count: int) -> list[Replica]:
    """The `count` replicas that can best be spared, the first to go first."""
    return sorted(replicas, key=_spared_first)[:count]


def _spared_first(replica: Replica) -> tuple[bool, int, int]:
    return (replica.state is not ReplicaState.STARTING, replica.in_flight, -number_of(replica.name))
