"""What became of each replica between two ticks: ready, failed or gone, and what that says of the service's starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from autoscaler.model import Replica, ReplicaState
from autoscaler.reconcile.backoff import PROVEN_S, Backoff, failed, proven
from autoscaler.reconcile.lifecycle import Track


class Became(StrEnum):
    """What a replica became."""

    READY = "ready"
    FAILED = "failed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Transition:
    """One replica's change. `start_seconds` is its boot, None for one that was found; `young` that it wasn't proven yet."""

    replica: str
    became: Became
    started_at: float
    cause: str = ""
    reason: str = ""
    was_ready: bool = False
    start_seconds: float | None = None
    young: bool = False


def transitions(
    before: Mapping[str, Track], after: Mapping[str, Track], replicas: Sequence[Replica], now: float
) -> list[Transition]:
    """What changed from the tracks of the last tick to those of this one."""
    changes = []
    for replica in replicas:
        old, new = before.get(replica.name), after[replica.name]
        if _became_ready(old, new):
            changes.append(Transition(replica.name, Became.READY, new.seen_at, start_seconds=now - new.seen_at))
        if new.state is ReplicaState.FAILED and (old is None or old.state is not ReplicaState.FAILED) and not new.cause:
            changes.append(_failed(replica, new, now))
    for name in sorted(before.keys() - after.keys()):
        old = before[name]
        if not old.existed:
            continue
        ours = old.stopping or old.removing or bool(old.cause) or old.state is ReplicaState.FAILED
        cause = "" if ours else "removed by someone else"
        changes.append(Transition(name, Became.GONE, old.seen_at, cause, was_ready=old.ready_at is not None))
    return changes


def _became_ready(old: Track | None, new: Track) -> bool:
    """Whether it is ready for the first time, and wasn't just found so."""
    if old is None or new.found or old.ready_at is not None:
        return False
    return new.state is ReplicaState.READY and new.ready_at is not None


def _failed(replica: Replica, track: Track, now: float) -> Transition:
    return Transition(
        replica.name,
        Became.FAILED,
        track.seen_at,
        cause=replica.failure,
        reason=replica.reason,
        was_ready=track.ready_at is not None,
        young=track.ready_at is None or now - track.ready_at < PROVEN_S,
    )


def account(backoff: Backoff, changes: Sequence[Transition], tracks: Mapping[str, Track], now: float) -> Backoff:
    """The back-off after these changes, and after what the replicas that are ready have proven."""
    for change in changes:
        if change.became is Became.FAILED and change.young:
            backoff = failed(backoff, f"{change.replica} {change.cause}", change.started_at, now, was_ready=change.was_ready)
    for track in tracks.values():
        if track.state is ReplicaState.READY and track.ready_at is not None and now - track.ready_at >= PROVEN_S:
            backoff = proven(backoff, min(track.seen_at, track.ready_at))  # a found one was started before it was seen
    return backoff
