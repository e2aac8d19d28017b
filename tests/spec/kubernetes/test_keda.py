"""From a KEDA ScaledObject to a policy."""

from pathlib import Path
from typing import Any

import pytest

from autoscaler.errors import PolicyError
from autoscaler.spec.kubernetes import convert
from autoscaler.spec.nodes import key_path
from tests.spec.kubernetes.manifests import FILE, FILLED, converted, loaded, policies, scaled_object, text_of, trigger

CPU = trigger("cpu", "Utilization", value="60")
CRON = trigger("cron", timezone="Europe/Berlin", start="0 8 * * MON-FRI", end="0 18 * * 1-5", desiredReplicas="10")
PROM = trigger("prometheus", serverAddress="http://prom:9090", query="sum(depth)", threshold="100")


def keys(manifest: dict[str, Any]) -> list[str]:
    """The key paths that something is told of."""
    return [key_path(note.path) for note in converted(manifest).notes]


def test_the_defaults_are_kedas() -> None:
    policy = converted(scaled_object(CPU, minReplicaCount=None)).policy
    assert policy["replicas"] == {"min": 0, "max": 100}
    assert policy["scale_to_zero"] == {"idle": "5m"}


def test_a_cooldown_is_the_idleness_before_none() -> None:
    assert converted(scaled_object(CPU, minReplicaCount=0, cooldownPeriod=90)).policy["scale_to_zero"] == {"idle": "1m30s"}
    assert "scale_to_zero" not in converted(scaled_object(CPU, cooldownPeriod=90)).policy


def test_an_idle_count_of_none_is_scale_to_zero() -> None:
    manifest = scaled_object(CPU, minReplicaCount=3, idleReplicaCount=0)
    assert converted(manifest).policy["replicas"] == {"min": 0, "max": 100}
    assert "spec.idleReplicaCount" in keys(manifest)


@pytest.mark.parametrize(
    ("given", "policy"),
    [
        pytest.param(CPU, {"metric": "cpu", "target": "60%"}, id="cpu"),
        pytest.param(trigger("memory", "AverageValue", value="64Mi"), {"metric": "memory", "target": "25%"}, id="memory"),
        pytest.param(trigger("cpu", type="Utilization", value="60"), {"metric": "cpu", "target": "60%"}, id="as of old"),
        pytest.param(
            PROM,
            {"metric": {"name": "prometheus", "source": "prometheus", "server": "http://prom:9090", "query": "sum(depth)"},
             "target": 100.0},
            id="prometheus",
        ),
        pytest.param(
            {**PROM, "name": "depth", "metricType": "Value"},
            {"metric": {"name": "depth", "source": "prometheus", "server": "http://prom:9090", "query": "sum(depth)"},
             "total": 100.0},
            id="Value",
        ),
        pytest.param(
            trigger("redis", address="r:6379", listName="jobs", databaseIndex="2"),
            {"metric": {"name": "jobs", "source": "redis", "url": "redis://r:6379/2", "list": "jobs"}, "target": 5.0},
            id="redis, five of a list by default",
        ),
        pytest.param(
            trigger("redis-streams", host="r", port="6379", stream="s", streamLength="50", enableTLS="true"),
            {"metric": {"name": "s", "source": "redis", "url": "rediss://r:6379/0", "stream": "s"}, "target": 50.0},
            id="a stream",
        ),
        pytest.param(
            trigger("rabbitmq", host="amqp://rabbit:5672/v", queueName="q", mode="QueueLength", value="20"),
            {"metric": {"name": "q", "source": "rabbitmq", "url": "amqp://rabbit:5672/v", "queue": "q"}, "target": 20.0},
            id="rabbitmq",
        ),
    ],
)  # fmt: skip
def test_a_trigger_becomes_a_target(given: dict[str, Any], policy: dict[str, Any]) -> None:
    assert policies(scaled_object(given)) == [{"type": "target_tracking", **policy}]


