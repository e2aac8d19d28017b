"""From a HorizontalPodAutoscaler to a policy."""

from pathlib import Path
from typing import Any

import pytest

from autoscaler.errors import PolicyError
from autoscaler.spec.kubernetes import Given, convert
from autoscaler.spec.nodes import key_path
from tests.spec.kubernetes.manifests import (
    FILE,
    FILLED,
    converted,
    deployment,
    hpa,
    loaded,
    named,
    policies,
    resource,
    text_of,
)

CPU = resource("cpu", averageUtilization=70)
WALKTHROUGH = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: php-apache
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: php-apache
  minReplicas: 1
  maxReplicas: 10
  metrics:
  - type: Resource
    resource:
      name: cpu
      target:
        type: Utilization
        averageUtilization: 50
  - type: Object
    object:
      metric:
        name: requests-per-second
      describedObject:
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        name: main-route
      target:
        type: Value
        value: 10k
"""


def keys(*manifests: Any, given: Given = FILLED) -> list[str]:
    """The key paths that something is told of."""
    return [key_path(note.path) for note in converted(*manifests, given=given).notes]


def test_a_manifest_becomes_a_policy_with_all_that_it_cannot_say_left_empty() -> None:
    (policy,) = convert(WALKTHROUGH, "hpa.yaml", Given())
    assert (
        policy.text()
        == """\
# From HorizontalPodAutoscaler php-apache. Without a counterpart, or not quite the same:
#   hpa.yaml:18:9: spec.metrics[0].resource.target.averageUtilization: is of the cpu request, which is not known here: \
taken as of one core
#   hpa.yaml:22:9: spec.metrics[1].object.metric.name: taken for request_rate, which is measured at the proxy
#   hpa.yaml:23:7: spec.metrics[1].object.describedObject: has no counterpart; left out
service: php-apache
replica:
  image:  # fill in: the image to run (--image)
  port:  # fill in: what the container listens on (--port)
route:
  bind:  # fill in: where clients connect, such as 127.0.0.1:8080 (--bind)
replicas: {min: 1, max: 10}
policies:
  - {type: target_tracking, metric: cpu, target: 50%}
  - {type: target_tracking, metric: request_rate, total: 10000}
