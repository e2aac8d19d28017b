"""What is assumed of the service that a policy is tried on."""

from dataclasses import dataclass, field

from autoscaler.simulate.service_time import ServiceTime
from autoscaler.simulate.tally import Objective


@dataclass(frozen=True, slots=True)
class Model:
    """The modelled service.

    A replica works on `slots` requests at once, and is ready `startup_s` after it was started. `crashes_per_hour` is the
    whole service's. In an outage, from and to in seconds since the trace's start, every metric is missing. Nothing is scored
    before `warm_up_s`.
    """

    service: ServiceTime = field(default_factory=lambda: ServiceTime(0.1))
    slots: int = 1
    startup_s: float = 5.0
    objective: Objective = field(default_factory=lambda: Objective(latency_s=0.5))
    seed: int = 1
    tick_s: float = 1.0
    crashes_per_hour: float = 0.0
    outages: tuple[tuple[float, float], ...] = ()
    warm_up_s: float = 0.0

    @property
    def allowed_wait_s(self) -> float:
        """How long a request may be queued: the objective, or what the one on latency leaves beside a mean service."""
        return min(self.objective.wait_s, max(0.0, self.objective.latency_s - self.service.mean_s))
