"""What one service keeps over a restart of the daemon, as one JSON document in the store.

The minutes that were measured stand beside it: they are many, and few of them change. A document that can't be read is as
good as none: the service is then adopted from what runtime and proxy show.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from typing import Any

from autoscaler.decide.history import restored
from autoscaler.decide.memory import EMPTY, Memory
from autoscaler.model import Minutes
from autoscaler.reconcile.backoff import LONGEST_WAIT_S, Backoff
from autoscaler.reconcile.plan import NEW_BOOK, Book
from autoscaler.spec.nodes import shown


@dataclass(frozen=True, slots=True)
class Saved:
    """The decision's memory, the plan's book, image ids by spec hash, when each replica was first ready, and which have, or
    may have, their stop signal."""

    memory: Memory = EMPTY
    book: Book = NEW_BOOK
    images: Mapping[str, str] = field(default_factory=dict)
    ready_at: Mapping[str, float] = field(default_factory=dict)
    stopping: frozenset[str] = frozenset()


def dump(saved: Saved) -> str:
    """The document."""
    backoff = saved.book.backoff
    rest = {
        "next_number": saved.book.next_number,
        "backoff": asdict(backoff),
        "images": dict(saved.images),
        "ready_at": dict(saved.ready_at),
        "stopping": sorted(saved.stopping),
    }
    return f'{{"memory": {saved.memory.to_json()}, {json.dumps(rest)[1:]}'


def load(document: str | None, minutes: Mapping[str, Minutes], now: float) -> tuple[Saved, str]:
    """What a document and minutes say, and what was wrong with it. Times later than `now` become now."""
    saved, problem = _read(document, now)
    memory = replace(saved.memory, history=restored(saved.memory.history, minutes))
    return replace(saved, memory=memory), problem


def _read(document: str | None, now: float) -> tuple[Saved, str]:
    if document is None:
        return Saved(), ""
    try:
        fields = json.loads(document)
        return Saved(
            memory=Memory.from_json(json.dumps(fields["memory"]), now),
            book=Book(
                max(1, int(fields["next_number"])),
                _backoff(fields["backoff"], now),
            ),
            images={str(key): str(value) for key, value in fields["images"].items()},
            ready_at={str(key): _time(value, now) for key, value in fields["ready_at"].items()},
            stopping=frozenset(map(str, fields.get("stopping", ()))),  # a document of before has none
        ), ""
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        return Saved(), f"its saved state can't be read ({shown(str(error))}); it starts anew from what runs"


def _time(given: Any, now: float) -> float:
    time = float(given)
    if not isfinite(time):
        raise ValueError(f"{time} is no time")
    return min(time, now)


def _backoff(fields: Mapping[str, Any], now: float) -> Backoff:
    failed_at = _time(fields["failed_at"], now)
    until = _time(fields["until"], failed_at + LONGEST_WAIT_S)
    return Backoff(max(0, int(fields["streak"])), failed_at, until, str(fields["why"]))
