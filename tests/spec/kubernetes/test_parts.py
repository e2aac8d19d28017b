"""Quantities, crons, YAML text, and manifests that nobody would write."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autoscaler.errors import PolicyError
from autoscaler.spec import yaml12
from autoscaler.spec.interpolation import fill_in
from autoscaler.spec.kubernetes import Given, convert
from autoscaler.spec.kubernetes.cron import end_of, lengths, plain
from autoscaler.spec.kubernetes.quantity import format_quantity, parse_quantity
from autoscaler.spec.kubernetes.written import Blank, comment, manifest_text, policy_text
from autoscaler.spec.nodes import MapNode, Mark, values
from autoscaler.spec.problems import Problems
from tests.spec.kubernetes.manifests import deployment, hpa, named, resource, scaled_object, text_of, trigger


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("500m", 0.5), ("10", 10), ("0.25", 0.25), ("2k", 2000), ("1Gi", 1024**3), ("1e3", 1000), ("1E3", 1000),
        ("1E", 1e18), ("12e-1", 1.2), ("62500u", 0.0625), ("5n", 5e-9), (".5", 0.5), ("1.Mi", 1024**2), ("+3", 3),
    ],
)  # fmt: skip
def test_a_quantity(text: str, number: float) -> None:
    assert parse_quantity(text) == number


@pytest.mark.parametrize("text", ["", "m", "1kk", "1 k", "one", "0x10", "1e999", "1_000", "9" * 41, "1mi", "--1"])
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="is no quantity; write it like"):
        parse_quantity(text)


@given(st.integers(1, 10**15), st.integers(0, 9))
def test_a_quantity_comes_back(digits: int, decimals: int) -> None:
    number = digits / 10**decimals
    if digits < 10**14:
        assert parse_quantity(format_quantity(number)) == pytest.approx(number, rel=1e-15, abs=1e-9)


@pytest.mark.parametrize("number", [0.0, 1e-10, 1e19, -1.0])
def test_what_no_quantity_can_say(number: float) -> None:
    with pytest.raises(ValueError, match="is no positive quantity"):
        format_quantity(number)


def test_a_cron_is_told_in_numbers() -> None:
    assert plain("0  8 ? jan-MAR Mon-Fri") == "0 8 * 1-3 1-5"


@pytest.mark.parametrize(
    ("start", "seconds", "end"),
    [
        ("0 8 * * 1-5", 36000, "0 18 * * 1-5"),
        ("0 22 * * *", 10800, "0 1 * * *"),
        ("0 22 * * 1-5", 10800, "0 1 * * 2,3,4,5,6"),
        ("0 22 10 3 *", 10800, "0 1 11 3 *"),
        ("0 22 31 3 *", 10800, None),
        ("0 22 1-5 * *", 10800, None),
        ("0 22 * * */2", 10800, None),
        ("*/5 8 * * *", 60, None),
        ("0 8 * * *", 61, None),
        ("0 8 * * *", 172800, None),
    ],
)
def test_the_end_of_a_span(start: str, seconds: int, end: str | None) -> None:
    assert end_of(start, seconds) == end
    if end is not None:
        assert [each.total_seconds() for each in lengths(start, end)] == [seconds]


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
atoms = st.one_of(texts, st.sampled_from(["no", "1e3", "0o17", "~", "", "a: b", "- a", "#x", "$x", "${X}", "%a", "1.0"]),
                  st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans())  # fmt: skip
trees = st.dictionaries(
    texts.filter(lambda key: key != "<<"),
    st.recursive(
        atoms,
        lambda below: (
            st.lists(below, min_size=1, max_size=3)
            | st.dictionaries(texts.filter(lambda key: key != "<<"), below, min_size=1, max_size=3)
        ),
    ),
    min_size=1,
)


@settings(max_examples=60, deadline=None)
@given(trees)
@example({"a": [{"b": "x" * 90}, [1, [2]], {"c": {"d": {"e": "\x85\x7f\ufeff"}}}]})
def test_what_is_written_is_read_again(tree: dict[str, Any]) -> None:
    problems = Problems()
    (document,) = yaml12.read(policy_text(tree), "p.yaml", problems)
    assert problems.found == document.problems.found == []
    assert isinstance(document.root, MapNode)
    read = values(fill_in(document.root, lambda _: None, problems))
    assert problems.found == []
    assert json.loads(json.dumps(read)) == tree
    assert yaml.safe_load(manifest_text({"a": "$x"})) == {"a": "$x"}


def test_a_blank_is_empty_with_a_comment() -> None:
    assert policy_text({"a": {"b": Blank("the b\nof it")}}) == "a:\n  b:  # fill in: the b\\nof it\n"
    assert comment("x\x1b[1m\u2028y") == "# x\\x1b[1m\\u2028y"


SOUND = [
    hpa(resource("cpu", averageUtilization=70), named("External", "x", averageValue="1"), behavior={
        "scaleUp": {"policies": [{"type": "Pods", "value": 4, "periodSeconds": 60}], "tolerance": "50m"}}),
    scaled_object(
        trigger("cron", timezone="UTC", start="0 8 1 1 *", end="0 9 1 1 *", desiredReplicas="2"),
        trigger("prometheus", serverAddress="http://p", query="q", threshold="1"),
        trigger("redis", address="r:1", listName="l"), trigger("rabbitmq", host="amqp://r", queueName="q", value="1"),
        trigger("cpu", "Utilization", value="60"), fallback={"failureThreshold": 3, "replicas": 2},
        annotations={"autoscaling.keda.sh/paused": "true"}),
    deployment(image="a", ports=[{"containerPort": 80}], resources={"limits": {"cpu": "1"}}),
]  # fmt: skip
ODD: Any = st.sampled_from(
    [None, "", "x", "-1", 0, -1, 1.5, True, [], [[]], {}, {"a": 1}, "1e400", "9" * 30, "http://[", "$x"]
)


def _places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for key, value in below for place in _places(value, (*path, key)))]


@st.composite
def broken(draw: st.DrawFn) -> str:
    """Sound manifests with something odd in some places."""
    manifests = json.loads(json.dumps(SOUND))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([place for place in _places(manifests) if len(place) > 1]))
        node = manifests
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = draw(ODD)
    return text_of(*manifests)


def outcome(text: str) -> tuple[list[str], list[str]]:
    """The policies, or what is wrong."""
    try:
        return [policy.text() for policy in convert(text, "m.yaml", Given())], []
    except PolicyError as error:
        return [], str(error).splitlines()


@settings(max_examples=150, deadline=None)
@given(broken())
def test_a_broken_manifest_gives_lines_and_nothing_worse(text: str) -> None:
    policies, lines = outcome(text)
    assert all(line.startswith("m.yaml:") for line in lines)
    for policy in policies:
        problems = Problems()
        assert yaml12.read(policy, "p.yaml", problems)
        assert problems.found == []


def test_yaml_that_cannot_be_read_is_told_with_its_line() -> None:
    with pytest.raises(PolicyError) as caught:
        convert("kind: [\n", str(Path("m.yaml")), Given())
    assert str(caught.value).startswith(str(Mark("m.yaml", 2, 1)))
