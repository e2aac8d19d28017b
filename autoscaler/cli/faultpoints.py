"""`autoscaler faultpoints`, for who tests autoscaler itself: not shown by `--help`."""

import json

import typer

from autoscaler.cli.common import Json
from autoscaler.faultpoints import POINTS


def faultpoints(as_json: Json = False) -> None:
    """List the steps at which a test can have autoscaler crash, hang, fail or dawdle.

    Example:
      AUTOSCALER_TESTING=1 AUTOSCALER_FAULT=docker.create.after:crash autoscaler run
    """
    if as_json:
        typer.echo(json.dumps({name: point.told for name, point in POINTS.items()}))
        return
    for name, point in POINTS.items():
        typer.echo(f"{name:<24}{point.told}")
