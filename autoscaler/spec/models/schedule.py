"""`type: schedule`: bounds by the clock."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field, model_validator

from autoscaler.spec.fields import PositiveDuration
from autoscaler.spec.models.base import Model

_FIELD = re.compile(r"[0-9*,/-]+")
_EXAMPLE = 'write five fields such as "0 8 * * 1-5" (minute, hour, day of month, month, day of week)'
_LONGEST_S = 366 * 86400.0


def _cron(given: str) -> str:
    fields = given.split()
    if len(fields) != 5:
        raise ValueError(f"{given!r} has {len(fields)} fields; {_EXAMPLE}")
    for field in fields:
        if not _FIELD.fullmatch(field):
            raise ValueError(f"{field!r} is no plain field (names, L, # and the like are none); {_EXAMPLE}")
    try:
        starts = CronSim(given, datetime(2000, 1, 1, tzinfo=UTC))
        next(starts)
    except CronSimError as error:
        raise ValueError(f"{given!r}: {str(error).lower()}; {_EXAMPLE}") from None
    except StopIteration:
        raise ValueError(f"{given!r} never comes; {_EXAMPLE}") from None
    return " ".join(fields)


def _zone(given: str) -> str:
    try:
        ZoneInfo(given)
    except (KeyError, ValueError, OSError):  # unknown, no name of a file, a folder of zones
        raise ValueError(f"{given!r} is no time zone; write one like Europe/Berlin or UTC") from None
    return given


class ScheduleRule(Model):
    """From each moment that `cron` names, for so long: at least `min` and at most `max` replicas."""

    cron: Annotated[str, AfterValidator(_cron)]
    for_s: Annotated[PositiveDuration, Field(le=_LONGEST_S)] = Field(alias="for")
    min: Annotated[int, Field(ge=0, le=10_000)] | None = None
    max: Annotated[int, Field(ge=1, le=10_000)] | None = None

    @model_validator(mode="after")
    def _bounds(self) -> "ScheduleRule":
        if self.min is None and self.max is None:
            raise ValueError("bounds nothing; give it a `min`, a `max`, or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above its max {self.max}; lower min or raise max")
        return self


def _some(rules: tuple[ScheduleRule, ...]) -> tuple[ScheduleRule, ...]:
    if not rules:
        raise ValueError('is empty; write one, such as {cron: "0 8 * * 1-5", for: 10h, min: 4}')
    return rules


class Schedule(Model):
    """Bounds by the clock, in a time zone's own time."""

    type: Literal["schedule"]
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    rules: Annotated[tuple[ScheduleRule, ...], AfterValidator(_some)]

    @property
    def metric(self) -> str:
        """It is about no metric."""
        return ""

    @property
    def windows(self) -> Mapping[str, float]:
        """It looks at no metric."""
        return {}

    @property
    def aim(self) -> None:
        """It has rules and no aim."""
        return

    @property
    def per_replica(self) -> bool:
        """Its bounds are the whole service's."""
        return False
