"""A plan with metrics of other systems: read once, and decided on."""

import pytest

from autoscaler.control.preview import Preview, preview
from autoscaler.model import Instance, Phase, Sample, Server, ServerState
from autoscaler.reconcile.plan import NEW_BOOK
from autoscaler.spec.models import PrometheusMetric, ServiceSpec, TargetTracking
from tests.reconcile.build import NOW, WEB, address

DEPTH = PrometheusMetric(source="prometheus", name="depth", server="http://p", query="up")
SPEC = WEB.model_copy(update={"policies": (TargetTracking(type="target_tracking", metric=DEPTH, target=10.0),)})


def of(spec: ServiceSpec, sample: Sample) -> Preview:
    """With two replicas that serve."""
    names = ("web-1", "web-2")
    instances = [
        Instance(f"id-{name}", name, "web", "", Phase.RUNNING, NOW - 60, address(name), healthy=True, exit=None)
        for name in names
    ]
    servers = [Server(name, ServerState.UP, 0, 0, 0, address(name), "") for name in names]
    return preview(spec, instances, servers, NEW_BOOK, NOW, told={"depth": sample})


@pytest.mark.parametrize(
    ("sample", "desired", "why"),
    [
        (Sample(35.0, NOW), 4, "depth 35 at 10 a replica asks for 4"),
        (Sample(20.0, NOW), 2, "within 1..10"),
        (Sample(1.0, NOW), 2, "within 1..10"),
        (Sample(None, NOW, "no answer"), 2, "within 1..10"),
    ],
    ids=["more", "as many", "fewer: not before a full window", "missing"],
)
def test_what_a_metric_of_another_system_asks_for(sample: Sample, desired: int, why: str) -> None:
    told = of(SPEC, sample)
    assert (told.desired, told.why) == (desired, why)
    assert len(told.steps) == desired - 2
