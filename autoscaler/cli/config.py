"""`autoscaler config`: the policy in force, each value with its origin."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autoscaler.cli.common import Json
from autoscaler.cli.policy_files import AllowPrivileged, AllowWritable, Runtime, load, usable
from autoscaler.cli.terminal import printable
from autoscaler.errors import UsageError

if TYPE_CHECKING:
    from autoscaler.spec.load import Document

Policies = Annotated[
    list[Path] | None,
    typer.Option("--policies", metavar="PATH", help="Policy files or folders: policies/, else /etc/autoscaler/policies."),
]


def config(
    service: Annotated[str | None, typer.Argument(metavar="[SERVICE]", show_default=False)] = None,
    policies: Policies = None,
    runtime: Runtime = None,
    allow_privileged: AllowPrivileged = None,
    allow_writable_policies: AllowWritable = False,
    as_json: Json = False,
) -> None:
    """Show the policy in force, each value with its origin: a place in a file, a variable, a flag, or our default.

    Values of environment variables and build arguments are not shown.

    Examples:
      autoscaler config
      autoscaler config web --policies policies/web.yaml
    """
    from autoscaler.spec.origins import as_yaml

    loaded = usable(load(policies, runtime, allow_privileged, allow_writable_policies))
    chosen = _chosen(loaded.documents, service)
    if as_json:
        typer.echo(json.dumps([_facts(document) for document in chosen], indent=2))
        return
    texts = [as_yaml(document.spec, document.origins) for document in chosen]
    typer.echo("\n".join(printable(line) for line in "---\n".join(texts).splitlines()))


def _chosen(documents: "tuple[Document, ...]", service: str | None) -> "list[Document]":
    chosen = [document for document in documents if service in (None, document.spec.service)]
    if not chosen:
        names = ", ".join(document.spec.service for document in documents)
        raise UsageError(f"no service {service!r}", where="autoscaler config", fix=f"there are: {names}")
    return chosen


def _typed(text: str) -> Any:
    """A value as JSON has it: numbers, booleans and texts, though `10s` and `256m` stay as people write them."""
    from autoscaler.spec.yaml12 import resolve

    return json.loads(text) if text[:1] in ('"', "[") or text == "{}" else resolve(text)


def _facts(document: "Document") -> dict[str, Any]:
    values = {key: {"value": _typed(origin.value), "origin": origin.source} for key, origin in document.origins.items()}
    return {"service": document.spec.service, "file": str(document.path), "values": values}
