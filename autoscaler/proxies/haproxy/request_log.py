"""Finished requests as HAProxy's log tells them, and how many of its lines were lost at either end.

The port stands in the config, so that it outlives the daemon: the next one listens there again. Where somebody else has
taken it meanwhile, another is taken, and the config with it.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress

from autoscaler.errors import ProxyError
from autoscaler.model import Request
from autoscaler.proxies.haproxy.log_lines import parse_line
from autoscaler.proxies.haproxy.log_receiver import LARGEST_BATCH, LogReceiver

INTERVAL_S = 0.1


class RequestLog:
    """The receiving end; `owners` are the services that take all of a bind."""

    def __init__(self) -> None:
        self._receiver: LogReceiver | None = None
        self._not_sent = 0
        self._told_by = 0, 0  # worker, and what it told last
        self.owners: Mapping[str, str] = {}

    def listen(self, port: int | None) -> int:
        """Listen on this port, or on another where it can't be had; answers which. Raises ProxyError."""
        if self._receiver is None:
            self._receiver = _receiver(port)
        return self._receiver.port

    async def requests(self) -> AsyncIterator[Sequence[Request]]:
        """What has come in, some times a second; nothing while nothing comes."""
        while True:
            receiver = self._receiver
            lines = receiver.receive() if receiver else []
            requests = [request for line in lines if (request := parse_line(line, self.owners))]
            if requests:
                yield requests
            if receiver and not lines:
                await receiver.arrival()
            await asyncio.sleep(0 if len(lines) == LARGEST_BATCH else INTERVAL_S)

    def count_not_sent(self, worker: int, dropped: int) -> None:
        """A worker told how many lines it could not send since its start."""
        known_worker, known = self._told_by
        self._not_sent += dropped - known if worker == known_worker else dropped
        self._told_by = worker, dropped

    def dropped(self) -> int:
        """Lines lost so far."""
        return self._not_sent + (self._receiver.dropped() if self._receiver else 0)

    def close(self) -> None:
        """Free the port."""
        if self._receiver:
            self._receiver.close()
            self._receiver = None


def _receiver(port: int | None) -> LogReceiver:
    try:
        with suppress(OSError):
            return LogReceiver(port or 0)
        return LogReceiver(0)
    except OSError as error:
        raise ProxyError(f"can't listen for HAProxy's log: {error.strerror}", where="127.0.0.1, UDP") from error
