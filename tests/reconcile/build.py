"""Builders that take only what a test is about."""

from autoscaler.model import Address, Check, Instance, Phase, Replica, ReplicaState, Server, ServerState, Step, Verdict
from autoscaler.reconcile.lifecycle import Seen
from autoscaler.reconcile.names import number_of
from autoscaler.spec.models import Bind, ReplicaSpec, Route, ServiceSpec, TargetTracking

NOW = 10_000.0

WEB = ServiceSpec(
    service="web",
    replica=ReplicaSpec(image="web", port=80),
    route=Route(bind=Bind(host="127.0.0.1", port=8080)),
    policies=(TargetTracking(type="target_tracking", metric="request_rate", target=50.0),),
)


def address(name: str) -> Address:
    return Address("10.0.0.1", 1000 + number_of(name))


def ready(
    name: str,
    *,
    age: float = 60,
    in_flight: int = 0,
    in_proxy: bool = True,
    check: Check = Check.PASSES,
    checked: bool = True,
) -> Replica:
    return Replica(
        name,
        ReplicaState.READY,
        id=f"id-{name}",
        since=NOW - age,
        address=address(name),
        in_flight=in_flight,
        in_proxy=in_proxy,
        passed=True,
        check=check,
        checked=checked,
    )


def starting(name: str, *, created: bool = False, under_way: Step | None = None) -> Replica:
    there = under_way is None
    return Replica(
        name,
        ReplicaState.STARTING,
        id=f"id-{name}" if there else "",
        since=NOW - 1,
        address=address(name) if there and not created else None,
        created=created,
        under_way=under_way,
    )


def draining(
    name: str,
    *,
    in_flight: int = 0,
    age: float = 5,
    let_go: bool = True,
    signalled: bool = False,
    exited: bool = False,
    under_way: Step | None = None,
    failure: str = "",
) -> Replica:
    return Replica(
        name,
        ReplicaState.DRAINING,
        id=f"id-{name}",
        since=NOW - age,
        address=address(name),
        in_flight=in_flight,
        in_proxy=True,
        let_go=let_go,
        drained=let_go and in_flight == 0,
        signalled=signalled,
        exited=exited,
        under_way=under_way,
        failure=failure,
        cause="idle, 1 wanted of 2",
    )


def failed(
    name: str,
    *,
    exited: bool = False,
    unhealthy: bool = False,
    in_proxy: bool = True,
    check: Check = Check.PASSES,
    checked: bool = True,
) -> Replica:
    return Replica(
        name,
        ReplicaState.FAILED,
        id=f"id-{name}",
        since=NOW - 1,
        address=address(name),
        in_proxy=in_proxy,
        exited=exited,
        unhealthy=unhealthy,
        check=check,
        checked=checked,
        failure="exited: exit status 1" if exited else "unhealthy: L4CON",
    )


def instance(name: str, phase: Phase = Phase.RUNNING, *, healthy: bool | None = None) -> Instance:
    return Instance(f"id-{name}", name, "web", "abc", phase, NOW, address=address(name), healthy=healthy)


def server(
    name: str,
    state: ServerState = ServerState.UP,
    *,
    in_flight: int = 0,
    check: Check = Check.PASSES,
    checked: bool = True,
) -> Server:
    return Server(name, state, in_flight, 0, 0, address(name), check=check, checked=checked)


def seen(
    *instances: Instance,
    servers: tuple[Server, ...] | None = (),
    now: float = NOW,
    under_way: dict[str, Step] | None = None,
    verdicts: dict[str, Verdict] | None = None,
) -> Seen:
    return Seen(now, instances, servers, now, under_way or {}, verdicts=verdicts or {})
