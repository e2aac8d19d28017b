"""What reaches a terminal, or a pipe: text without control characters, times, and tables.

A replica's log line, an engine's error or a client's path can hold escape codes and line breaks; they are shown as
`\\x1b` and `\\n`, never obeyed. On a terminal tables have colour and fit its width, in a pipe they are plain columns that
keep every character.
"""

import os
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

# C0 and C1 controls, line and paragraph separators, marks that turn the direction of text, lone surrogates
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
DAY_S = 86400.0
WIDE = 100


def printable(text: str) -> str:
    """The text with all that a terminal would obey written out."""
    return UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def is_terminal() -> bool:
    """Whether someone looks at stdout."""
    return sys.stdout.isatty()


def has_colour() -> bool:
    """Whether lines of our own may have colour."""
    return is_terminal() and not os.environ.get("NO_COLOR")


def clock_time(t: float, now: float | None = None) -> str:
    """A time in the zone of TZ: `14:02:11`, with its day where that isn't today's; in a pipe always in full."""
    if not is_terminal():
        return time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(t))
    today = time.localtime(time.time() if now is None else now)[:3]
    there = time.localtime(t)
    return time.strftime("%H:%M:%S" if there[:3] == today else "%b %d %H:%M:%S", there)


def age(seconds: float) -> str:
    """How long ago, in one or two units: `42s`, `7m`, `3h12m`, `5d`."""
    left = max(0, int(seconds))
    if left < 60:
        return f"{left}s"
    if left < 3600:
        return f"{left // 60}m"
    if left < DAY_S:
        hours, minutes = divmod(left // 60, 60)
        return f"{hours}h{minutes:02d}m" if minutes else f"{hours}h"
    return f"{left // 86400}d"


@dataclass(frozen=True, slots=True)
class Cell:
    """A table's cell: one line, or several on a terminal and one with commas in a pipe; `style` is rich's."""

    lines: str | Sequence[str]
    style: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings. On a terminal too narrow for all, `wrapped` columns break lines and `spare` ones are left out.

    `right` are the columns with numbers.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[Cell | str]]
    right: frozenset[str] = frozenset()
    wrapped: frozenset[str] = frozenset()
    spare: frozenset[str] = frozenset()


def plain(table: Table) -> str:
    """Columns two spaces apart, nothing cut."""
    rows = [list(table.headings), *([", ".join(_lines(cell)) for cell in row] for row in table.rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.headings))]
    lines = []
    for row in rows:
        cells = [
            text.rjust(width) if heading in table.right else text.ljust(width)
            for text, width, heading in zip(row, widths, table.headings, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def fancy(table: Table, width: int) -> "RenderableType":
    """The same for rich, on a terminal so wide."""
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = [n for n, heading in enumerate(table.headings) if width >= WIDE or heading not in table.spare]
    made = RichTable(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for heading in (table.headings[n] for n in shown):
        justify: Literal["left", "right"] = "right" if heading in table.right else "left"
        made.add_column(heading, justify=justify, no_wrap=heading not in table.wrapped, overflow="fold")
    for row in table.rows:
        cells = (row[n] for n in shown)
        made.add_row(*(Text("\n".join(_lines(cell)), style=cell.style if isinstance(cell, Cell) else "") for cell in cells))
    return made


def console() -> "Console":
    """rich's, as the terminal and NO_COLOR have it."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def show(*parts: Table | str) -> None:
    """Print tables and lines, each apart from the next."""
    parts = tuple(part for part in parts if isinstance(part, Table) or part)
    if not is_terminal():
        print("\n\n".join(plain(part) if isinstance(part, Table) else part for part in parts))  # noqa: T201
        return
    to = console()
    for index, part in enumerate(parts):
        if index:
            to.print()
        to.print(fancy(part, to.width) if isinstance(part, Table) else part, soft_wrap=not isinstance(part, Table))


def _lines(cell: Cell | str) -> list[str]:
    lines = cell.lines if isinstance(cell, Cell) else cell
    return [printable(line) for line in ([lines] if isinstance(lines, str) else lines)]
