"""The score of a shadow: what its replicas and those that ran would have cost and made wait, by one model.

    total    sums since it began                    recent    the same, fading: exp(-age / 1 day)

A tick without the numbers that it takes counts for neither of the two. Late is who waits longer than 200 ms.
"""

from dataclasses import dataclass
from math import exp

from autoscaler.model import Tally

LATE_S = 0.2
DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Piece:
    """What a tick of `elapsed_s` adds: replicas, requests/s, and the shares of them that are late, None where not known."""

    elapsed_s: float
    replicas: int
    ran_replicas: int
    rate: float
    late: float | None
    ran_late: float | None


def added(tally: Tally, piece: Piece, kept: float = 1.0) -> Tally:
    """With one more piece; of what there was `kept` is left."""
    requests = late = ran_late = 0.0
    if piece.late is not None and piece.ran_late is not None:
        requests = piece.rate * piece.elapsed_s
        late, ran_late = piece.late * requests, piece.ran_late * requests
    return Tally(
        kept * tally.seconds + piece.elapsed_s,
        kept * tally.replica_seconds + piece.replicas * piece.elapsed_s,
        kept * tally.ran_replica_seconds + piece.ran_replicas * piece.elapsed_s,
        kept * tally.requests + requests,
        kept * tally.late_requests + late,
        kept * tally.ran_late_requests + ran_late,
    )


def faded(tally: Tally, piece: Piece) -> Tally:
    """The last day with one more piece."""
    return added(tally, piece, exp(-piece.elapsed_s / DAY_S))
