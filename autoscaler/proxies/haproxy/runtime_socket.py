"""HAProxy's runtime socket: one connection that stays open, one answer a command.

In `prompt` mode an answer ends with a blank line and the prompt, so that a whole answer can be told from one that was cut.
An answer that is late or too long closes the connection, as nobody could tell whose the rest would be.
Source: HAProxy management guide, 9.3 "Unix Socket commands".
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from autoscaler.errors import ProxyUnavailable

PROMPT = b"\n> "
BLANK_LINE = b"\n\n"
LONGEST_ANSWER = 32 * 1024 * 1024
LONGEST_LINE = 8 * 1024  # HAProxy reads a line of commands into a buffer of tune.bufsize


class RuntimeSocket:
    """A worker's own socket. Not to be used by two tasks at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def connected(self) -> bool:
        """Whether the connection stands, as far as is known."""
        return self._reader is not None and not self._reader.at_eof()

    async def ask(self, commands: Sequence[str], timeout_s: float) -> list[str]:
        """An answer a command, without blank lines around. Raises ProxyUnavailable; half an answer is none."""
        try:
            async with asyncio.timeout(timeout_s):
                reader, writer = await self._connection()
                answers: list[str] = []
                for line, count in _lines(commands):
                    writer.write(line)
                    for _ in range(count):
                        answers.append(await _answer(reader))
                return answers
        except TimeoutError:
            self.close()
            raise ProxyUnavailable(f"no answer in {timeout_s:g} s", where=str(self._path)) from None
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            self.close()
            raise ProxyUnavailable(str(error), where=str(self._path), fix="is HAProxy running?") from error
        except asyncio.CancelledError:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection; the next question makes a new one."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None or self._reader.at_eof():
            self.close()
            self._reader, self._writer = await asyncio.open_unix_connection(self._path, limit=LONGEST_ANSWER)
            self._writer.write(b"prompt\n")
            await _answer(self._reader)
        return self._reader, self._writer


async def ask_once(path: Path, command: str, timeout_s: float) -> str:
    """One command over a connection of its own, to the blank line that ends an answer. Raises ProxyUnavailable."""
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_unix_connection(path, limit=LONGEST_ANSWER)
            try:
                writer.write(command.encode() + b"\n")
                return (await reader.readuntil(BLANK_LINE)).decode(errors="replace")
            finally:
                writer.close()
    except TimeoutError:
        raise ProxyUnavailable(f"no answer in {timeout_s:g} s", where=str(path)) from None
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise ProxyUnavailable(str(error), where=str(path)) from error


async def _answer(reader: asyncio.StreamReader) -> str:
    answer = await reader.readuntil(PROMPT)
    return answer[: -len(PROMPT)].decode(errors="replace").strip("\n")


def _lines(commands: Sequence[str]) -> list[tuple[bytes, int]]:
    """Commands packed into lines, with how many each holds."""
    packed: list[list[str]] = [[]]
    size = 0
    for command in commands:
        size += len(command) + 1
        if packed[-1] and size > LONGEST_LINE:
            packed.append([])
            size = len(command) + 1
        packed[-1].append(command)
    return [(";".join(line).encode() + b"\n", len(line)) for line in packed if line]
