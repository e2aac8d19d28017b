"""`autoscaler version`."""

import json
import platform

import typer

from autoscaler import __version__
from autoscaler.cli.common import Json


def version(as_json: Json = False) -> None:
    """Show the version.

    Example:
      autoscaler version --json
    """
    facts = {"version": __version__, "python": platform.python_version(), "platform": platform.platform()}
    typer.echo(json.dumps(facts) if as_json else f"autoscaler {__version__} (Python {facts['python']}, {facts['platform']})")
