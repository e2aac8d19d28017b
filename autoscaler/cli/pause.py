"""`autoscaler pause`: stop a service's moves."""

from typing import Annotated

import typer

from autoscaler.cli.common import Api, Json, Service, StateDir, TokenFile, ask
from autoscaler.cli.scale import ordered_line
from autoscaler.errors import UsageError

InOnly = Annotated[bool, typer.Option("--in-only", help="Only scale-in.")]
OutOnly = Annotated[bool, typer.Option("--out-only", help="Only scale-out.")]


def pause(
    service: Service,
    in_only: InOnly = False,
    out_only: OutOnly = False,
    as_json: Json = False,
    api: Api = None,
    state_dir: StateDir = None,
    token_file: TokenFile = None,
) -> None:
    """Stop a service's moves.

    Replicas that die are still replaced.

    Examples:
      autoscaler pause web
      autoscaler pause web --in-only
    """
    only = direction(in_only, out_only)
    answer = ask(lambda client: client.pause(service, only), api, state_dir, token_file)
    typer.echo(answer.model_dump_json() if as_json else ordered_line(service, answer, f"{moves(only)} paused"))


def direction(in_only: bool, out_only: bool) -> str | None:
    """`in`, `out`, or None for both."""
    if in_only and out_only:
        raise UsageError("--in-only and --out-only exclude each other", fix="leave both out for all moves")
    return "in" if in_only else "out" if out_only else None


def moves(only: str | None) -> str:
    """What is paused or resumed."""
    return {"in": "scale-in", "out": "scale-out", None: "all moves"}[only]
