"""`autoscaler plan`: what `run` would change; changes nothing."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from autoscaler.cli.common import Json, StateDir
from autoscaler.cli.policy_files import AllowPrivileged, AllowWritable, Paths, Runtime, usable
from autoscaler.cli.setup import Instance, settings
from autoscaler.settings import DEFAULT_INSTANCE

if TYPE_CHECKING:
    from autoscaler.wiring.look import Look

WOULD_CHANGE = 3


def plan(
    paths: Paths = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 3 where something would change.")] = False,
    as_json: Json = False,
    runtime: Runtime = None,
    state_dir: StateDir = None,
    instance: Instance = DEFAULT_INSTANCE,
    allow_privileged: AllowPrivileged = None,
    allow_writable_policies: AllowWritable = False,
) -> None:
    """Show what `run` would change, and change nothing.

    Metrics of other systems are asked once. Nothing is measured at the proxy or the replicas, so that a count within
    min..max is never shown as falling.

    Examples:
      autoscaler plan policies/
      autoscaler plan web.yaml --exit-code
    """
    import asyncio

    from autoscaler.wiring import build, look

    chosen = settings(paths, state_dir, instance, runtime, allow_privileged, allow_writable_policies)
    loaded = usable(build.read_policies(chosen))
    seen = asyncio.run(look.look(chosen, loaded))
    if as_json:
        typer.echo(json.dumps(asdict(seen), indent=2))
    else:
        typer.echo("\n".join(_lines(seen)))
    if exit_code and (seen.removed or any(service.steps for service in seen.services)):
        raise typer.Exit(WOULD_CHANGE)


def _lines(seen: "Look") -> list[str]:
    lines = []
    for service in seen.services:
        lines.append(
            f"{service.service}: {service.ready} ready of {service.there}, {service.desired} wanted ({service.why})"
        )
        lines += [f"  {step}" for step in service.steps] or ["  no change"]
        if service.out_of_date:
            lines.append(f"  out of date, left running: {', '.join(service.out_of_date)}")
    if seen.removed:
        lines.append(f"of services whose policy is gone, drained and removed: {', '.join(seen.removed)}")
    if seen.left_alone:
        lines.append(f"of services that no policy names, left alone: {', '.join(seen.left_alone)}")
    return lines + [f"could not be seen: {problem}" for problem in seen.problems]
