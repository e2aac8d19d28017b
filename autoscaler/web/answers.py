"""From the daemon's values to the API's documents.

    status.ServiceStatus -> ServiceAnswer      model.Decision -> DecisionAnswer      model.Event -> EventAnswer

Nothing is computed here and nothing left out but what a document has no key for.
"""

from collections.abc import Sequence
from dataclasses import asdict

from autoscaler.model import Account, Decision, Event, Override
from autoscaler.status import DaemonStatus, Explanation, MetricStatus, Ordered, ReplicaStatus, ServiceStatus, ShadowStatus
from autoscaler.web.models import (
    AccountAnswer,
    BasisAnswer,
    DecisionAnswer,
    EventAnswer,
    ExplainAnswer,
    HistoryAnswer,
    LimitAnswer,
    MetricAnswer,
    MoveAnswer,
    OrderedAnswer,
    OverrideAnswer,
    RecommendationAnswer,
    ReplicaAnswer,
    RouteAnswer,
    ServiceAnswer,
    ServicesAnswer,
    ShadowAnswer,
    TallyAnswer,
    WithoutAnswer,
)


def services_answer(status: DaemonStatus) -> ServicesAnswer:
    """All services, by name."""
    return ServicesAnswer(tuple(service_answer(service) for service in sorted(status.services, key=lambda s: s.name)))


def service_answer(status: ServiceStatus) -> ServiceAnswer:
    """The contract's service object."""
    return ServiceAnswer(
        name=status.name,
        runtime=status.runtime,
        route=RouteAnswer(bind=status.bind, host=status.host, path=status.path),
        desired=status.desired,
        min=status.min,
        max=status.max,
        mode=_mode(status),
        override=_override(status.orders.override),
        policies=status.policies,
        replicas=[_replica(replica, status.log_tail.get(replica.name, ())) for replica in status.replicas],
        last_decision=_decision(status.decision),
        errors=status.errors,
        paused=status.orders.pause.value if status.orders.pause else None,
        down=status.orders.down,
        metrics=_metrics(status.metrics),
        waiting=status.waiting,
        health_suspect=status.health_suspect,
        shadows=[_shadow(shadow) for shadow in status.shadows],
    )


def explain_answer(status: ServiceStatus, why: Explanation) -> ExplainAnswer:
    """The text for people, and the same as fields."""
    return ExplainAnswer(
        service=status.name,
        text=why.text,
        desired=status.desired,
        mode=_mode(status),
        override=_override(status.orders.override),
        decision=_decision(status.decision),
        metrics=_metrics(status.metrics),
        errors=status.errors,
        account=_account(why.account),
        shadows=[_shadow(shadow) for shadow in status.shadows],
    )


def event_answer(number: int, event: Event) -> EventAnswer:
    """One event of the journal."""
    return EventAnswer(
        id=number,
        t=event.t,
        service=event.service,
        kind=event.kind.value,
        replica=event.replica,
        cause=event.cause,
        facts=dict(event.facts),
    )


def history_answer(service: str, events: Sequence[tuple[int, Event]]) -> HistoryAnswer:
    """A service's events, oldest first."""
    return HistoryAnswer(service=service, events=[event_answer(number, event) for number, event in events])


def ordered_answer(ordered: Ordered) -> OrderedAnswer:
    """What an order came to."""
    return OrderedAnswer(desired=ordered.desired, until=ordered.until, note=ordered.note)


def _mode(status: ServiceStatus) -> str | None:
    return status.decision.mode.value if status.decision else None


def _override(override: Override | None) -> OverrideAnswer | None:
    if override is None:
        return None
    return OverrideAnswer(
        replicas=override.replicas, min=override.min, max=override.max, until=override.until, reason=override.reason
    )


def _replica(replica: ReplicaStatus, log_tail: Sequence[str]) -> ReplicaAnswer:
    return ReplicaAnswer(
        name=replica.name,
        state=replica.state.value,
        spec=replica.spec,
        address=replica.address,
        started_at=replica.started_at,
        ready_at=replica.ready_at,
        inflight=replica.inflight,
        up_to_date=replica.up_to_date,
        detail=replica.detail,
        log_tail=log_tail,
    )


def _decision(decision: Decision | None) -> DecisionAnswer | None:
    if decision is None:
        return None
    return DecisionAnswer(
        t=decision.t,
        service=decision.service,
        desired=decision.desired,
        recommendations=[
            RecommendationAnswer(policy=r.policy, type=r.type, value=r.value, metric=r.metric, raw=r.raw, reason=r.reason)
            for r in decision.recommendations
        ],
        limited_by=decision.limited_by,
        mode=decision.mode.value,
        current=decision.current,
        wanted=decision.wanted,
        limits=[
            LimitAnswer(name=limit.name, before=limit.before, after=limit.after, reason=limit.reason, until=limit.until)
            for limit in decision.limits
        ],
        reason=decision.reason,
    )


def _account(account: Account | None) -> AccountAnswer | None:
    if account is None:
        return None
    return AccountAnswer(
        ready=account.ready,
        starting=account.starting,
        bases=[BasisAnswer.model_validate(asdict(basis)) for basis in account.bases],
        without=[WithoutAnswer(limit=each.limit, desired=each.desired) for each in account.without],
        more=MoveAnswer.model_validate(asdict(account.more)),
        fewer=MoveAnswer.model_validate(asdict(account.fewer)),
    )


def _shadow(shadow: ShadowStatus) -> ShadowAnswer:
    return ShadowAnswer(
        name=shadow.name,
        desired=None if shadow.decision is None else shadow.decision.desired,
        decision=_decision(shadow.decision),
        since=shadow.since,
        recent=TallyAnswer.model_validate(asdict(shadow.recent)),
        total=TallyAnswer.model_validate(asdict(shadow.total)),
        problem=shadow.problem,
        seen_full=shadow.seen_full,
    )


def _metrics(metrics: Sequence[MetricStatus]) -> list[MetricAnswer]:
    return [
        MetricAnswer(
            name=metric.name,
            value=metric.sample.value,
            t=metric.sample.t,
            problem=metric.sample.problem,
            target=metric.target,
            per_replica=metric.per_replica,
        )
        for metric in metrics
    ]
