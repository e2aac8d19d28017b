"""Lines of `replay`: each gives one line that is strict JSON, or an error with its number; never a count out of bounds."""

import io
import json
from random import Random

from autoscaler.cli.replay import decide_lines
from autoscaler.decide.replay import LineError
from autoscaler.spec.models import Behavior, ScalingRules
from tests.decide.builders import concurrency, schedule, service, step, tracking
from tests.fuzz.mutate import as_json, broken, misshapen
from tests.fuzz.runs import Target, plain

SPECS = (
    service(tracking("request_rate", 10.0, target=50.0), tracking("latency_p95", 10.0, total=0.25), min=1, max=20),
    service(tracking("cpu", 0.0, target=0.7), tracking("queue_length", 60.0, total=1e-300), min=0, max=10_000),
    service(concurrency(1e-300), step({"above": 0, "add": "50%"}, {"below": -1, "remove": 3}), min=1, max=20),
    service(
        schedule({"cron": "0 0 29 2 *", "for": 86400.0, "min": 3, "max": 20}, timezone="Europe/Berlin"),
        concurrency(5.0),
        min=1,
        max=20,
    ),
    service(
        tracking("request_rate", 0.0, target=1e-320),
        behavior=Behavior(scale_up=ScalingRules(stabilization_window=0.0, policies=()), on_missing_metrics="fallback"),
        min=2,
        max=5,
    ),
)
METRICS = {"request_rate": 220.0, "concurrency": 30.0, "latency_p95": 0.3, "queue_length": 0, "error_ratio": None}


def make(random: Random) -> bytes:
    """Some ticks, most of them good."""
    lines, t = [], 0.0
    for _ in range(random.randint(1, 6)):
        ready = random.randint(0, 4)
        good = {
            "t": t,
            "replicas": {"ready": ready, "unready": random.randint(0, 2), "desired": random.choice((None, ready, 10**6))},
            "metrics": {name: random.choice((value, 0, None, 1e308, 5e-324, -1)) for name, value in METRICS.items()},
            "per_replica": {"cpu": [random.choice((0.5, None, 1e308, -1.0)) for _ in range(ready)]},
            "waiting": random.randint(0, 9),
        }
        lines.append(as_json(random, misshapen(random, good) if random.random() < 0.4 else good))
        t += random.choice((0.0, 1.0, 15.0, 400.0, 1e9, 1e300))
    text = b"\n".join(lines)
    return broken(random, text) if random.random() < 0.2 else text


def check(case: bytes) -> None:
    for spec in SPECS:
        out = io.BytesIO()
        given = len(io.BytesIO(case).readlines())
        try:
            decide_lines(spec, io.BytesIO(case), out)
        except LineError as error:
            assert str(error).isprintable(), f"not one line of text: {error!s:.200}"
            assert len(str(error)) < 1000
            given = int(error.where.removeprefix("stdin:")) - 1
        told = [json.loads(line, parse_constant=_no_constant) for line in out.getvalue().splitlines()]
        assert len(told) == given, f"{len(told)} lines for {given}"
        for one in told:
            assert spec.replicas.min <= one["desired"] <= spec.replicas.max


def _no_constant(name: str) -> float:
    raise AssertionError(f"{name} is no JSON")


TARGET = Target("replays", make, plain(check), 100_000)
