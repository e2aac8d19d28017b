"""Which replicas go first when there are too many: unhealthy ones, starting ones, then those with the fewest requests, then
the newest.
"""

from collections.abc import Iterable

from autoscaler.model import Replica, ReplicaState
from autoscaler.reconcile.names import number_of


def pick_victims(replicas: Iterable[Replica], count: int) -> list[Replica]:
    """The `count` replicas that can best be spared, the first to go first."""
    return sorted(replicas, key=_spared_first)[:count]


ORDER = (ReplicaState.FAILED, ReplicaState.STARTING, ReplicaState.READY)


def _spared_first(replica: Replica) -> tuple[int, int, int]:
    return (ORDER.index(replica.state), replica.in_flight, -number_of(replica.name))
