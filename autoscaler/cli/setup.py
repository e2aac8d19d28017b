"""The flags that `run`, `plan`, `down` and `doctor` share, and the settings they make."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from autoscaler.cli.common import default_state_dir
from autoscaler.settings import DEFAULT_INSTANCE, DEFAULT_LISTEN, Settings

if TYPE_CHECKING:
    pass

Runtime = Literal["docker", "process"]

Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PATH", show_default=False, help="Policy files or folders: policies/, else /etc/autoscaler/policies."
    ),
]
RuntimeFlag = Annotated[Runtime | None, typer.Option("--runtime", help="For policies that leave `runtime:` out.")]
Instance = Annotated[str, typer.Option("--instance", metavar="NAME", help="Which controller's replicas these are.")]
AllowPrivileged = Annotated[
    list[str] | None,
    typer.Option("--allow-privileged", metavar="SERVICE", help="Let this service have what is refused otherwise."),
]
AllowWritable = Annotated[
    bool, typer.Option("--allow-writable-policies", help="Only warn of policy files that everyone can write.")
]


def policy_paths(paths: Sequence[Path] | None) -> tuple[Path, ...]:
    """The given ones, else `policies/` here, else the machine's."""
    if paths:
        return tuple(paths)
    here = Path("policies")
    return (here if here.is_dir() else Path("/etc/autoscaler/policies"),)


def settings(
    paths: Sequence[Path] | None,
    state_dir: Path | None,
    instance: str = DEFAULT_INSTANCE,
    runtime: str | None = None,
    allow_privileged: Sequence[str] | None = None,
    allow_writable: bool = False,
    listen: str = DEFAULT_LISTEN,
) -> Settings:
    """The settings of these flags."""
    return Settings(
        environ=dict(os.environ),
        paths=policy_paths(paths),
        state_dir=(state_dir or default_state_dir()).absolute(),
        instance=instance,
        runtime=runtime,
        allow_privileged=frozenset(allow_privileged or ()),
        allow_writable=allow_writable,
        listen=listen,
    )
