"""Which failed requests a fault explains. Each request ends as one record; a failed one that no allowance explains breaks a
promise.

A request that failed is explained by an allowance where it was under way during it, its outcome is one of the allowance's,
and it was the allowance's replica that took it (where the allowance is for one replica). GET, HEAD and OPTIONS of whose
answer no byte had come are never explained by a replica's death: they go to another one.

The replicas' journal says who took what: that is the only true source, as a request that failed tells its client nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

SAFE = ("GET", "HEAD", "OPTIONS")
OK = "ok"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, from its first attempt to connect until its end, in monotonic seconds.

    `outcome` is `ok`, `status_N`, `refused` (nobody listened), `closed` (no byte of an answer came), `cut` (it ended early),
    `timeout` or `wrong` (an answer that is not the right one). `begun`: a byte of the replica's answer had come.
    """

    id: str
    kind: str
    method: str
    start: float
    end: float
    outcome: str
    begun: bool
    replica: str = ""


@dataclass(slots=True)
class Allowance:
    """What one fault may cost, from `start` to `end`.

    `replica`: of requests that it took (or nobody did: they lay in its buffers); "": of any. `spares_safe`: not those that
    can be sent to another replica. `outcomes`: empty for any but `wrong`.
    """

    fault: str
    start: float
    end: float = inf
    replica: str = ""
    spares_safe: bool = False
    outcomes: frozenset[str] = frozenset()

    def explains(self, request: Request, takers: Sequence[str]) -> bool:
        """Whether this request may have failed for it."""
        if request.start > self.end or request.end < self.start or request.outcome == "wrong":
            return False
        if self.outcomes and request.outcome not in self.outcomes:
            return False
        if self.replica and takers and self.replica not in takers:
            return False
        return not self.spares_safe or request.method not in SAFE or request.begun


@dataclass(frozen=True, slots=True)
class Journal:
    """What the replicas wrote: who took which request, in order, and what was in flight at each stop signal."""

    takers: Mapping[str, Sequence[str]]
    stops: Sequence["Stop"]


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop signal, in monotonic seconds, and the ids of the requests that the replica was answering."""

    replica: str
    at: float
    in_flight: Sequence[str]


def read_journal(lines: Iterable[str]) -> Journal:
    """From its lines; the last may have been cut by a death."""
    takers: dict[str, list[str]] = defaultdict(list)
    stops: list[Stop] = []
    for line in lines:
        match line.split():
            case ["took", request, replica]:
                takers[request].append(replica)
            case ["term", replica, at, *in_flight]:
                stops.append(Stop(replica, float(at), in_flight))
    return Journal(takers, stops)


@dataclass(slots=True)
class Accounts:
    """All requests of a run that ended, and what was allowed."""

    requests: list[Request] = field(default_factory=list)
    allowances: list[Allowance] = field(default_factory=list)

    def unexplained(self, journal: Journal) -> list[str]:
        """Every broken promise, in words."""
        return [*self._failed(journal), *self._taken_twice(journal), *self._cut_short(journal)]

    def explained(self, journal: Journal) -> dict[str, list[Request]]:
        """The failed requests by the fault that explains them."""
        by_fault: dict[str, list[Request]] = defaultdict(list)
        for request in self.failed():
            allowance = self._of(request, journal)
            if allowance is not None:
                by_fault[allowance.fault].append(request)
        return by_fault

    def failed(self) -> list[Request]:
        """All that were not answered as they should be."""
        return [request for request in self.requests if request.outcome != OK]

    def _of(self, request: Request, journal: Journal) -> Allowance | None:
        takers = journal.takers.get(request.id, ())
        return next((a for a in self.allowances if a.explains(request, takers)), None)

    def _failed(self, journal: Journal) -> list[str]:
        return [
            f"failed: {request}, taken by {list(journal.takers.get(request.id, ()))}"
            for request in self.failed()
            if self._of(request, journal) is None
        ]

    def _taken_twice(self, journal: Journal) -> list[str]:
        """A POST that was delivered must not be sent again."""
        return [
            f"sent twice: {request}, taken by {list(journal.takers[request.id])}"
            for request in self.requests
            if request.method not in SAFE and len(journal.takers.get(request.id, ())) > 1
        ]

    def _cut_short(self, journal: Journal) -> list[str]:
        """No stop signal while a client waits for that replica's answer, save to one that has failed."""
        excused = {allowance.replica for allowance in self.allowances}
        by_id = {request.id: request for request in self.requests}
        return [
            f"stop signal for {stop.replica} at {stop.at:.3f} s, which was answering {request}"
            for stop in journal.stops
            for request in (by_id[id] for id in stop.in_flight if id in by_id)
            if stop.replica not in excused and request.end > stop.at and journal.takers[request.id][-1] == stop.replica
        ]
