"""What became of each replica between two ticks, and what the back-off makes of it."""

import pytest

from autoscaler.model import Replica, ReplicaState
from autoscaler.reconcile.backoff import NO_BACKOFF, PROVEN_S, Backoff
from autoscaler.reconcile.lifecycle import Track
from autoscaler.reconcile.transitions import Became, Transition, account, transitions
from tests.reconcile.build import NOW

BOOTING = Track(ReplicaState.STARTING, NOW - 5, NOW - 5, existed=True)
SERVING = Track(ReplicaState.READY, NOW - 60, NOW - 65, ready_at=NOW - 60, existed=True)
YOUNG = Track(ReplicaState.READY, NOW - 2, NOW - 5, ready_at=NOW - 2, existed=True)
FAILED = Track(ReplicaState.FAILED, NOW, NOW - 5, existed=True)


def changed(old: Track | None, new: Track | None) -> list[Transition]:
    """The changes of one replica, which died of a fault where it failed."""
    replicas = [] if new is None else [Replica("web-1", new.state)]
    if new is not None and new.state is ReplicaState.FAILED:
        replicas = [Replica("web-1", new.state, failure="exited: exit status 1", reason="exited")]
    return transitions({} if old is None else {"web-1": old}, {} if new is None else {"web-1": new}, replicas, NOW)


def died(seen_at: float, *, was_ready: bool, young: bool) -> Transition:
    return Transition("web-1", Became.FAILED, seen_at, "exited: exit status 1", "exited", was_ready=was_ready, young=young)


def track(state: ReplicaState, seen_at: float = NOW - 5, **what: object) -> Track:
    return Track(state, NOW, seen_at, **{"existed": True, **what})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        pytest.param(
            BOOTING,
            track(ReplicaState.READY, ready_at=NOW),
            [Transition("web-1", Became.READY, NOW - 5, start_seconds=5.0)],
            id="ready, and how long it took",
        ),
        pytest.param(BOOTING, BOOTING, [], id="still starting"),
        pytest.param(SERVING, SERVING, [], id="still ready"),
        pytest.param(None, track(ReplicaState.READY, ready_at=NOW, found=True), [], id="found by a new daemon"),
        pytest.param(
            BOOTING, track(ReplicaState.READY, ready_at=NOW, found=True), [], id="started before, found behind the proxy"
        ),
        pytest.param(
            track(ReplicaState.DRAINING, ready_at=NOW - 60),
            track(ReplicaState.READY, ready_at=NOW - 60),
            [],
            id="taken back: ready, not for the first time",
        ),
        pytest.param(BOOTING, FAILED, [died(NOW - 5, was_ready=False, young=True)], id="never ready"),
        pytest.param(None, FAILED, [died(NOW - 5, was_ready=False, young=True)], id="failed when first seen"),
        pytest.param(
            YOUNG,
            track(ReplicaState.FAILED, ready_at=NOW - 2),
            [died(NOW - 5, was_ready=True, young=True)],
            id="dead soon after it was ready",
        ),
        pytest.param(
            SERVING,
            track(ReplicaState.FAILED, ready_at=NOW - PROVEN_S),
            [died(NOW - 5, was_ready=True, young=False)],
            id="dead just when it was proven",
        ),
        pytest.param(FAILED, FAILED, [], id="failed is told once"),
        pytest.param(
            track(ReplicaState.DRAINING, cause="idle"),
            track(ReplicaState.FAILED, cause="idle"),
            [],
            id="one that was leaving anyway",
        ),
        pytest.param(
            SERVING,
            None,
            [Transition("web-1", Became.GONE, NOW - 65, "removed by someone else", was_ready=True)],
            id="removed by someone else",
        ),
        pytest.param(
            BOOTING,
            None,
            [Transition("web-1", Became.GONE, NOW - 5, "removed by someone else")],
            id="removed by someone else before it was ready",
        ),
        pytest.param(FAILED, None, [Transition("web-1", Became.GONE, NOW - 5)], id="gone after it failed"),
        *(
            pytest.param(
                track(ReplicaState.DRAINING, ready_at=NOW - 60, **ours),
                None,
                [Transition("web-1", Became.GONE, NOW - 5, was_ready=True)],
                id=f"gone by our doing: {ours}",
            )
            for ours in ({"cause": "idle"}, {"stopping": True}, {"removing": True})
        ),
        pytest.param(track(ReplicaState.STARTING, existed=False), None, [], id="its start came to nothing"),
    ],
)
def test_what_became_of_one(old: Track | None, new: Track | None, changes: list[Transition]) -> None:
    assert changed(old, new) == changes


def test_each_replica_is_told_once_and_the_ones_gone_in_the_order_of_their_names() -> None:
    before = {f"web-{n}": SERVING for n in (3, 1, 4, 2)} | {"web-9": track(ReplicaState.STARTING, existed=False)}
    after = {"web-3": SERVING, "web-5": FAILED}
    replicas = [Replica("web-3", ReplicaState.READY), Replica("web-5", ReplicaState.FAILED)]
    told = [(change.replica, change.became) for change in transitions(before, after, replicas, NOW)]
    assert told == [("web-5", Became.FAILED), *((f"web-{n}", Became.GONE) for n in (1, 2, 4))]


# ---------------------------------------------------------------- the back-off

STREAK = Backoff(2, NOW - 20, NOW - 10, "web-7 exited: exit status 1")


def test_a_young_death_begins_the_back_off_and_says_who_died_of_what() -> None:
    backoff = account(NO_BACKOFF, [died(NOW - 5, was_ready=False, young=True)], {}, NOW)
    assert backoff == Backoff(1, NOW, NOW + 1, "web-1 exited: exit status 1")


def test_the_first_death_of_one_that_was_ready_waits_for_nothing() -> None:
    backoff = account(NO_BACKOFF, [died(NOW - 5, was_ready=True, young=True)], {}, NOW)
    assert backoff == Backoff(1, NOW, NOW, "web-1 exited: exit status 1")


@pytest.mark.parametrize(
    "change",
    [
        died(NOW - 60, was_ready=True, young=False),
        Transition("web-1", Became.READY, NOW - 5, start_seconds=5.0),
        Transition("web-1", Became.GONE, NOW - 5, "removed by someone else", was_ready=True),
    ],
)
def test_other_changes_leave_it_as_it_is(change: Transition) -> None:
    assert account(STREAK, [change], {}, NOW) == STREAK


@pytest.mark.parametrize(
    ("replica", "ended"),
    [
        pytest.param(track(ReplicaState.READY, NOW - 15, ready_at=NOW - PROVEN_S), True, id="proven, and started since"),
        pytest.param(track(ReplicaState.READY, NOW - 15, ready_at=NOW - PROVEN_S + 0.1), False, id="not proven yet"),
        pytest.param(track(ReplicaState.READY, NOW - 30, ready_at=NOW - 12), False, id="started before the last failure"),
        pytest.param(
            track(ReplicaState.READY, NOW - 5, ready_at=NOW - 60), False, id="found: it was ready before it was seen"
        ),
        pytest.param(track(ReplicaState.DRAINING, NOW - 15, ready_at=NOW - 12), False, id="leaving"),
        pytest.param(track(ReplicaState.STARTING, NOW - 15), False, id="not ready"),
    ],
)
def test_a_replica_proven_since_the_last_failure_ends_it(replica: Track, ended: bool) -> None:
    assert account(STREAK, [], {"web-8": replica}, NOW) == (NO_BACKOFF if ended else STREAK)
