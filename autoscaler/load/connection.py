"""A connection to the service: one request at a time, and what came of it told by a call."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from autoscaler.load.answer import Answer


@dataclass(frozen=True, slots=True)
class Asked:
    """A request on its way; `due` by the loop's clock."""

    path: str
    wire: bytes
    due: float


Told = Callable[[Asked, Answer | None, str], None]  # the answer, where one came in full; else how it failed


class Connection(asyncio.Protocol):
    """Tells `on_end` what came of each request, and `on_free` when it can take the next; without that it takes one only."""

    def __init__(self, on_end: Told, on_free: "Callable[[Connection], None] | None") -> None:
        self.lost = asyncio.Event()
        self.asked: Asked | None = None
        self._on_end = on_end
        self._on_free = on_free
        self._answer = Answer()
        self._transport: asyncio.Transport | None = None

    @property
    def is_free(self) -> bool:
        """Whether a request can be sent over it."""
        return self.asked is None and self._transport is not None and not self._transport.is_closing()

    def ask(self, asked: Asked) -> None:
        """Send a request."""
        assert self._transport is not None
        self.asked = asked
        self._answer = Answer()
        self._transport.write(asked.wire)

    def give_up(self, failure: str) -> None:
        """Stop waiting for the answer."""
        self._end(None, failure)
        self.close()

    def close(self) -> None:
        """Leave at once; nothing is told any more."""
        self.asked = None
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """By asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """By asyncio."""
        if self.asked is None:  # an answer that nobody asked for: 408 on an idle connection, say
            self.close()
            return
        try:
            self._answer.feed(data)
        except ValueError:
            self.give_up("garbage")
            return
        if self._answer.complete:
            self._end(self._answer, "")
            if self._answer.keeps_alive and self._on_free is not None:
                self._on_free(self)
            elif self._transport is not None:
                self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """By asyncio."""
        self.lost.set()
        if self.asked is None:
            return
        self._answer.end()
        if self._answer.complete and error is None:
            self._end(self._answer, "")
        else:
            self._end(None, "cut" if self._answer.begun else "reset" if error else "closed")

    def _end(self, answer: Answer | None, failure: str) -> None:
        asked, self.asked = self.asked, None
        if asked is not None:
            self._on_end(asked, answer, failure)
