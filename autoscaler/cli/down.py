"""`autoscaler down`: remove what autoscaler manages, with the daemon alive, dead or never started."""

from typing import Annotated

import typer

from autoscaler.cli.common import Api, StateDir, TokenFile, ask, default_state_dir
from autoscaler.cli.setup import settings
from autoscaler.errors import DaemonUnavailable, UsageError


def down(
    services: Annotated[
        list[str] | None,
        typer.Argument(metavar="SERVICE", show_default=False, help="All, and the daemon and proxy, where none."),
    ] = None,
    purge: Annotated[bool, typer.Option("--purge", help="Remove history too: the whole state dir.")] = False,
    api: Api = None,
    state_dir: StateDir = None,
    token_file: TokenFile = None,
    instance: Annotated[
        str | None,
        typer.Option(
            "--instance", metavar="NAME", help="Which controller's replicas: those of the state dir's, else default."
        ),
    ] = None,
) -> None:
    """Drain and remove what autoscaler manages.

    A service named stays down until its document changes, `autoscaler resume`, or the next `run`. Without a name all
    services go, then the proxy and the daemon. Doing it twice is fine.

    Examples:
      autoscaler down web
      autoscaler down --purge
    """
    import asyncio

    from autoscaler.wiring import down as wiring

    if purge and services:
        raise UsageError("`--purge` is for all", fix="leave the services out")
    where = state_dir or default_state_dir()
    chosen = settings(None, where, wiring.instance_of(where, instance))
    try:
        ask(lambda client: client.down(services or None), api, state_dir, token_file)
    except DaemonUnavailable:
        if api is not None:
            raise
        typer.echo(asyncio.run(wiring.down(chosen, services or None, purge)))
    else:
        if not services and api is None:
            asyncio.run(wiring.until_ended(where))
            wiring.tidy(where, purge)
        typer.echo("down" if not services else f"{', '.join(services)} down")
    if not services and not purge and where.is_dir():
        typer.echo(f"history and token stay in {where}; --purge removes them")
