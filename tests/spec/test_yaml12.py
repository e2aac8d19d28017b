"""YAML 1.2's core schema, places, and documents' own texts."""

import math

import pytest

from autoscaler.spec.nodes import Mark, find, values
from autoscaler.spec.problems import Problems
from autoscaler.spec.yaml12 import YamlDocument, read, resolve


def read_well(text: str) -> list[YamlDocument]:
    problems = Problems()
    documents = read(text, "f.yaml", problems)
    assert [problem for each in documents for problem in each.problems.found] + problems.found == []
    return documents


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("off", "off"),
        ("12", 12),
        ("-012", -12),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2026-11-24", "2026-11-24"),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-.inf", -math.inf),
        ("1.2.3", "1.2.3"),
        ("=", "="),
    ],
)
def test_core_schema(text: str, value: object) -> None:
    assert (resolve(text), type(resolve(text))) == (value, type(value))


def test_quoted_and_tagged_scalars() -> None:
    (document,) = read_well("{a: '1', b: !!str 1, c: ! 1, d: !!int '1'}")
    assert values(document.root) == {"a": "1", "b": "1", "c": "1", "d": 1}


def test_places_are_those_of_an_editor() -> None:
    (document,) = read_well("\ufeff# é\na:\n  - b: 1\n    ç: 2\n")
    assert find(document.root, ("a", 0, "ç"))[0] == Mark("f.yaml", 4, 5)


def test_each_document_keeps_its_own_text_and_lines() -> None:
    first, second, third = read_well("a: 1 # one\n--- {b: 2}\n...\n# three\n---\nc: 3")
    assert (first.text, second.text, third.text) == ("a: 1 # one\n", "\n--- {b: 2}\n...\n", "\n\n\n\n---\nc: 3")
    for document in (first, second, third):
        (again,) = read_well(document.text)
        assert again.root == document.root


def test_aliases_are_of_their_own_document_and_may_be_defined_anew() -> None:
    (document,) = read_well("{a: &x 1, b: *x, c: &x 2, d: *x}")
    assert values(document.root) == {"a": 1, "b": 1, "c": 2, "d": 2}
    problems = Problems()
    read("a: &x 1\n---\nb: *x\n", "f.yaml", problems)
    assert [str(problem.mark) for problem in problems.found] == ["f.yaml:3:4"]


def test_merges_give_way_to_own_keys_and_earlier_ones() -> None:
    (document,) = read_well("{x: &x {a: 1, b: 1}, y: &y {b: 2, c: 2}, z: {c: 3, <<: [*x, *y]}}")
    assert values(document.root)["z"] == {"c": 3, "a": 1, "b": 1}


def test_the_documents_before_a_broken_one_are_read() -> None:
    problems = Problems()
    documents = read("a: 1\n---\nb: [\n", "f.yaml", problems)
    assert [values(document.root) for document in documents] == [{"a": 1}]
    assert len(problems.found) == 1
