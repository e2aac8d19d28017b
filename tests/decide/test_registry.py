"""Every policy type of the file has a module that answers for it, and every percentile a quantile."""

from typing import get_args

from autoscaler.decide.recommend import RECOMMENDERS
from autoscaler.measure.latency import PERCENTILES
from autoscaler.spec.models import LATENCIES, Policy


def test_every_policy_type_is_answered_for() -> None:
    kinds = get_args(Policy) or (Policy,)
    types = {name for kind in kinds for name in get_args(kind.model_fields["type"].annotation)}
    assert types == RECOMMENDERS.keys()


def test_every_percentile_is_measured() -> None:
    assert list(PERCENTILES) == list(LATENCIES)
    assert [f"latency_p{quantile * 100:.0f}" for quantile in PERCENTILES.values()] == list(LATENCIES)
