"""The same ticks to our decision and to Kubernetes' HPA: the same counts, to the last replica."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.decide import EMPTY, decide
from autoscaler.model import Observation, Sample
from autoscaler.spec.models import Behavior, Rate, ScalingRules, TargetTracking, Tolerance
from tests.decide.builders import service, tracking
from tests.decide.hpa import Hpa, Metric, Scaling

tenths = st.integers(0, 4000).map(lambda n: n / 10)
fractions = st.integers(0, 40).map(lambda n: n / 20)
rates = st.one_of(
    st.builds(Rate, replicas=st.integers(1, 6), period=st.sampled_from([1.0, 5.0, 15.0, 60.0])),
    st.builds(Rate, percent=st.sampled_from([5.0, 10.0, 50.0, 100.0]), period=st.sampled_from([1.0, 15.0, 60.0])),
)
directions = st.builds(
    ScalingRules,
    stabilization_window=st.sampled_from([0.0, 5.0, 30.0, 300.0]),
    select=st.sampled_from(["max", "max", "min", "disabled"]),
    policies=st.lists(rates, min_size=1, max_size=3).map(tuple),
)
behaviors = st.one_of(st.just(Behavior()), st.builds(Behavior, scale_up=directions, scale_down=directions))
tolerances = st.builds(Tolerance, up=st.sampled_from([0.0, 0.05, 0.1]), down=st.sampled_from([0.0, 0.1, 0.5]))
policies = st.one_of(
    st.builds(lambda target, tolerance: tracking("request_rate", target=target, tolerance=tolerance),
              st.sampled_from([0.1, 7.0, 50.0]), st.just(Tolerance())),
    st.builds(lambda total: tracking("queue_length", total=total), st.sampled_from([0.3, 5.0, 120.0])),
    st.builds(lambda target: tracking("cpu", target=target), st.sampled_from([0.5, 0.7, 1.5])),
)  # fmt: skip


@st.composite
def ticks(draw: st.DrawFn) -> list[Observation]:
    made, t = [], 0.0
    for _ in range(draw(st.integers(1, 12))):
        ready = draw(st.integers(0, 12))
        cpu = draw(st.lists(st.none() | fractions, min_size=ready, max_size=ready))
        totals = {name: draw(st.none() | tenths) for name in ("request_rate", "queue_length")}
        made.append(
            Observation(
                "web",
                t,
                ready,
                draw(st.integers(0, 4)),
                {name: Sample(value, t) for name, value in totals.items()},
                {"cpu": tuple(cpu)},
                desired=draw(st.none() | st.none() | st.integers(1, 14)),
            )
        )
        t += draw(st.sampled_from([0.5, 1.0, 5.0, 15.0, 100.0, 300.0]))
    return made


def exact(number: float) -> Fraction:
    return Fraction(str(number))


def scaling(rules: ScalingRules) -> Scaling:
    return Scaling(
        exact(rules.stabilization_window),
        tuple(
            ("pods", Fraction(rate.replicas), exact(rate.period))
            if rate.replicas is not None
            else ("percent", exact(rate.percent or 0.0), exact(rate.period))
            for rate in rules.policies
        ),
        rules.select,
    )


def metric(policy: TargetTracking, tick: Observation) -> Metric:
    target = exact(policy.target or policy.total or 0.0)
    if policy.metric == "cpu":
        pods = tuple(None if pod is None else exact(pod) for pod in tick.per_replica["cpu"])
        return Metric("resource", target, pods=pods)
    value = tick.totals[policy.metric].value
    kind = "average" if policy.target is not None else "value"
    return Metric(kind, target, None if value is None else exact(value))


@settings(max_examples=400, deadline=None)
@given(st.lists(policies, min_size=1, max_size=3), behaviors, st.integers(1, 4), st.integers(4, 14), ticks())
def test_every_count_is_the_hpas(
    chosen: list[TargetTracking], behavior: Behavior, least: int, most: int, observed: list[Observation]
) -> None:
    spec = service(*chosen, min=least, max=most, behavior=behavior)
    hpa = Hpa(least, most, scaling(behavior.scale_up), scaling(behavior.scale_down))
    memory, count = EMPTY, observed[0].ready + observed[0].unready
    for tick in observed:
        count = count if tick.desired is None else tick.desired
        count = hpa.reconcile(exact(tick.t), count, tick.ready, tick.unready, [metric(each, tick) for each in chosen])
        decision, memory = decide(spec, tick, memory)
        assert decision.desired == count, decision.reason


@settings(max_examples=200, deadline=None)
@given(tolerances, tenths, st.integers(1, 12))
def test_tolerances_are_the_hpas(tolerance: Tolerance, total: float, ready: int) -> None:
    hpa = Hpa(1, 100, Scaling(Fraction(0), ()), Scaling(Fraction(0), ()), exact(tolerance.up), exact(tolerance.down))
    spec = service(tracking(target=7.0, tolerance=tolerance))
    asked = hpa.proposal(Metric("average", Fraction(7), exact(total)), ready, ready, 0)
    tick = Observation("web", 0.0, ready, 0, {"request_rate": Sample(total, 0.0)})
    assert decide(spec, tick, EMPTY)[0].recommendations[0].value == asked
