"""`autoscaler status`: services in a table, or one service with its replicas; live with --watch."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from autoscaler.cli.common import Api, Json, StateDir, TokenFile, ask
from autoscaler.cli.terminal import Cell, Table, age, clock_time, console, fancy, is_terminal, printable, show
from autoscaler.errors import AutoscalerError, UsageError

if TYPE_CHECKING:
    from autoscaler.client import Client
    from autoscaler.web.models import MetricAnswer, ReplicaAnswer, ServiceAnswer, ShadowAnswer

WATCH_EVERY_S = 1.0
STYLES = {"ready": "green", "starting": "yellow", "draining": "cyan", "warm": "blue", "failed": "red"}
MODE_STYLES = {"panic": "bold red", "hold": "yellow", "override": "magenta", "paused": "magenta", "down": "magenta"}
FRACTIONS = ("cpu", "memory", "error_ratio")
Parts = list[Table | str]


def status(
    service: Annotated[str | None, typer.Argument(metavar="SERVICE", show_default=False)] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on showing it, until Ctrl-C.")] = False,
    as_json: Json = False,
    api: Api = None,
    state_dir: StateDir = None,
    token_file: TokenFile = None,
) -> None:
    """Show every service, or one with its replicas.

    Examples:
      autoscaler status
      autoscaler status web --watch
      autoscaler status --json | jq '.[] | {name, desired}'
    """
    if watch and (as_json or not is_terminal()):
        raise UsageError("`--watch` is for a terminal, without --json", fix="follow `autoscaler events -f --json`")
    if watch:
        ask(lambda client: _watch(client, service), api, state_dir, token_file)
    elif as_json:
        typer.echo(ask(lambda client: _document(client, service), api, state_dir, token_file))
    else:
        show(*ask(lambda client: _parts(client, service), api, state_dir, token_file))


async def _document(client: "Client", service: str | None) -> str:
    from autoscaler.web.models import ServicesAnswer

    if service is not None:
        return (await client.service(service)).model_dump_json(indent=2)
    return ServicesAnswer(tuple(await client.services())).model_dump_json(indent=2)


async def _parts(client: "Client", service: str | None) -> Parts:
    ready, lines = await client.ready()
    about = "\n".join(printable(line) for line in lines[ready:])  # "ready" alone says nothing new
    if service is not None:
        one = await client.service(service)
        replicas = replicas_table(one.replicas, time.time())
        return [services_table([one]), replicas, *shadows_tables([one]), *notes([one]), log_tails(one), about]
    services = await client.services()
    return [services_table(services) if services else "no services", *shadows_tables(services), *notes(services), about]


async def _watch(client: "Client", service: str | None) -> None:
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    with Live(console=console(), auto_refresh=False, screen=True) as live:
        while True:
            try:
                parts = await _parts(client, service)
            except AutoscalerError as error:
                parts = [str(error)]
            head = Text(time.strftime("autoscaler status  %H:%M:%S  (Ctrl-C ends)"), style="dim")
            body = [fancy(part, live.console.width) if isinstance(part, Table) else Text(part) for part in parts if part]
            live.update(Group(head, *(item for part in body for item in (Text(), part))), refresh=True)
            await asyncio.sleep(WATCH_EVERY_S)


def services_table(services: Sequence["ServiceAnswer"]) -> Table:
    """One line a service."""
    headings = ("SERVICE", "READY", "MIN..MAX", "MODE", "OTHERS", "METRICS", "ROUTE")
    wrapped = frozenset({"OTHERS", "METRICS", "ROUTE"})
    return Table(headings, [_service_row(service) for service in services], wrapped=wrapped, spare=frozenset({"ROUTE"}))


def _service_row(service: "ServiceAnswer") -> list[Cell | str]:
    states = Counter(replica.state for replica in service.replicas)
    ready = states["ready"]
    mode = "down" if service.down else service.mode or "-"
    style = "green" if ready == service.desired else "yellow" if ready else "red"
    return [
        Cell(service.name, "bold"),
        Cell(f"{ready}/{service.desired}", style),
        f"{service.min}..{service.max}",
        Cell(mode, MODE_STYLES.get(mode, "")),
        _others(states, sum(not replica.up_to_date for replica in service.replicas)),
        Cell([metric_text(metric) for metric in service.metrics] or "-"),
        f"{service.route.bind} {service.route.host or ''}{service.route.path}",
    ]


def _others(states: Counter[str], out_of_date: int) -> Cell:
    """What the replicas are that aren't ready."""
    told = [f"{states[state]} {state}" for state in STYLES if states[state] and state != "ready"]
    return Cell([*told, f"{out_of_date} out of date"] if out_of_date else told or "-")


def metric_text(metric: "MetricAnswer") -> str:
    """`request_rate 152 (50 each)`."""
    value = "missing" if metric.value is None else number(metric.name, metric.value)
    if metric.target is None:
        return f"{metric.name} {value}"
    return f"{metric.name} {value} ({number(metric.name, metric.target)}{' each' if metric.per_replica else ''})"


