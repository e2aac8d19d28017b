"""A replica's log, read from its end or followed, over the keeper's change of files."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import BinaryIO

BLOCK = 65536
FOLLOW_S = 0.2


def tail(place: Path, lines: int) -> Sequence[str]:
    """The last lines that a replica wrote, oldest first."""
    found: list[bytes] = []
    for name in ("log", "log.1"):
        if len(found) < lines:
            found = _last_lines(place / name, lines - len(found)) + found
    return [_text(line) for line in found]


def _last_lines(path: Path, lines: int) -> list[bytes]:
    try:
        with path.open("rb") as file:
            at = file.seek(0, os.SEEK_END)
            end = b""
            while at > 0 and end.count(b"\n") <= lines:
                step = min(BLOCK, at)
                at = file.seek(at - step)
                end = file.read(step) + end
    except FileNotFoundError:
        return []
    return end.splitlines()[-lines:] if lines else []


async def follow(place: Path, lines: int, running: Callable[[], bool]) -> AsyncIterator[str]:
    """The last `lines` and then each new one, until the replica doesn't run and all is read."""
    log = Followed(place / "log")
    try:
        log.skip_to_end()
        for line in tail(place, lines):
            yield line
        last_look = False
        while not last_look:
            last_look = not running()
            for line in log.new_lines():
                yield line
            if not last_look:
                await asyncio.sleep(FOLLOW_S)
        if log.unfinished:
            yield _text(log.unfinished)
    finally:
        log.close()


class Followed:
    """A file that others append to and replace."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unfinished = b""
        self._file: BinaryIO | None = None

    def skip_to_end(self) -> None:
        """Leave out what is there now."""
        if self._open():
            assert self._file is not None
            self._file.seek(0, os.SEEK_END)

    def new_lines(self) -> list[str]:
        """What was written since the last look, in whole lines."""
        written = self._read()
        if self._replaced():
            self.close()
            written += self._read()
        *whole, self.unfinished = (self.unfinished + written).split(b"\n")
        return [_text(line) for line in whole]

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> bool:
        if self._file is None:
            try:
                self._file = self.path.open("rb")
            except FileNotFoundError:
                return False
        return True

    def _read(self) -> bytes:
        return self._file.read() if self._open() and self._file is not None else b""

    def _replaced(self) -> bool:
        try:
            return self._file is not None and self.path.stat().st_ino != os.fstat(self._file.fileno()).st_ino
        except FileNotFoundError:
            return False


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode(errors="replace")
