"""`autoscaler scale`: a manual override, or its end."""

from typing import TYPE_CHECKING, Annotated

import typer

from autoscaler.cli.common import Api, Json, Service, StateDir, TokenFile, ask
from autoscaler.cli.terminal import clock_time, printable
from autoscaler.errors import UsageError
from autoscaler.units import parse_duration

if TYPE_CHECKING:
    from autoscaler.web.models import OrderedAnswer

AUTO = "auto"


def scale(
    service: Service,
    replicas: Annotated[str | None, typer.Argument(metavar="[N|auto]", show_default=False)] = None,
    lasting: Annotated[str | None, typer.Option("--for", metavar="DURATION", help="End it by itself after this.")] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the journal.")] = "",
    minimum: Annotated[
        int | None, typer.Option("--min", metavar="N", min=0, help="Not fewer, within the policy's bounds.")
    ] = None,
    maximum: Annotated[
        int | None, typer.Option("--max", metavar="N", min=1, help="Not more, within the policy's bounds.")
    ] = None,
    as_json: Json = False,
    api: Api = None,
    state_dir: StateDir = None,
    token_file: TokenFile = None,
) -> None:
    """Override a service's replica count, or its bounds.

    The policy's own bounds hold; an override outlives a restart of the daemon. `auto` ends it.

    Examples:
      autoscaler scale web 6 --for 2h --reason sale
      autoscaler scale web --min 4
      autoscaler scale web auto
    """
    order = order_of(replicas, lasting, reason, minimum, maximum)
    answer = ask(lambda client: client.scale(service, order), api, state_dir, token_file)
    done = "back to its policies" if order is None else ""
    typer.echo(answer.model_dump_json() if as_json else ordered_line(service, answer, done))


def order_of(
    replicas: str | None, lasting: str | None, reason: str, minimum: int | None, maximum: int | None
) -> dict[str, object] | None:
    """The order as the API takes it; None for `auto`."""
    given = {"for": lasting, "reason": reason or None, "min": minimum, "max": maximum}
    order: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if replicas == AUTO:
        if order:
            raise UsageError("`auto` ends an override and takes no flags", where="autoscaler scale")
        return None
    if replicas is not None:
        if not (replicas.isascii() and replicas.isdigit()):
            raise UsageError(f"{replicas!r} is no replica count", where="autoscaler scale", fix="give a number, or `auto`")
        order["replicas"] = int(replicas)
    if not order.keys() & {"replicas", "min", "max"}:
        raise UsageError("nothing to order", where="autoscaler scale", fix="give a count, --min, --max or `auto`")
    if lasting is not None:
        try:
            parse_duration(lasting)
        except ValueError as error:
            raise UsageError(str(error), where="--for") from None
    return order


def ordered_line(service: str, answer: "OrderedAnswer", done: str = "") -> str:
    """`web: paused, 6 replicas wanted, until 16:30:00; bounded by max 6`."""
    done = f"{done}, " if done else ""
    until = "" if answer.until is None else f", until {clock_time(answer.until)}"
    note = f"; {answer.note}" if answer.note else ""
    replicas = "1 replica" if answer.desired == 1 else f"{answer.desired} replicas"
    return printable(f"{service}: {done}{replicas} wanted{until}{note}")
