"""What `run` would change, from one look at everything and no memory: for `plan`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autoscaler.decide.decider import decide
from autoscaler.decide.memory import EMPTY
from autoscaler.model import NO_ORDERS, Decision, Instance, Observation, Orders, Replica, ReplicaState, Sample, Server
from autoscaler.reconcile.lifecycle import Seen, join
from autoscaler.reconcile.names import highest_number
from autoscaler.reconcile.plan import Book, plan
from autoscaler.spec.models import ServiceSpec


@dataclass(frozen=True, slots=True)
class Preview:
    """One service's: how many are there, how many there would be, each step, and what runs an older spec than the file."""

    service: str
    ready: int
    there: int
    desired: int
    why: str
    steps: tuple[str, ...]
    out_of_date: tuple[str, ...]


def preview(
    spec: ServiceSpec,
    instances: Sequence[Instance],
    servers: Sequence[Server] | None,
    book: Book,
    now: float,
    orders: Orders = NO_ORDERS,
    image: str = "",
    told: Mapping[str, Sample] | None = None,
) -> Preview:
    """The first steps of a daemon that starts now. Of the metrics `told` has those of other systems; the others take a
    while to measure, so that a count within the bounds never falls and rises by the told ones alone.

    `image` is the id that the spec's image has now, "" where that isn't known.
    """
    seen = Seen(now, tuple(instances), None if servers is None else tuple(servers), now)
    replicas, _tracks = join(seen, {}, spec.replica.healthcheck.start_timeout)
    ready = sum(r.state is ReplicaState.READY for r in replicas)
    starting = sum(r.state is ReplicaState.STARTING for r in replicas)
    names = (metric for policy in spec.policies for metric in policy.windows)
    totals = {name: Sample(None, now, "a plan measures nothing") for name in names} | dict(told or {})
    observation = Observation(spec.service, now, ready, starting, totals, desired=ready + starting)
    decision, _memory = decide(spec, observation, EMPTY, orders)
    number = max(book.next_number, highest_number(r.name for r in replicas) + 1)
    steps = plan(spec, replicas, decision.desired, now, Book(number, book.backoff), blind=servers is None)
    return Preview(
        service=spec.service,
        ready=ready,
        there=ready + starting,
        desired=decision.desired,
        why=_why(spec, decision),
        steps=tuple(str(steps).splitlines()),
        out_of_date=tuple(r.name for r in replicas if _is_out_of_date(spec, image, r)),
    )


def _why(spec: ServiceSpec, decision: Decision) -> str:
    bounds = f"{spec.replicas.min}..{spec.replicas.max}"
    if decision.limited_by[:1] == ("below_min",):
        return f"below min of {bounds}"
    if decision.limited_by[:1] == ("above_max",):
        return f"above max of {bounds}"
    return decision.reason if decision.desired != decision.current else f"within {bounds}"


def _is_out_of_date(spec: ServiceSpec, image: str, replica: Replica) -> bool:
    other_spec = bool(replica.spec_hash) and replica.spec_hash != spec.spec_hash
    return other_spec or bool(image and replica.image and replica.image != image)