def test_a_cron_becomes_a_rule_of_its_time_zones_schedule() -> None:
    weekend = trigger("cron", timezone="Europe/Berlin", start="0 22 * * 6", end="0 4 * * 0", desiredReplicas="4")
    assert policies(scaled_object(CRON, CPU, weekend)) == [
        {
            "type": "schedule",
            "timezone": "Europe/Berlin",
            "rules": [
                {"cron": "0 8 * * 1-5", "for": "10h", "min": 10},
                {"cron": "0 22 * * 6", "for": "6h", "min": 4},
            ],
        },
        {"type": "target_tracking", "metric": "cpu", "target": "60%"},
    ]


def test_spans_of_different_length_take_the_longest_and_say_so() -> None:
    monthly = scaled_object(trigger("cron", timezone="UTC", start="0 0 1 * *", end="0 0 28 * *", desiredReplicas="2"))
    assert policies(monthly)[0]["rules"][0]["for"] == "27d"
    uneven = scaled_object(trigger("cron", timezone="UTC", start="0 0 15 * *", end="0 0 1 * *", desiredReplicas="2"))
    assert policies(uneven)[0]["rules"][0]["for"] == "17d"
    assert "spec.triggers[0].metadata.end" not in keys(monthly)
    assert "spec.triggers[0].metadata.end" in keys(uneven)


def test_a_cron_beyond_the_maximum_is_cut_and_told() -> None:
    manifest = scaled_object(CRON, maxReplicaCount=6)
    assert policies(manifest)[0]["rules"][0]["min"] == 6
    assert "spec.triggers[0].metadata.desiredReplicas" in keys(manifest)


def test_crons_alone_keep_the_hpas_window() -> None:
    assert converted(scaled_object(CRON)).policy["behavior"] == {"scale_down": {"stabilization_window": "5m"}}
    assert "behavior" not in converted(scaled_object(CRON, CPU)).policy


def test_a_source_is_asked_as_often_as_keda_polls() -> None:
    assert policies(scaled_object(PROM, pollingInterval=15))[0]["metric"]["interval"] == "15s"


def test_two_metrics_of_one_name_are_told_apart() -> None:
    told = policies(scaled_object(PROM, {**PROM, "metadata": {**PROM["metadata"], "query": "sum(other)"}}))
    assert [policy["metric"]["name"] for policy in told] == ["prometheus", "prometheus-2"]


@pytest.mark.parametrize(
    ("fallback", "ours"),
    [
        pytest.param({"replicas": 6}, {"on_missing_metrics": "fallback", "fallback_replicas": 6}, id="static"),
        pytest.param(
            {"replicas": 6, "behavior": "currentReplicasIfHigher"},
            {"on_missing_metrics": "fallback", "fallback_replicas": 6},
            id="if higher",
        ),
        pytest.param({"replicas": 6, "behavior": "currentReplicas"}, None, id="hold"),
        pytest.param({"replicas": 600}, {"on_missing_metrics": "fallback", "fallback_replicas": 100}, id="beyond the most"),
    ],
)
def test_fallback(fallback: dict[str, Any], ours: dict[str, Any] | None) -> None:
    manifest = scaled_object(PROM, fallback={"failureThreshold": 3, **fallback})
    assert converted(manifest).policy.get("behavior") == ours


def test_the_hpas_behavior_is_taken() -> None:
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 60, "tolerance": "20m"}}
    policy = converted(scaled_object(CPU, advanced={"horizontalPodAutoscalerConfig": {"behavior": behavior}})).policy
    assert policy["behavior"] == {"scale_down": {"stabilization_window": "1m"}}
    assert policy["policies"][0]["tolerance"] == {"down": "2%"}


@pytest.mark.parametrize(
    ("annotation", "order"),
    [
        pytest.param({"autoscaling.keda.sh/paused": "true"}, "`autoscaler pause web` once it runs", id="paused"),
        pytest.param({"autoscaling.keda.sh/paused-replicas": "0"}, "`autoscaler scale web 0` once it runs", id="replicas"),
        pytest.param({"autoscaling.keda.sh/paused-scale-in": "true"}, "`autoscaler pause web --in-only` once", id="in"),
        pytest.param({"autoscaling.keda.sh/paused-scale-out": "true"}, "`autoscaler pause web --out-only` once", id="out"),
        pytest.param({"autoscaling.keda.sh/paused": "false"}, "", id="not paused"),
    ],
)
def test_a_pause_is_an_order_and_told(annotation: dict[str, str], order: str) -> None:
    told = [note.what for note in converted(scaled_object(PROM, annotations=annotation)).notes if "order" in note.what]
    assert [order in each for each in told] == ([True] if order else [])


