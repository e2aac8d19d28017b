"""`type: step`: AWS-style steps on a metric."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

from autoscaler.spec.fields import Duration
from autoscaler.spec.models.base import Model, at_key
from autoscaler.spec.models.measured import Metric, default_window, name_of
from autoscaler.spec.models.metrics import in_unit
from autoscaler.units import parse_fraction


class Amount(Model):
    """So many replicas, or so many per cent of those there are."""

    replicas: Annotated[int, Field(ge=1, le=10_000)] | None = None
    percent: Annotated[float, Field(gt=0, le=100_000)] | None = None

    def __str__(self) -> str:
        return f"{self.percent:g}%" if self.replicas is None else str(self.replicas)


def _amount(given: Any) -> Any:
    """`2` or `50%`, as the file has it."""
    if isinstance(given, str):
        try:
            return {"percent": parse_fraction(given) * 100}
        except ValueError:
            raise ValueError(f"found {given!r}; write so many replicas, such as 2, or a percentage, such as 50%") from None
    if isinstance(given, int) and not isinstance(given, bool):
        if given < 1:
            raise ValueError(f"found {given}; write 1 or more")
        return {"replicas": given}
    if isinstance(given, Amount):
        return given
    raise ValueError(f"found {given!r}; write so many replicas, such as 2, or a percentage, such as 50%")


Amounts = Annotated[Amount, BeforeValidator(_amount, json_schema_input_type=str | int)]


class StepRule(Model):
    """From its bound on, this much more or less: `above` with `add`, or `below` with `remove`."""

    above: float | None = None
    below: float | None = None
    add: Amounts | None = None
    remove: Amounts | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "StepRule":
        if (self.above is None) == (self.below is None):
            raise ValueError("a step has one bound; write {above: 100, add: 2} or {below: 20, remove: 1}")
        bound, amount, other = ("above", "add", "remove") if self.above is not None else ("below", "remove", "add")
        if getattr(self, other) is not None:
            raise at_key(other, f"can't go with `{bound}`; write `{amount}`")
        if getattr(self, amount) is None:
            raise at_key(amount, f"is missing beside `{bound}`; write `{amount}: 1`")
        return self


def _bounds(given: Any, info: ValidationInfo) -> Any:
    """The steps with their bounds as numbers: a latency's may be written as a duration, a fraction's as a percentage."""
    metric = info.data.get("measured")
    if not isinstance(given, tuple) or metric is None:
        return given
    return tuple(_in_unit(name_of(metric), rule) if isinstance(rule, dict) else rule for rule in given)


def _in_unit(metric: str, rule: dict[str, Any]) -> dict[str, Any]:
    written = {key: in_unit(metric, rule[key]) for key in ("above", "below") if isinstance(rule.get(key), str)}
    return rule | written


def _some(steps: tuple[StepRule, ...]) -> tuple[StepRule, ...]:
    if not steps:
        raise ValueError("is empty; write one, such as {above: 100, add: 2}")
    return steps


Steps = Annotated[tuple[StepRule, ...], BeforeValidator(_bounds), AfterValidator(_some)]


class Step(Model):
    """AWS-style steps: the metric's value says how many replicas more or fewer."""

    type: Literal["step"]
    measured: Metric = Field(alias="metric")
    steps: Steps
    cooldown: Duration = 60.0
    window: Annotated[Duration, Field(le=3600)] = Field(default_factory=default_window)

    @property
    def metric(self) -> str:
        """The metric that it is about."""
        return name_of(self.measured)

    @property
    def windows(self) -> Mapping[str, float]:
        """The metrics that it is decided by, and how far back each is looked at."""
        return {self.metric: self.window}

    @property
    def aim(self) -> None:
        """It has steps and no aim."""
        return

    @property
    def per_replica(self) -> bool:
        """Its bounds are the whole service's."""
        return False
