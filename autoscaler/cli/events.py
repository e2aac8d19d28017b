"""`autoscaler events`: what happens, a line an event."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from autoscaler.cli.common import Api, Json, StateDir, TokenFile, ask
from autoscaler.cli.terminal import clock_time, printable

if TYPE_CHECKING:
    from autoscaler.client import Client
    from autoscaler.web.models import EventAnswer

Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="The newest so many.")]


def events(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with each new one, until Ctrl-C.")] = False,
    service: Annotated[str | None, typer.Option("--service", metavar="NAME", help="Only this service's.")] = None,
    limit: Limit = 20,
    as_json: Json = False,
    api: Api = None,
    state_dir: StateDir = None,
    token_file: TokenFile = None,
) -> None:
    """Show what happens, to all services.

    Examples:
      autoscaler events -f
      autoscaler events --service web --limit 100 --json
    """

    async def tell(client: "Client") -> None:
        async for event in client.events(service=service, limit=limit, follow=follow):
            typer.echo(event.model_dump_json() if as_json else event_line(event))

    ask(tell, api, state_dir, token_file)


def event_line(event: "EventAnswer") -> str:
    """`12:04:07 web replica_ready web-12 start_seconds=1.42 (health check passed)`."""
    facts = [f"{name}={_fact(value)}" for name, value in event.facts.items()]
    words = [clock_time(event.t), event.service or "daemon", event.kind, event.replica, *facts]
    cause = f" ({event.cause})" if event.cause else ""
    return printable(" ".join(word for word in words if word) + cause)


def _fact(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value)
