"""What a service's decisions remember: one frozen value, kept over restarts as JSON.

`recent` holds, for each count that was asked for, the last time it was; `latest` the newest, apart from these because a
decision asked again at the same `t` replaces it. `scaled` holds the change of each `t`, both directions. `forced` is the
last move to a bound and where it came from, `idle_since` since when there has been no load, `flaps` how often the count
turned back lately. `samples` holds, by metric, what
its longest window needs, and `policies` what each policy keeps for itself, by its place and type: numbers, of which those
named `..._at` are times, and `tables` of numbers, whose rows begin with a time where the table is named so. `history` holds
the minutes that policies learn from: of these the JSON has the one that runs, those that are over are kept beside it. Times
are Unix seconds. Nothing here is older than some window needs, so it does not grow.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any, TypeVar

from autoscaler.decide.history import KEPT, History

VERSION = 1
AWAY_S = 60.0  # who was away that long starts without history, so falls wait for a full window
BEGINS_ANEW = (":concurrency",)  # policies whose first tick keeps the count for as long as their window
MAX_COUNT = 1_000_000
FURTHEST_MINUTE = 10**12
MAX_LEVEL = 32
MAX_CHARACTERS = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """So many replicas were asked for, before any limit."""

    t: float
    count: int


@dataclass(frozen=True, slots=True)
class Scaled:
    """The count changed by so many, negative where it fell."""

    t: float
    by: int


@dataclass(frozen=True, slots=True)
class Forced:
    """The count was moved to a bound, from `was`."""

    t: float
    was: int


@dataclass(frozen=True, slots=True)
class Point:
    """A metric's value in one tick."""

    t: float
    value: float


@dataclass(frozen=True, slots=True)
class Turn:
    """The last move of the policies' own, and which way it went."""

    t: float
    up: bool


@dataclass(frozen=True, slots=True)
class Flaps:
    """How often the count turned back lately: `level` as of `at`, when it last did. `turn` is the last move."""

    level: int = 0
    at: float = 0.0
    turn: Turn | None = None


PolicyMemory = Mapping[str, float]
Table = tuple[tuple[float, ...], ...]
PolicyTables = Mapping[str, Table]


@dataclass(frozen=True, slots=True)
class Memory:
    """All that a decision takes from those before it. `t` and `desired` are None before the first."""

    t: float | None = None
    desired: int | None = None
    recent: tuple[Asked, ...] = ()
    latest: Asked | None = None
    scaled: tuple[Scaled, ...] = ()
    forced: Forced | None = None
    idle_since: float | None = None
    flaps: Flaps = Flaps()
    samples: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)
    policies: Mapping[str, PolicyMemory] = field(default_factory=dict)
    tables: Mapping[str, PolicyTables] = field(default_factory=dict)
    history: Mapping[str, History] = field(default_factory=dict)

    def to_json(self) -> str:
        """The text that `from_json` reads: all but the history's minutes that are over."""
        return json.dumps(
            {
                "version": VERSION,
                "t": self.t,
                "desired": self.desired,
                "recent": [[asked.t, asked.count] for asked in self.recent],
                "latest": None if self.latest is None else [self.latest.t, self.latest.count],
                "scaled": [[change.t, change.by] for change in self.scaled],
                "forced": None if self.forced is None else [self.forced.t, self.forced.was],
                "idle_since": self.idle_since,
                "flaps": [self.flaps.level, self.flaps.at, _turned(self.flaps.turn)],
                "samples": {name: [[p.t, p.value] for p in points] for name, points in self.samples.items()},
                "policies": {name: dict(numbers) for name, numbers in self.policies.items()},
                "tables": {name: dict(tables) for name, tables in self.tables.items()},
                "history": {name: [h.first, h.minute, h.total, h.count] for name, h in self.history.items()},
            },
            separators=(",", ":"),
            allow_nan=False,
        )

    @staticmethod
    def from_json(text: str, now: float) -> "Memory":
        """The memory that was saved. Times later than `now` become now: clocks are put back while a daemon is stopped.

        Raises ValueError where the text is not what `to_json` writes.
        """
        if len(text) > MAX_CHARACTERS:
            raise ValueError(f"saved memory of {len(text)} characters, {MAX_CHARACTERS} allowed")
        try:
            saved = json.loads(text, parse_constant=_no_constant)
        except RecursionError:
            raise ValueError("saved memory is nested too deeply") from None
        if not isinstance(saved, dict) or saved.get("version") != VERSION or saved.keys() | _LATER_KEYS != _KEYS:
            raise ValueError(f"saved memory is not one of version {VERSION}")
        return aged(_memory(saved, now), now)


EMPTY = Memory()


def aged(memory: Memory, now: float) -> Memory:
    """The memory of a daemon that decided nothing for a while, because it was ended or stopped.

    After a long absence no window has anything left: the count is remembered anew, as on a first tick.
    """
    if memory.t is None or memory.desired is None or now - memory.t <= AWAY_S:
        return memory
    asked = memory.recent if memory.latest is None else (*memory.recent, memory.latest)
    return Memory(
        t=memory.t,
        desired=memory.desired,
        recent=(*asked, Asked(now, memory.desired)),
        scaled=memory.scaled,
        flaps=replace(memory.flaps, turn=None),
        policies={slot: kept for slot, kept in memory.policies.items() if not slot.endswith(BEGINS_ANEW)},
        tables=memory.tables,
        history=memory.history,
    )


# ---------------------------------------------------------------- reading what was saved, trusting nothing

_LATER_KEYS = {"flaps", "tables", "history"}  # that what was saved by an earlier version lacks
_KEYS = _LATER_KEYS | {
    "version", "t", "desired", "recent", "latest", "scaled", "forced", "idle_since", "samples", "policies"
}  # fmt: skip
_Value = TypeVar("_Value")


