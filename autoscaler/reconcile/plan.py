"""From the replicas that are there and the count that shall be, the next legal step of each.

    running, health check passed  ->  in the proxy
    too many                      ->  drain; nothing in flight (or drain_timeout over)  ->  stop; ended  ->  remove
    too few                       ->  take back what drains and has no stop signal yet, then start new names
    dead, hung or never ready     ->  counts for nothing; drained, stopped and removed beside its replacement

A plan is level-triggered: it follows from what is seen, so that it may be made again at any time and a crash between two
steps needs no repair. A replica that has an action under way gets none.

When most replicas in the proxy fail their check at once, the check is the suspect: they stay, and one at a time is replaced,
the new one ready first. From their first bad answer on, those that take connections are not left to the proxy's judgement:
they get requests unchecked until they pass again, and stay suspects although most may pass by then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autoscaler.model import Action, Backend, Check, Plan, Remove, Replica, ReplicaState, Start, Stop
from autoscaler.reconcile.backoff import NO_BACKOFF, Backoff
from autoscaler.reconcile.names import name, number_of
from autoscaler.reconcile.victims import pick_victims
from autoscaler.spec.models import ServiceSpec


@dataclass(frozen=True, slots=True)
class Book:
    """What planning remembers of a service: the next free number, and how it backs off."""

    next_number: int = 1
    backoff: Backoff = NO_BACKOFF


NEW_BOOK = Book()


def plan(
    spec: ServiceSpec, replicas: Sequence[Replica], desired: int, now: float, book: Book, *, blind: bool = False
) -> Plan:
    """The next steps towards `desired` replicas. `blind`: the proxy can't be seen, so nothing is drained or stopped; what
    was told to drain before may serve on there, and is taken back all the same."""
    suspects = suspected(replicas)
    counted = [r for r in replicas if r.state in (ReplicaState.STARTING, ReplicaState.READY)] + suspects[1:]
    missing = desired - len(counted)
    returns = _to_take_back(replicas, missing)
    surplus = [] if blind else pick_victims(counted, max(-missing, 0))
    starts, waits = _starts(spec, counted, desired, missing - len(returns), now, book)
    leaving = _leaving(replicas, surplus, len(counted), desired)
    stay = suspects if _serving(counted) < desired else suspects[1:]
    for suspect in stay:
        if suspect not in surplus:
            leaving.pop(suspect.name)
    for replica in returns:
        leaving.pop(replica.name)
    actions: list[Action] = [] if blind else _stops(spec, replicas, leaving, now)
    actions += _removals_and_restarts(replicas, leaving, book)
    return Plan(
        backends=None if blind else _backends(replicas, leaving, _unchecked(spec, replicas)),
        actions=(*actions, *starts),
        drains=() if blind else tuple((r.name, leaving[r.name]) for r in replicas if r.name in leaving and _can_drain(r)),
        returns=tuple((r.name, f"{desired} wanted, {len(counted)} there") for r in returns),
        waits=waits,
    )


def suspected(replicas: Sequence[Replica]) -> list[Replica]:
    """Those that fail their check while most do, or that have been kept since most did, the first to be replaced first."""
    failing = [r for r in replicas if _has_failed(r)]
    if not _most_fail(replicas):
        failing = [r for r in failing if not r.checked]
    return sorted(failing, key=lambda r: number_of(r.name))


def passing(replicas: Sequence[Replica]) -> int:
    """How many are in use and pass their check."""
    return sum(r.state is ReplicaState.READY and r.check is Check.PASSES for r in replicas)


def _most_fail(replicas: Sequence[Replica]) -> bool:
    """Whether more replicas in the proxy fail their check, be it for the first time, than pass it."""
    begin_to = [r for r in replicas if r.state is ReplicaState.READY and r.check is not Check.PASSES]
    return len(begin_to) + sum(map(_has_failed, replicas)) > passing(replicas)


def _has_failed(replica: Replica) -> bool:
    return replica.state is ReplicaState.FAILED and replica.unhealthy and replica.in_proxy and not replica.cause


def _unchecked(spec: ServiceSpec, replicas: Sequence[Replica]) -> frozenset[str]:
    """Those that the proxy shall send requests though they fail its check."""
    if not spec.replica.healthcheck.by_proxy:
        return frozenset()
    most_fail = _most_fail(replicas)
    return frozenset(r.name for r in replicas if r.in_proxy and r.check is Check.FAILS and (most_fail or not r.checked))


def _serving(counted: Sequence[Replica]) -> int:
    return sum(r.state is not ReplicaState.STARTING for r in counted)


def _to_take_back(replicas: Sequence[Replica], missing: int) -> list[Replica]:
    """Drained for being too many, and not yet signalled: they serve again at once."""
    able = [
        r
        for r in replicas
        if r.state is ReplicaState.DRAINING and r.in_proxy and not (r.under_way or r.signalled or r.exited or r.failure)
    ]
    return sorted(able, key=lambda r: number_of(r.name))[: max(missing, 0)]


def _leaving(replicas: Sequence[Replica], surplus: Sequence[Replica], count: int, desired: int) -> dict[str, str]:
    """Why each replica that shall leave does."""
    causes = {r.name: f"{_trait(r)}, {desired} wanted of {count}" for r in surplus}
    for replica in replicas:
        if replica.state is ReplicaState.FAILED:
            causes[replica.name] = replica.failure
        elif replica.state is ReplicaState.DRAINING:
            causes[replica.name] = replica.cause or ("ended" if replica.exited else "it has had its stop signal")
    return causes


def _trait(replica: Replica) -> str:
    if replica.state is ReplicaState.STARTING:
        return "still starting"
    return f"{replica.in_flight} in flight" if replica.in_flight else "idle"


def _starts(
    spec: ServiceSpec, counted: Sequence[Replica], desired: int, missing: int, now: float, book: Book
) -> tuple[list[Action], str]:
    """Starts of new names, as many as are missing: none while backing off, one at a time until one is proven again."""
    if missing <= 0:
        return [], ""
    if book.backoff.streak:
        if now < book.backoff.until:
            return [], f"backing off for {book.backoff.until - now:.0f} s: {book.backoff.why}"
        if any(r.state is ReplicaState.STARTING for r in counted):
            return [], f"one start at a time: {book.backoff.why}"
        missing = 1
    cause = f"{desired} wanted, {len(counted)} there"
    return [Start(name(spec.service, book.next_number + i), cause) for i in range(missing)], ""


def _can_drain(replica: Replica) -> bool:
    """In the proxy, and not told to leave it before."""
    return replica.in_proxy and not replica.exited and not replica.cause


def _stops(spec: ServiceSpec, replicas: Sequence[Replica], leaving: Mapping[str, str], now: float) -> list[Action]:
    """The stop signal for each that the proxy can't send anything any more and has nothing in flight with."""
    stops: list[Action] = []
    grace_s = spec.replica.stop_grace_period
    for replica in replicas:
        if replica.name not in leaving or replica.under_way or replica.exited or replica.created or not replica.id:
            continue
        if not replica.in_proxy:
            stops.append(Stop(replica.name, grace_s, leaving[replica.name]))
        elif replica.drained:
            stops.append(Stop(replica.name, grace_s, f"drained: {leaving[replica.name]}"))
        elif replica.let_go and now - replica.since >= spec.route.drain_timeout:
            stops.append(Stop(replica.name, grace_s, f"still {replica.in_flight} in flight after route.drain_timeout"))
    return stops


