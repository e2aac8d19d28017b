"""A run, or several, as one HTML file that needs nothing else: uPlot is in it (autoscaler/simulate/uplot, MIT)."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from autoscaler.simulate.timeline import Point


def page(runs: Mapping[str, Sequence[Point]], title: str, told: str) -> str:
    """The page for these runs by policy, of one trace; `told` is what was assumed."""
    here = files("autoscaler.simulate")
    template = Template((here / "plot.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(title),
        told=escape(told),
        css=(here / "uplot" / "uPlot.min.css").read_text(encoding="utf-8"),
        js=(here / "uplot" / "uPlot.iife.min.js").read_text(encoding="utf-8"),
        runs=_script({name: _columns(points) for name, points in runs.items()}),
    )


def _columns(points: Sequence[Point]) -> dict[str, list[Any]]:
    return {
        "t": [point.t for point in points],
        "rate": [round(point.rate, 3) for point in points],
        "desired": [point.desired for point in points],
        "ready": [point.ready for point in points],
        "p95": [None if point.p95_s is None else round(point.p95_s * 1000, 2) for point in points],
        "late": [None if point.late is None else round(point.late * 100, 3) for point in points],
    }


def _script(value: Any) -> str:
    """JSON that can stand in a script whatever a name holds."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
