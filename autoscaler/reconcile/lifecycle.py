"""Instance + server -> replica: what the runtime and the proxy tell, joined by name.

    no instance, start under way          starting        created, running, check not passed     starting
    running, in the proxy                 ready           told to drain, or proxy says DRAIN      draining
    proxy says DOWN                       failed          paused, killed or cut off by others     failed
    not ready after start_timeout         failed          exited, not by us                       failed

What can't be seen at either (since when, told to drain and why, check passed) is kept in one `Track` a replica. All of it
may be lost: it is then rebuilt from what is seen.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from autoscaler.model import Check, Exit, Instance, Phase, Replica, ReplicaState, Server, ServerState, Step, Verdict

SETTLED_S = 0.2  # a request chosen for a server in the very moment of its draining shows up by then


@dataclass(frozen=True, slots=True)
class Track:
    """What is remembered of one replica between ticks. `cause` is why it was told to drain, "" while it was not.

    `assigned`: the proxy was told of it; `serving`: it took that in; `drained_at`: when it took in that it drains.
    `spoiled`: it is leaving because it failed. `killed`: someone else sent it a deadly signal; `stopping`: we did, or a
    daemon before this one may have. `removing`: its removal began. `existed`: the runtime has shown it; `running_at`: since
    when it has shown it running. `found`: it was behind the proxy before it was known here.
    """

    state: ReplicaState
    since: float
    seen_at: float
    ready_at: float | None = None
    passed: bool = False
    assigned: bool = False
    serving: bool = False
    cause: str = ""
    drained_at: float | None = None
    spoiled: bool = False
    killed: bool = False
    stopping: bool = False
    removing: bool = False
    existed: bool = False
    running_at: float | None = None
    found: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """All that one tick sees of a service. `servers` is None where the proxy can't be seen; `view_t` is when it was seen.

    `was_ready_at` is when a daemon before this one first saw a replica ready, `was_stopping` are those that it has, or may
    have, sent their stop signal. `verdicts` are on those that the proxy does not check.
    """

    now: float
    instances: tuple[Instance, ...]
    servers: tuple[Server, ...] | None
    view_t: float
    under_way: Mapping[str, Step] = field(default_factory=dict)
    was_ready_at: Mapping[str, float] = field(default_factory=dict)
    was_stopping: frozenset[str] = frozenset()
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)


def join(seen: Seen, tracks: Mapping[str, Track], start_timeout_s: float) -> tuple[tuple[Replica, ...], dict[str, Track]]:
    """Every replica of the service, and what to remember of each; the tracks of those that are gone are dropped."""
    servers = {server.replica: server for server in seen.servers or ()}
    replicas: list[Replica] = []
    kept: dict[str, Track] = {}
    for instance in seen.instances:
        server = servers.get(instance.replica)
        track = tracks.get(instance.replica)
        if track is None or (server is not None and not track.assigned):
            stopping = instance.replica in seen.was_stopping or (track is not None and track.stopping)
            track = _found(seen, instance.replica, server, stopping)
        if track.running_at is None and instance.phase is Phase.RUNNING:
            track = replace(track, running_at=seen.now)
        track = replace(track, existed=True)
        replica, kept[instance.replica] = _joined(seen, instance, server, track, start_timeout_s)
        replicas.append(replica)
    for name, step in seen.under_way.items():
        if name not in kept and step is Step.START:
            track = tracks.get(name) or Track(ReplicaState.STARTING, seen.now, seen.now)
            kept[name] = track
            replicas.append(Replica(name, ReplicaState.STARTING, since=track.since, under_way=step))
    return tuple(replicas), kept


def _joined(
    seen: Seen, instance: Instance, server: Server | None, track: Track, start_timeout_s: float
) -> tuple[Replica, Track]:
    verdict = _verdict(server, seen.verdicts)
    failure, reason = _failure(seen.now, instance, server, verdict, track, start_timeout_s)
    failure = failure or (track.cause if track.spoiled else "")
    state = _state(instance, track, failure)
    if state is not track.state:
        track = replace(track, state=state, since=seen.now)
    if state is ReplicaState.READY and track.ready_at is None:
        track = replace(track, ready_at=seen.was_ready_at.get(instance.replica, seen.now))
    in_flight = server.in_flight if server else 0
    settled = seen.servers is not None and track.drained_at is not None and seen.view_t - track.drained_at >= SETTLED_S
    let_go = settled and (server is None or server.state is ServerState.DRAIN)
    replica = Replica(
        name=instance.replica,
        state=state,
        id=instance.id,
        spec_hash=instance.spec_hash,
        image=instance.image,
        created_at=instance.created_at,
        since=track.since if track.drained_at is None else max(track.since, track.drained_at),
        ready_at=track.ready_at,
        address=instance.address,
        in_flight=in_flight,
        in_proxy=server is not None or track.assigned,
        passed=track.passed,
        let_go=let_go,
        drained=let_go and in_flight == 0,
        signalled=track.stopping,
        under_way=seen.under_way.get(instance.replica),
        created=instance.phase is Phase.CREATED,
        exited=instance.phase is Phase.EXITED,
        unhealthy=failure.startswith("unhealthy") and instance.phase is Phase.RUNNING,
        check=verdict.check,
        checked=server is None or server.checked,
        failure=failure,
        reason=reason,
        cause=track.cause,
    )
    return replica, track


def _found(seen: Seen, name: str, server: Server | None, stopping: bool) -> Track:
    """The track of a replica not known before: just started, or found again by a daemon that was.

    One that is found draining may have its stop signal already.
    """
    if server is None:
        return Track(ReplicaState.STARTING, seen.now, seen.now, seen.was_ready_at.get(name), stopping=stopping)
    found = Track(
        state=ReplicaState.READY,
        since=seen.now,
        seen_at=seen.now,
        ready_at=seen.was_ready_at.get(name, seen.now),
        passed=True,
        assigned=True,
        serving=True,
        stopping=stopping,
        found=True,
    )
    if server.state is ServerState.DRAIN:
        return replace(found, state=ReplicaState.DRAINING, cause="was draining", drained_at=seen.view_t, stopping=True)
    return found


def _verdict(server: Server | None, verdicts: Mapping[str, Verdict]) -> Verdict:
    """What its check says: the proxy's, or, where that doesn't ask, our own; until that has an answer, what it said last."""
    if server is None:
        return Verdict(Check.PASSES)
    if not server.checked:
        return verdicts.get(server.replica, Verdict(Check.FAILS))
    return Verdict(server.check, server.state is ServerState.DOWN, server.problem)


def _failure(
    now: float, instance: Instance, server: Server | None, verdict: Verdict, track: Track, start_timeout_s: float
) -> tuple[str, str]:
    """Why the replica has failed by no doing of ours, at length and in one word; "" twice where it has not."""
    match instance.phase:
        case Phase.EXITED:
            exit = instance.exit or Exit(None)
            ours = track.stopping or bool(track.cause)
            return ("", "") if ours else (f"exited: {exit}", "oom" if exit.oom else "exited")
        case Phase.PAUSED:
            return "paused by someone else", "hung"
        case Phase.CREATED:
            return "", ""
    if track.killed and not track.stopping:
        return "sent a stop signal by someone else", "exited"
    if (track.passed or track.serving) and instance.address is None:
        return "taken off its network by someone else", "unhealthy"
    if server is not None and verdict.failed:
        hung = "TOUT" in verdict.problem or "no answer" in verdict.problem  # in HAProxy's words: L4TOUT, L7TOUT; in ours
        return f"unhealthy: {verdict.problem or 'its health check fails'}", "hung" if hung else "unhealthy"
    if track.passed and instance.healthy is False:
        return "unhealthy: its own HEALTHCHECK fails", "unhealthy"
    if not track.passed and track.running_at is not None and now - track.running_at > start_timeout_s:
        return f"not ready within {start_timeout_s:g} s", "timeout"
    return "", ""


def _state(instance: Instance, track: Track, failure: str) -> ReplicaState:
    if failure:
        return ReplicaState.FAILED
    if track.cause or track.stopping or instance.phase is Phase.EXITED:
        return ReplicaState.DRAINING
    return ReplicaState.READY if track.serving and instance.phase is Phase.RUNNING else ReplicaState.STARTING


def told_to_drain(tracks: dict[str, Track], drains: Iterable[tuple[str, str]], now: float) -> None:
    """Remember who was told to drain, and why. The time for it begins now, however long one has been failing."""
    for name, cause in drains:
        track = tracks[name]
        tracks[name] = replace(track, cause=cause, since=now, drained_at=None, spoiled=track.state is ReplicaState.FAILED)


def taken_back(tracks: dict[str, Track], returns: Iterable[tuple[str, str]]) -> None:
    """Remember who serves again."""
    for name, _cause in returns:
        tracks[name] = replace(tracks[name], cause="", drained_at=None)
