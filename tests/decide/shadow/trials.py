"""A service in closed form (fluid.py) with shadows beside its policies."""

from dataclasses import dataclass, field, replace

from autoscaler.decide.shadow import Shadowing, step
from autoscaler.model import Decision, Sample
from autoscaler.spec.models import Policy, ServiceSpec
from tests.decide.builders import service
from tests.decide.fluid import Fluid


@dataclass
class Tried(Fluid):
    """Each tick the shadow decides after the service has; `blind` ticks miss the rate of requests."""

    shadow: ServiceSpec = field(default_factory=service)
    state: Shadowing | None = None
    shadows: list[Decision] = field(default_factory=list)
    blind: bool = False

    def _tick(self, rate: float) -> None:
        super()._tick(rate)
        case = self.case
        if self.blind:
            totals = {**case.seen.totals, "request_rate": Sample(None, self.t, "the proxy is gone")}
            case = replace(self.case, seen=replace(self.case.seen, totals=totals))
        decision, self.state = step(self.shadow, "a against b", case, self.decisions[-1], self.state)
        self.shadows.append(decision)


def tried(runs: Policy, shadow: Policy, *, u: float = 10.0, bend: float = 0.0, slots: float = 4.0, ready: int = 4) -> Tried:
    """A service that `runs` one policy, beside a shadow."""
    return Tried(service(runs), ready, u, bend, slots=slots, shadow=service(shadow))


def alone(policy: Policy, *, u: float = 10.0, bend: float = 0.0, slots: float = 4.0, ready: int = 4) -> Fluid:
    """The same service under one policy alone."""
    return Fluid(service(policy), ready, u, bend, slots=slots)
