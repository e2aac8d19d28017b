"""What a decision costs, beside the bare HPA formula, and what measuring 50 services costs.

    python -m benchmarks.decide

All is CPU time. The two of a pair run in turn, so that a busy machine slows both. Goals: a decision in 13 to 40 µs, one of
four policies in less than 200 µs, 50 services read 5 times a second in less than 2% of a core.
"""

from collections.abc import Callable
from math import ceil
from statistics import median
from time import process_time

from autoscaler.decide import EMPTY, decide
from autoscaler.measure.meter import Meter
from autoscaler.model import Observation, Request, Sample, Traffic
from autoscaler.spec.models import Auto, Bind, Concurrency, LatencySlo, ReplicaSpec, Route, ServiceSpec, TargetTracking

ROUNDS = 300
CALLS = 100
SERVICES = 50
READINGS_A_SECOND = 5
SECONDS = 30
LIFE_S = 600
LIVES = 5
LINES_A_SECOND = 100


def main() -> None:
    """Print one line for each."""
    decision_us, formula_us = decision_beside_formula()
    print(
        f"decide       ours {decision_us:.1f} µs  bare HPA formula {formula_us:.2f} µs  ratio {decision_us / formula_us:.0f}"
        f"  goal 13 to 40 µs  median of {ROUNDS} pairs"
    )
    four_us, one_us = four_policies_beside_one()
    print(
        f"decide four  ours {four_us:.1f} µs  target_tracking alone {one_us:.1f} µs  ratio {four_us / one_us:.1f}"
        f"  goal 200 µs  auto, latency_slo, concurrency, target_tracking  median of {LIVES} pairs"
    )
    for name in ("request_rate", "latency_p95"):
        share = measuring_share(name)
        print(
            f"measure      {SERVICES} services x {READINGS_A_SECOND} readings/s, policy on {name}: {share:.2%} of a core"
            f"  goal 2%  {SECONDS} s of readings" + (f", {LINES_A_SECOND} log lines/s" if name == "latency_p95" else "")
        )


def decision_beside_formula() -> tuple[float, float]:
    """Median CPU microseconds of a decision with a full window of samples, and of the formula alone."""
    spec = service("request_rate")
    memory = EMPTY
    for second in range(600):
        rate = 180.0 + second * 7919 % 61
        _, memory = decide(
            spec, Observation("web", float(second), 4, 0, {"request_rate": Sample(rate, float(second))}), memory
        )
    seen = Observation("web", 600.0, 4, 0, {"request_rate": Sample(230.0, 600.0)})
    ours, bare = [], []
    for _ in range(ROUNDS):
        ours.append(per_call(lambda: decide(spec, seen, memory)))
        bare.append(per_call(lambda: hpa_formula(4, 230.0, 50.0)))
    return median(ours) * 1e6, median(bare) * 1e6


def four_policies_beside_one() -> tuple[float, float]:
    """Median CPU microseconds of a tick in a life of ten minutes, of the dearest policies together and of one."""
    one = service("request_rate")
    dearest = (
        Auto(type="auto"),
        LatencySlo(type="latency_slo", objective=0.5),
        Concurrency(type="concurrency", target=10.0),
    )
    four = one.model_copy(update={"policies": (*dearest, *one.policies)})
    times = [(life(four), life(one)) for _ in range(LIVES)]
    return median(each[0] for each in times) * 1e6, median(each[1] for each in times) * 1e6


def life(spec: ServiceSpec) -> float:
    """CPU seconds a tick, of ticks of a second under a load that moves, once all is learned."""
    ticks = [loaded(float(second), 180.0 + second * 7919 % 61) for second in range(2 * LIFE_S)]
    memory, start = EMPTY, 0.0
    for number, seen in enumerate(ticks):
        if number == LIFE_S:
            start = process_time()
        _, memory = decide(spec, seen, memory)
    return (process_time() - start) / LIFE_S


def loaded(t: float, rate: float) -> Observation:
    """A tick with so many requests a second at four replicas, 100 ms each."""
    values = {"request_rate": rate, "concurrency": rate / 10, "queue_length": 0.0, "latency_p95": 0.3}
    return Observation("web", t, 4, 0, {name: Sample(value, t) for name, value in values.items()})


def hpa_formula(replicas: int, total: float, target: float) -> int:
    """HPA's AverageValue with its tolerance, and nothing else."""
    ratio = total / (target * replicas)
    return replicas if 0.9 <= ratio <= 1.1 else ceil(total / target)


def per_call(call: Callable[[], object]) -> float:
    """CPU seconds a call, over some calls."""
    start = process_time()
    for _ in range(CALLS):
        call()
    return (process_time() - start) / CALLS


def measuring_share(metric: str) -> float:
    """CPU seconds a second of reading and closing meters of many services, two workers each."""
    meters = [Meter(service(metric)) for _ in range(SERVICES)]
    lines = [Request("web", 200, 0.01 * number) for number in range(1, LINES_A_SECOND + 1)]
    start = process_time()
    for reading in range(SECONDS * READINGS_A_SECOND):
        t = reading / READINGS_A_SECOND
        traffic = tuple(Traffic(worker, reading * 40, reading * 40, 0, 12, 2) for worker in ("1", "2"))
        for meter in meters:
            meter.see(t, traffic)
        if reading % READINGS_A_SECOND == 0:
            for meter in meters:
                if metric == "latency_p95":
                    meter.hear(t, lines)
                meter.close(t)
    return (process_time() - start) / SECONDS


def service(metric: str) -> ServiceSpec:
    """A service under one policy."""
    keys = {"target": 50.0} if metric == "request_rate" else {"total": 0.5}
    policy = TargetTracking.model_validate({"type": "target_tracking", "metric": metric, **keys})
    return ServiceSpec(
        service="web",
        replica=ReplicaSpec(port=5000),
        route=Route(bind=Bind(host="127.0.0.1", port=8080)),
        policies=(policy,),
    )


if __name__ == "__main__":
    main()
