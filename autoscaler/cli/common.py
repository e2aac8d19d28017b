"""What the commands that ask a running daemon share: where it is, and how they talk to it."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from autoscaler.client import Client

T = TypeVar("T")


def default_state_dir() -> Path:
    """`/var/lib/autoscaler` as root, else `$XDG_STATE_HOME/autoscaler`, else `~/.local/state/autoscaler`."""
    if os.geteuid() == 0:
        return Path("/var/lib/autoscaler")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "autoscaler"


StateDir = Annotated[
    Path | None,
    typer.Option("--state-dir", metavar="DIR", help="The daemon's state dir: /var/lib/autoscaler, else ~/.local/state/…"),
]
Api = Annotated[str | None, typer.Option("--api", metavar="URL", help="The daemon's API, where it isn't on this machine.")]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", metavar="FILE", help="The API's token: DIR/token. Its socket needs none."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Service = Annotated[str, typer.Argument(metavar="SERVICE", show_default=False)]


def ask(question: "Callable[[Client], Awaitable[T]]", api: str | None, state_dir: Path | None, token_file: Path | None) -> T:
    """What the daemon answers to one question."""
    from autoscaler.client import Client

    async def asked() -> T:
        async with Client.find(api, state_dir or default_state_dir(), token_file) as client:
            return await question(client)

    return asyncio.run(asked())
