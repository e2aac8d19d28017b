"""`autoscaler history`: what happened to a service."""

import typer

from autoscaler.cli.common import Api, Json, Service, StateDir, TokenFile, ask
from autoscaler.cli.events import Limit, event_line


def history(
    service: Service,
    limit: Limit = 50,
    as_json: Json = False,
    api: Api = None,
    state_dir: StateDir = None,
    token_file: TokenFile = None,
) -> None:
    """Show what happened to a service.

    Example:
      autoscaler history web --limit 200
    """
    answer = ask(lambda client: client.history(service, limit), api, state_dir, token_file)
    if as_json:
        typer.echo(answer.model_dump_json(indent=2))
        return
    for event in answer.events:
        typer.echo(event_line(event))
