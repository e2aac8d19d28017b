"""The cases of HPA's scaling rules: rates with past events, min and max.

Source: kubernetes `pkg/controller/podautoscaler/horizontal_test.go`: TestScalingWithRules, TestStoreScaleEvents,
TestConvertDesiredReplicasWithRules, TestCalculateScale{Up,Down}LimitWith...

The HPA's functions are given a count that metrics ask for; here a policy asks for just that. Past events are moves to a
bound, which come past all rates and leave nothing for stabilization: an event of n is n moves by one, a millisecond apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.decide.originals.replays import LONG_AGO, answers, asks, policy, tick

Events = tuple[tuple[float, int], ...]  # seconds ago, and by how many


def spread(*sizes: int) -> Events:
    """Events in the middles of equal parts of the last 120 s."""
    part = 120 / len(sizes)
    return tuple((120 - part * (index + 0.5), size) for index, size in enumerate(sizes))


def rules(
    pods: int, pods_period: int, percent: int, percent_period: int, window: int, select: str = "max"
) -> dict[str, Any]:
    """One direction, in the order of the original's arguments; 0 is no such rate."""
    rates = [{"replicas": pods, "period": f"{pods_period}s"}] if pods else []
    rates += [{"percent": percent, "period": f"{percent_period}s"}] if percent else []
    return {"stabilization_window": f"{window}s", "select": select, "policies": rates}


@dataclass(frozen=True, slots=True)
class Move:
    """From `current` the metrics ask for `asked`; what comes of it is `expected`."""

    min: int
    max: int
    current: int
    asked: int
    expected: int
    up: Mapping[str, Any] | None = None
    down: Mapping[str, Any] | None = None
    ups: Events = ()
    downs: Events = ()

    def count(self, folder: Path) -> int:
        """The count that `replay` decides."""
        behavior = {key: rule for key, rule in (("scale_up", self.up), ("scale_down", self.down)) if rule is not None}
        text = policy([asks(self.asked).policy], self.min, self.max, behavior)
        past = [*moved(self.ups, self.min - 1, after=0.0), *moved(self.downs, self.max + 1, after=0.5)]
        lines = [
            line for _, line in sorted([(LONG_AGO, self.at(LONG_AGO, self.current)), *past, (0.0, self.at(0.0, self.asked))])
        ]
        desired: int = answers(folder, text, lines)[-1]["desired"]
        return desired

    def at(self, t: float, asked: int) -> str:
        """A tick at `current`."""
        return tick(t, self.current, [asks(asked)], desired=self.current)


def moved(events: Events, beyond: int, after: float) -> list[tuple[float, str]]:
    """Ticks in which a bound moves the count by one, as often as the events say."""
    times = [-ago + (after + step) / 1000 for ago, size in events for step in range(size)]
    return [(t, tick(t, 1, [asks(1)], desired=beyond)) for t in times]


UPS = spread(1, 5, 9)
DOWNS = spread(1, 5, 9)
MANY = spread(8, 12, 9, 11)

