"""Specs, ticks and memories to state laws over."""

import json

from hypothesis import strategies as st

from autoscaler.decide.memory import Memory
from autoscaler.model import Observation, Orders, Override, PauseKind, Sample
from autoscaler.spec.models import Behavior, Policy, Rate, ScalingRules, ServiceSpec
from tests.decide.builders import auto, concurrency, fold, latency_slo, predictive, schedule, service, step, tracking

NAMES = ("request_rate", "queue_length", "latency_p95", "concurrency")
values = st.none() | st.floats(0, 1e4) | st.sampled_from([float("nan"), float("inf"), 0.0])
rates = st.one_of(
    st.builds(Rate, replicas=st.integers(1, 9), period=st.floats(0.1, 100)),
    st.builds(Rate, percent=st.floats(0.5, 300), period=st.floats(0.1, 100)),
)
directions = st.builds(
    ScalingRules,
    stabilization_window=st.floats(0, 400),
    select=st.sampled_from(["max", "min", "disabled"]),
    policies=st.lists(rates, max_size=3).map(tuple),
)
behaviors = st.builds(
    Behavior,
    scale_up=directions,
    scale_down=directions,
    anti_flap=st.booleans(),
    on_missing_metrics=st.sampled_from(["hold", "scale_up", "fallback"]),
    fallback_replicas=st.none() | st.integers(1, 30),
)
tracked = st.one_of(
    st.builds(tracking, st.sampled_from(NAMES[:2]), st.floats(0, 60), target=st.floats(0.01, 1000)),
    st.builds(tracking, st.sampled_from(NAMES), st.floats(0, 60), total=st.floats(0.01, 1000)),
    st.builds(tracking, st.sampled_from(["cpu", "memory"]), st.floats(0, 60), target=st.floats(0.1, 2)),
)
concurrent = st.builds(
    concurrency,
    st.floats(0.1, 500),
    utilization=st.floats(0.1, 1),
    stable_window=st.floats(10, 100),
    panic_window=st.floats(0.5, 10),
    panic_threshold=st.floats(1.1, 4),
    max_scale_up_rate=st.floats(1.1, 1000),
    max_scale_down_rate=st.floats(1.1, 4),
    activation_scale=st.integers(1, 4),
)
amounts = st.integers(1, 9) | st.integers(1, 300).map(lambda n: f"{n}%")
step_rules = st.builds(lambda bound, amount: {"above": bound, "add": amount}, st.floats(0, 900), amounts) | st.builds(
    lambda bound, amount: {"below": bound, "remove": amount}, st.floats(0, 900), amounts
)
stepped = st.builds(
    lambda rules, metric, cooldown, window: step(*rules, metric=metric, cooldown=cooldown, window=window),
    st.lists(step_rules, min_size=1, max_size=4),
    st.sampled_from([*NAMES, "cpu"]),
    st.sampled_from([0.0, 0.5, 15.0, 60.0]),
    st.floats(0, 60),
)
crons = st.sampled_from(["* * * * *", "*/2 * * * *", "0 0 * * *", "5 0 1 1 *"])
scheduled = st.builds(
    lambda rules: schedule(*rules),
    st.lists(
        st.builds(
            lambda cron, seconds, least, extra: {"cron": cron, "for": seconds, "min": least, "max": extra and least + extra},
            crons,
            st.sampled_from([10.0, 30.0, 600.0]),
            st.integers(0, 8),
            st.none() | st.integers(1, 20),
        ),
        min_size=1,
        max_size=3,
    ),
)
promised = st.builds(
    latency_slo,
    st.floats(0.01, 100),
    percentile=st.sampled_from([50, 90, 95, 99]),
    window=st.floats(1, 60),
)
automatic = st.builds(
    lambda percentile, wait: auto(percentile=percentile, wait=wait), st.floats(50, 99.9), st.floats(0.01, 2)
)
foreseen = st.builds(
    lambda metric, target, season, horizon, window: predictive(
        metric, target, season=season * 60.0, horizon=horizon, window=window
    ),
    st.sampled_from(["request_rate", "queue_length", "concurrency"]),
    st.floats(0.01, 1000),
    st.integers(60, 7 * 1440),
    st.floats(60, 1800),
    st.floats(0, 60),
)
paced: st.SearchStrategy[Policy] = st.one_of(tracked, concurrent, scheduled, promised, foreseen, automatic)
every_type: st.SearchStrategy[Policy] = st.one_of(tracked, concurrent, stepped, scheduled, promised, foreseen, automatic)


@st.composite
def specs(
    draw: st.DrawFn,
    behavior: st.SearchStrategy[Behavior] = behaviors,
    policies: st.SearchStrategy[Policy] = every_type,
) -> ServiceSpec:
    least = draw(st.integers(0, 5))
    return service(
        *draw(st.lists(policies, min_size=1, max_size=3)),
        min=least,
        max=draw(st.integers(max(least, 1), 20)),
        behavior=draw(behavior),
    )


@st.composite
def observations(draw: st.DrawFn, t: float | None = None) -> Observation:
    at = draw(st.floats(0, 1000)) if t is None else t
    ready = draw(st.integers(0, 20))
    warming = draw(st.just(0) | st.integers(0, ready))
    replicas = st.lists(st.none() | st.floats(0, 3), min_size=ready - warming, max_size=ready - warming).map(tuple)
    return Observation(
        "web",
        at,
        ready,
        draw(st.integers(0, 5)),
        {name: Sample(draw(values), at) for name in NAMES if draw(st.booleans())},
        {name: draw(replicas) for name in ("cpu", "memory") if draw(st.booleans())},
        desired=draw(st.none() | st.integers(0, 25)),
        warming=warming,
    )


def line_of(tick: Observation) -> str:
    """The line of `replay` that tells this tick."""
    replicas = {"ready": tick.ready, "unready": tick.unready, "desired": tick.desired}
    totals = {name: sample.value for name, sample in tick.totals.items()}
    return json.dumps({"t": tick.t, "replicas": replicas, "metrics": totals, "per_replica": dict(tick.per_replica)})


@st.composite
def streams(draw: st.DrawFn) -> list[Observation]:
    """Ticks one after the other, some at the same time."""
    ticks, t = [], 0.0
    for _ in range(draw(st.integers(1, 10))):
        ticks.append(draw(observations(t=t)))
        t += draw(st.sampled_from([0.0, 0.5, 1.0, 15.0, 59.0, 100.0]))
    return ticks


@st.composite
def histories(draw: st.DrawFn, spec: ServiceSpec) -> tuple[Memory, float]:
    """What is remembered after some ticks, and the time of the last."""
    ticks, t = [], 0.0
    for _ in range(draw(st.integers(0, 8))):
        ticks.append(draw(observations(t=t)))
        t += draw(st.sampled_from([0.0, 0.5, 1.0, 15.0, 100.0]))
    return fold(spec, ticks)[1], t


orders = st.builds(
    Orders,
    override=st.none()
    | st.builds(
        Override,
        replicas=st.none() | st.integers(0, 30),
        min=st.none() | st.integers(0, 30),
        max=st.none() | st.integers(1, 30),
        until=st.none() | st.floats(0, 1000),
    ),
    pause=st.none() | st.sampled_from(PauseKind),
)
