"""From a policy to an HPA or a ScaledObject, and back to a policy that decides alike."""

from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.decide import EMPTY, decide
from autoscaler.model import Decision, Observation, Sample
from autoscaler.spec.kubernetes import Given, convert, export
from autoscaler.spec.kubernetes.written import manifest_text
from autoscaler.spec.models import HPA_SCALE_UP, OPEN, Behavior, Policy, Rate, ScalingRules, ServiceSpec, Shadow, Tolerance
from autoscaler.spec.nodes import key_path
from tests.decide.builders import concurrency, schedule, service, step, tracking
from tests.spec.kubernetes.manifests import loaded
from tests.spec.kubernetes.schemas import SCHEMAS

To = Literal["hpa", "keda"]
BOTH: tuple[To, To] = ("hpa", "keda")
REPLICA = {"cpus": 0.5, "mem_limit": 256 * 1024**2}


def of(*policies: Policy, min: int = 1, max: int = 20, behavior: Behavior | None = None) -> ServiceSpec:
    """A service of half a core and 256 MB, with the HPA's behavior where nothing else is said."""
    spec = service(*policies, min=min, max=max, behavior=behavior or Behavior())
    return spec.model_copy(update={"replica": spec.replica.model_copy(update=REPLICA)})


def notes(spec: ServiceSpec, to: To) -> dict[str, str]:
    """What is told, by key path."""
    return {key_path(path): what for path, what in export(spec, to).notes}


def back(folder: Path, spec: ServiceSpec, to: To) -> ServiceSpec:
    """The policy that comes of what a policy was exported to."""
    text = manifest_text(export(spec, to).manifest)
    given = Given("app:1", 5000, "127.0.0.1:8080", REPLICA["cpus"], int(REPLICA["mem_limit"]))
    (policy,) = convert(text, "m.yaml", given)
    told = loaded(folder, policy.text())
    assert [str(problem) for problem in told.problems] == []
    return told.documents[0].spec


# ---------------------------------------------------------------- what is written


def test_an_hpa() -> None:
    rates = ScalingRules(stabilization_window=60.0, policies=(Rate(percent=10.0, period=60.0),), select="min")
    spec = of(
        tracking(target=50.0, window=10, tolerance=Tolerance(up=0.05)),
        tracking("latency_p95", total=0.25, window=10, tolerance=Tolerance(up=0.05)),
        tracking("cpu", target=0.7, tolerance=Tolerance(up=0.05)),
        behavior=Behavior(scale_down=rates),
    )
    assert (
        manifest_text(export(spec, "hpa").manifest)
        == """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 20
  metrics:
    - type: External
      external:
        metric:
          name: autoscaler_metric_value
          selector:
            matchLabels: {service: web, metric: request_rate}
        target: {type: AverageValue, averageValue: "50"}
    - type: External
      external:
        metric:
          name: autoscaler_metric_value
          selector:
            matchLabels: {service: web, metric: latency_p95}
        target: {type: Value, value: 250m}
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: 70}
  behavior:
    scaleUp: {tolerance: 50m}
    scaleDown:
      stabilizationWindowSeconds: 60
      selectPolicy: Min
      policies: [{type: Percent, value: 10, periodSeconds: 60}]
"""
    )
    assert export(spec, "hpa").notes == ()


def test_a_scaled_object() -> None:
    rule = {"cron": "30 20 * * 5,6", "for": "8h", "min": 4}
    spec = of(tracking(target=50.0, window=10), schedule(rule, timezone="Europe/Berlin"), min=0)
    spec = spec.model_copy(update={"behavior": Behavior(on_missing_metrics="fallback", fallback_replicas=5)})
    assert (
        manifest_text(export(spec, "keda").manifest)
        == """\
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web}
spec:
  scaleTargetRef: {name: web}
  minReplicaCount: 0
  maxReplicaCount: 20
  cooldownPeriod: 300
  fallback: {failureThreshold: 3, replicas: 5, behavior: currentReplicasIfHigher}
  triggers:
    - type: prometheus
      metricType: AverageValue
      metadata:
        serverAddress: "http://prometheus.monitoring:9090"
        query: "autoscaler_metric_value{service=\\"web\\",metric=\\"request_rate\\"}"
        threshold: "50"
        ignoreNullValues: "false"
    - type: cron
      metadata:
        timezone: Europe/Berlin
        start: "30 20 * * 5,6"
        end: "30 4 * * 0,6"
        desiredReplicas: "4"
"""
    )


def test_a_share_that_is_no_whole_per_cent_is_told_in_cores() -> None:
    (metric,) = export(of(tracking("cpu", target=0.125)), "hpa").manifest["spec"]["metrics"]
    assert metric["resource"]["target"] == {"type": "AverageValue", "averageValue": "62500u"}
    (trigger,) = export(of(tracking("cpu", target=0.125)), "keda").manifest["spec"]["triggers"]
    assert (trigger["metricType"], trigger["metadata"]) == ("AverageValue", {"value": "62500u"})


