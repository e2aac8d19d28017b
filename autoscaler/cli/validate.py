"""`autoscaler validate`: what is wrong with policy files, all at once."""

import json
from typing import TYPE_CHECKING, Any

import typer

from autoscaler.cli.common import Json
from autoscaler.cli.policy_files import AllowPrivileged, AllowWritable, Paths, Runtime, faults, load, usable
from autoscaler.cli.terminal import printable

if TYPE_CHECKING:
    from autoscaler.spec.load import Document, Loaded
    from autoscaler.spec.problems import Problem


def validate(
    paths: Paths = None,
    runtime: Runtime = None,
    allow_privileged: AllowPrivileged = None,
    allow_writable_policies: AllowWritable = False,
    as_json: Json = False,
) -> None:
    """Check policy files. Exit status 2 where anything is wrong; nothing is touched.

    Examples:
      autoscaler validate policies/
      autoscaler validate policies/web.yaml --json
    """
    loaded = load(paths, runtime, allow_privileged, allow_writable_policies)
    if as_json:
        typer.echo(json.dumps(_facts(loaded), indent=2))
        raise typer.Exit(2 if faults(loaded) else 0)
    for warning in loaded.warnings:
        typer.echo(printable(f"warning: {warning}"), err=True)
    for document in usable(loaded).documents:
        typer.echo(printable(_line(document)))


def _line(document: "Document") -> str:
    spec = document.spec
    route = f"{spec.route.bind} {spec.route.host or ''}{spec.route.path}"
    bounds = f"{spec.replicas.min}..{spec.replicas.max} replicas"
    return f"{document.path}:{document.line}: {spec.service}: ok ({spec.runtime}, {route}, {bounds})"


def _facts(loaded: "Loaded") -> dict[str, Any]:
    return {
        "valid": not faults(loaded),
        "services": [
            {
                "name": document.spec.service,
                "file": str(document.path),
                "line": document.line,
                "runtime": document.spec.runtime,
            }
            for document in loaded.documents
        ],
        "problems": [_problem(problem) for problem in loaded.problems],
        "unread": {str(path): why for path, why in loaded.unread.items()},
        "warnings": list(loaded.warnings),
    }


def _problem(problem: "Problem") -> dict[str, Any]:
    mark = problem.mark
    place = {"file": mark.file, "line": mark.line, "column": mark.column, "service": problem.service or None}
    return {**place, "key": problem.key, "what": problem.what, "fix": problem.fix, "text": str(problem)}
