"""Instance + server -> replica, one case at a time; whole lives are in test_lives.py."""

from dataclasses import replace

import pytest

from autoscaler.model import Check, Exit, Instance, Phase, Replica, ReplicaState, Server, ServerState, Step, Verdict
from autoscaler.reconcile.lifecycle import SETTLED_S, Seen, Track, join, taken_back, told_to_drain
from tests.reconcile.build import NOW, address, instance, seen, server


@pytest.mark.parametrize(
    ("there", "at_proxy", "state", "failure"),
    [
        pytest.param(instance("web-1"), None, ReplicaState.STARTING, "", id="running, in no proxy"),
        pytest.param(instance("web-1", Phase.CREATED), None, ReplicaState.STARTING, "", id="made"),
        pytest.param(instance("web-1"), server("web-1"), ReplicaState.READY, "", id="found in the proxy"),
        pytest.param(
            instance("web-1"), server("web-1", ServerState.DRAIN), ReplicaState.DRAINING, "", id="found while draining"
        ),
        pytest.param(
            instance("web-1"),
            server("web-1", ServerState.DOWN),
            ReplicaState.FAILED,
            "unhealthy: its health check fails",
            id="failing the proxy's check",
        ),
        pytest.param(
            instance("web-1", healthy=False),
            server("web-1"),
            ReplicaState.FAILED,
            "unhealthy: its own HEALTHCHECK fails",
            id="failing its own check",
        ),
        pytest.param(instance("web-1", healthy=True), server("web-1"), ReplicaState.READY, "", id="passing its own check"),
        pytest.param(
            instance("web-1", Phase.PAUSED), server("web-1"), ReplicaState.FAILED, "paused by someone else", id="paused"
        ),
    ],
)
def test_joined(there: Instance, at_proxy: Server | None, state: ReplicaState, failure: str) -> None:
    (replica,), _tracks = join(seen(there, servers=() if at_proxy is None else (at_proxy,)), {}, 60)
    assert (replica.state, replica.failure) == (state, failure)
    assert replica.unhealthy is failure.startswith("unhealthy")


def test_one_that_begins_to_fail_is_still_ready() -> None:
    (replica,), _tracks = join(seen(instance("web-1"), servers=(server("web-1", check=Check.FAILS),)), {}, 60)
    assert (replica.state, replica.check, replica.checked) == (ReplicaState.READY, Check.FAILS, True)


@pytest.mark.parametrize(
    ("verdict", "state", "check", "failure", "reason"),
    [
        pytest.param(None, ReplicaState.READY, Check.FAILS, "", "", id="not asked yet: as the proxy's check said"),
        pytest.param(Verdict(Check.PASSES), ReplicaState.READY, Check.PASSES, "", "", id="passes again"),
        pytest.param(Verdict(Check.FAILS, False, "GET / 500"), ReplicaState.READY, Check.FAILS, "", "", id="not often yet"),
        pytest.param(
            Verdict(Check.FAILS, True, "GET /healthz answered 500"),
            ReplicaState.FAILED,
            Check.FAILS,
            "unhealthy: GET /healthz answered 500",
            "unhealthy",
            id="often enough",
        ),
        pytest.param(
            Verdict(Check.FAILS, True, "no answer in 1 s"),
            ReplicaState.FAILED,
            Check.FAILS,
            "unhealthy: no answer in 1 s",
            "hung",
            id="hung",
        ),
    ],
)
def test_one_that_the_proxy_does_not_check_is_judged_by_our_own_asking(
    verdict: Verdict | None, state: ReplicaState, check: Check, failure: str, reason: str
) -> None:
    verdicts = {} if verdict is None else {"web-1": verdict}
    look = seen(instance("web-1"), servers=(server("web-1", checked=False),), verdicts=verdicts)
    (replica,), _tracks = join(look, {}, 60)
    assert (replica.state, replica.check, replica.failure, replica.reason) == (state, check, failure, reason)
    assert not replica.checked


# ---------------------------------------------------------------- what is remembered

