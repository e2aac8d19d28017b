"""Panels of a chart as SVG text: axes with round ticks, areas, lines and bars. The same values give the same text.

Text is 13 px at a width of 800. Colours are of Okabe and Ito's set, told apart by who sees fewer of them, on white.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor, log10
from xml.sax.saxutils import escape

BLUE, ORANGE, GREY, BLACK, FAINT = "#0072B2", "#D55E00", "#C4C4C4", "#222222", "#E6E6E6"
ROUND = (1, 2, 5, 10)

Points = Sequence[tuple[float, float]]


def text(x: float, y: float, what: str, anchor: str = "start", size: int = 13, weight: str = "normal") -> str:
    """A text."""
    font = f'font-size="{size}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {font}>{escape(what)}</text>'


def line(points: Points, colour: str, width: float = 1.5, dash: str = "") -> str:
    """A line through pixels."""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="M{_path(points)}" fill="none" stroke="{colour}" stroke-width="{width:g}"{dashed}/>'


def document(width: int, height: int, title: str, told: str, parts: Iterable[str]) -> str:
    """The whole picture; `told` is kept inside, for who compares it with what it was made of."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    style = f'font-family="Helvetica, Arial, sans-serif" fill="{BLACK}" role="img"'
    inside = [f"<title>{escape(title)}</title>", f"<desc>{escape(told)}</desc>"]
    ground = f'<rect width="{width}" height="{height}" fill="#FFFFFF"/>'
    return "\n".join([f"{head} {style}>", *inside, ground, *parts, "</svg>"]) + "\n"


@dataclass(frozen=True, slots=True)
class Panel:
    """A rectangle of pixels, and what its edges stand for; y begins at 0."""

    left: float
    top: float
    width: float
    height: float
    first: float
    last: float
    most: float

    def x(self, value: float) -> float:
        """Where it is, in pixels from the left."""
        return self.left + self.width * (value - self.first) / (self.last - self.first)

    def y(self, value: float) -> float:
        """Where it is, in pixels from the top."""
        return self.top + self.height * (1 - min(value, self.most) / self.most)

    def axes(self, name: str, ticks: Sequence[float], marks: Sequence[tuple[float, str]]) -> list[str]:
        """Grid and labels: `ticks` of y, `marks` of x with their texts."""
        right, bottom = self.left + self.width, self.top + self.height
        told = [text(self.left, self.top - 7, name)] if name else []
        for tick in ticks:
            at = self.y(tick)
            told.append(line([(self.left, at), (right, at)], FAINT, 1))
            told.append(text(self.left - 6, at + 4.5, f"{tick:g}", "end"))
        for value, mark in marks:
            at = self.x(value)
            told.append(line([(at, bottom), (at, bottom + 4)], BLACK, 1))
            if mark:
                told.append(text(at, bottom + 18, mark, "middle"))
        return [*told, line([(self.left, bottom), (right, bottom)], BLACK, 1)]

    def steps(self, points: Points) -> list[tuple[float, float]]:
        """Pixels of values that stand until the next one, to the right edge."""
        pixels: list[tuple[float, float]] = []
        before: float | None = None
        for x, value in points:
            if before is not None and value != before:
                pixels.append((self.x(x), self.y(before)))
            if value != before:
                pixels.append((self.x(x), self.y(value)))
            before = value
        return [*pixels, (self.left + self.width, self.y(before or 0.0))]

    def area(self, points: Points, colour: str, outline: str = "none") -> str:
        """What is under steps."""
        edge, bottom = self.steps(points), self.top + self.height
        return (
            f'<path d="M{_path([(edge[0][0], bottom), *edge, (edge[-1][0], bottom)])}z" fill="{colour}" stroke="{outline}"/>'
        )


def round_ticks(most: float, count: int = 3) -> list[float]:
    """From 0 up in round steps, about so many of them."""
    rough = most / count
    power = 10.0 ** floor(log10(rough))
    each = next(step * power for step in ROUND if step * power >= rough - 1e-9)
    return [each * place for place in range(floor(most / each + 1e-9) + 1)]


def _path(points: Points) -> str:
    return "L".join(f"{x:.1f},{y:.1f}" for x, y in points)
