"""What a Prometheus server answered to a query: one number and its time, or those of a while, or why there is none.

    {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {...}, "value": [t, "42"]}]}}
    {"status": "success", "data": {"resultType": "scalar", "result": [t, "42"]}}
    {"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {...}, "values": [[t, "42"], ...]}]}}

A load is neither negative nor beyond what a float counts in whole units; such a number is none. Nor is what comes of a
part of the data: a sum over it is too low. Then there are warnings (Prometheus, Thanos) or `isPartial` (VictoriaMetrics);
those that start with "PromQL" are about the query alone.
Source: prometheus.io, "HTTP API", Format overview, Instant and range queries, Expression query result formats;
docs.victoriametrics.com, "Cluster version", Partial responses.
"""

import json
from math import isfinite
from typing import Any

from autoscaler.errors import SourceError, SourceUnavailable

LARGEST = 2.0**53
_STRANGER = "is a Prometheus server there?"


def read_answer(body: bytes) -> tuple[float, float]:
    """The number, and its Unix time by the server's clock. Raises SourceError."""
    kind, result = _result(body)
    if kind == "scalar":
        return _number(result)
    if kind == "vector" and isinstance(result, list):
        if not result:
            raise SourceError("the query gives no series", fix="does the metric exist, and is it scraped?")
        return _number(_only(result, "histogram").get("value"))
    if kind in ("matrix", "string"):
        raise SourceError(
            f"the query gives a {kind}", fix="write one that gives a number: drop the range, or take a rate of it"
        )
    raise SourceUnavailable("the answer has no result", fix=_STRANGER)


def read_series(body: bytes) -> list[tuple[float, float]]:
    """The Unix time and number of each point that has a finite one. Raises SourceError."""
    kind, result = _result(body)
    if kind != "matrix" or not isinstance(result, list):
        raise SourceUnavailable("the answer has no result", fix=_STRANGER)
    points = _only(result, "histograms").get("values") if result else []
    if not isinstance(points, list):
        raise SourceUnavailable("the answer has no sample", fix=_STRANGER)
    read = [_pair(point) for point in points]
    return [(at, _load(value)) for value, at in read if isfinite(value)]


def _result(body: bytes) -> tuple[object, object]:
    """The kind of the result, and the result."""
    answer = parse(body)
    if answer.get("status") != "success":
        raise SourceError(f"it answered an error: {words(answer)}", fix="correct the query")
    if missing := _missing(answer):
        raise SourceError(f"the answer is partial: {missing}", fix="see the server's log")
    data = answer.get("data")
    return (data.get("resultType"), data.get("result")) if isinstance(data, dict) else (None, None)


def parse(body: bytes) -> dict[str, Any]:
    """The answer as a mapping. Raises SourceUnavailable."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise SourceUnavailable("the answer is no JSON", fix=_STRANGER) from None
    if not isinstance(answer, dict):
        raise SourceUnavailable("the answer is no mapping", fix=_STRANGER)
    return answer


def words(answer: dict[str, Any]) -> str:
    """The server's own words for an error, on one short line."""
    said = answer.get("error")
    return _line(said) if isinstance(said, str) and said else "it says not why"


def _missing(answer: dict[str, Any]) -> str:
    """Why a part of the data is missing from the answer, "" where it is whole."""
    warnings = answer.get("warnings")
    for warning in warnings if isinstance(warnings, list) else []:
        if not str(warning).startswith("PromQL"):
            return _line(str(warning)) or "it says not why"
    return "it says not why" if answer.get("isPartial") is True else ""


def _line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text[:200])


def _only(result: list[Any], histogram: str) -> dict[str, Any]:
    """The one series, which is none of histograms."""
    if len(result) > 1:
        raise SourceError(f"the query gives {len(result)} series", fix="make one of them: sum(...), or max(...)")
    series = result[0]
    if not isinstance(series, dict):
        return {}
    if histogram in series:
        raise SourceError("the query gives a histogram", fix="take a number of it: histogram_quantile(0.95, ...)")
    return series


def _number(sample: Any) -> tuple[float, float]:
    value, at = _pair(sample)
    if not isfinite(value):
        raise SourceError(f"the query gives {sample[1][:20]}", fix="is it divided by 0, or scraped only once?")
    return _load(value), at


def _pair(sample: Any) -> tuple[float, float]:
    """A sample's value and time."""
    if not isinstance(sample, list) or len(sample) != 2 or not isinstance(sample[1], str):
        raise SourceUnavailable("the answer has no sample", fix=_STRANGER)
    try:
        at, value = float(sample[0]), float(sample[1])
    except (TypeError, ValueError, OverflowError):
        raise SourceUnavailable("the answer's sample is no number", fix=_STRANGER) from None
    if not isfinite(at):
        raise SourceUnavailable("the answer's sample has no time", fix=_STRANGER)
    return value, at


def _load(value: float) -> float:
    if value < 0:
        raise SourceError(f"the query gives {value:g}", fix="a load is 0 or more: clamp_min(..., 0), if less means none")
    if value > LARGEST:
        raise SourceError(f"the query gives {value:g}", fix="no load is as large")
    return value
