"""Receives HAProxy's log by UDP on loopback: nothing is lost while a burst is shorter than the socket's buffer.

The buffer is emptied some times a second rather than at each datagram: a wake-up costs more than a line. While nothing
comes, nothing wakes. What the kernel had to drop, it counts for each socket.
Source: udp(7), socket(7); /proc/net/udp's last column.
"""

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

RECEIVE_BUFFER = 4 * 1024 * 1024
LONGEST_DATAGRAM = 2048
LARGEST_BATCH = 5000
LOOPBACK = "0100007F"
SO_RCVBUFFORCE = 33  # socket(7); the socket module has no name for it


class LogReceiver:
    """One UDP socket on loopback."""

    def __init__(self, port: int) -> None:
        """Raises OSError where the port is taken; 0 takes any."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            with suppress(OSError):  # beyond the system's limit, where we may
                self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
            self._socket.bind(("127.0.0.1", port))
        except OSError:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        self._arrived = asyncio.Event()
        self._watching: asyncio.AbstractEventLoop | None = None

    def receive(self) -> list[bytes]:
        """What has come in, at most `LARGEST_BATCH` lines."""
        lines: list[bytes] = []
        with suppress(BlockingIOError):
            while len(lines) < LARGEST_BATCH:
                lines.append(self._socket.recv(LONGEST_DATAGRAM))
        return lines

    async def arrival(self) -> None:
        """Wait until there is something to receive, or this is closed."""
        self._arrived.clear()
        self._watching = asyncio.get_running_loop()
        self._watching.add_reader(self._socket, self._arrived.set)
        try:
            await self._arrived.wait()
        finally:
            self._watch_no_more()

    def dropped(self) -> int:
        """Datagrams that the kernel dropped, because the buffer was full."""
        local = f"{LOOPBACK}:{self.port:04X}"
        for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
            cells = line.split()
            if cells[1] == local:
                return int(cells[-1])
        return 0

    def close(self) -> None:
        """Free the port."""
        self._watch_no_more()
        self._arrived.set()
        self._socket.close()

    def _watch_no_more(self) -> None:
        if self._watching is not None:
            self._watching.remove_reader(self._socket)
            self._watching = None
