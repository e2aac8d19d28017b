"""KEDA's triggers as policies.

    cpu, memory    Utilization, AverageValue    target_tracking of cpu, memory
    cron           start, end                   a schedule's rule
    prometheus     threshold                    of a metric of Prometheus: `target` (AverageValue) or `total` (Value)
    redis          listLength                   of a Redis list's length
    redis-streams  streamLength                 of a stream's
    rabbitmq       value, by QueueLength        of a queue's

KEDA asks each source for the whole service's number, as we do. Credentials in a URL are left out: ours come from `auth`.
Source: KEDA, "Scalers".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from autoscaler.spec.kubernetes import cron
from autoscaler.spec.kubernetes.fields import Field
from autoscaler.spec.kubernetes.metrics import OWN_SERIES, average_value, metric_name, utilization
from autoscaler.spec.kubernetes.workload import Workload
from autoscaler.spec.kubernetes.written import Blank
from autoscaler.spec.models import PROXY_METRICS
from autoscaler.spec.unavailable import LATER_SOURCES
from autoscaler.units import format_duration

ACTIVATIONS = (
    "activationThreshold", "activationListLength", "activationStreamLength", "activationValue", "activationLagCount",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """What a trigger is read with: the replica, and how often a source is asked ("": not said)."""

    workload: Workload
    interval: str = ""


def read_trigger(trigger: Field, asked: Asked) -> dict[str, Any] | None:
    """The policy of a trigger, None where it has none."""
    kind = trigger.at("type").needed("type: prometheus").text()
    reader = READERS.get(kind)
    if reader is None:
        if kind:
            trigger.at("type").note(f"a trigger {kind!r} has no counterpart; left out")
        trigger.pass_over("metadata", "name", "metricType", "authenticationRef", "useCachedMetrics")
        return None
    policy = reader(trigger, asked)
    for key in ACTIVATIONS:
        level = trigger.at("metadata", key)
        if level.given and level.text() not in ("0", "0.0"):
            level.note("with none running, any load at all starts one")
    trigger.pass_over("useCachedMetrics")
    if trigger.at("authenticationRef").given:
        trigger.at("authenticationRef").note("give the credentials by the metric's `auth`, from the environment or a file")
        trigger.pass_over("authenticationRef")
    return policy


# ---------------------------------------------------------------- cpu and memory


def _resource(trigger: Field, asked: Asked) -> dict[str, Any] | None:
    metadata = trigger.at("metadata")
    kind = trigger.at("metricType").text() or metadata.at("type").text("Utilization")
    if metadata.at("containerName").given:
        metadata.at("containerName").note("a replica is one container, whose use is measured")
    value = metadata.at("value").needed('value: "70"')
    read = average_value if kind == "AverageValue" else utilization
    return read(trigger.at("type").text(), value, asked.workload) if value.given else None


# ---------------------------------------------------------------- by the clock


def _cron(trigger: Field, _asked: Asked) -> dict[str, Any] | None:
    metadata = trigger.at("metadata")
    trigger.pass_over("metricType", "name")
    start, end = metadata.at("start").needed("start: 0 8 * * 1-5"), metadata.at("end").needed("end: 0 18 * * 1-5")
    count = metadata.at("desiredReplicas").needed('desiredReplicas: "10"').whole_number()
    if not (start.given and end.given) or count is None:
        return None
    starts, ends = cron.plain(start.text()), cron.plain(end.text())
    try:
        spans = cron.lengths(starts, ends)
    except ValueError as error:
        start.refuse(str(error), 'write five fields each, such as "0 8 * * 1-5" and "0 18 * * 1-5"')
        return None
    if len(spans) > 1:
        told = format_duration(max(spans).total_seconds())
        end.note(f"comes after spans of different length: the longest is taken, {told}")
    rule = {"cron": starts, "for": format_duration(max(spans).total_seconds()), "min": count}
    return {"type": "schedule", "timezone": metadata.at("timezone").text("UTC"), "rules": [rule]}


# ---------------------------------------------------------------- of other systems


def _prometheus(trigger: Field, asked: Asked) -> dict[str, Any] | None:
    metadata = trigger.at("metadata")
    query, server = metadata.at("query").needed("query: sum(queue_depth)"), metadata.at("serverAddress")
    named, ignored = metadata.at("metricName"), metadata.at("ignoreNullValues")
    own = _own_metric(query.text())
    if own is not None:
        return _tracked(trigger, metadata.at("threshold"), own)
    if ignored.text("true").lower() != "false":
        ignored.note("KEDA takes no answer for 0; here it is a missing metric")
    source = {
        "name": trigger.at("name").text() or named.text() or "prometheus",
        "source": "prometheus",
        "server": _without_credentials(server) if server.given else Blank("Prometheus' URL"),
        "query": query.text(),
    }
    return _tracked(trigger, metadata.at("threshold"), _mapping(source, asked, trigger))


def _own_metric(query: str) -> str | None:
    """The built-in metric where the query is for the daemon's own series of it."""
    if not query.startswith(OWN_SERIES + "{"):
        return None
    return next((metric for metric in PROXY_METRICS if f'metric="{metric}"' in query), None)


