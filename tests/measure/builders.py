"""Traffic and meters that take only what a test is about."""

from autoscaler.measure.meter import Meter
from autoscaler.model import Traffic
from autoscaler.spec.models import ReplicaSpec, TargetTracking
from tests.decide.builders import service


def traffic(
    arrivals: int = 0, responses: int = 0, errors: int = 0, in_flight: int = 0, queued: int = 0, worker: str = "w1"
) -> Traffic:
    """One worker's counters."""
    return Traffic(worker, arrivals, responses, errors, in_flight, queued)


def meter(*policies: TargetTracking, also: tuple[str, ...] = (), cpus: float | None = None, mem: int | None = None) -> Meter:
    """A meter of a service under these policies."""
    spec = service(*policies)
    return Meter(spec.model_copy(update={"replica": ReplicaSpec(port=5000, cpus=cpus, mem_limit=mem)}), also)
