"""The command line: one file a command, loaded when it is asked for.

`autoscaler --help` and completion of a command's name read the table below and import nothing else; a command's own module
is imported to run it, to show its help, or to complete its options. Every flag takes its default from a variable,
`AUTOSCALER_NAME_OF_FLAG`. An AutoscalerError ends a command with its one line on stderr.
"""

import inspect
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from autoscaler import __version__
from autoscaler.cli.terminal import printable
from autoscaler.errors import AutoscalerError, PolicyError, UsageError

EXIT_FAILED = 1
EXIT_USAGE = 2

COMMANDS = {
    "Run": {
        "run": "Run the daemon: scale the services of these policy files.",
        "down": "Drain and remove what autoscaler manages.",
        "reload": "Read the policy files again, now.",
        "demo": "Watch a small web app being scaled under a wave of traffic.",
        "healthcheck": "Tell whether the daemon is ready: for a container's HEALTHCHECK.",
    },
    "Look": {
        "status": "Show every service, or one with its replicas.",
        "explain": "Say why a service has as many replicas as it has.",
        "history": "Show a service's decisions and why each was made.",
        "events": "Show what happens, to all services.",
        "logs": "Show what a service's replicas write.",
        "doctor": "Find what is wrong, with a fix for each.",
        "version": "Show the version.",
    },
    "Order": {
        "scale": "Override a service's replica count, or its bounds.",
        "pause": "Stop a service's moves.",
        "resume": "Let a paused service move again, or bring back one that is down.",
    },
    "Policies": {
        "validate": "Check policy files.",
        "plan": "Show what `run` would change, and change nothing.",
        "config": "Show the policy in force, each value with its origin.",
        "schema": "Print the JSON Schema of a policy file.",
        "replay": "Decide on recorded metrics: JSON Lines in, JSON Lines out, one for one.",
        "simulate": "Run a policy against a modelled service and a trace of traffic.",
        "convert": "Turn Kubernetes HPAs and KEDA ScaledObjects into policies, one document each.",
        "export": "Turn a policy into a Kubernetes HPA or a KEDA ScaledObject.",
    },
}
NOT_YET = {
    "rollout": "Show or undo a rollout: not available yet.",
}
HIDDEN = {"faultpoints": "List the steps at which a test can have it fail."}
EPILOG = """`autoscaler COMMAND --help` shows a command's flags and an example.
Exit status: 0 done, 1 failed, 2 wrong usage or invalid policy, 130 interrupted."""

VARIABLES = "Each flag takes its default from a variable: --state-dir from AUTOSCALER_STATE_DIR, and so on."


class Commands(TyperGroup):
    """The commands of the table; each becomes itself when it is resolved."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        shown = {name: told for group in COMMANDS.values() for name, told in group.items()}
        for name, told in {**shown, **NOT_YET, **HIDDEN}.items():
            self.add_command(TyperCommand(name, help=told, hidden=name not in shown, rich_markup_mode=None))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, load(name) if name and command else command, rest

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for title, group in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl(list(group.items()))

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except AutoscalerError as error:
            typer.echo(told(error), err=True)
            raise typer.Exit(EXIT_USAGE if isinstance(error, PolicyError | UsageError) else EXIT_FAILED) from error


app = typer.Typer(
    cls=Commands,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    epilog=EPILOG,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"autoscaler {__version__}")
        raise typer.Exit


@app.callback()
def autoscaler(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Scales the replicas of web services to their traffic, behind a reverse proxy, without failing a request."""


def load(name: str) -> Any:
    """The command itself, made from the function of its name in the module of its name; each flag with its variable."""
    function = not_yet(name) if name in NOT_YET else getattr(import_module(f"autoscaler.cli.{name}"), name)
    alone = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None, add_completion=False)
    settings: dict[str, Any] = {"help_option_names": ["--help", "-h"]}
    if name in NOT_YET:
        settings |= {"ignore_unknown_options": True, "allow_extra_args": True}
    told = _unwrapped_examples(function.__doc__ or "")
    alone.command(name, help=told, epilog=None if name in NOT_YET else VARIABLES, context_settings=settings)(function)
    command = typer.main.get_command(alone)
    for parameter in command.params:
        if isinstance(parameter, TyperOption) and parameter.envvar is None:
            parameter.envvar, parameter.show_envvar = variable(parameter.opts), False
    return command


def not_yet(name: str) -> Callable[[], None]:
    """The command of that name, which says that it isn't there."""

    def command() -> None:
        raise UsageError(f"`{name}` is not available yet", where="autoscaler", fix="see `autoscaler --help` for what is")

    command.__doc__ = NOT_YET[name]
    return command


def variable(flags: Sequence[str]) -> str:
    """`--state-dir` takes its default from AUTOSCALER_STATE_DIR."""
    return "AUTOSCALER_" + max(flags, key=len).lstrip("-").replace("-", "_").upper()


def told(error: AutoscalerError) -> str:
    """An error as the terminal may see it: a replica's or an engine's words in it can hold anything."""
    return "\n".join(printable(line) for line in str(error).split("\n"))


def _unwrapped_examples(text: str) -> str:
    """Keep the lines of those paragraphs that have an indented one (the mark is click's)."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(f"\b\n{paragraph}" if "\n  " in paragraph else paragraph for paragraph in paragraphs)


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="autoscaler")
    finally:
        _flush()


def _flush() -> None:
    """Write what is left for the reader of a pipe; one who has gone doesn't miss it."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more
        sys.exit(EXIT_FAILED)