"""
    )
    assert [key for key, _ in policy.blanks] == ["replica.image", "replica.port", "route.bind"]


def test_what_is_left_empty_is_refused_until_it_is_filled_in(tmp_path: Path) -> None:
    (bare,) = convert(WALKTHROUGH, FILE, Given())
    assert [problem.key for problem in loaded(tmp_path, bare.text()).problems] == [
        "replica.image", "replica.port", "route.bind"
    ]  # fmt: skip
    (filled,) = convert(WALKTHROUGH, FILE, Given("app:1", 5000, "127.0.0.1:8080"))
    assert loaded(tmp_path, filled.text()).problems == ()
    assert filled.blanks == ()


@pytest.mark.parametrize(
    ("metric", "policy"),
    [
        pytest.param(CPU, {"metric": "cpu", "target": "70%"}, id="Utilization of cpu"),
        pytest.param(resource("memory", averageUtilization=80), {"metric": "memory", "target": "80%"}, id="of memory"),
        pytest.param(resource("cpu", averageValue="100m"), {"metric": "cpu", "target": "20%"}, id="AverageValue of cpus"),
        pytest.param(resource("memory", averageValue="64Mi"), {"metric": "memory", "target": "25%"}, id="of mem_limit"),
        pytest.param(
            named("External", "http_requests", averageValue="50"), {"metric": "request_rate", "target": 50.0}, id="a rate"
        ),
        pytest.param(
            named("Pods", "http_requests_per_second", averageValue="500m"),
            {"metric": "request_rate", "target": 0.5},
            id="of pods",
        ),
        pytest.param(
            named("Object", "requests-per-second", value="2k"), {"metric": "request_rate", "total": 2000.0}, id="Value"
        ),
        pytest.param(
            named("External", "latency_p95", value="250m"), {"metric": "latency_p95", "total": 0.25}, id="our own name"
        ),
    ],
)
def test_a_metric_becomes_a_target(metric: dict[str, Any], policy: dict[str, Any]) -> None:
    assert policies(hpa(metric)) == [{"type": "target_tracking", **policy}]


def test_a_container_resource_is_the_replicas() -> None:
    metric = {"type": "ContainerResource", "containerResource": {**CPU["resource"], "container": "app"}}
    assert policies(hpa(metric)) == policies(hpa(CPU))
    assert "spec.metrics[0].containerResource.container" in keys(hpa(metric))


def test_a_name_of_an_adapters_is_asked_of_prometheus_and_its_query_left_empty() -> None:
    given = Given("app:1", 5000, "127.0.0.1:8080", prometheus="http://prom:9090")
    policy = converted(hpa(named("Pods", "packets/s", averageValue="1k")), given=given)
    assert policy.policy["policies"][0]["metric"]["name"] == "packets_s"
    assert policy.policy["policies"][0]["metric"]["server"] == "http://prom:9090"
    assert policy.blanks == (("policies[0].metric.query", "the query of packets/s"),)
    assert [key_path(note.path) for note in policy.notes] == ["spec.metrics[0].pods.metric.name"]


def test_a_name_that_our_metrics_have_is_not_given_to_one_of_an_adapters() -> None:
    metric = policies(hpa(named("External", "latency_p95", averageValue="1")))[0]["metric"]
    assert metric["name"] == "prometheus_latency_p95"


def test_without_metrics_it_is_the_hpas_default() -> None:
    assert policies(hpa()) == [{"type": "target_tracking", "metric": "cpu", "target": "80%"}]
    assert keys(hpa()) == ["spec.metrics"]


def test_without_a_minimum_it_is_one() -> None:
    assert converted(hpa(CPU, minReplicas=None)).policy["replicas"] == {"min": 1, "max": 20}


def test_more_replicas_than_we_allow_are_cut_and_told() -> None:
    policy = converted(hpa(CPU, maxReplicas=20_000))
    assert policy.policy["replicas"]["max"] == 10_000
    assert "spec.maxReplicas" in keys(hpa(CPU, maxReplicas=20_000))


@pytest.mark.parametrize(
    ("behavior", "ours"),
    [
        pytest.param(
            {"scaleDown": {"stabilizationWindowSeconds": 90}}, {"scale_down": {"stabilization_window": "1m30s"}}, id="window"
        ),
        pytest.param({"scaleUp": {"selectPolicy": "Disabled"}}, {"scale_up": {"select": "disabled"}}, id="select"),
        pytest.param(
            {"scaleDown": {"policies": [
                {"type": "Pods", "value": 4, "periodSeconds": 60}, {"type": "Percent", "value": 10, "periodSeconds": 30}
            ]}},
            {"scale_down": {"policies": [{"replicas": 4, "period": "1m"}, {"percent": 10, "period": "30s"}]}},
            id="rates",
        ),
        pytest.param({"scaleUp": {}}, None, id="nothing said: the defaults are the same"),
    ],
)  # fmt: skip
def test_behavior_maps_field_by_field(behavior: dict[str, Any], ours: dict[str, Any] | None) -> None:
    assert converted(hpa(CPU, behavior=behavior)).policy.get("behavior") == ours


@pytest.mark.parametrize(
    ("given", "ours"),
    [
        pytest.param({"scaleUp": {"tolerance": "50m"}}, {"up": "5%"}, id="up"),
        pytest.param(
            {"scaleUp": {"tolerance": 0}, "scaleDown": {"tolerance": "0.25"}}, {"up": "0%", "down": "25%"}, id="both"
        ),
        pytest.param({"scaleDown": {"tolerance": 1}}, None, id="never down is no tolerance here"),
    ],
)
def test_tolerances_go_to_each_policy(given: dict[str, Any], ours: dict[str, str] | None) -> None:
    told = policies(hpa(CPU, resource("memory", averageUtilization=70), behavior=given))
    assert [policy.get("tolerance") for policy in told] == [ours, ours]


def test_every_field_that_has_no_counterpart_is_told() -> None:
    manifest = hpa(CPU, hurry=True, behavior={"scaleUp": {"mood": {"a": 1}}})
    assert {"spec.hurry", "spec.behavior.scaleUp.mood"} <= set(keys(manifest))


@pytest.mark.parametrize("name", ["requests-per-second", "sqs_messages"])
def test_labels_that_pick_a_series_are_told(name: str) -> None:
    manifest = hpa(named("External", name, value="9"))
    manifest["spec"]["metrics"][0]["external"]["metric"]["selector"] = {"matchLabels": {"queue": "mail"}}
    assert "spec.metrics[0].external.metric.selector" in keys(manifest)


def test_a_resource_that_is_not_measured_is_left_out_and_told() -> None:
    manifest = hpa(resource("ephemeral-storage", averageUtilization=70))
    policy = converted(manifest)
    assert [key for key, _ in policy.blanks] == ["policies"]
    assert "spec.metrics[0].resource.name" in keys(manifest)


# ---------------------------------------------------------------- the Deployment beside it


RESOURCES = {"requests": {"cpu": "250m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}}


def test_a_deployment_tells_image_port_and_limits() -> None:
    beside = deployment(image="shop:7", ports=[{"containerPort": 8000}], resources=RESOURCES)
    policy = converted(hpa(CPU), beside, given=Given()).policy
    assert policy["replica"] == {"image": "shop:7", "port": 8000, "cpus": 1.0, "mem_limit": "512m"}


def test_what_else_a_deployments_pods_have_is_told() -> None:
    beside = deployment(
        image="shop:7",
        ports=[{"containerPort": 8000, "name": "http"}, {"containerPort": 9000}],
        env=[{"name": "LOG_LEVEL", "value": "info"}],
        resources=RESOURCES,
        imagePullPolicy="Always",
        readinessProbe={"httpGet": {"path": "/healthz", "port": 8000}},
    )
    pod = beside["spec"]["template"]["spec"]
    pod |= {"terminationGracePeriodSeconds": 45, "dnsPolicy": "ClusterFirst", "securityContext": {}}
    pod["containers"].append({"name": "sidecar", "image": "envoy:1"})
    assert [key.removeprefix("spec.template.spec.") for key in keys(hpa(CPU), beside, given=Given())] == [
        "containers[0].ports[1].containerPort",
        "containers[0].env",
        "containers[0].readinessProbe",
        "containers[1]",
        "terminationGracePeriodSeconds",
    ]


def test_flags_go_before_the_deployment() -> None:
    beside = deployment(image="shop:7", ports=[{"containerPort": 8000}])
    assert converted(hpa(CPU), beside, given=Given(image="own:1")).policy["replica"]["image"] == "own:1"


@pytest.mark.parametrize(
    ("resources", "targets"),
    [
        pytest.param(RESOURCES, ("17.5%", "20%"), id="of the request: 70% of 250m of 1, 80% of 128Mi of 512Mi"),
        pytest.param({"requests": RESOURCES["requests"]}, ("17.5%", "80%"), id="no limit: of one core, of the request"),
        pytest.param({"limits": RESOURCES["limits"]}, ("70%", "80%"), id="no request: it is the limit"),
    ],
)
def test_utilization_is_of_the_request_and_ours_of_the_limit(resources: Any, targets: tuple[str, str]) -> None:
    beside = deployment(image="shop:7", resources=resources)
    told = policies(hpa(CPU, resource("memory", averageUtilization=80)), beside, given=Given())
    assert (told[0]["target"], told[1]["target"]) == targets


def test_without_a_request_the_limit_is_one_and_nothing_is_to_tell() -> None:
    limits = {"limits": RESOURCES["limits"]}
    assert keys(hpa(CPU), deployment(image="shop:7", resources=limits), given=Given()) == []
    assert keys(hpa(CPU), deployment(image="shop:7"), given=Given()) != []


def test_a_deployment_of_another_name_is_none_of_it() -> None:
    assert converted(hpa(CPU), deployment("other", image="x"), given=Given()).blanks[0][0] == "replica.image"


def test_memory_without_a_limit_is_left_to_be_filled_in() -> None:
    policy = converted(hpa(resource("memory", averageValue="64Mi")), given=Given("a", 1, "127.0.0.1:1"))
    assert [key for key, _ in policy.blanks] == ["replica.mem_limit", "policies[0].target"]


def test_a_list_of_kubectls_holds_what_is_in_it() -> None:
    items = [deployment(image="shop:7", ports=[{"containerPort": 80}]), hpa(CPU, minReplicas=9, maxReplicas=3)]
    with pytest.raises(PolicyError) as caught:
        convert(text_of({"kind": "List", "apiVersion": "v1", "items": items}), FILE, Given())
    assert "items[1].spec.minReplicas: 9 is above the maximum 3" in str(caught.value)


# ---------------------------------------------------------------- what can't be meant


BROKEN: list[Any] = [
    pytest.param(hpa(CPU, maxReplicas=None), "maxReplicas: is missing; write it, such as `maxReplicas: 10`", id="no max"),
    pytest.param(hpa(CPU, maxReplicas="many"), "maxReplicas: found 'many'; write a whole number, at least 1", id="text"),
    pytest.param(hpa(CPU, scaleTargetRef=None), "Ref.name: is missing; write it, such as `name: web`", id="no target"),
    pytest.param(hpa({"type": "Magic"}), "spec.metrics[0].type: found 'Magic'; allowed: Resource, ", id="type"),
    pytest.param(
        hpa(named("External", "x", averageValue="lots")),
        "spec.metrics[0].external.target.averageValue: 'lots' is no quantity; write it like 500m, 10, 2k or 1Gi",
        id="quantity",
    ),
    pytest.param(hpa(resource("cpu", averageUtilization=0)), "averageUtilization: found 0; write a whole number", id="zero"),
    pytest.param(hpa(CPU, behavior=[1]), "spec.behavior: found a list; write a mapping", id="a list"),
    pytest.param(hpa(metrics="cpu"), "spec.metrics: is no list; write a list", id="no list"),
    pytest.param(
        {**hpa(CPU), "apiVersion": "autoscaling/v1"},
        "apiVersion: found 'autoscaling/v1', not autoscaling/v2; have it converted by the cluster: kubectl get",
        id="v1",
    ),
    pytest.param(deployment(), "no HorizontalPodAutoscaler (autoscaling/v2) and no ScaledObject in it", id="none"),
]  # fmt: skip


@pytest.mark.parametrize(("manifest", "told"), BROKEN)
def test_one_clear_line(manifest: dict[str, Any], told: str) -> None:
    with pytest.raises(PolicyError) as caught:
        convert(text_of(manifest), FILE, FILLED)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{FILE}:1:")
    assert told in line


def test_one_image_is_not_that_of_two() -> None:
    with pytest.raises(PolicyError, match="one of 2 autoscalers"):
        convert(text_of(hpa(CPU), hpa(CPU)), FILE, FILLED)
    assert len(convert(text_of(hpa(CPU), hpa(CPU)), FILE, Given())) == 2


def test_a_name_that_no_service_may_have_is_made_one_and_told() -> None:
    manifest = hpa(CPU, scaleTargetRef={"kind": "Deployment", "name": "shop.v2_" + "x" * 60})
    policy = converted(manifest)
    assert policy.service == "shop-v2-" + "x" * 32
    assert "spec.scaleTargetRef.name" in keys(manifest)
