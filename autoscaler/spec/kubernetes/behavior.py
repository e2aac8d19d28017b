"""The HPA's `behavior`, there and back: ours has its meaning and its defaults, so it maps field by field.

    stabilizationWindowSeconds      stabilization_window
    selectPolicy                    select
    policies of Pods, Percent       policies of replicas, percent
    tolerance, of a direction       tolerance, of each target_tracking policy

No rates at all (`policies: []`) are the HPA's largest in its shortest period: 1,000,000% up, 100% down, in a second.
Source: Kubernetes, "Horizontal Pod Autoscaling", Configurable scaling behavior, and Tolerance (1.33 and later).
"""

from collections.abc import Callable, Iterable
from math import ceil
from typing import Any

from autoscaler.spec.kubernetes.fields import Field
from autoscaler.spec.kubernetes.quantity import format_quantity
from autoscaler.spec.models import HPA_SCALE_DOWN, HPA_SCALE_UP, Behavior, Rate, ScalingRules, TargetTracking, Tolerance
from autoscaler.spec.nodes import Path
from autoscaler.units import format_duration

DIRECTIONS = {"scaleUp": "scale_up", "scaleDown": "scale_down"}
SELECT = {"Max": "max", "Min": "min", "Disabled": "disabled"}
AMOUNTS = {"Pods": "replicas", "Percent": "percent"}
LONGEST_WINDOW_S, LONGEST_PERIOD_S = 3600, 1800
MOST_PERCENT = 1_000_000
DEFAULT_TOLERANCE = Tolerance()

Tell = Callable[[Path, str], None]

# ---------------------------------------------------------------- from a manifest


def read_behavior(field: Field) -> dict[str, Any]:
    """Our `behavior:` of the manifest's, as far as that says anything."""
    told = {ours: _rules(field.at(theirs)) for theirs, ours in DIRECTIONS.items()}
    return {direction: rules for direction, rules in told.items() if rules}


def read_tolerance(field: Field) -> dict[str, str]:
    """The tolerance each way, as far as it is given, as our policies have it."""
    told: dict[str, str] = {}
    for theirs, ours in (("scaleUp", "up"), ("scaleDown", "down")):
        given = field.at(theirs, "tolerance")
        if not given.given:
            continue
        value = 0.0 if given.text() in ("0", "0.0") else given.quantity()
        if value is not None and ours == "down" and value >= 1:
            given.note("scales nothing in; left out, where `select: disabled` says the same")
        elif value is not None:
            told[ours] = percentage(value)
    return told


def _rules(field: Field) -> dict[str, Any]:
    rules: dict[str, Any] = {}
    window = field.at("stabilizationWindowSeconds").whole_number()
    if window is not None:
        rules["stabilization_window"] = format_duration(min(window, LONGEST_WINDOW_S))
    select = field.at("selectPolicy")
    if select.given and select.text() in SELECT:
        rules["select"] = SELECT[select.text()]
    elif select.given:
        select.refuse(f"found {select.text()!r}", f"allowed: {', '.join(SELECT)}")
    rates = [rate for each in field.at("policies").items() if (rate := _rate(each)) is not None]
    if rates:
        rules["policies"] = rates
    return rules


def _rate(field: Field) -> dict[str, Any] | None:
    kind, value = field.at("type").text(), field.at("value").needed("value: 4").whole_number(least=1)
    period = field.at("periodSeconds").needed("periodSeconds: 15").whole_number(least=1)
    if kind not in AMOUNTS:
        field.at("type").refuse(f"found {kind!r}", f"allowed: {', '.join(AMOUNTS)}")
    elif value is not None and period is not None:
        most = min(value, MOST_PERCENT) if kind == "Percent" else value
        return {AMOUNTS[kind]: most, "period": format_duration(min(period, LONGEST_PERIOD_S))}
    return None


def percentage(fraction: float) -> str:
    """A fraction as a policy file has it: 0.7 is `70%`."""
    return f"{round(fraction * 100, 7):.7f}".rstrip("0").rstrip(".") + "%"


# ---------------------------------------------------------------- to a manifest


def write_behavior(behavior: Behavior, tolerance: Tolerance, tell: Tell) -> dict[str, Any]:
    """The manifest's behavior, {} where it would say the HPA's defaults."""
    told: dict[str, Any] = {}
    for theirs, ours in DIRECTIONS.items():
        rules, default = (behavior.scale_up, HPA_SCALE_UP) if ours == "scale_up" else (behavior.scale_down, HPA_SCALE_DOWN)
        written = {} if rules == default else _written(rules, ours, tell)
        given, usual = (
            (tolerance.up, DEFAULT_TOLERANCE.up) if ours == "scale_up" else (tolerance.down, DEFAULT_TOLERANCE.down)
        )
        if given != usual:
            written["tolerance"] = format_quantity(given) if given else "0"
        if written:
            told[theirs] = written
    return told


def tolerance_of(policies: Iterable[tuple[int, TargetTracking]], tell: Tell) -> Tolerance:
    """The HPA's one tolerance: of several that differ the narrowest."""
    tolerances = [(index, policy.tolerance) for index, policy in policies]
    if not tolerances:
        return DEFAULT_TOLERANCE
    narrowest = Tolerance(up=min(each.up for _, each in tolerances), down=min(each.down for _, each in tolerances))
    for index, each in tolerances:
        if each != narrowest:
            tell(("policies", index, "tolerance"), "the HPA has one tolerance for all: the narrowest is taken")
    return narrowest


def _written(rules: ScalingRules, direction: str, tell: Tell) -> dict[str, Any]:
    path: Path = ("behavior", direction)
    return {
        "stabilizationWindowSeconds": _seconds(rules.stabilization_window, (*path, "stabilization_window"), tell),
        "selectPolicy": next(theirs for theirs, ours in SELECT.items() if ours == rules.select),
        "policies": [_amount(rate, (*path, "policies", index), tell) for index, rate in enumerate(rules.policies)]
        or [{"type": "Percent", "value": MOST_PERCENT if direction == "scale_up" else 100, "periodSeconds": 1}],
    }


def _amount(rate: Rate, path: Path, tell: Tell) -> dict[str, Any]:
    period = max(_seconds(rate.period, (*path, "period"), tell), 1)
    if rate.replicas is not None:
        return {"type": "Pods", "value": rate.replicas, "periodSeconds": period}
    percent = rate.percent or 0.0
    if percent != int(percent):
        tell((*path, "percent"), f"{percent:g}% is made {ceil(percent)}%: the HPA has whole per cent")
    return {"type": "Percent", "value": ceil(percent), "periodSeconds": period}


def _seconds(duration: float, path: Path, tell: Tell) -> int:
    if duration != int(duration):
        tell(path, f"{format_duration(duration)} is made {ceil(duration)}s: the HPA has whole seconds")
    return ceil(duration)
