"""`autoscaler logs`: what a service's replicas write, each line after its replica's name."""

from typing import TYPE_CHECKING, Annotated

import typer

from autoscaler.cli.common import Api, Json, Service, StateDir, TokenFile, ask
from autoscaler.cli.terminal import has_colour, printable

if TYPE_CHECKING:
    from autoscaler.client import Client

COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "bright_cyan", "bright_yellow", "bright_green")


def logs(
    service: Service,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes new, until Ctrl-C.")] = False,
    tail: Annotated[int, typer.Option("--tail", metavar="N", min=0, help="The last N lines of each replica.")] = 100,
    as_json: Json = False,
    api: Api = None,
    state_dir: StateDir = None,
    token_file: TokenFile = None,
) -> None:
    """Show what a service's replicas write.

    Control characters in a line are shown, not obeyed.

    Example:
      autoscaler logs web -f --tail 20
    """
    prefixes = Prefixes(has_colour())

    async def tell(client: "Client") -> None:
        async for line in client.logs(service, tail, follow):
            typer.echo(line.model_dump_json() if as_json else prefixes.of(line.replica) + printable(line.line))

    ask(tell, api, state_dir, token_file)


class Prefixes:
    """A replica's name before each of its lines, in its own colour, as wide as the longest so far."""

    def __init__(self, coloured: bool) -> None:
        self._coloured = coloured
        self._colours: dict[str, str] = {}
        self._width = 0

    def of(self, replica: str) -> str:
        colour = self._colours.setdefault(replica, COLOURS[len(self._colours) % len(COLOURS)])
        self._width = max(self._width, len(replica))
        prefix = f"{printable(replica).ljust(self._width)} | "
        return typer.style(prefix, fg=colour) if self._coloured else prefix
