"""`autoscaler export`: from a policy to a Kubernetes HPA or a KEDA ScaledObject. spec/kubernetes converts."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from autoscaler.cli.common import Service
from autoscaler.cli.config import Policies
from autoscaler.cli.policy_files import AllowPrivileged, AllowWritable, Runtime, load, usable
from autoscaler.cli.terminal import printable
from autoscaler.errors import UsageError

if TYPE_CHECKING:
    from autoscaler.spec.load import Document


def export(
    service: Service,
    to: Annotated[Literal["hpa", "keda"], typer.Option("--to", help="What to make of it.", show_default=False)],
    policies: Policies = None,
    runtime: Runtime = None,
    allow_privileged: AllowPrivileged = None,
    allow_writable_policies: AllowWritable = False,
) -> None:
    """Turn a policy into a Kubernetes HPA or a KEDA ScaledObject, for a Deployment of the service's name.

    What has no counterpart is told with its line, on top and on stderr. Metrics that the proxy measures become the daemon's
    own series of them, autoscaler_metric_value: put your ingress' in their place.

    Examples:
      autoscaler export web --to hpa
      autoscaler export web --to keda --policies policies/web.yaml > web-keda.yaml
    """
    from autoscaler.spec.kubernetes import export as exported
    from autoscaler.spec.kubernetes.written import comment, manifest_text

    loaded = usable(load(policies, runtime, allow_privileged, allow_writable_policies, to_zero=True))
    document = _chosen(loaded.documents, service)
    made = exported(document.spec, to)
    lines = [f"{mark}: {key}: {what}" for mark, key, what in _placed(document, made.notes)]
    told = [f"From the policy of {service}." + (" Without a counterpart, or not quite the same:" if lines else "")]
    text = "".join(f"{comment(line)}\n" for line in [*told, *(f"  {line}" for line in lines)])
    typer.echo(text + manifest_text(made.manifest), nl=False)
    for line in lines:
        typer.echo(printable(line), err=True)


def _chosen(documents: "tuple[Document, ...]", service: str) -> "Document":
    for document in documents:
        if document.spec.service == service:
            return document
    names = ", ".join(document.spec.service for document in documents)
    raise UsageError(f"no service {service!r}", where="autoscaler export", fix=f"there are: {names}")


def _placed(document: "Document", notes: "tuple[tuple[tuple[str | int, ...], str], ...]") -> list[tuple[str, str, str]]:
    """The notes with the places of their keys in the file; of a default the nearest place above."""
    from autoscaler.spec.nodes import find, key_path
    from autoscaler.spec.problems import Problems
    from autoscaler.spec.yaml12 import read

    root = read(document.text, str(document.path), Problems())[0].root
    return [(str(find(root, path)[0]), key_path(path), what) for path, what in notes]
