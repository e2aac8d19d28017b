"""`autoscaler convert`: from Kubernetes' autoscalers to policies. It moves text; spec/kubernetes converts."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoscaler.cli.terminal import printable
from autoscaler.errors import PolicyError, UsageError

if TYPE_CHECKING:
    from autoscaler.spec.kubernetes import Converted, Given

Manifest = Annotated[
    Path, typer.Argument(metavar="FILE", help="Manifests, as YAML or JSON; - for stdin.", show_default=False)
]


def convert(
    file: Manifest,
    image: Annotated[str | None, typer.Option("--image", metavar="NAME", help="The image that replicas run.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", metavar="PORT", min=1, max=65535, help="What they listen on.")
    ] = None,
    bind: Annotated[str | None, typer.Option("--bind", metavar="ADDRESS:PORT", help="Where clients connect.")] = None,
    cpus: Annotated[float | None, typer.Option("--cpus", metavar="CORES", min=0.001, help="A replica's CPU limit.")] = None,
    mem_limit: Annotated[
        str | None, typer.Option("--mem-limit", metavar="SIZE", help="A replica's memory limit, such as 256m.")
    ] = None,
    prometheus: Annotated[
        str | None, typer.Option("--prometheus", metavar="URL", help="Which Prometheus has the metrics of an adapter.")
    ] = None,
) -> None:
    """Turn Kubernetes HPAs and KEDA ScaledObjects into policies, one document each.

    A Deployment in the same file tells image, port and limits. What is not known is left empty, with a comment, and refused
    by `autoscaler validate` until it is filled in. What has no counterpart is told with its line, on top and on stderr.

    Examples:
      autoscaler convert hpa.yaml --image shop:1 --port 5000 --bind 127.0.0.1:8080 > policies/shop.yaml
      kubectl get deployment,hpa.v2.autoscaling -o yaml | autoscaler convert -
    """
    given = _given(image, port, bind, cpus, mem_limit, prometheus)
    from autoscaler.spec.kubernetes import convert as converted

    name = "stdin" if str(file) == "-" else str(file)
    policies = converted(_text(file, name), name, given)
    typer.echo(printable_lines("---\n".join(policy.text() for policy in policies)))
    for policy in policies:
        _tell(policy)


def _given(
    image: str | None, port: int | None, bind: str | None, cpus: float | None, mem_limit: str | None, prometheus: str | None
) -> "Given":
    from autoscaler.spec.kubernetes import Given
    from autoscaler.units import parse_size

    try:
        size = None if mem_limit is None else parse_size(mem_limit)
    except ValueError as error:
        raise UsageError(str(error), where="--mem-limit") from error
    return Given(image, port, bind, cpus, size, prometheus)


def _text(file: Path, name: str) -> str:
    """The manifests. Raises PolicyError where they can't be read."""
    from autoscaler.spec.files import read_text
    from autoscaler.spec.problems import Problems, as_error
    from autoscaler.spec.yaml12 import MOST_BYTES, decode

    problems = Problems()
    try:
        given = name == "stdin" and str(file) == "-"
        text = decode(sys.stdin.buffer.read(MOST_BYTES + 1), name, problems) if given else read_text(file, problems)
    except OSError as error:
        raise PolicyError(f"can't be read: {error.strerror}", where=name, fix="name a file of manifests") from error
    if text is None:
        raise as_error(problems.found)
    return text


def _tell(policy: "Converted") -> None:
    for note in policy.notes:
        typer.echo(printable(str(note)), err=True)
    for key, what in policy.blanks:
        typer.echo(printable(f"{policy.service}: fill in {key}: {what}"), err=True)


def printable_lines(text: str) -> str:
    """Text whose lines a terminal can be given."""
    return "\n".join(printable(line) for line in text.splitlines())
