"""`autoscaler history`: a service's decisions, and why each was made."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from autoscaler.cli.common import Api, Json, Service, StateDir, TokenFile, ask
from autoscaler.cli.events import Limit
from autoscaler.cli.status import MODE_STYLES
from autoscaler.cli.terminal import Cell, Table, clock_time, printable, show
from autoscaler.model import EventKind

if TYPE_CHECKING:
    from autoscaler.web.models import EventAnswer


def history(
    service: Service,
    limit: Limit = 50,
    as_json: Json = False,
    api: Api = None,
    state_dir: StateDir = None,
    token_file: TokenFile = None,
) -> None:
    """Show a service's decisions and why each was made: every change of its count or mode.

    `autoscaler events --service` shows all that happened to it.

    Example:
      autoscaler history web --limit 200
    """
    answer = ask(lambda client: client.history(service, limit, kind=EventKind.DECIDED), api, state_dir, token_file)
    if as_json:
        typer.echo(answer.model_dump_json(indent=2))
    elif answer.events:
        show(decisions_table(answer.events))
    else:
        typer.echo(f"no decisions of {printable(service)} yet")


def decisions_table(events: Sequence["EventAnswer"]) -> Table:
    """One line a decision, oldest first; the reason tells of the limits too, so a narrow terminal has none of their own."""
    headings = ("TIME", "REPLICAS", "MODE", "LIMITS", "REASON")
    wrapped, spare = frozenset({"LIMITS", "REASON"}), frozenset({"LIMITS"})
    return Table(headings, [_row(event) for event in events], wrapped=wrapped, spare=spare)


def _row(event: "EventAnswer") -> list[Cell | str]:
    facts = event.facts
    before, desired, mode = (str(facts.get(name, "?")) for name in ("before", "desired", "mode"))
    limits = facts.get("limited_by")
    names = [printable(str(name)) for name in limits] if isinstance(limits, list) else []
    return [
        clock_time(event.t),
        desired if before == desired else f"{before} -> {desired}",
        Cell(printable(mode), MODE_STYLES.get(mode, "")),
        Cell(names or "-"),
        printable(event.cause),
    ]