RULES = {
    "prenormalized desired replicas within range": Move(3, 8, 5, 7, 7),
    "prenormalized desired replicas < minReplicas": Move(2, 8, 3, 1, 2),
    "maxReplicas is the limit because maxReplicas < scaleUpLimit": Move(1, 10, 20, 1000, 10),
    "desired replica count is more than the maximum replica count": Move(100, 150, 100, 1000, 150),
    "scaleUpLimit is the limit because scaleUpLimit < maxReplicas with user policies": Move(
        1, 2000, 3, 1000, 4, up=rules(0, 0, 1, 60, 0)
    ),
    "scaleDownLimit is the limit because scaleDownLimit > minReplicas with user defined policies": Move(
        3, 2000, 1000, 3, 980, down=rules(20, 60, 0, 0, 0)
    ),
    "scaleUp with default behavior": Move(1, 1000, 10, 50, 20),
    "scaleUp with pods policy larger than percent policy": Move(1, 1000, 10, 500, 110, up=rules(100, 60, 100, 60, 0)),
    "scaleUp with percent policy larger than pods policy": Move(1, 1000, 10, 500, 20, up=rules(2, 60, 100, 60, 0)),
    "scaleUp with spec MaxReplicas limitation with large pod policy": Move(1, 1000, 10, 50, 50, up=rules(100, 60, 0, 0, 0)),
    "scaleUp with spec MaxReplicas limitation with large percent policy": Move(
        1, 1000, 10, 50, 50, up=rules(10000, 60, 0, 0, 0)
    ),
    "scaleUp with pod policy limitation": Move(1, 1000, 10, 50, 40, up=rules(30, 60, 0, 0, 0)),
    "scaleUp with percent policy limitation": Move(1, 1000, 10, 50, 30, up=rules(0, 0, 200, 60, 0)),
    "scaleDown with percent policy larger than pod policy": Move(1, 1000, 100, 2, 80, down=rules(20, 60, 1, 60, 300)),
    "scaleDown with pod policy larger than percent policy": Move(1, 1000, 100, 2, 98, down=rules(2, 60, 1, 60, 300)),
    "scaleDown with spec MinReplicas=nil limitation with large pod policy": Move(
        1, 1000, 10, 0, 1, down=rules(100, 60, 0, 0, 300)
    ),
    "scaleDown with spec MinReplicas limitation with large pod policy": Move(
        1, 1000, 10, 0, 1, down=rules(100, 60, 0, 0, 300)
    ),
    "scaleDown with spec MinReplicas limitation with large percent policy": Move(
        5, 1000, 10, 2, 5, down=rules(0, 0, 100, 60, 300)
    ),
    "scaleDown with pod policy limitation": Move(1, 1000, 10, 2, 5, down=rules(5, 60, 0, 0, 300)),
    "scaleDown with percent policy limitation": Move(1, 1000, 10, 5, 5, down=rules(0, 0, 50, 60, 300)),
    "scaleUp with spec MaxReplicas limitation with large pod policy and events": Move(
        1, 200, 100, 500, 200, up=rules(300, 60, 0, 0, 0), ups=UPS
    ),
    "scaleUp with spec MaxReplicas limitation with large percent policy and events": Move(
        1, 200, 100, 500, 200, up=rules(0, 0, 10000, 60, 0), ups=UPS
    ),
    "scaleUp with currentReplicas limitation with rate.PeriodSeconds with a lot of recent scale up events": Move(
        1, 1000, 100, 500, 100, up=rules(5, 120, 0, 0, 0), ups=UPS
    ),
    "scaleUp with pod policy and previous scale up events": Move(
        1, 1000, 100, 500, 235, up=rules(150, 120, 0, 0, 0), ups=UPS
    ),
    "scaleUp with percent policy and previous scale up events": Move(
        1, 1000, 100, 500, 255, up=rules(0, 0, 200, 120, 0), ups=UPS
    ),
    "scaleUp with percent policy and previous scale up and down events": Move(
        1, 1000, 6, 24, 16, up=rules(0, 0, 300, 300, 0), ups=spread(4), downs=spread(2)
    ),
    "scaleDown with default policy and previous events": Move(1, 1000, 10, 5, 5, downs=DOWNS),
    "scaleDown with spec MinReplicas=nil limitation with large pod policy and previous events": Move(
        1, 1000, 100, 0, 1, down=rules(115, 120, 0, 0, 300), downs=DOWNS
    ),
    "scaleDown with spec MinReplicas limitation with large pod policy and previous events": Move(
        5, 1000, 100, 0, 5, down=rules(130, 120, 0, 0, 300), downs=DOWNS
    ),
    "scaleDown with spec MinReplicas limitation with large percent policy and previous events": Move(
        5, 1000, 100, 2, 5, down=rules(0, 0, 100, 120, 300), downs=DOWNS
    ),
    "scaleDown with pod policy limitation and previous events": Move(
        1, 1000, 100, 2, 100, down=rules(5, 120, 0, 0, 300), downs=DOWNS
    ),
    "scaleDown with percent policy limitation and previous events": Move(
        1, 1000, 100, 0, 56, down=rules(0, 0, 50, 120, 300), downs=spread(2, 4, 6)
    ),
    "scaleDown with percent policy and previous scale up and down events": Move(
        1, 1000, 10, 1, 6, down=rules(0, 0, 50, 180, 0), ups=spread(2), downs=spread(4)
    ),
    "scaleDown with previous events preventing further scale down": Move(
        1, 1000, 100, 0, 100, down=rules(0, 0, 10, 120, 300), downs=spread(10, 10, 10)
    ),
    "scaleDown with with previous events still allowing more scale down": Move(
        1, 1000, 10, 5, 5, down=rules(0, 0, 1000, 120, 300), downs=spread(10, 10, 10)
    ),
    "check 'outdated' flag for events for one behavior for up": Move(
        1, 1000, 100, 200, 200, up=rules(1000, 60, 0, 0, 0), ups=MANY
    ),
    "check that events were not marked 'outdated' for two different policies in the behavior for up": Move(
        1, 1000, 100, 200, 200, up=rules(1000, 120, 100, 60, 0), ups=MANY
    ),
    "check that events were marked 'outdated' for two different policies in the behavior for up": Move(
        1, 1000, 100, 200, 200, up=rules(1000, 30, 100, 60, 0), ups=MANY
    ),
    "check 'outdated' flag for events for one behavior for down": Move(
        1, 1000, 100, 5, 5, down=rules(1000, 60, 0, 0, 300), downs=MANY
    ),
    "check that events were not marked 'outdated' for two different policies in the behavior for down": Move(
        1, 1000, 100, 5, 5, down=rules(1000, 120, 100, 60, 300), downs=MANY
    ),
    "check that events were marked 'outdated' for two different policies in the behavior for down": Move(
        1, 1000, 100, 5, 5, down=rules(1000, 30, 100, 60, 300), downs=MANY
    ),
    # without behavior the original's own factor of 8 limits; as rates it is 700%, or 4 replicas
    "ConvertDesiredReplicasWithRules/scaleUpLimit is the limit because scaleUpLimit < maxReplicas": Move(
        1, 2000, 3, 1000, 24, up=rules(4, 15, 700, 15, 0)
    ),
    "CalculateScaleUpLimitWithScalingRules": Move(1, 1000, 1, 500, 2, up=rules(2, 60, 50, 60, 300, "min")),
    "CalculateScaleDownLimitWithBehaviors": Move(1, 1000, 5, 1, 3, down=rules(2, 60, 50, 60, 300, "min")),
}

