"""What the commands that read policy files share: where they are, and what a reader is told when they can't be used."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from autoscaler.errors import PolicyError

if TYPE_CHECKING:
    from autoscaler.spec.load import Loaded

RuntimeName = Literal["docker", "process"]
DEFAULT_PATHS = (Path("policies"), Path("/etc/autoscaler/policies"))

Paths = Annotated[
    list[Path] | None,
    typer.Argument(metavar="PATH", help="Policy files or folders: policies/, else /etc/autoscaler/policies."),
]
Runtime = Annotated[RuntimeName | None, typer.Option("--runtime", help="Stands in for a `runtime:` left out.")]
AllowPrivileged = Annotated[
    list[str] | None,
    typer.Option("--allow-privileged", metavar="SERVICE", help="Let this one service have power over the host."),
]
AllowWritable = Annotated[
    bool, typer.Option("--allow-writable-policies", help="Only warn of policy files that everyone can write.")
]


def default_paths(paths: Sequence[Path] | None) -> list[Path]:
    """The paths given, else the first default that is there."""
    if paths:
        return list(paths)
    return [next((path for path in DEFAULT_PATHS if path.exists()), DEFAULT_PATHS[0])]


def load(
    paths: Sequence[Path] | None,
    runtime: str | None = None,
    allow_privileged: Sequence[str] | None = None,
    allow_writable: bool = False,
    *,
    to_zero: bool = False,
) -> "Loaded":
    """All policies of these paths, with the environment's variables. `to_zero`: `replicas.min: 0` is fine."""
    from autoscaler.spec.load import load_policies

    return load_policies(
        default_paths(paths),
        environ=os.environ,
        default_runtime=runtime,
        allow_privileged=frozenset(allow_privileged or ()),
        allow_writable=allow_writable,
        to_zero=to_zero,
    )


def faults(loaded: "Loaded") -> list[str]:
    """All that keeps policies from being used, a line each; [] where all is well."""
    lines = [str(problem) for problem in loaded.problems]
    lines += [f"{path}: {why}; name a policy file or a folder of them" for path, why in loaded.unread.items()]
    if not lines and not loaded.documents:
        lines = ["no service found; name a policy file or a folder of them"]
    return lines


def usable(loaded: "Loaded") -> "Loaded":
    """The same policies. Raises PolicyError with a line for everything that is wrong with them."""
    if lines := faults(loaded):
        raise PolicyError("\n".join(lines))
    return loaded
