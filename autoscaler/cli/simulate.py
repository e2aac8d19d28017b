"""`autoscaler simulate`: policies against a trace and a modelled service. It asks and prints; simulate/ runs."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoscaler.cli.common import Json, StateDir
from autoscaler.cli.replay import PolicyFile, ServiceName, load_service
from autoscaler.cli.traffic import (
    FromHistory,
    FromPrometheus,
    Last,
    PrometheusToken,
    Query,
    TraceFile,
    Wanted,
)
from autoscaler.cli.traffic import traffic as wanted_traffic
from autoscaler.errors import UsageError
from autoscaler.units import format_duration, parse_duration

if TYPE_CHECKING:
    from autoscaler.cli.terminal import Table
    from autoscaler.simulate import Model, Result
    from autoscaler.spec.models import ServiceSpec

SLO_S = 0.5
MOST_SLOTS = 100_000

Duration = str


def simulate(
    policy: PolicyFile,
    trace: TraceFile = None,
    from_history: FromHistory = None,
    from_prometheus: FromPrometheus = None,
    query: Query = None,
    last: Last = None,
    service: ServiceName = None,
    compare: Annotated[
        list[Path] | None,
        typer.Option("--compare", metavar="FILE", help="Another policy file, shown beside it; may be repeated."),
    ] = None,
    service_time: Annotated[
        Duration, typer.Option("--service-time", help="How long a request takes, on average.")
    ] = "100ms",
    service_cv: Annotated[
        float, typer.Option("--service-cv", help="Its deviation over its mean: 0 always the same, 1 exponential.")
    ] = 1.0,
    replica_concurrency: Annotated[
        int, typer.Option("--replica-concurrency", min=1, max=MOST_SLOTS, help="Requests that a replica works on at once.")
    ] = 1,
    startup: Annotated[Duration, typer.Option("--startup", help="From a start to ready.")] = "5s",
    slo: Annotated[
        Duration | None,
        typer.Option("--slo", help="The longest good latency.", show_default="500ms, or none with --slo-wait"),
    ] = None,
    slo_wait: Annotated[Duration | None, typer.Option("--slo-wait", help="The longest good time queued.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another seed is another run of chance.")] = 1,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="HTML", help="Write a page with charts of it.")] = None,
    as_json: Json = False,
    state_dir: StateDir = None,
    prometheus_token_file: PrometheusToken = None,
) -> None:
    """Run a policy against a modelled service and a trace of traffic, or the traffic that a service of yours had.

    Requests come by chance at the trace's rate, queue as in the proxy, and take time at replicas that need a while to start.
    Decisions are the daemon's own, once a second; a schedule takes the trace's times for Unix time. A request is late beyond
    --slo or --slo-wait. The oracle knows what comes. Memory and metrics of other systems are not modelled, and so missing.

    A policy that learns begins with nothing learned: of days it knows after the first, of weeks after a week.

    Examples:
      autoscaler simulate --policy policies/web.yaml --trace monday.csv
      autoscaler simulate --policy a.yaml --compare b.yaml --trace monday.csv --service-time 40ms --replica-concurrency 4
      autoscaler simulate --policy web.yaml --from-history web
      autoscaler simulate --policy web.yaml --from-prometheus http://127.0.0.1:9090 --query 'sum(rate(requests_total[2m]))'

    where monday.csv has lines like
      timestamp_s,rps
      0,120.5
      60,133
    """
    from autoscaler.cli.terminal import show
    from autoscaler.simulate import Timeline, page
    from autoscaler.simulate import simulate as run

    model = _model(service_time, service_cv, replica_concurrency, startup, slo, slo_wait, seed)
    files = [policy, *(compare or [])]
    if len(set(files)) < len(files):
        raise UsageError("given twice", where="--compare", fix="name each policy file once")
    specs = [load_service(file, service) for file in files]
    traffic = wanted_traffic(Wanted(trace, from_history, from_prometheus, query, last, prometheus_token_file, state_dir))
    names = [str(file) for file in files]
    timelines = {name: Timeline(traffic.trace, model.tick_s) for name in names}
    results = [run(spec, traffic.trace, model, timelines[name]) for name, spec in zip(names, specs, strict=True)]
    told = ". ".join(filter(None, (_assumed(model), traffic.told, *map(_missing, names, specs))))
    if plot is not None:
        _write(plot, page({name: each.points for name, each in timelines.items()}, f"simulate {traffic.name}", told))
    if as_json:
        if traffic.told:
            typer.echo(traffic.told, err=True)
        typer.echo(_json(names, results))
        return
    show(_table(names, results), told)


def _model(
    service_time: str, service_cv: float, slots: int, startup: str, slo: str | None, slo_wait: str | None, seed: int
) -> "Model":
    from autoscaler.simulate import Model, Objective, ServiceTime

    if not isfinite(service_cv) or not 0 <= service_cv <= 10:
        raise UsageError(f"{service_cv:g} is out of range", where="--service-cv", fix="give 0 to 10, 1 for exponential")
    service_s = _seconds("--service-time", service_time)
    if service_s == 0:
        raise UsageError("0s is no service time", where="--service-time", fix="give what a request takes, like 100ms")
    objective = Objective()
    if slo is not None or slo_wait is None:
        objective = Objective(latency_s=SLO_S if slo is None else _seconds("--slo", slo))
    if slo_wait is not None:
        objective = Objective(objective.latency_s, _seconds("--slo-wait", slo_wait))
    return Model(ServiceTime(service_s, service_cv), slots, _seconds("--startup", startup), objective, seed)


def _seconds(flag: str, text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(str(error), where=flag) from error


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(error.strerror or "can't be written", where=str(path), fix="name another file by --plot") from error


# ---------------------------------------------------------------- what is printed


def _json(names: Sequence[str], results: "Sequence[Result]") -> str:
    """One object for one policy, a list of them for several."""
    told = [{"policy": name, **asdict(result)} for name, result in zip(names, results, strict=True)]
    return json.dumps(told[0] if len(told) == 1 else told, indent=2)


ROWS: "dict[str, Callable[[Result], str]]" = {
    "requests": lambda it: f"{it.requests:,}",
    "late": lambda it: f"{it.slo_violations:,} ({_share(it.slo_violations, it.requests)})",
    "of these dropped": lambda it: f"{it.dropped:,} ({_share(it.dropped, it.requests)})",
    "minutes with over 1% late": lambda it: f"{it.windows_violated_fraction:.2%}",
    "latency p50": lambda it: _time(it.latency_p50_s),
    "latency p95": lambda it: _time(it.latency_p95_s),
    "latency p99": lambda it: _time(it.latency_p99_s),
    "replica-hours": lambda it: f"{it.replica_seconds / 3600:,.2f}",
    "the oracle's": lambda it: f"{it.oracle_replica_seconds / 3600:,.2f}",
    "times the oracle's": lambda it: _ratio(it),
    "most replicas": lambda it: f"{it.peak_replicas}",
    "moves up, down": lambda it: f"{it.scale_ups:,}, {it.scale_downs:,}",
    "turns": lambda it: f"{it.direction_changes:,} ({_an_hour(it)} an hour)",
    "time with too few": lambda it: f"{it.under_provisioned_fraction:.2%}",
    "time with more than needed": lambda it: f"{it.over_provisioned_fraction:.2%}",
    "engine": lambda it: it.engine,
}


def _table(names: Sequence[str], results: "Sequence[Result]") -> "Table":
    """A column a policy."""
    from autoscaler.cli.terminal import Table

    rows = [[name, *(tell(result) for result in results)] for name, tell in ROWS.items()]
    return Table(["", *names], rows, right=frozenset(names))


def _assumed(model: "Model") -> str:
    """What the figures hold for."""
    return ", ".join(_assumptions(model))


def _missing(name: str, spec: "ServiceSpec") -> str:
    """What a policy file looks at and the modelled service has not, so that its policies on that hold or stand aside."""
    looked_at = {metric for policy in spec.policies for metric in policy.windows}
    unknown = sorted(looked_at & {"memory", *spec.sources})
    return f"Not modelled, so missing all along: {', '.join(unknown)} of {name}" if unknown else ""


def _assumptions(model: "Model") -> Iterator[str]:
    yield f"Assumed: a request takes {format_duration(model.service.mean_s)} (cv {model.service.cv:g})"
    yield f"{model.slots} at once a replica"
    yield f"ready {format_duration(model.startup_s)} after a start"
    if isfinite(model.objective.latency_s):
        yield f"late beyond {format_duration(model.objective.latency_s)}"
    if isfinite(model.objective.wait_s):
        yield f"late if queued beyond {format_duration(model.objective.wait_s)}"
    yield f"seed {model.seed}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2%}" if whole else "none"


def _time(seconds: float | None) -> str:
    return "none answered" if seconds is None else f"{seconds * 1000:,.0f} ms" if seconds < 10 else f"{seconds:,.1f} s"


def _ratio(result: "Result") -> str:
    if not result.oracle_replica_seconds:
        return "none needed"
    return f"{result.replica_seconds / result.oracle_replica_seconds:.2f}"


def _an_hour(result: "Result") -> str:
    return f"{result.direction_changes / result.seconds * 3600:.1f}"