# seconds ago and size of each event, and how many of them count within 60 s
STORED: Mapping[str, tuple[Events, int]] = {
    "empty entries with default behavior": ((), 0),
    "empty entries with two-policy-behavior": ((), 0),
    "one outdated entry to be kept untouched without behavior": (((61, 7),), 0),
    "one outdated entry to be replaced with behavior": (((61, 7),), 0),
    "one actual entry to be not touched with behavior": (((58, 7),), 7),
    "two entries, one of them to be replaced": (((61, 7), (59, 6)), 6),
    "replace one entry, use policies with different periods": (((29, 8), (59, 6), (61.1, 7), (61, 9)), 14),
    "two entries, both actual": (((58, 7), (59, 6)), 13),
}


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in RULES.items()])
def test_scaling_with_rules(tmp_path: Path, case: Move) -> None:
    assert case.count(tmp_path) == case.expected


@pytest.mark.parametrize(("events", "counted"), [pytest.param(*each, id=name) for name, each in STORED.items()])
def test_the_events_that_count_up(tmp_path: Path, events: Events, counted: int) -> None:
    case = Move(1, 1000, 100, 1000, 200 - counted, up=rules(100, 60, 0, 0, 0), ups=events)
    assert case.count(tmp_path) == case.expected


@pytest.mark.parametrize(("events", "counted"), [pytest.param(*each, id=name) for name, each in STORED.items()])
def test_the_events_that_count_down(tmp_path: Path, events: Events, counted: int) -> None:
    case = Move(1, 1000, 100, 1, 50 + counted, down=rules(50, 60, 0, 0, 0), downs=events)
    assert case.count(tmp_path) == case.expected


def test_zero_is_within_range_once_the_service_is_idle(tmp_path: Path) -> None:
    """TestScalingWithRules, "...within range when minReplicas is 0": to 0 goes a service that has been idle."""
    text = policy([asks(0).policy], 0, 10, {})
    lines = [tick(LONG_AGO, 1, [asks(0)], desired=1), tick(0.0, 1, [asks(0)], desired=1)]
    assert [answer["desired"] for answer in answers(tmp_path, text, lines)] == [1, 0]
