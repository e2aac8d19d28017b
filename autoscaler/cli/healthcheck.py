"""`autoscaler healthcheck`: whether the daemon is ready."""

import typer

from autoscaler.cli.common import Api, StateDir, TokenFile, ask
from autoscaler.errors import AutoscalerError


def healthcheck(
    api: Api = None,
    state_dir: StateDir = None,
    token_file: TokenFile = None,
) -> None:
    """Tell whether the daemon is ready: for a container's HEALTHCHECK.

    Example:
      HEALTHCHECK CMD autoscaler healthcheck
    """
    ready, lines = ask(lambda client: client.ready(), api, state_dir, token_file)
    if not ready:
        raise AutoscalerError("; ".join(lines[1:]) or "it doesn't say why", where="not ready")
    typer.echo("\n".join(lines))
