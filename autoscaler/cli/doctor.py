"""`autoscaler doctor`: what is wrong, with a fix for each."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoscaler.cli.common import Json, StateDir
from autoscaler.cli.policy_files import AllowPrivileged, AllowWritable, Runtime
from autoscaler.cli.setup import Instance, settings
from autoscaler.cli.terminal import has_colour, printable
from autoscaler.errors import AutoscalerError
from autoscaler.settings import DEFAULT_INSTANCE

if TYPE_CHECKING:
    from autoscaler.settings import Settings
    from autoscaler.status import Finding
    from autoscaler.web.models import ServiceAnswer

MARKS = {"ok": ("ok   ", "32"), "warn": ("warn ", "33"), "fail": ("FAIL ", "31")}


def doctor(
    service: Annotated[
        str | None, typer.Argument(metavar="SERVICE", show_default=False, help="Look at this one alone.")
    ] = None,
    policies: Annotated[
        list[Path] | None, typer.Option("--policies", metavar="PATH", help="Policy files or folders, as for `run`.")
    ] = None,
    as_json: Json = False,
    runtime: Runtime = None,
    state_dir: StateDir = None,
    instance: Instance = DEFAULT_INSTANCE,
    allow_privileged: AllowPrivileged = None,
    allow_writable_policies: AllowWritable = False,
) -> None:
    """Find what is wrong, with a fix for each: policies, engine, proxy, ports, limits, images, health checks, metrics.

    Exit status 1 where something is.

    Examples:
      autoscaler doctor
      autoscaler doctor web --policies policies/
    """
    import asyncio

    from autoscaler.wiring.doctor import diagnose

    chosen = settings(policies, state_dir, instance, runtime, allow_privileged, allow_writable_policies)

    async def look() -> "Sequence[Finding]":
        findings, holder = await diagnose(chosen, service)
        return [*findings, *(await _daemon(chosen, holder, service))]

    findings = asyncio.run(look())
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        typer.echo("\n".join(lines(findings)))
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


async def _daemon(settings: "Settings", holder: int | None, service: str | None) -> "list[Finding]":
    """What a daemon that runs tells of itself."""
    from autoscaler.client import Client
    from autoscaler.status import Finding

    if holder is None:
        return [Finding(True, "daemon: none runs on this state dir")]
    try:
        async with Client.find(None, settings.state_dir, settings.token_file) as client:
            ready, lines = await client.ready()
            services = await client.services()
    except AutoscalerError as error:
        return [Finding(False, f"daemon (pid {holder}): {error.what}", error.fix or "it may hang; stop it and run it again")]
    findings = [Finding(ready, f"daemon (pid {holder}): {'; '.join(lines)}", "" if ready else "see the lines above")]
    return findings + [f for told in services if service in (None, told.name) for f in _of_service(told)]


def _of_service(told: "ServiceAnswer") -> "list[Finding]":
    from autoscaler.status import Finding

    findings = [
        Finding(False, f"{told.name}: {error}", f"`autoscaler explain {told.name}` tells more") for error in told.errors
    ]
    for metric in told.metrics:
        if metric.value is None and metric.target is not None:
            what = f"{told.name}: {metric.name} is missing: {metric.problem}"
            findings.append(Finding(False, what, "nothing is scaled in meanwhile"))
    return findings


def lines(findings: "Sequence[Finding]") -> list[str]:
    """A line each: what was found, and what puts it right."""
    told = []
    for finding in findings:
        mark, colour = MARKS["fail" if not finding.ok else "warn" if finding.fix else "ok"]
        mark = f"\x1b[{colour}m{mark}\x1b[0m" if has_colour() else mark
        told.append(f"{mark} {printable(finding.what)}" + (f"; {printable(finding.fix)}" if finding.fix else ""))
    return told
