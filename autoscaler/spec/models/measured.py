"""What a policy measures: a built-in metric by name, or another system's by a mapping; and what it wants of that."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag, ValidationInfo

from autoscaler.spec.models.metrics import MetricName, in_unit
from autoscaler.spec.models.sources import SourceMetric

DEFAULT_WINDOW_S = 10.0


def _form(given: Any) -> str:
    return "prometheus" if isinstance(given, dict | SourceMetric) else "name"


Metric = Annotated[Annotated[MetricName, Tag("name")] | Annotated[SourceMetric, Tag("prometheus")], Discriminator(_form)]


def name_of(metric: Metric) -> str:
    """What a metric is called: in replay, in status, on /metrics."""
    return metric.name if isinstance(metric, SourceMetric) else metric


def default_window(given: Mapping[str, Any]) -> float:
    """A policy's `window` where it has none of its own: the mapping's, in seconds."""
    metric = given.get("measured")
    window = metric.window if isinstance(metric, SourceMetric) else None
    return DEFAULT_WINDOW_S if window is None else window


def _aim(given: Any, info: ValidationInfo) -> Any:
    metric = info.data.get("measured")
    return in_unit(name_of(metric), given) if isinstance(given, str) and metric is not None else given


Aim = Annotated[float, BeforeValidator(_aim, json_schema_input_type=str | float), Field(gt=0)]
