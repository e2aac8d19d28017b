"""What a shadow asks for is measured too, and changes nothing of what the policies see."""

from autoscaler.measure.meter import Meter
from autoscaler.model import Request, Sample, Traffic
from autoscaler.spec.models import Policy, ServiceSpec, Shadow
from tests.decide.builders import concurrency, service, tracking


def beside(*policies: Policy) -> ServiceSpec:
    """A service on the 95th percentile with these policies as a shadow."""
    shadows = (Shadow(name="other", policies=policies),) if policies else ()
    return service(tracking("latency_p95", window=5.0, total=0.25)).model_copy(update={"shadow": shadows})


def told(spec: ServiceSpec) -> list[dict[str, Sample]]:
    """Ten seconds of requests, each slower than the one before."""
    meter, ticks = Meter(spec), []
    for t in range(10):
        meter.see(t, [Traffic("1", 10 * t, 10 * t, 0, 3, 0)])
        meter.hear(t, [Request("web", 200, 0.1 * t)])
        ticks.append(meter.close(t))
    return ticks


def test_a_shadows_metrics_are_measured_and_the_policies_stay_as_they_are() -> None:
    others = beside(concurrency(), tracking("latency_p99", window=5.0, total=0.25), tracking("cpu", target=0.7))
    for alone, both in zip(told(beside()), told(others), strict=True):
        assert set(both) == {"latency_p95", "latency_p99", "concurrency"}
        assert both["latency_p95"] == alone["latency_p95"]


def test_usage_is_read_where_a_shadow_alone_asks_for_it() -> None:
    assert Meter(beside(tracking("cpu", target=0.7))).wants_usage
    assert not Meter(beside()).wants_usage
