"""A chart's panels: where values are, round ticks, and text that is no markup."""

from xml.etree import ElementTree

import pytest

from benchmarks.decisions.svg import Panel, document, line, round_ticks, text

PANEL = Panel(left=10, top=20, width=100, height=50, first=0, last=4, most=10)


def test_a_value_stands_until_the_next_one() -> None:
    assert PANEL.steps([(0, 5), (1, 5), (2, 10)]) == [(10, 45), (60, 45), (60, 20), (110, 20)]


def test_a_value_beyond_the_most_is_at_the_top() -> None:
    assert PANEL.y(11) == PANEL.y(10) == 20


@pytest.mark.parametrize(
    ("most", "count", "ticks"),
    [(50, 3, [0, 20, 40]), (24, 5, [0, 5, 10, 15, 20]), (100, 2, [0, 50, 100]), (0.3, 3, [0, 0.1, 0.2, 0.3])],
)
def test_ticks_are_round(most: float, count: int, ticks: list[float]) -> None:
    assert round_ticks(most, count) == pytest.approx(ticks)


def test_what_is_told_is_kept_as_it_is() -> None:
    told = "a: {b: 1 < 2 & 3}\n"
    root = ElementTree.fromstring(document(80, 40, "t", told, [text(1, 2, "<&>"), line([(0, 0), (1, 1)], "#000000")]))
    inside = {child.tag.split("}")[1]: child for child in root}
    assert (inside["desc"].text, inside["text"].text) == (told, "<&>")