def test_the_hpas_defaults_are_left_out() -> None:
    assert "behavior" not in export(of(tracking()), "hpa").manifest["spec"]
    assert "advanced" not in export(of(tracking()), "keda").manifest["spec"]


LONG = {"cron": "0 0 31 12 *", "for": "48h", "min": 8}


@pytest.mark.parametrize(
    ("spec", "to", "told"),
    [
        pytest.param(of(concurrency()), "hpa", {"policies[0]", "policies"}, id="concurrency, and nothing else"),
        pytest.param(of(tracking(window=10), step({"above": 1, "add": 1})), "keda", {"policies[1]"}, id="step"),
        pytest.param(of(tracking(window=10), schedule(LONG)), "hpa", {"policies[1]"}, id="an HPA knows no clock"),
        pytest.param(of(tracking(window=10), schedule(LONG)), "keda", {"policies[1].rules[0].for"}, id="no cron ends it"),
        pytest.param(
            of(tracking(window=10), schedule({"cron": "0 8 * * *", "for": "1h", "min": 2, "max": 40})),
            "keda",
            {"policies[1].rules[0].max"},
            id="a schedule's maximum",
        ),
        pytest.param(of(tracking(window=30)), "hpa", {"policies[0].window"}, id="a window"),
        pytest.param(of(tracking(window=10, target=1e19)), "hpa", {"policies[0]", "policies"}, id="no quantity"),
        pytest.param(
            of(tracking(window=10), tracking(window=10, tolerance=Tolerance(up=0.5))),
            "hpa",
            {"policies[1].tolerance"},
            id="two tolerances",
        ),
        pytest.param(of(tracking(window=10), min=0), "hpa", {"replicas.min"}, id="an HPA to none"),
        pytest.param(of(tracking(window=10), min=0), "keda", {"scale_to_zero"}, id="holding requests"),
        pytest.param(
            of(tracking(window=10), behavior=Behavior(on_missing_metrics="scale_up")),
            "hpa",
            {"behavior.on_missing_metrics"},
            id="missing metrics",
        ),
        pytest.param(of(tracking(window=10), behavior=Behavior(anti_flap=True)), "keda", {"behavior.anti_flap"}, id="flaps"),
        pytest.param(
            of(tracking("cpu", target=0.5), behavior=Behavior(on_missing_metrics="fallback")),
            "keda",
            {"behavior.on_missing_metrics"},
            id="KEDA falls back for no share of a resource",
        ),
        pytest.param(
            of(tracking(window=10, total=5.0), behavior=Behavior(on_missing_metrics="fallback")),
            "keda",
            {"behavior.on_missing_metrics"},
            id="nor for a total",
        ),
        pytest.param(
            of(tracking(window=10)).model_copy(update={"shadow": (Shadow(name="a", policies=(tracking(),)),)}),
            "hpa",
            {"shadow"},
            id="shadows",
        ),
        pytest.param(
            of(tracking(window=10), behavior=Behavior(scale_down=ScalingRules(
                stabilization_window=0.5, policies=(Rate(percent=2.5, period=1.5),)))),
            "hpa",
            {"behavior.scale_down.stabilization_window", "behavior.scale_down.policies[0].percent",
             "behavior.scale_down.policies[0].period"},
            id="fractions",
        ),
    ],
)  # fmt: skip
def test_what_has_no_counterpart_is_told(spec: ServiceSpec, to: To, told: set[str]) -> None:
    assert set(notes(spec, to)) == told


# ---------------------------------------------------------------- there and back

amounts = st.integers(1, 2000).map(lambda n: n / 8)
tolerances = st.builds(lambda up, down: Tolerance(up=up / 100, down=down / 100), st.integers(0, 60), st.integers(0, 60))


def tracked(tolerance: Tolerance) -> st.SearchStrategy[Policy]:
    """Policies of one tolerance, at what a quantity can say."""
    return st.one_of(
        st.builds(lambda n: tracking(target=n, window=10, tolerance=tolerance), amounts),
        st.builds(lambda n: tracking("queue_length", total=n, window=10, tolerance=tolerance), amounts),
        st.builds(lambda n: tracking("latency_p95", total=n / 100, window=10, tolerance=tolerance), amounts),
        st.builds(lambda name, n: tracking(name, target=n / 200, window=10, tolerance=tolerance),
                  st.sampled_from(["cpu", "memory"]), st.integers(1, 400)),
    )  # fmt: skip


whole_rates = st.one_of(
    st.builds(lambda n, p: Rate(replicas=n, period=float(p)), st.integers(1, 9), st.integers(1, 90)),
    st.builds(lambda n, p: Rate(percent=float(n), period=float(p)), st.integers(1, 300), st.integers(1, 90)),
)
directions = st.just(HPA_SCALE_UP) | st.builds(
    lambda window, select, rates: ScalingRules(stabilization_window=float(window), select=select, policies=tuple(rates)),
    st.integers(0, 400),
    st.sampled_from(["max", "min", "disabled"]),
    st.lists(whole_rates, min_size=1, max_size=3),
)


