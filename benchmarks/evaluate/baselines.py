"""What people scale by today, each with its knobs: a level, the utilization of a replica that it aims at, and a variant.

HPA       target_tracking on the request rate, synced each 15 s; the rate is the mean of the last 15 s, metrics-server's
          default resolution, without the delays that a cluster adds. Tolerance 10%. Variants: the stabilization window down,
          300 s by default. A CPU target is the same here: a replica's busy share is rate x S until it is full, and says less
          from there on. The API's default target is 80%.
KEDA      the same HPA on an external metric: Prometheus' rate over one minute, polled each 30 s. KEDA has no default target;
          HPA's is taken.
KPA       concurrency, each 2 s, over 60 s and 6 s, with panic; 70% of a container concurrency of 1 by default.
AWS       aws.py. There is no default target; 75% is what its documentation's examples have.
static    as many as the peak needs at that utilization, 70% by default.

Sources: Kubernetes, "Horizontal Pod Autoscaling"; metrics-server, `--metric-resolution`; KEDA, "Scaling Deployments",
pollingInterval and useCachedMetrics; Knative Serving, config-autoscaler; Application Auto Scaling, user guide.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil

from autoscaler.spec.models import HPA_SCALE_DOWN, Behavior, Concurrency, TargetTracking
from benchmarks.evaluate.aws import AwsTargetTracking
from benchmarks.evaluate.controllers import Controller, Deciding, Planned
from benchmarks.evaluate.fleet import SERVICE_S, Seen
from benchmarks.evaluate.scenario import Scenario
from benchmarks.evaluate.traces import peak_rate

HPA_PERIOD_S = 15
KEDA_POLL_S = 30
KEDA_WINDOW_S = 60
KPA_PERIOD_S = 2
UTILIZATIONS = tuple(round(0.3 + 0.025 * step, 3) for step in range(27))  # to 95%
OF_THE_PEAK = tuple(round(0.5 + 0.05 * step, 3) for step in range(31))  # to 200%: a short peak may be let wait


@dataclass(frozen=True, slots=True)
class Knobs:
    """One setting. `variant` is in seconds, 0 where there is nothing to set."""

    level: float
    variant: int = 0


@dataclass(frozen=True, slots=True)
class Baseline:
    """An algorithm and its settings. A higher level costs less, and is late more often."""

    name: str
    default: Knobs
    make: Callable[[Knobs, Scenario], Controller]
    variants: tuple[int, ...] = (0,)
    levels: tuple[float, ...] = UTILIZATIONS


class Keda:
    """An HPA that sees a minute's rate, and a new one each 30 s. It changes in place."""

    period_s = HPA_PERIOD_S

    def __init__(self, hpa: Controller) -> None:
        self._hpa = hpa
        self._rates: deque[float] = deque(maxlen=KEDA_WINDOW_S // HPA_PERIOD_S)
        self._polled: float | None = None

    def decide(self, seen: Seen) -> int:
        """As the HPA says of what was polled last."""
        self._rates.append(seen.rate)
        if self._polled is None or int(seen.t) % KEDA_POLL_S == 0:
            self._polled = sum(self._rates) / len(self._rates)
        return self._hpa.decide(replace(seen, rate=self._polled))


def hpa(knobs: Knobs, scenario: Scenario) -> Controller:
    """Kubernetes' HPA."""
    policy = TargetTracking(type="target_tracking", metric="request_rate", target=knobs.level / SERVICE_S, window=0.0)
    down = HPA_SCALE_DOWN.model_copy(update={"stabilization_window": float(knobs.variant)})
    return Deciding(policy, HPA_PERIOD_S, scenario.most, Behavior(scale_down=down))


def keda(knobs: Knobs, scenario: Scenario) -> Controller:
    """KEDA's HPA."""
    return Keda(hpa(knobs, scenario))


def kpa(knobs: Knobs, scenario: Scenario) -> Controller:
    """Knative's KPA."""
    return Deciding(Concurrency(type="concurrency", target=1.0, utilization=knobs.level), KPA_PERIOD_S, scenario.most)


def aws(knobs: Knobs, scenario: Scenario) -> Controller:
    """Target tracking of AWS."""
    return AwsTargetTracking(knobs.level / SERVICE_S, scenario.most)


def static(knobs: Knobs, scenario: Scenario) -> Controller:
    """Enough for the peak, always."""
    return Planned((ceil(round(peak_rate(scenario.peak_replicas) * SERVICE_S / knobs.level, 9)),), period_s=HPA_PERIOD_S)


BASELINES = (
    Baseline("HPA", Knobs(0.8, 300), hpa, variants=(0, 60, 300)),
    Baseline("KEDA + HPA", Knobs(0.8, 300), keda, variants=(0, 60, 300)),
    Baseline("KPA", Knobs(0.7), kpa),
    Baseline("AWS", Knobs(0.75), aws),
    Baseline("static", Knobs(0.7), static, levels=OF_THE_PEAK),
)
