"""What a shadow's decisions would have come to, beside what ran: sums, from which shares and means follow."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over `seconds`: replica-seconds, and of the requests those that waited too long, by a model of both.

    Those that begin with `ran` are of the replicas that there were, the others of those that the shadow would have had.
    """

    seconds: float = 0.0
    replica_seconds: float = 0.0
    ran_replica_seconds: float = 0.0
    requests: float = 0.0
    late_requests: float = 0.0
    ran_late_requests: float = 0.0

    @property
    def replicas(self) -> float | None:
        """The replicas that the shadow would have had, on average."""
        return self.replica_seconds / self.seconds if self.seconds else None

    @property
    def ran_replicas(self) -> float | None:
        """The replicas that there were, on average."""
        return self.ran_replica_seconds / self.seconds if self.seconds else None

    @property
    def ratio(self) -> float | None:
        """The shadow's replica-seconds over those that ran."""
        return self.replica_seconds / self.ran_replica_seconds if self.ran_replica_seconds else None

    @property
    def late(self) -> float | None:
        """The share of requests that would have waited too long."""
        return self.late_requests / self.requests if self.requests else None

    @property
    def ran_late(self) -> float | None:
        """The share of requests that waited too long, by the same model."""
        return self.ran_late_requests / self.requests if self.requests else None


NO_TALLY = Tally()
