"""The account of a decision, worked out when someone asks why: nothing of it is computed at each tick."""

from math import isfinite

from autoscaler.decide.case import Case
from autoscaler.decide.memory import Memory
from autoscaler.decide.moves import next_move
from autoscaler.decide.samples import mean
from autoscaler.decide.without import without_each
from autoscaler.model import Account, Basis
from autoscaler.spec.models import LATENCIES, REPLICA_METRICS, Policy


def account(case: Case) -> Account:
    """The decision of this case with all that explains it."""
    decision, after = case.decide()
    bases = tuple(
        _basis(index, policy, case, after, decision.t) for index, policy in enumerate(case.spec.policies) if policy.metric
    )
    return Account(
        decision=decision,
        ready=case.seen.ready,
        starting=case.seen.unready,
        bases=bases,
        without=without_each(case, decision),
        more=next_move(case, decision, after, bases, up=True),
        fewer=next_move(case, decision, after, bases, up=False),
    )


def _basis(index: int, policy: Policy, case: Case, after: Memory, t: float) -> Basis:
    metric = policy.metric
    if metric in REPLICA_METRICS:
        told = [each for each in case.seen.per_replica.get(metric, ()) if each is not None and isfinite(each)]
        return Basis(index, metric, sum(told) / len(told) if told else None, None, policy.aim, True)
    window = policy.windows[metric]
    value = mean(after.samples.get(metric, ()), window, t)
    return Basis(index, metric, value, None if metric in LATENCIES else window, policy.aim, policy.per_replica)