def _memory(saved: Mapping[str, Any], now: float) -> Memory:
    def time(given: Any) -> float:
        return min(_number(given), now)

    def pairs(given: Any, make: Callable[[float, Any], _Value]) -> tuple[_Value, ...]:
        return tuple(make(time(at), rest) for at, rest in _pairs(given))

    def asked(t: float, count: Any) -> Asked:
        return Asked(t, _count(count))

    def policy(name: str, given: Any) -> float:
        return time(given) if name.endswith("_at") else _number(given)

    def table(name: str, given: Any) -> Table:
        rows = [tuple(_number(value) for value in _list(row)) for row in _list(given)]
        return tuple((min(row[0], now), *row[1:]) if name.endswith("_at") and row else row for row in rows)

    t, desired = saved["t"], saved["desired"]
    if (t is None) != (desired is None):
        raise ValueError("saved memory has a time without a count, or a count without a time")
    return Memory(
        t=None if t is None else time(t),
        desired=None if desired is None else _count(desired),
        recent=_in_order(pairs(saved["recent"], asked)),
        latest=_one(saved["latest"], lambda given: pairs(given, asked)),
        scaled=_net(pairs(saved["scaled"], lambda at, by: Scaled(at, _whole(by)))),
        forced=_one(saved["forced"], lambda given: pairs(given, lambda at, was: Forced(at, _count(was)))),
        idle_since=None if saved["idle_since"] is None else time(saved["idle_since"]),
        flaps=_flaps(saved.get("flaps"), time),
        samples={
            name: _newest(pairs(points, lambda at, value: Point(at, _number(value))))
            for name, points in _mapping(saved["samples"]).items()
        },
        policies={
            name: {key: policy(key, number) for key, number in _mapping(numbers).items()}
            for name, numbers in _mapping(saved["policies"]).items()
        },
        tables={
            name: {key: table(key, rows) for key, rows in _mapping(tables).items()}
            for name, tables in _mapping(saved.get("tables", {})).items()
        },
        history={name: _running(minute) for name, minute in _mapping(saved.get("history", {})).items()},
    )


def _turned(turn: Turn | None) -> list[Any] | None:
    return None if turn is None else [turn.t, turn.up]


def _flaps(given: Any, time: Callable[[Any], float]) -> Flaps:
    """What was saved of flaps; a memory of before they were noticed has none."""
    if given is None:
        return Flaps()
    if not isinstance(given, list) or len(given) != 3:
        raise ValueError(f"saved memory holds {given!r:.40} for flaps")
    turn = _one(given[2], lambda pair: tuple(Turn(time(at), _flag(up)) for at, up in _pairs(pair)))
    return Flaps(min(_count(given[0]), MAX_LEVEL), time(given[1]), turn)


def _flag(given: Any) -> bool:
    if not isinstance(given, bool):
        raise ValueError(f"saved memory holds {given!r:.40} for yes or no")
    return given


def _running(given: Any) -> History:
    """The minute that ran; none of those before it is known from here."""
    if not isinstance(given, list) or len(given) != 4:
        raise ValueError(f"saved memory holds {given!r:.40} for a minute")
    first, minute, count = _minute(given[0]), _minute(given[1]), _count(given[3])
    if not 0 <= minute - first <= KEPT:
        raise ValueError(f"saved memory holds a history from minute {first} to {minute}")
    return History(first, (None,) * (minute - first), minute, _number(given[2]), count)


def _minute(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or abs(given) > FURTHEST_MINUTE:
        raise ValueError(f"saved memory holds {given!r:.40} for a minute")
    return given


def _no_constant(name: str) -> float:
    raise ValueError(f"saved memory holds {name}")


def _number(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ValueError(f"saved memory holds {given!r:.40} for a number")
    try:
        number = float(given)
    except OverflowError:
        raise ValueError("saved memory holds a number too large") from None
    if not isfinite(number):
        raise ValueError("saved memory holds an infinity")
    return number


def _whole(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or abs(given) > MAX_COUNT:
        raise ValueError(f"saved memory holds {given!r:.40} for a count")
    return given


def _count(given: Any) -> int:
    if _whole(given) < 0:
        raise ValueError(f"saved memory holds {given} for a count")
    return int(given)


def _mapping(given: Any) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise ValueError(f"saved memory holds {given!r:.40} for a mapping")
    return given


def _list(given: Any) -> list[Any]:
    if not isinstance(given, list):
        raise ValueError(f"saved memory holds {given!r:.40} for a list")
    return given


def _pairs(given: Any) -> list[tuple[Any, Any]]:
    if not isinstance(given, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in given):
        raise ValueError(f"saved memory holds {given!r:.40} for pairs")
    return [(pair[0], pair[1]) for pair in given]


def _one(given: Any, read: Callable[[Any], tuple[_Value, ...]]) -> _Value | None:
    return None if given is None else read([given])[0]


def _in_order(asked: Iterable[Asked]) -> tuple[Asked, ...]:
    return tuple(sorted(asked, key=lambda each: each.t))


def _net(changes: Iterable[Scaled]) -> tuple[Scaled, ...]:
    """One change a time: times moved to now may coincide."""
    by: dict[float, int] = {}
    for change in sorted(changes, key=lambda each: each.t):
        by[change.t] = by.get(change.t, 0) + change.by
    return tuple(Scaled(t, change) for t, change in by.items())


def _newest(points: Iterable[Point]) -> tuple[Point, ...]:
    """One sample a time, the later one of two."""
    return tuple({point.t: point for point in sorted(points, key=lambda each: each.t)}.values())
