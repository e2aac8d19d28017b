"""The journal: every event kept in the store, and told to those who listen, under the same number.

`emit` only puts an event into a bounded queue. One task hands what has gathered there to the store, which numbers it,
and then to the listeners; so a number that a listener saw is one that `events(after=number)` goes on from.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

from autoscaler.model import Event
from autoscaler.ports import Store

QUEUE_EVENTS = 10_000
LISTENER_EVENTS = 1_000

Numbered = tuple[int, Event]


class Journal:
    """Listens to events; `run` carries them on. Events may come before it runs."""

    def __init__(self, queue_events: int = QUEUE_EVENTS) -> None:
        self._queue: deque[Event] = deque(maxlen=queue_events)
        self._stirred = asyncio.Event()
        self.dropped = 0

    def __call__(self, event: Event) -> None:
        """Never waits: where the queue is full, the oldest gives way."""
        self.dropped += len(self._queue) == self._queue.maxlen
        self._queue.append(event)
        self._stirred.set()

    async def run(self, store: Store, live: "Broadcast") -> None:
        """Run for ever; what is queued when it is cancelled, `flush` still writes."""
        while True:
            await self._stirred.wait()
            await self.flush(store, live)

    async def flush(self, store: Store, live: "Broadcast") -> None:
        """Hand over all that has gathered."""
        self._stirred.clear()
        events = list(self._queue)
        self._queue.clear()
        if events:
            first = await store.append(events)
            for number, event in enumerate(events, first):
                live.tell(number, event)


class Broadcast:
    """Numbered events as they happen, to any number of listeners, each with a bounded queue of its own."""

    def __init__(self, listener_events: int = LISTENER_EVENTS) -> None:
        self._listener_events = listener_events
        self._queues: set[asyncio.Queue[Numbered]] = set()

    @property
    def listeners(self) -> int:
        """How many listen at present."""
        return len(self._queues)

    def tell(self, number: int, event: Event) -> None:
        """Give it to each listener; one whose queue is full is cut off."""
        for queue in list(self._queues):
            if queue.full():
                self._queues.discard(queue)
            else:
                queue.put_nowait((number, event))

    def listen(self) -> AsyncGenerator[Numbered, None]:
        """Events from this call on; ends for a listener too slow to keep up, once it has had what was queued."""
        queue: asyncio.Queue[Numbered] = asyncio.Queue(self._listener_events)
        self._queues.add(queue)
        return self._from(queue)

    async def _from(self, queue: asyncio.Queue[Numbered]) -> AsyncGenerator[Numbered, None]:
        try:
            while queue in self._queues or not queue.empty():
                yield await queue.get()
        finally:
            self._queues.discard(queue)
