"""docs/decisions.md beside the code: every policy type is there, every default is the code's, plots show their policies."""

import re
from collections.abc import Mapping
from typing import Any, get_args
from xml.etree import ElementTree

import pytest
import yaml
from pydantic import BaseModel

from autoscaler.decide import anti_flap
from autoscaler.decide.auto import policy as auto
from autoscaler.decide.latency_slo import HOLD_S
from autoscaler.decide.predictive import contest
from autoscaler.decide.predictive import policy as predictive
from autoscaler.spec.models import Behavior, Policy, ScaleToZero, ServiceSpec
from autoscaler.units import format_duration
from benchmarks.decisions import page
from benchmarks.decisions.runs import SLOTS

TEXT = page.PAGE.read_text()
SECTIONS = dict(re.findall(r"^## `?(.+?)`?\n((?:(?!## ).*\n)*)", TEXT, re.MULTILINE))
MODELS: Mapping[str, type[BaseModel]] = {
    get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(get_args(Policy)[0])
}
DRAWN = page.drawn(TEXT)
CELL = re.compile(r"`([^`]+)`")


def rows(section: str) -> dict[str, list[str]]:
    """The section's table of keys: each key's other cells."""
    table = [line.strip("| ").split(" | ") for line in SECTIONS[section].splitlines() if line.startswith("| `")]
    return {key: cells for names, *cells in table for key in CELL.findall(names)}


def given(cell: str) -> Any:
    """The value that a cell names."""
    (value,) = CELL.findall(cell)
    return yaml.safe_load(value)


def sample(name: str) -> dict[str, Any]:
    """The type's policy that is drawn, with what it must have alone."""
    policy = next(each for each in yaml.safe_load(DRAWN[name])["policies"] if each["type"] == name)
    return {
        key: value for key, value in policy.items() if key == "type" or rows(name)[key][0] in ("required", "one of them")
    }


def read(policy: dict[str, Any], **keys: Any) -> ServiceSpec:
    """A service under that policy, as a file has it."""
    return page.spec(yaml.safe_dump({"policies": [policy], **keys}), SLOTS)


# ---------------------------------------------------------------- what it says


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_key_of_a_policy_type_is_there(name: str) -> None:
    fields = {field.alias or key: field for key, field in MODELS[name].model_fields.items() if key != "type"}
    assert rows(name).keys() == fields.keys()
    assert {key for key, cells in rows(name).items() if cells[0] == "required"} == {
        key for key, field in fields.items() if field.is_required()
    }


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_default_of_a_policy_type_is_the_codes(name: str) -> None:
    told = {key: given(cells[0]) for key, cells in rows(name).items() if cells[0] not in ("required", "one of them")}
    assert read(sample(name) | told).policies == read(sample(name)).policies


@pytest.mark.parametrize(("column", "name"), [(0, "target_tracking"), (0, "step"), (1, "concurrency"), (1, "auto")])
def test_every_default_of_behavior_is_the_codes(column: int, name: str) -> None:
    told: dict[str, Any] = {}
    for key, cells in rows("behavior").items():
        parent, _, last = key.rpartition(".")
        place = told.setdefault(parent, {}) if parent else told
        place[last] = given(cells[column])
    assert told.keys() == Behavior.model_fields.keys()
    assert read(sample(name), behavior=told).behavior == read(sample(name)).behavior


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("auto", f"while: start-up + {auto.AHEAD_S:g} s"),
        (
            "auto",
            f"waiting / {auto.DRAIN_S:g} s) / what a replica carries, at most {['', '', '', 'three'][auto.LEAP]} times",
        ),
        ("auto", f"of these in the last {['', 'minute'][round(auto.HOLD_S / 60)]}; one fewer"),
        ("auto", f"only where {auto.SPARE - 1:.0%} more load would still fit"),
        ("auto", f"P is {['', '', 'half'][round(1 / auto.BY_CHANCE)]} of what the objective leaves"),
        ("latency_slo", f"have been asked for during a {['', 'minute'][round(HOLD_S / 60)]}"),
        ("predictive", f"acts from {contest.BEGINS_AT:g} on, until above {contest.ENDS_ABOVE:g}"),
        (
            "predictive",
            f"asked for another {['', 'minute'][round(predictive.HOLD_S / 60)]}, alone for another "
            f"{['', '', '', '', '', 'five'][round(predictive.HOLD_ALONE_S / 60)]} minutes",
        ),
        ("Anti-flap", f"max(down window, {anti_flap.LEAST_S:g} s)"),
        ("Anti-flap", f"min({anti_flap.LONGEST_S / 3600:g} h, "),
        ("Anti-flap", f"within {['', '', '', '', '', 'five'][round(anti_flap.FLAP_S / 60)]} minutes (or"),
        ("None at all", f"`scale_to_zero.idle` (`{format_duration(ScaleToZero().idle)}`)"),
    ],
)
def test_every_number_that_has_no_key_is_the_codes(section: str, told: str) -> None:
    assert " ".join(told.split()) in " ".join(SECTIONS[section].split())


# ---------------------------------------------------------------- what it shows


@pytest.mark.parametrize("name", sorted({*MODELS, "behavior", "anti_flap"}))
def test_every_plot_is_of_the_policy_above_it(name: str) -> None:
    plot = ElementTree.parse(page.DOCS / "decisions" / f"{name}.svg").getroot()
    made_of = plot.find("{http://www.w3.org/2000/svg}desc")
    assert made_of is not None
    assert made_of.text == DRAWN[name], f"run `make plots ARGS={name}`"


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_a_policy_that_is_drawn_is_valid(name: str) -> None:
    types = {policy.type for policy in page.spec(DRAWN[name], SLOTS).policies}
    assert types == {name if name in MODELS else "target_tracking"}


def test_the_table_of_the_day_is_what_the_plots_say() -> None:
    plots = {name: (page.DOCS / "decisions" / f"{name}.svg").read_text() for name in DRAWN}
    assert page.with_table(TEXT, page.table(plots)) == TEXT, "run `make plots`"


def test_a_policy_that_is_wrong_is_told() -> None:
    with pytest.raises(ValueError, match="unknown key"):
        page.spec("policies: [{type: concurrency, target: 4, targt: 4}]\n", SLOTS)