@st.composite
def exportable(draw: st.DrawFn) -> ServiceSpec:
    tolerance = draw(tolerances)
    least = draw(st.integers(1, 5))
    behavior = Behavior(scale_up=draw(directions), scale_down=draw(directions))
    policies = draw(st.lists(tracked(tolerance), min_size=1, max_size=3))
    return of(*policies, min=least, max=draw(st.integers(least, 20)), behavior=behavior)


@st.composite
def ticks(draw: st.DrawFn) -> list[Observation]:
    told, t = [], 0.0
    for _ in range(draw(st.integers(1, 12))):
        ready = draw(st.integers(1, 20))
        shares = st.lists(st.floats(0, 3) | st.none(), min_size=ready, max_size=ready).map(tuple)
        totals = {name: Sample(draw(st.floats(0, 2000)), t) for name in ("request_rate", "queue_length", "latency_p95")}
        told.append(Observation("web", t, ready, 0, totals, {name: draw(shares) for name in ("cpu", "memory")}))
        t += draw(st.sampled_from([1.0, 15.0, 60.0, 400.0]))
    return told


def decisions(spec: ServiceSpec, seen: list[Observation]) -> list[tuple[int, tuple[str, ...], list[int | None]]]:
    """What is decided, bound by which limits, on which recommendations."""
    told, memory = [], EMPTY
    for tick in seen:
        decision, memory = decide(spec, tick, memory)
        told.append(_essence(decision))
    return told


def _essence(decision: Decision) -> tuple[int, tuple[str, ...], list[int | None]]:
    return decision.desired, decision.limited_by, [said.value for said in decision.recommendations]


@settings(max_examples=40, deadline=None)
@given(exportable(), ticks(), st.sampled_from(BOTH))
def test_there_and_back_decides_alike(
    tmp_path_factory: pytest.TempPathFactory, spec: ServiceSpec, seen: list[Observation], to: To
) -> None:
    assert export(spec, to).notes == ()
    again = back(tmp_path_factory.mktemp("policy"), spec, to)
    assert decisions(again, seen) == decisions(spec, seen)
    jsonschema.validate(export(spec, to).manifest, SCHEMAS[to])


@pytest.mark.parametrize("to", BOTH)
def test_open_behavior_stays_open(tmp_path: Path, to: To) -> None:
    spec = of(tracking(window=10), max=10_000, behavior=Behavior(scale_up=OPEN, scale_down=OPEN))
    loads = [0.0, 500_000.0, 100.0, 25_000.0]
    seen = [Observation("web", 30.0 * n, 1, 0, {"request_rate": Sample(load, 30.0 * n)}) for n, load in enumerate(loads)]
    assert [desired for desired, *_ in decisions(back(tmp_path, spec, to), seen)] == [1, 10_000, 2, 500]


@pytest.mark.parametrize(
    "rule",
    [
        {"cron": "0 8 * * 1-5", "for": "10h", "min": 4},
        {"cron": "30 20 * * 5,6", "for": "8h", "min": 4},
        {"cron": "0 0 24 12 *", "for": "48h", "min": 8},
        {"cron": "15 9 1 * *", "for": "30m", "min": 2},
    ],
    ids=lambda rule: str(rule["cron"]),
)
def test_a_rule_comes_back_from_keda(tmp_path: Path, rule: dict[str, Any]) -> None:
    spec = of(tracking(window=10), schedule(rule, timezone="Europe/Berlin"))
    again = back(tmp_path, spec, "keda")
    assert again.policies[1] == spec.policies[1]


def test_to_none_and_fallback_come_back_from_keda(tmp_path: Path) -> None:
    spec = of(tracking(window=10), min=0, behavior=Behavior(on_missing_metrics="fallback", fallback_replicas=7))
    again = back(tmp_path, spec, "keda")
    assert (again.replicas, again.idle) == (spec.replicas, 300.0)
    assert again.behavior == spec.behavior


EVERYTHING = of(
    tracking(window=5, target=0.3), tracking("cpu", target=0.333), concurrency(), step({"above": 1, "add": 1}),
    schedule(LONG, {"cron": "0 8 * * *", "for": "1h", "min": 2}), min=0,
    behavior=Behavior(scale_up=OPEN, on_missing_metrics="scale_up", fallback_replicas=None),
)  # fmt: skip


@pytest.mark.parametrize("to", BOTH)
@pytest.mark.parametrize("spec", [EVERYTHING, of(concurrency())], ids=["everything", "nothing"])
def test_what_is_written_is_of_the_published_form(spec: ServiceSpec, to: To) -> None:
    jsonschema.validate(export(spec, to).manifest, SCHEMAS[to])
