"""`autoscaler run`: the daemon."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from autoscaler.cli.common import StateDir
from autoscaler.cli.policy_files import AllowPrivileged, AllowWritable, Paths, Runtime
from autoscaler.cli.setup import Instance, settings
from autoscaler.settings import DEFAULT_INSTANCE, DEFAULT_LISTEN


def run(
    paths: Paths = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Decide and report, by clients that cannot write; touch nothing.")
    ] = False,
    runtime: Runtime = None,
    listen: Annotated[
        str, typer.Option("--listen", metavar="ADDRESS:PORT", help="Where API and /metrics are.")
    ] = DEFAULT_LISTEN,
    state_dir: StateDir = None,
    instance: Instance = DEFAULT_INSTANCE,
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", metavar="FILE", help="The API's token, made where it isn't there: DIR/token."),
    ] = None,
    allowed_host: Annotated[
        list[str] | None, typer.Option("--allowed-host", metavar="HOST", help="Another name that the API is called by.")
    ] = None,
    allow_privileged: AllowPrivileged = None,
    allow_writable_policies: AllowWritable = False,
    drain_on_exit: Annotated[
        bool, typer.Option("--drain-on-exit", help="When stopped, drain and remove replicas and proxy too.")
    ] = False,
    log_format: Annotated[Literal["text", "json"], typer.Option("--log-format")] = "text",
    log_level: Annotated[Literal["debug", "info", "warning", "error"], typer.Option("--log-level")] = "info",
) -> None:
    """Run the daemon: scale the services of these policy files.

    It reads them again when they change and on SIGHUP. SIGTERM or Ctrl-C stop the daemon; replicas and proxy serve on.

    Examples:
      autoscaler run policies/
      autoscaler run web.yaml --dry-run
      autoscaler run --runtime process --state-dir ./state
    """
    import asyncio

    from autoscaler.wiring import daemon

    chosen = replace(
        settings(paths, state_dir, instance, runtime, allow_privileged, allow_writable_policies, listen),
        token_file=token_file,
        allowed_hosts=tuple(allowed_host or ()),
        drain_on_exit=drain_on_exit,
        log_format=log_format,
        log_level=log_level,
    )
    raise typer.Exit(asyncio.run(daemon.rehearse(chosen) if dry_run else daemon.run(chosen)))