BOOTING = Track(ReplicaState.STARTING, NOW - 5, NOW - 5, existed=True, running_at=NOW - 5)
SERVING = replace(BOOTING, state=ReplicaState.READY, ready_at=NOW - 4, passed=True, assigned=True, serving=True)
OWN_CHECK = ("unhealthy: its own HEALTHCHECK fails", "unhealthy")
LEAVING = replace(SERVING, state=ReplicaState.DRAINING, since=NOW - 3, cause="idle")


def joined(look: Seen, track: Track | None = None, start_timeout_s: float = 60) -> tuple[Replica, Track]:
    """The one replica of this look, and what is remembered of it."""
    (found,), tracks = join(look, {} if track is None else {"web-1": track}, start_timeout_s)
    return found, tracks["web-1"]


@pytest.mark.parametrize(
    ("there", "track", "failure", "reason"),
    [
        pytest.param(
            replace(instance("web-1"), address=None),
            SERVING,
            "taken off its network by someone else",
            "unhealthy",
            id="cut off while it serves",
        ),
        pytest.param(
            replace(instance("web-1"), address=None),
            replace(BOOTING, passed=True),
            "taken off its network by someone else",
            "unhealthy",
            id="cut off before it serves",
        ),
        pytest.param(replace(instance("web-1"), address=None), BOOTING, "", "", id="no address yet"),
        pytest.param(
            instance("web-1"), replace(SERVING, killed=True), "sent a stop signal by someone else", "exited", id="signalled"
        ),
        pytest.param(instance("web-1"), replace(LEAVING, killed=True, stopping=True), "", "", id="signalled by us too"),
        pytest.param(instance("web-1"), replace(BOOTING, running_at=NOW - 60), "", "", id="as long as it may"),
        pytest.param(
            instance("web-1"), replace(BOOTING, running_at=NOW - 60.5), "not ready within 60 s", "timeout", id="too long"
        ),
        pytest.param(instance("web-1"), replace(SERVING, running_at=NOW - 600), "", "", id="ready long ago"),
        pytest.param(instance("web-1", healthy=False), BOOTING, "", "", id="its own check does not pass yet"),
        pytest.param(
            instance("web-1", Phase.PAUSED), SERVING, "paused by someone else", "hung", id="paused, and what it counts as"
        ),
        pytest.param(instance("web-1", healthy=False), SERVING, *OWN_CHECK, id="its own check, passed once, fails"),
        pytest.param(instance("web-1", Phase.CREATED), replace(BOOTING, killed=True), "", "", id="made, and never started"),
        pytest.param(instance("web-1", Phase.EXITED), LEAVING, "", "", id="exited, told to drain"),
        pytest.param(instance("web-1", Phase.EXITED), replace(SERVING, stopping=True), "", "", id="exited, signalled by us"),
        pytest.param(
            replace(instance("web-1", Phase.EXITED), exit=Exit(3)), SERVING, "exited: exit status 3", "exited", id="exited"
        ),
        pytest.param(
            replace(instance("web-1", Phase.EXITED), exit=Exit(137, oom=True)),
            SERVING,
            f"exited: {Exit(137, oom=True)}",
            "oom",
            id="out of memory",
        ),
        pytest.param(
            instance("web-1", Phase.EXITED), SERVING, f"exited: {Exit(None)}", "exited", id="exited, nobody knows how"
        ),
    ],
)
def test_what_counts_as_failed(there: Instance, track: Track, failure: str, reason: str) -> None:
    replica, _track = joined(seen(there), track)
    assert (replica.failure, replica.reason) == (failure, reason)
    assert (replica.state is ReplicaState.FAILED) is bool(failure)


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        ("L4TOUT", "hung"),
        ("L7TOUT", "hung"),
        ("no answer in 1 s", "hung"),
        ("L7STS 500", "unhealthy"),
        ("L4CON", "unhealthy"),
    ],
)
def test_a_check_that_times_out_means_hung(problem: str, reason: str) -> None:
    down = replace(server("web-1", ServerState.DOWN), problem=problem)
    replica, _track = joined(seen(instance("web-1"), servers=(down,)), SERVING)
    assert (replica.failure, replica.reason, replica.unhealthy) == (f"unhealthy: {problem}", reason, True)


