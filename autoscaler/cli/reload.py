"""`autoscaler reload`: read the policy files again."""

import typer

from autoscaler.cli.common import Api, StateDir, TokenFile, ask
from autoscaler.errors import PolicyError


def reload(
    api: Api = None,
    state_dir: StateDir = None,
    token_file: TokenFile = None,
) -> None:
    """Read the policy files again, now.

    Where one has a problem, its last good version stays in force, and the exit status is 2.

    Example:
      autoscaler reload
    """
    problems = ask(lambda client: client.reload(), api, state_dir, token_file)
    if problems:
        raise PolicyError("\n".join(problems))
    typer.echo("policy files read again, no problems")