def test_what_has_no_counterpart_is_told() -> None:
    manifest = scaled_object(
        trigger("kafka", topic="jobs"),
        CPU,
        {**PROM, "metadata": {**PROM["metadata"], "activationThreshold": "5", "customHeaders": "a=b"}},
        advanced={"scalingModifiers": {"formula": "a + b"}},
    )
    assert {
        "spec.advanced.scalingModifiers",
        "spec.triggers[0].type",
        "spec.triggers[2].metadata.activationThreshold",
        "spec.triggers[2].metadata.customHeaders",
    } <= set(keys(manifest))
    assert [policy["type"] for policy in policies(manifest)] == ["target_tracking", "target_tracking"]


@pytest.mark.parametrize("kind", ["redis", "rabbitmq"])
def test_a_source_that_is_not_there_yet_is_told(kind: str) -> None:
    given = trigger(kind, address="r:1", listName="l", host="amqp://r", queueName="q", value="5")
    told = [note.what for note in converted(scaled_object(given)).notes if key_path(note.path) == "spec.triggers[0].type"]
    assert told == [f"a metric of {kind} is not available yet"]


def test_credentials_are_left_out_of_a_url_and_told() -> None:
    manifest = scaled_object({**PROM, "metadata": {**PROM["metadata"], "serverAddress": "http://user:secret@prom:9090/x"}})
    policy = converted(manifest)
    assert policy.policy["policies"][0]["metric"]["server"] == "http://prom:9090/x"
    assert "secret" not in policy.text()
    assert "spec.triggers[0].metadata.serverAddress" in keys(manifest)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param(scaled_object(), "spec.triggers: is missing", id="no triggers"),
        pytest.param(scaled_object(trigger("cpu")), "spec.triggers[0].metadata.value: is missing", id="no value"),
        pytest.param(
            scaled_object(trigger("cron", start="0 8 * *", end="0 9 * * *", desiredReplicas="2")),
            "spec.triggers[0].metadata.start: no cron: ",
            id="four fields",
        ),
        pytest.param(
            scaled_object(trigger("cron", start="0 8 31 4,6 *", end="0 9 * * *", desiredReplicas="2")),
            "spec.triggers[0].metadata.start: no cron: bad day-of-month; write five",
            id="never",
        ),
        pytest.param(
            scaled_object({**PROM, "metadata": {**PROM["metadata"], "threshold": "-1"}}),
            "spec.triggers[0].metadata.threshold: found -1; write a number above 0",
            id="negative",
        ),
        pytest.param(scaled_object(CPU, minReplicaCount=200), "200 is above the maximum 100", id="min above max"),
    ],
)
def test_one_clear_line(given: dict[str, Any], told: str) -> None:
    if given["spec"]["triggers"] == []:
        del given["spec"]["triggers"]
    with pytest.raises(PolicyError) as caught:
        convert(text_of(given), FILE, FILLED)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{FILE}:1:")
    assert told in line


def test_what_comes_of_it_is_valid(tmp_path: Path) -> None:
    text = converted(scaled_object(CPU, CRON, minReplicaCount=0, fallback={"failureThreshold": 3, "replicas": 4})).text()
    told = loaded(tmp_path, text)
    assert told.problems == ()
    assert told.documents[0].spec.idle == 300


def test_a_query_keeps_its_dollars_and_quotes(tmp_path: Path) -> None:
    query = 'sum(rate(x{job="$a",path=~"/\\\\d+${b}"}[1m])) # é\u0085'
    text = converted(scaled_object({**PROM, "metadata": {**PROM["metadata"], "query": query}})).text()
    written = loaded(tmp_path, text.replace("metric:", "x-metric:")).problems
    assert "variable" not in str(written)
    assert "$$a" in text
    assert "$${b}" in text