def number(metric: str, value: float) -> str:
    """A metric's value in the unit that people read: a percentage, milliseconds, or a count."""
    if metric in FRACTIONS:
        return f"{value:.1%}" if value < 0.1 else f"{value:.0%}"
    if metric.startswith("latency_"):
        return f"{value * 1000:.0f}ms" if value < 1 else f"{value:.2f}s"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def replicas_table(replicas: Sequence["ReplicaAnswer"], now: float) -> Table | str:
    """One line a replica."""
    if not replicas:
        return "no replicas"
    headings = ("REPLICA", "STATE", "ADDRESS", "IN FLIGHT", "AGE", "BOOT", "SPEC", "DETAIL")
    rows: list[list[Cell | str]] = [
        [
            replica.name,
            Cell(replica.state, STYLES.get(replica.state, "")),
            replica.address or "-",
            str(replica.inflight),
            age(now - replica.started_at),
            "-" if replica.ready_at is None else f"{max(0.0, replica.ready_at - replica.started_at):.1f}s",
            replica.spec[:8] if replica.up_to_date else Cell(f"{replica.spec[:8]} (old)", "yellow"),
            replica.detail,
        ]
        for replica in replicas
    ]
    return Table(
        headings,
        rows,
        right=frozenset({"IN FLIGHT", "AGE", "BOOT"}),
        wrapped=frozenset({"DETAIL"}),
        spare=frozenset({"ADDRESS", "SPEC"}),
    )


def shadows_tables(services: Sequence["ServiceAnswer"]) -> list[Table]:
    """One line a shadow, where there are any: what it would have had over the last day or so, beside what ran."""
    rows: list[list[Cell | str]] = [
        [service.name, shadow.name, "-" if shadow.desired is None else str(shadow.desired), *_score(shadow)]
        for service in services
        for shadow in service.shadows
    ]
    if not rows:
        return []
    headings = ("SERVICE", "SHADOW", "DESIRED", "REPLICAS", "RAN", "LATE", "RAN LATE", "SINCE")
    return [Table(headings, rows, right=frozenset(headings[2:]), spare=frozenset({"SINCE"}))]


def _score(shadow: "ShadowAnswer") -> list[str]:
    """Its replicas on average and those that ran, the shares of requests late, and since when."""
    recent = shadow.recent
    share = "{:.2%}" if shadow.seen_full else "{:.2%}?"  # both by one model, which guesses what a replica bears
    pairs = (
        (recent.replica_seconds, recent.seconds, "{:.2f}"),
        (recent.ran_replica_seconds, recent.seconds, "{:.2f}"),
        (recent.late_requests, recent.requests, share),
        (recent.ran_late_requests, recent.requests, share),
    )
    told = [form.format(part / whole) if whole else "-" for part, whole, form in pairs]
    return [*told, "-" if shadow.since is None else age(time.time() - shadow.since)]


def notes(services: Sequence["ServiceAnswer"]) -> list[str]:
    """What an operator has ordered, and what is wrong: a line each."""
    lines = []
    for service in services:
        if service.override is not None:
            lines.append(f"{service.name}: override: {_override(service)}")
        if service.paused is not None:
            moves = {"all": "all moves", "in": "scale-in", "out": "scale-out"}[service.paused]
            lines.append(f"{service.name}: {moves} paused until `autoscaler resume {service.name}`")
        if service.down:
            lines.append(f"{service.name}: down until its policy changes or `autoscaler resume {service.name}`")
        if service.health_suspect:
            lines.append(f"{service.name}: most replicas fail their health check at once, so the check is the suspect")
        lines += [f"{service.name}: {m.name} is missing: {m.problem}" for m in service.metrics if m.value is None]
        lines += [f"{service.name}: shadow {shadow.name}: {shadow.problem}" for shadow in service.shadows if shadow.problem]
        lines += [f"{service.name}: {error}" for error in service.errors]
    return ["\n".join(printable(line) for line in lines)]


def _override(service: "ServiceAnswer") -> str:
    order = service.override
    assert order is not None
    told = [f"{name} {value}" for name, value in (("min", order.min), ("max", order.max)) if value is not None]
    if order.replicas is not None:
        told.insert(0, f"{order.replicas} replicas")
    until = "until it is ended" if order.until is None else f"until {clock_time(order.until)}"
    reason = f" ({order.reason})" if order.reason else ""
    return f"{', '.join(told)} {until}{reason}; `autoscaler scale {service.name} auto` ends it"


def log_tails(service: "ServiceAnswer") -> str:
    """The last lines of replicas that failed."""
    lines = []
    for replica in service.replicas:
        if replica.log_tail:
            lines.append(f"{replica.name}'s last lines:")
            lines += [f"    {printable(line)}" for line in replica.log_tail]
    return "\n".join(lines)