def test_one_known_since_its_start_keeps_its_times() -> None:
    replica, track = joined(seen(instance("web-1"), servers=(server("web-1", in_flight=3),)), SERVING)
    assert track == SERVING
    assert replica == Replica(
        "web-1",
        ReplicaState.READY,
        id="id-web-1",
        spec_hash="abc",
        created_at=NOW,
        since=NOW - 5,
        ready_at=NOW - 4,
        address=address("web-1"),
        in_flight=3,
        in_proxy=True,
        passed=True,
    )


def test_one_that_serves_for_the_first_time_is_ready_from_now_on() -> None:
    replica, track = joined(seen(instance("web-1")), replace(BOOTING, passed=True, assigned=True, serving=True))
    assert (replica.state, replica.since, replica.ready_at, replica.in_proxy) == (ReplicaState.READY, NOW, NOW, True)
    assert (track.state, track.since, track.seen_at, track.ready_at) == (ReplicaState.READY, NOW, NOW - 5, NOW)


def test_a_new_one_begins_to_be_known_when_it_is_first_seen() -> None:
    replica, track = joined(seen(instance("web-1")))
    assert track == Track(ReplicaState.STARTING, NOW, NOW, existed=True, running_at=NOW)
    assert (replica.in_proxy, replica.passed, replica.created, replica.exited, replica.signalled) == (False,) * 5


def test_one_that_has_ended_says_so_and_of_which_image_it_was() -> None:
    there = replace(instance("web-1", Phase.EXITED), image="sha256:1", exit=Exit(1))
    replica, _track = joined(seen(there), SERVING)
    assert (replica.exited, replica.image, replica.unhealthy) == (True, "sha256:1", False)


def test_a_created_one_is_not_running_yet_so_that_its_time_to_start_has_not_begun() -> None:
    replica, track = joined(seen(instance("web-1", Phase.CREATED)))
    assert (replica.created, track.running_at) == (True, None)


def test_one_found_behind_the_proxy_is_ready_since_a_daemon_before_saw_it_so() -> None:
    look = replace(seen(instance("web-1"), servers=(server("web-1"),)), was_ready_at={"web-1": NOW - 500})
    replica, track = joined(look)
    assert (replica.since, replica.ready_at) == (NOW, NOW - 500)
    known = Track(ReplicaState.READY, NOW, NOW, NOW - 500, passed=True, assigned=True, serving=True)
    assert track == replace(known, existed=True, running_at=NOW, found=True)


def test_one_found_behind_the_proxy_that_nobody_saw_ready_is_ready_since_now() -> None:
    look = seen(instance("web-1"), servers=(server("web-1"), server("web-2", ServerState.DRAIN)))
    replica, track = joined(look)
    assert (replica.ready_at, track.ready_at) == (NOW, NOW)
    assert joined(replace(look, now=NOW + 5), track)[1] == track


def test_one_that_gets_ready_again_was_ready_since_a_daemon_before_saw_it_so() -> None:
    look = replace(seen(instance("web-1")), was_ready_at={"web-1": NOW - 500})
    replica, _track = joined(look, replace(SERVING, ready_at=None, state=ReplicaState.STARTING))
    assert (replica.since, replica.ready_at) == (NOW, NOW - 500)


def test_one_found_outside_the_proxy_has_its_time_of_ready_and_its_signal_from_the_daemon_before() -> None:
    look = replace(seen(instance("web-1")), was_ready_at={"web-1": NOW - 500}, was_stopping=frozenset({"web-1"}))
    replica, track = joined(look)
    assert (replica.state, replica.ready_at, replica.signalled) == (ReplicaState.DRAINING, NOW - 500, True)
    assert (track.stopping, track.passed, track.found) == (True, False, False)


def test_one_found_draining_may_have_its_signal() -> None:
    replica, track = joined(replace(seen(instance("web-1"), servers=(server("web-1", ServerState.DRAIN),)), view_t=NOW - 1))
    assert (replica.cause, replica.signalled, replica.let_go, replica.since) == ("was draining", True, False, NOW)
    assert (track.drained_at, track.found) == (NOW - 1, True)


