"""Ends that the engine's events have told and its list has not.

The engine tells `die` within 50 ms. Then it takes the container's network down, and all the while (0.1 to 0.8 s were seen)
its list says that the container runs, and a question about that one waits. So what an event told stands until the list says
the same, the container is started again or gone, or `BELIEVED_S` is over.
"""

from collections.abc import Collection
from dataclasses import dataclass

from autoscaler.drivers.docker_answers import text
from autoscaler.model import Exit
from autoscaler.runtimes.docker.changes import Event

BELIEVED_S = 10.0
OVER = ("start", "destroy")


@dataclass(frozen=True, slots=True)
class Death:
    """How one ended, and when that was told."""

    told_at: float
    exit: Exit


class Deaths:
    """Ends by the container's id."""

    def __init__(self) -> None:
        self._told: dict[str, Death] = {}
        self._out_of_memory: set[str] = set()

    def note(self, event: Event, now: float) -> None:
        """Take in an event."""
        id, action = text(event["Actor"].get("ID", ""), "ID"), event["Action"]
        if event.get("Type") != "container":
            return
        if action == "oom":
            self._out_of_memory.add(id)
        elif action == "die":
            code = event["Actor"]["Attributes"].get("exitCode", "")
            known = int(code) if code.isascii() and code.isdecimal() and len(code) < 10 else None
            self._told[id] = Death(now, Exit(known, oom=id in self._out_of_memory))
        elif action in OVER:
            self._forget(id)

    def of(self, id: str, now: float) -> Exit | None:
        """How this one ended, None where nothing was told of that, or long ago."""
        death = self._told.get(id)
        return None if death is None or now - death.told_at > BELIEVED_S else death.exit

    def keep_only(self, ids: Collection[str]) -> None:
        """Forget all but these: there are no others."""
        for id in (self._told.keys() | self._out_of_memory) - set(ids):
            self._forget(id)

    def _forget(self, id: str) -> None:
        self._told.pop(id, None)
        self._out_of_memory.discard(id)
