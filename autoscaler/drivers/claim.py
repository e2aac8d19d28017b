"""One daemon an instance: a name in the kernel that is free again when its holder ends, however it ends.

The state dir's lock keeps two daemons from one dir; this keeps two with different dirs from managing the same containers.
Source: unix(7), abstract sockets.
"""

import asyncio
import errno
import socket
from contextlib import suppress

from autoscaler.errors import StateError

TRIES_FOR_S = 1.0  # a predecessor at its very end may hold it for a moment
PAUSE_S = 0.02


class Claim:
    """Holds an instance on an engine from `take` to `release` or the process's end."""

    def __init__(self, engine: str, instance: str) -> None:
        self._engine = engine
        self._instance = instance
        self._socket: socket.socket | None = None

    async def take(self) -> None:
        """Raises StateError where another live daemon has it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(TRIES_FOR_S):
                while not self._taken():
                    await asyncio.sleep(PAUSE_S)
                return
        raise StateError(
            f"another daemon holds the instance {self._instance!r} on this engine",
            where=self._engine,
            fix="stop it first, or run this one with another --instance",
        )

    def _taken(self) -> bool:
        held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            held.bind(f"\0autoscaler/{self._instance}/{self._engine}"[:107])
        except OSError as error:
            held.close()
            if error.errno != errno.EADDRINUSE:
                raise
            return False
        self._socket = held
        return True

    def release(self) -> None:
        """Let go. Doing it twice is fine."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
