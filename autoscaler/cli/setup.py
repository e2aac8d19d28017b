"""The settings that the flags of `run`, `plan`, `down` and `doctor` make."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from autoscaler.cli.common import default_state_dir
from autoscaler.cli.policy_files import default_paths
from autoscaler.errors import UsageError
from autoscaler.settings import DEFAULT_INSTANCE, DEFAULT_LISTEN, Settings

Instance = Annotated[str, typer.Option("--instance", metavar="NAME", help="Which controller's replicas these are.")]


def settings(
    paths: Sequence[Path] | None,
    state_dir: Path | None,
    instance: str = DEFAULT_INSTANCE,
    runtime: str | None = None,
    allow_privileged: Sequence[str] | None = None,
    allow_writable: bool = False,
    listen: str = DEFAULT_LISTEN,
) -> Settings:
    """The settings of these flags. Raises UsageError where the instance can't be a part of a container's name."""
    if not re.fullmatch(r"[a-z0-9-]{1,40}", instance):
        raise UsageError(f"--instance {instance!r}", fix="use a to z, digits and dashes, at most 40")
    return Settings(
        environ=dict(os.environ),
        paths=tuple(default_paths(paths)),
        state_dir=(state_dir or default_state_dir()).absolute(),
        instance=instance,
        runtime=runtime,
        allow_privileged=frozenset(allow_privileged or ()),
        allow_writable=allow_writable,
        listen=listen,
    )
