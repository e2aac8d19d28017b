"""What a replica wrote, as lines: the engine sends it in pieces that end anywhere."""

from collections.abc import Iterator

from docker import APIClient

from autoscaler.drivers.threads import Blocking

LOGS_TIMEOUT_S = 10.0


def last_lines(client: APIClient, id: str, lines: int) -> list[str]:
    """The last lines, oldest first."""
    cutter = LineCutter()
    written = client.logs(id, tail=lines)
    return [*cutter.feed(written), *cutter.rest()]


def open_log(client: APIClient, id: str, lines: int) -> Blocking[bytes]:
    """The last lines and then each piece as it is written."""
    return client.logs(id, stream=True, follow=True, tail=lines)


def to_text(written: bytes) -> str:
    """Text of whatever a program wrote on one line."""
    return written.decode("utf-8", errors="replace").removesuffix("\r")


class LineCutter:
    """Lines of a stream of pieces; only a line feed ends a line."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[str]:
        """The lines that are complete now."""
        *complete, self._rest = (self._rest + piece).split(b"\n")
        return map(to_text, complete)

    def rest(self) -> Iterator[str]:
        """What was written after the last line feed."""
        return iter([to_text(self._rest)] if self._rest else [])
