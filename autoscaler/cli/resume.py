"""`autoscaler resume`: let a service move again."""

import typer

from autoscaler.cli.common import Api, Json, Service, StateDir, TokenFile, ask
from autoscaler.cli.pause import InOnly, OutOnly, direction, moves
from autoscaler.cli.scale import ordered_line


def resume(
    service: Service,
    in_only: InOnly = False,
    out_only: OutOnly = False,
    as_json: Json = False,
    api: Api = None,
    state_dir: StateDir = None,
    token_file: TokenFile = None,
) -> None:
    """Let a paused service move again, or bring back one that is down.

    Examples:
      autoscaler resume web
      autoscaler resume web --out-only
    """
    only = direction(in_only, out_only)
    answer = ask(lambda client: client.resume(service, only), api, state_dir, token_file)
    typer.echo(answer.model_dump_json() if as_json else ordered_line(service, answer, f"{moves(only)} resumed"))