def _redis(trigger: Field, asked: Asked) -> dict[str, Any] | None:
    metadata = trigger.at("metadata")
    key = metadata.at("listName").needed("listName: jobs")
    source = {"name": _name(trigger, key), "source": "redis", "url": _redis_url(metadata), "list": key.text()}
    return _tracked(trigger, metadata.at("listLength"), _mapping(source, asked, trigger), usual=5.0)


def _redis_stream(trigger: Field, asked: Asked) -> dict[str, Any] | None:
    metadata = trigger.at("metadata")
    key, length = metadata.at("stream").needed("stream: jobs"), metadata.at("streamLength")
    if not length.given:
        metadata.note("only a stream's length (streamLength) has a counterpart; left out")
        trigger.pass_over("metadata", "metricType", "name")
        return None
    source = {"name": _name(trigger, key), "source": "redis", "url": _redis_url(metadata), "stream": key.text()}
    return _tracked(trigger, length, _mapping(source, asked, trigger))


def _redis_url(metadata: Field) -> Any:
    _credentials(metadata, "password", "passwordFromEnv", "username", "usernameFromEnv")
    scheme = "rediss" if metadata.at("enableTLS").text("false").lower() == "true" else "redis"
    address, host, port = metadata.at("address").text(), metadata.at("host").text(), metadata.at("port").text()
    where = address or (f"{host}:{port}" if host else "")
    index = metadata.at("databaseIndex").text("0")
    if not where:
        metadata.at("addressFromEnv").note("is of the container's environment: write the URL")
        metadata.pass_over("hostFromEnv", "portFromEnv")
        return Blank("Redis' URL, such as redis://127.0.0.1:6379/0")
    return f"{scheme}://{where}/{index}"


def _rabbitmq(trigger: Field, asked: Asked) -> dict[str, Any] | None:
    metadata = trigger.at("metadata")
    key, host, mode = metadata.at("queueName").needed("queueName: jobs"), metadata.at("host"), metadata.at("mode")
    old = metadata.at("queueLength")
    if mode.text("QueueLength") != "QueueLength":
        mode.note("only a queue's length has a counterpart; left out")
        trigger.pass_over("metadata", "metricType", "name")
        return None
    if not host.given:
        metadata.at("hostFromEnv").note("is of the container's environment: write the URL")
    metadata.pass_over("protocol")
    url = _without_credentials(host) if host.given else Blank("RabbitMQ's URL, such as http://127.0.0.1:15672/")
    source = {"name": _name(trigger, key), "source": "rabbitmq", "url": url, "queue": key.text()}
    return _tracked(trigger, metadata.at("value") if not old.given else old, _mapping(source, asked, trigger))


# ---------------------------------------------------------------- what they share


def _tracked(trigger: Field, aim: Field, metric: Any, *, usual: float | None = None) -> dict[str, Any] | None:
    """A policy that keeps a metric at its aim: a replica's share, or with `metricType: Value` the total."""
    trigger.pass_over("name")
    key = "total" if trigger.at("metricType").text() == "Value" else "target"
    value = usual if usual is not None and not aim.given else aim.needed('threshold: "100"').quantity()
    return None if value is None else {"type": "target_tracking", "metric": metric, key: value}


def _mapping(source: Mapping[str, Any], asked: Asked, trigger: Field) -> dict[str, Any]:
    """A metric of another system, as our policies have it."""
    if source["source"] in LATER_SOURCES:
        trigger.at("type").note(f"a metric of {source['source']} is not available yet")
    told = {**source, "name": metric_name(source["name"], source["source"])}
    return told | {"interval": asked.interval} if asked.interval else told


def _name(trigger: Field, key: Field) -> str:
    return trigger.at("name").text() or key.text() or trigger.at("type").text()


def _without_credentials(field: Field) -> str:
    """A URL without the name and password in it."""
    try:
        url = urlsplit(field.text())
    except ValueError:
        field.refuse("is no URL", "write it like http://prometheus:9090")
        return ""
    if "@" not in url.netloc:
        return field.text()
    field.note("holds credentials, which are left out: give them by the metric's `auth`")
    return urlunsplit(url._replace(netloc=url.netloc.rpartition("@")[2]))


def _credentials(metadata: Field, *keys: str) -> None:
    for key in keys:
        if metadata.at(key).given:
            metadata.at(key).note("is left out: give the credentials by the metric's `auth`")


READERS: Mapping[str, Callable[[Field, Asked], dict[str, Any] | None]] = {
    "cpu": _resource,
    "memory": _resource,
    "cron": _cron,
    "prometheus": _prometheus,
    "redis": _redis,
    "redis-streams": _redis_stream,
    "rabbitmq": _rabbitmq,
}
