"""An HPA's metrics as `target_tracking` policies.

    Resource, ContainerResource   Utilization   -> target, of cpu or memory: utilization * request / limit
                                  AverageValue  -> target: value / limit
    Pods, Object, External        AverageValue  -> target, one replica's share of the service's total
    Object, External              Value         -> total

A name that an adapter gave a metric can't be resolved here: its query is in the adapter's configuration. Names that mean
requests a second are taken for `request_rate`, and the daemon's own series for the metric that they carry.
Source: Kubernetes API, autoscaling/v2, MetricSpec.
"""

import re
from typing import Any, get_args

from autoscaler.spec.kubernetes.behavior import percentage
from autoscaler.spec.kubernetes.fields import Field
from autoscaler.spec.kubernetes.workload import Workload
from autoscaler.spec.kubernetes.written import Blank
from autoscaler.spec.models import PROXY_METRICS, TOTAL_ONLY_METRICS, MetricName

OWN_SERIES = "autoscaler_metric_value"
REQUEST_RATES = (
    "http_requests", "http_requests_per_second", "http-requests-per-second", "requests_per_second", "requests-per-second",
    "nginx_ingress_controller_requests", "istio_requests_per_second", "rps",
)  # fmt: skip
DEFAULT_UTILIZATION = "80%"
RESOURCES = ("cpu", "memory")

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_.:-]")
_LONGEST_NAME = 60


def read_metrics(spec: Field, workload: Workload, server: Any) -> list[dict[str, Any]]:
    """The policies of all metrics; without any the HPA takes 80% of the CPU. `server` is the Prometheus to ask."""
    metrics = spec.at("metrics").items()
    if not metrics:
        spec.at("metrics").note(f"none is given: the HPA's default is taken, {DEFAULT_UTILIZATION} of the CPU")
        return [{"type": "target_tracking", "metric": "cpu", "target": DEFAULT_UTILIZATION}]
    return [policy for each in metrics if (policy := _metric(each, workload, server)) is not None]


def _metric(field: Field, workload: Workload, server: Any) -> dict[str, Any] | None:
    kind = field.at("type").needed("type: Resource").text()
    match kind:
        case "Resource":
            return _of_resource(field.at("resource"), workload)
        case "ContainerResource":
            container = field.at("containerResource", "container")
            container.note("a replica is one container, whose use is measured")
            return _of_resource(field.at("containerResource"), workload)
        case "Pods" | "Object" | "External":
            return _named(field.at(kind.lower()), server)
    if kind:
        allowed = "Resource, ContainerResource, Pods, Object, External"
        field.at("type").refuse(f"found {kind!r}", f"allowed: {allowed}")
    return None


# ---------------------------------------------------------------- of a resource


def _of_resource(field: Field, workload: Workload) -> dict[str, Any] | None:
    name, target = field.at("name").needed("name: cpu"), field.at("target")
    if name.text() not in RESOURCES:
        if name.given:
            name.note(f"{name.text()} of a replica is not measured; left out")
            field.pass_over("target")
        return None
    if target.at("type").text() == "AverageValue":
        return average_value(name.text(), target.at("averageValue").needed("averageValue: 500m"), workload)
    return utilization(name.text(), target.at("averageUtilization").needed("averageUtilization: 70"), workload)


def utilization(resource: str, field: Field, workload: Workload) -> dict[str, Any] | None:
    """A policy on per cent of what a replica requests."""
    percent = field.whole_number(least=1)
    if percent is None:
        return None
    request, limit = (workload.requests or {}).get(resource), workload.limit(resource)
    share = percent / 100
    if request is not None and limit is not None:
        share = share * request / limit
    else:
        field.note(f"is of the {resource} request, which is not known here: taken as of {_limit_of(resource, workload)}")
    return {"type": "target_tracking", "metric": resource, "target": percentage(share)}


def average_value(resource: str, field: Field, workload: Workload) -> dict[str, Any] | None:
    """A policy on so many cores or bytes a replica."""
    value, limit = field.quantity(), workload.limit(resource)
    if value is None:
        return None
    target: Any = Blank(f"{field.text()} of mem_limit in per cent") if limit is None else percentage(value / limit)
    return {"type": "target_tracking", "metric": resource, "target": target}


def _limit_of(resource: str, workload: Workload) -> str:
    if resource == "memory":
        return "mem_limit"
    return "one core" if workload.cpus is None else "cpus"


# ---------------------------------------------------------------- of a name


def _named(field: Field, server: Any) -> dict[str, Any] | None:
    metric, target = field.at("metric"), field.at("target")
    kind = target.at("type").text()
    shared = kind == "AverageValue"
    aim = target.at("averageValue" if shared else "value").needed("averageValue: 50" if shared else "value: 500")
    value = aim.quantity()
    told = _metric_of(metric, server, shared=shared)
    if value is None or told is None:
        return None
    return {"type": "target_tracking", "metric": told, "target" if shared else "total": value}


def _metric_of(metric: Field, server: Any, *, shared: bool) -> Any:
    name = metric.at("name").needed("name: http_requests_per_second")
    own = metric.at("selector", "matchLabels", "metric").text()
    known = own if name.text() == OWN_SERIES else name.text()
    if known in PROXY_METRICS and not (shared and known in TOTAL_ONLY_METRICS):
        metric.pass_over("selector")
        return known
    if metric.at("selector").given:
        metric.at("selector").note("has no counterpart; a query of Prometheus can pick by labels")
        metric.pass_over("selector")
    if known in REQUEST_RATES:
        name.note("taken for request_rate, which is measured at the proxy")
        return "request_rate"
    if not name.given:
        return None
    name.note("which query it stands for is in the metrics adapter's configuration: write one for the service's total")
    own_name = metric_name(name.text(), "prometheus")
    return {"name": own_name, "source": "prometheus", "server": server, "query": Blank(f"the query of {name.text()}")}


def metric_name(text: str, source: str) -> str:
    """The nearest name that a metric of another system may have."""
    name = _NOT_IN_A_NAME.sub("_", text)
    if not name[:1].isalpha() or name in get_args(MetricName):
        name = f"{source}_{name}"
    return name[:_LONGEST_NAME]
