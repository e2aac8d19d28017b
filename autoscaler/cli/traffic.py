"""Whose traffic `simulate` runs against: of a file, as a daemon has kept it, or of a Prometheus server; one of the three."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoscaler.cli.common import default_state_dir
from autoscaler.errors import UsageError
from autoscaler.units import parse_duration

if TYPE_CHECKING:
    from autoscaler.simulate import Measured, Trace

LAST = "7d"
LONGEST_DAYS = 366
SOURCES = ("--trace", "--from-history", "--from-prometheus")

TraceFile = Annotated[
    Path | None, typer.Option("--trace", metavar="CSV", help="The traffic: timestamp_s,rps.", show_default=False)
]
FromHistory = Annotated[
    str | None,
    typer.Option("--from-history", metavar="SERVICE", help="The traffic: a service's own, of up to a fortnight."),
]
FromPrometheus = Annotated[
    str | None, typer.Option("--from-prometheus", metavar="URL", help="The traffic: what --query gave there.")
]
Query = Annotated[str | None, typer.Option("--query", metavar="Q", help="Requests/s, as one number, in PromQL.")]
Last = Annotated[
    str | None,
    typer.Option("--last", metavar="DURATION", help="How far back.", show_default=f"{LAST}; with --from-history all of it"),
]
PrometheusToken = Annotated[
    Path | None,
    typer.Option("--prometheus-token-file", metavar="FILE", help="A bearer token that the server wants."),
]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The flags."""

    file: Path | None
    service: str | None
    server: str | None
    query: str | None
    last: str | None
    token_file: Path | None
    state_dir: Path | None


@dataclass(frozen=True, slots=True)
class Traffic:
    """The trace, its name for people, and what is to be told of it."""

    trace: "Trace"
    name: str
    told: str = ""


def traffic(wanted: Wanted) -> Traffic:
    """What these flags ask for. Raises UsageError, TraceError, StateError, SourceError."""
    from autoscaler.simulate import load_trace

    given = [flag for flag, value in zip(SOURCES, (wanted.file, wanted.service, wanted.server), strict=True) if value]
    if len(given) != 1:
        raise UsageError(
            f"{' and '.join(given)} are too many" if given else "no traffic", fix=f"give one of {', '.join(SOURCES)}"
        )
    if wanted.server is None and (wanted.query is not None or wanted.token_file is not None):
        flag = "--query" if wanted.query is not None else "--prometheus-token-file"
        raise UsageError(f"{flag} goes with --from-prometheus alone", fix=f"leave it out, or {given[0]}")
    if wanted.file is not None:
        if wanted.last is not None:
            raise UsageError("--last does not go with --trace", fix="leave it out: a trace is taken whole")
        return Traffic(load_trace(wanted.file), wanted.file.name)
    return _of_history(wanted) if wanted.server is None else _of_prometheus(wanted, wanted.server)


def _of_history(wanted: Wanted) -> Traffic:
    from autoscaler.simulate import of_minutes
    from autoscaler.wiring.traffic import kept

    service = wanted.service or ""
    last_s = None if wanted.last is None else _seconds(wanted.last)
    minutes = kept(wanted.state_dir or default_state_dir(), service, last_s)
    measured = of_minutes(minutes, f"--from-history {service}")
    return Traffic(measured.trace, service, _told(f"request_rate of {service}", measured))


def _of_prometheus(wanted: Wanted, server: str) -> Traffic:
    from autoscaler.simulate import of_minutes
    from autoscaler.spec.urls import server_url
    from autoscaler.wiring.traffic import of_prometheus

    query = (wanted.query or "").strip()
    if not query:
        raise UsageError(
            "no query", where="--from-prometheus", fix="give one by --query, like 'sum(rate(requests_total[2m]))'"
        )
    try:
        address = server_url(server)
    except ValueError as error:
        raise UsageError(str(error), where="--from-prometheus") from error
    minutes = of_prometheus(address, query, _seconds(wanted.last or LAST), wanted.token_file, os.environ)
    measured = of_minutes(minutes, f"--query {query!r}")
    return Traffic(measured.trace, query, _told(query, measured))


def _seconds(last: str) -> float:
    try:
        seconds = parse_duration(last)
    except ValueError as error:
        raise UsageError(str(error), where="--last") from error
    if not 60 <= seconds <= LONGEST_DAYS * 86400:
        raise UsageError(f"{last} is out of range", where="--last", fix=f"give 1m to {LONGEST_DAYS}d")
    return seconds


def _told(what: str, measured: "Measured") -> str:
    """Which minutes these are, and how many of them nobody measured."""
    start, end = (time.strftime("%Y-%m-%d %H:%M", time.localtime(t)) for t in (measured.trace.start, measured.trace.end))
    missing = f"{measured.missing:,} of {measured.minutes:,} minutes missing"
    if measured.missing:
        missing += f", at most {measured.longest_gap:,} in a row; the rate runs straight across them"
    return f"Traffic: {what} from {start} to {end}, {missing}"