def _removals_and_restarts(replicas: Sequence[Replica], leaving: Mapping[str, str], book: Book) -> list[Action]:
    """Removal of those that have ended; those that were made and never started are started, or removed too."""
    actions: list[Action] = []
    for replica in replicas:
        if replica.under_way or not replica.id:
            continue
        if replica.exited:
            failed = replica.state is ReplicaState.FAILED
            actions.append(Remove(replica.name, leaving[replica.name], keep_words=failed))
        elif replica.created and replica.name in leaving:
            actions.append(Remove(replica.name, leaving[replica.name]))
        elif replica.created and book.backoff.streak:
            actions.append(Remove(replica.name, "could not be started"))
        elif replica.created:
            actions.append(Start(replica.name, "made but not started"))
    return actions


def _backends(replicas: Sequence[Replica], leaving: Mapping[str, str], unchecked: frozenset[str]) -> tuple[Backend, ...]:
    """All that are ready to serve, and those that leave until they have ended."""
    return tuple(
        Backend(
            replica=r.name,
            address=r.address,
            draining=r.name in leaving,
            cause=leaving.get(r.name, "health check passed"),
            checked=r.name in leaving or r.name not in unchecked,
        )
        for r in replicas
        if r.address is not None and not r.exited and not r.created and (r.in_proxy or (r.passed and r.name not in leaving))
    )
