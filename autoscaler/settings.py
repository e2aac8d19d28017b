"""How a daemon is set up: its command line, with every default filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

DEFAULT_LISTEN = "127.0.0.1:9600"
DEFAULT_INSTANCE = "default"


@dataclass(frozen=True, slots=True)
class Settings:
    """What `run`, `plan`, `down` and `doctor` are told. `environ` is the daemon's environment."""

    environ: Mapping[str, str]
    paths: tuple[Path, ...]
    state_dir: Path
    instance: str = DEFAULT_INSTANCE
    runtime: str | None = None
    listen: str = DEFAULT_LISTEN
    token_file: Path | None = None
    allowed_hosts: tuple[str, ...] = ()
    allow_privileged: frozenset[str] = frozenset()
    allow_writable: bool = False
    drain_on_exit: bool = False
    log_format: Literal["text", "json"] = "text"
    log_level: str = "info"
