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
from autoscaler.decide.shadow import Shadowing, kept
from autoscaler.model import Minutes
from autoscaler.reconcile.backoff import LONGEST_WAIT_S, Backoff
from autoscaler.reconcile.plan import NEW_BOOK, Book
from autoscaler.spec.nodes import shown


@dataclass(frozen=True, slots=True)
class Saved:
    """The decision's memory, the plan's book, image ids by spec hash, when each replica was first ready, which have, or may
    have, their stop signal, and what each shadow remembers."""

    memory: Memory = EMPTY
    book: Book = NEW_BOOK
    images: Mapping[str, str] = field(default_factory=dict)
    ready_at: Mapping[str, float] = field(default_factory=dict)
    stopping: frozenset[str] = frozenset()
    shadows: Mapping[str, Shadowing] = field(default_factory=dict)


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
    shadows = ", ".join(f"{json.dumps(name)}: {kept.to_json(shadow)}" for name, shadow in saved.shadows.items())
    return f'{{"memory": {saved.memory.to_json()}, "shadows": {{{shadows}}}, {json.dumps(rest)[1:]}'


def load(document: str | None, minutes: Mapping[str, Minutes], now: float) -> tuple[Saved, str]:
    """What a document and minutes say, and what was wrong with it. Times later than `now` become now."""
    saved, problem = _read(document, now)
    shadows = {name: replace(shadow, memory=_with(shadow.memory, minutes)) for name, shadow in saved.shadows.items()}
    return replace(saved, memory=_with(saved.memory, minutes), shadows=shadows), problem


def _with(memory: Memory, minutes: Mapping[str, Minutes]) -> Memory:
    return replace(memory, history=restored(memory.history, minutes))


def _read(document: str | None, now: float) -> tuple[Saved, str]:
    if document is None:
        return Saved(), ""
    try:
        fields = json.loads(document)
        shadows, problem = _shadows(fields.get("shadows", {}), now)  # a document of before has none
        return Saved(
            memory=Memory.from_json(json.dumps(fields["memory"]), now),
            book=Book(
                max(1, int(fields["next_number"])),
                _backoff(fields["backoff"], now),
            ),
            images={str(key): str(value) for key, value in fields["images"].items()},
            ready_at={str(key): _time(value, now) for key, value in fields["ready_at"].items()},
            stopping=frozenset(map(str, fields.get("stopping", ()))),  # a document of before has none
            shadows=shadows,
        ), problem
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        return Saved(), f"its saved state can't be read ({shown(str(error))}); it starts anew from what runs"


def _shadows(fields: Mapping[str, Any], now: float) -> tuple[Mapping[str, Shadowing], str]:
    """The shadows that can be read, and what is wrong with one that can't: the service itself does without."""
    shadows: dict[str, Shadowing] = {}
    problem = ""
    for name, given in fields.items():
        try:
            shadows[name] = kept.from_json(json.dumps(given), now)
        except ValueError as error:
            problem = f"what its shadow {shown(name)} kept can't be read ({shown(str(error))}); its score begins anew"
    return shadows, problem


def _time(given: Any, now: float) -> float:
    time = float(given)
    if not isfinite(time):
        raise ValueError(f"{time} is no time")
    return min(time, now)


def _backoff(fields: Mapping[str, Any], now: float) -> Backoff:
    failed_at = _time(fields["failed_at"], now)
    until = _time(fields["until"], failed_at + LONGEST_WAIT_S)
    return Backoff(max(0, int(fields["streak"])), failed_at, until, str(fields["why"]))
