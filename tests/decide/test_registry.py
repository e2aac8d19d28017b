"""Every policy type of the file has a module that answers for it, and every percentile a quantile."""

from autoscaler.decide.recommend import RECOMMENDERS
from autoscaler.measure.latency import PERCENTILES
from autoscaler.spec.models import LATENCIES
from autoscaler.spec.validation import POLICY_TYPES


def test_every_policy_type_is_answered_for() -> None:
    assert set(POLICY_TYPES) == RECOMMENDERS.keys()


def test_every_percentile_is_measured() -> None:
    assert list(PERCENTILES) == list(LATENCIES)
    assert [f"latency_p{quantile * 100:.0f}" for quantile in PERCENTILES.values()] == list(LATENCIES)
