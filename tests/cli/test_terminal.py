"""What a terminal and a pipe get to see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from autoscaler.cli import terminal
from autoscaler.cli.terminal import Cell, Table, age, clock_time, fancy, plain, printable, show

TABLE = Table(
    ("NAME", "COUNT", "NOTES", "WHERE"),
    [["web", "3", Cell(["one", "two"], "red"), "here"], ["checkout", "12", Cell("-"), "there"]],
    right=frozenset({"COUNT"}),
    spare=frozenset({"WHERE"}),
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain täxt 日本 🎉", "plain täxt 日本 🎉"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\x9b2J", r"\x9b2J"),
        ("\x00\x07\x7f", r"\x00\x07\x7f"),
        ("\u202eevil\u2066", r"\u202eevil\u2066"),
        ("\u2028", r"\u2028"),
        ("\ud800", r"\ud800"),
        ("[bold]not markup[/bold]", "[bold]not markup[/bold]"),
    ],
)
def test_what_a_terminal_would_obey_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_printable_text_is_one_line_that_can_be_encoded(text: str) -> None:
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert printable(shown) == shown
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in shown)


def test_a_pipe_gets_plain_columns() -> None:
    assert plain(TABLE) == "\n".join(
        [
            "NAME      COUNT  NOTES     WHERE",
            "web           3  one, two  here",
            "checkout     12  -         there",
        ]
    )


def rendered(table: Table, width: int) -> str:
    console = Console(width=width, force_terminal=False, color_system=None)
    with console.capture() as captured:
        console.print(fancy(table, width))
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def test_a_wide_terminal_gets_all_columns_and_a_line_a_note() -> None:
    assert rendered(TABLE, 120) == "\n".join(
        [
            "NAME      COUNT  NOTES  WHERE",
            "web           3  one    here",
            "                 two",
            "checkout     12  -      there",
        ]
    )


def test_a_narrow_one_gets_fewer() -> None:
    assert rendered(TABLE, 80).splitlines()[0] == "NAME      COUNT  NOTES"


def test_cells_are_never_markup_nor_obeyed() -> None:
    table = Table(("A",), [["[red]x[/red]"], ["\x1b[2J"]])
    assert rendered(table, 80).splitlines()[1:] == ["[red]x[/red]", r"\x1b[2J"]
    assert plain(table).splitlines()[1:] == ["[red]x[/red]", r"\x1b[2J"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-3, "0s"), (0, "0s"), (59.9, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h"), (11_520, "3h12m"), (86_400 * 5.5, "5d")],
)
def test_an_age(seconds: float, shown: str) -> None:
    assert age(seconds) == shown


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    monkeypatch.setattr(terminal, "is_terminal", lambda: True)


def test_a_time_has_its_day_where_that_is_not_today(berlin: None) -> None:
    assert clock_time(1_700_000_000, now=1_700_000_100) == "23:13:20"
    assert clock_time(1_700_000_000, now=1_700_090_000) == "Nov 14 23:13:20"


def test_a_time_in_a_pipe_is_whole(berlin: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "is_terminal", lambda: False)
    assert clock_time(1_700_000_000) == "2023-11-14T23:13:20+0100"


def test_parts_stand_apart_and_empty_ones_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    show("one", "", Table(("A",), [["b"]]), "two")
    assert capsys.readouterr().out == "one\n\nA\nb\n\ntwo\n"
