"""What a shadow remembers, as JSON over restarts of the daemon. What was saved is read trusting nothing."""

import json
from collections.abc import Mapping
from dataclasses import asdict, astuple
from math import isfinite
from typing import Any

from autoscaler.decide.auto.capacity import Capacity
from autoscaler.decide.memory import Memory
from autoscaler.decide.shadow.fleet import Fleet
from autoscaler.decide.shadow.service import Service, Tick
from autoscaler.decide.shadow.step import Shadowing
from autoscaler.model import Tally

AHEAD_S = 600.0  # no replica takes longer to start (auto/capacity.py)


def to_json(shadow: Shadowing) -> str:
    """The text that `from_json` reads: all but the history."""
    known = shadow.known
    rest = {
        "of": shadow.of,
        "t": shadow.t,
        "since": shadow.since,
        "fleet": [shadow.fleet.ready, shadow.fleet.starting],
        "ran": [shadow.ran.ready, shadow.ran.starting],
        "capacity": asdict(known.capacity),
        "ticks": [astuple(tick) for tick in known.ticks],
        "backlogs": [shadow.backlog, shadow.ran_backlog],
        "recent": astuple(shadow.recent),
        "total": astuple(shadow.total),
    }
    text = json.dumps(rest, separators=(",", ":"), allow_nan=False)
    return f'{{"memory":{shadow.memory.to_json()},{text[1:]}'


def from_json(text: str, now: float) -> Shadowing:
    """The shadow that was saved. Times later than `now` become now. Raises ValueError where the text is no such thing."""
    try:
        saved = json.loads(text)
        own_backlog, ran_backlog = (_amount(value) for value in saved["backlogs"])
        return Shadowing(
            of=str(saved["of"]),
            t=min(_number(saved["t"]), now),
            since=min(_number(saved["since"]), now),
            memory=Memory.from_json(json.dumps(saved["memory"]), now),
            fleet=_fleet(saved["fleet"], now),
            ran=_fleet(saved["ran"], now),
            known=Service(_capacity(saved["capacity"], now), _ticks(saved["ticks"], now)),
            backlog=own_backlog,
            ran_backlog=ran_backlog,
            recent=_tally(saved["recent"]),
            total=_tally(saved["total"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"no saved shadow: {str(error) or type(error).__name__:.100}") from None


def _fleet(given: Any, now: float) -> Fleet:
    ready, starting = given
    told = ((min(_number(at), now + AHEAD_S), _count(count)) for at, count in starting)
    return Fleet(_count(ready), tuple(sorted(told)))


def _capacity(given: Mapping[str, Any], now: float) -> Capacity:
    mean_s, bent = given["mean_s"], given["bent"]
    return Capacity(
        ready=_count(given["ready"]),
        ready_at=min(_number(given["ready_at"]), now),
        piece_at=min(_number(given["piece_at"]), now),
        busy_s=_amount(given["busy_s"]),
        done=_amount(given["done"]),
        mean_s=None if mean_s is None else _positive(mean_s),
        pieces=_count(given["pieces"]),
        aside=tuple(_positive(piece) for piece in given["aside"]),
        carried=_amount(given["carried"]),
        bent=None if bent is None else _positive(bent),
        starting_s=_amount(given["starting_s"]),
        started=_amount(given["started"]),
    )


def _tally(given: Any) -> Tally:
    seconds, replica_seconds, ran_replica_seconds, requests, late, ran_late = (_amount(value) for value in given)
    return Tally(seconds, replica_seconds, ran_replica_seconds, requests, late, ran_late)


def _ticks(given: Any, now: float) -> tuple[Tick, ...]:
    told = {min(_number(t), now): (_amount(rate), _amount(there), _amount(queue)) for t, rate, there, queue in given}
    return tuple(Tick(t, *numbers) for t, numbers in sorted(told.items()))


def _number(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not isfinite(given):
        raise ValueError(f"saved shadow holds {given!r:.40} for a number")
    return float(given)


def _amount(given: Any) -> float:
    """A number that is never negative."""
    if _number(given) < 0:
        raise ValueError(f"saved shadow holds {given!r:.40}, less than nothing")
    return float(given)


def _positive(given: Any) -> float:
    if _number(given) <= 0:
        raise ValueError(f"saved shadow holds {given!r:.40} where something must be")
    return float(given)


def _count(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise ValueError(f"saved shadow holds {given!r:.40} for a count")
    return given