def test_a_signal_that_was_sent_is_not_forgotten_when_the_proxy_shows_one_it_was_not_told_of() -> None:
    look = seen(instance("web-1"), servers=(server("web-1"),))
    replica, _track = joined(look, replace(BOOTING, stopping=True))
    assert (replica.state, replica.signalled) == (ReplicaState.DRAINING, True)


# ---------------------------------------------------------------- draining

DRAINS = server("web-1", ServerState.DRAIN)


@pytest.mark.parametrize(
    ("servers", "drained_at", "let_go", "drained"),
    [
        pytest.param((DRAINS,), NOW - SETTLED_S, True, True, id="settled, nothing in flight"),
        pytest.param((replace(DRAINS, in_flight=1),), NOW - SETTLED_S, True, False, id="one in flight"),
        pytest.param((DRAINS,), NOW - SETTLED_S / 2, False, False, id="a request may be on its way"),
        pytest.param((DRAINS,), None, False, False, id="not taken in yet"),
        pytest.param((server("web-1"),), NOW - 1, False, False, id="the proxy shows it up"),
        pytest.param((), NOW - 1, True, True, id="out of the proxy"),
        pytest.param(None, NOW - 1, False, False, id="the proxy can't be seen"),
    ],
)
def test_a_draining_one_is_let_go_only_when_nothing_can_reach_it(
    servers: tuple[Server, ...] | None, drained_at: float | None, let_go: bool, drained: bool
) -> None:
    replica, _track = joined(seen(instance("web-1"), servers=servers), replace(LEAVING, drained_at=drained_at))
    assert (replica.state, replica.let_go, replica.drained) == (ReplicaState.DRAINING, let_go, drained)
    assert replica.since == max(NOW - 3, drained_at or 0)


def test_telling_one_to_drain_starts_its_time_and_remembers_why() -> None:
    tracks = {"web-1": replace(SERVING, drained_at=NOW - 9), "web-2": replace(SERVING, state=ReplicaState.FAILED)}
    told_to_drain(tracks, [("web-1", "idle"), ("web-2", "exited")], NOW)
    assert tracks["web-1"] == replace(SERVING, cause="idle", since=NOW)
    assert tracks["web-2"] == replace(SERVING, state=ReplicaState.FAILED, cause="exited", since=NOW, spoiled=True)


def test_one_that_leaves_because_it_failed_stays_failed_though_its_check_passes_again() -> None:
    replica, _track = joined(seen(instance("web-1"), servers=(server("web-1"),)), replace(LEAVING, spoiled=True))
    assert (replica.state, replica.failure, replica.reason) == (ReplicaState.FAILED, "idle", "")


def test_one_taken_back_drains_no_more() -> None:
    tracks = {"web-1": replace(LEAVING, drained_at=NOW - 2), "web-2": LEAVING}
    taken_back(tracks, [("web-1", "wanted again")])
    assert tracks == {"web-1": replace(LEAVING, cause=""), "web-2": LEAVING}
    replica, track = joined(seen(instance("web-1"), servers=(server("web-1"),)), tracks["web-1"])
    assert (replica.state, replica.cause, track.since, track.ready_at) == (ReplicaState.READY, "", NOW, NOW - 4)


# ---------------------------------------------------------------- what is under way


def test_a_start_under_way_counts_before_the_runtime_shows_anything() -> None:
    look = seen(under_way={"web-1": Step.START, "web-2": Step.STOP})
    replicas, tracks = join(look, {}, 60)
    assert replicas == (Replica("web-1", ReplicaState.STARTING, since=NOW, under_way=Step.START),)
    assert tracks == {"web-1": Track(ReplicaState.STARTING, NOW, NOW)}
    again, _tracks = join(replace(look, now=NOW + 7), tracks, 60)
    assert again == replicas


def test_what_is_under_way_at_one_that_is_there_is_told_of_it_and_counts_once() -> None:
    replica, _track = joined(seen(instance("web-1"), under_way={"web-1": Step.START}), BOOTING)
    assert replica.under_way is Step.START


def test_those_gone_are_forgotten() -> None:
    assert join(seen(), {"web-1": SERVING}, 60) == ((), {})
