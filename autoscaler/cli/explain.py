"""`autoscaler explain`: why a service has as many replicas as it has."""

import typer

from autoscaler.cli.common import Api, Json, Service, StateDir, TokenFile, ask
from autoscaler.cli.terminal import printable


def explain(
    service: Service,
    as_json: Json = False,
    api: Api = None,
    state_dir: StateDir = None,
    token_file: TokenFile = None,
) -> None:
    """Say why a service has as many replicas as it has.

    It follows the last decision step by step with every number: what each policy asks for, what each limit cost, when the
    next move is possible, and at which value of a metric the answer would be another. --json has the same as fields.

    Example:
      autoscaler explain web
    """
    answer = ask(lambda client: client.explain(service), api, state_dir, token_file)
    if as_json:
        typer.echo(answer.model_dump_json(indent=2))
    else:
        typer.echo("\n".join(printable(line) for line in answer.text.split("\n")))
