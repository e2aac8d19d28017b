"""The same random streams to `replay` and to Knative's KPA: the same counts, to the last replica, in the same mode."""

import json
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.decide.replay import Replay, step
from autoscaler.spec.models import Concurrency
from tests.decide.builders import concurrency, service
from tests.decide.kpa import Kpa

Tick = tuple[float, int, float | None]
tenths = st.integers(0, 3000).map(lambda n: n / 10)
policies = st.builds(
    concurrency,
    st.sampled_from([0.5, 7.0, 10.0, 100.0]),
    utilization=st.sampled_from([0.7, 1.0]),
    stable_window=st.sampled_from([6.0, 60.0]),
    panic_window=st.sampled_from([0.25, 1.0, 6.0]),
    panic_threshold=st.sampled_from([1.1, 2.0, 10.0]),
    max_scale_up_rate=st.sampled_from([1.1, 2.0, 1000.0]),
    max_scale_down_rate=st.sampled_from([1.1, 2.0, 10.0]),
    activation_scale=st.integers(1, 4),
)


@st.composite
def streams(draw: st.DrawFn) -> list[Tick]:
    """Ticks of (t, ready, concurrency): load that stays for a while, jumps and pauses, pods that come and go."""
    ticks: list[Tick] = []
    t, load = 0.0, draw(tenths)
    for _ in range(draw(st.integers(1, 25))):
        load = draw(st.one_of(st.just(load), st.just(load), tenths, st.just(0.0)))
        ticks.append((t, draw(st.integers(0, 20)), draw(st.sampled_from([load, load, load, None]))))
        t += draw(st.sampled_from([0.25, 0.5, 1.0, 5.75, 6.0, 30.0, 60.0, 60.25, 300.0]))
    return ticks


def exact(number: float) -> Fraction:
    return Fraction(str(number))


def original(policy: Concurrency) -> Kpa:
    return Kpa(
        goal=exact(policy.target) * exact(policy.utilization),
        stable_window=exact(policy.stable_window),
        panic_window=exact(policy.panic_window),
        panic_threshold=exact(policy.panic_threshold),
        max_scale_up_rate=exact(policy.max_scale_up_rate),
        max_scale_down_rate=exact(policy.max_scale_down_rate),
        activation_scale=policy.activation_scale,
    )


@settings(max_examples=250, deadline=None)
@given(policies, streams())
def test_every_recommendation_is_the_kpas(policy: Concurrency, ticks: list[Tick]) -> None:
    kpa, replay = original(policy), Replay(service(policy, max=10_000))
    kpa.made(exact(ticks[0][0]), ticks[0][1])
    for t, ready, load in ticks:
        line = {"t": t, "replicas": {"ready": ready, "desired": max(ready, 1)}, "metrics": {"concurrency": load}}
        answer, replay = step(replay, json.dumps(line))
        told = json.loads(answer)
        expected = kpa.scale(exact(t), ready, None if load is None else exact(load))
        assert told["recommendations"][0]["value"] == expected, told
        mode = "hold" if expected is None else "stable" if kpa.panicking_since is None else "panic"
        assert told["mode"] == mode, told
