"""Decisions over a file of ticks: one line of JSON in, one out. Pure; cli/replay.py moves the bytes.

    in   {"t": s, "replicas": {"ready", "unready", "desired"}, "metrics": {name: total}, "per_replica": {name: [values]},
          "waiting"}
    out  {"t", "service", "desired", "recommendations", "limited_by", "mode"}

Needed are `t` and `replicas.ready`. A metric that is null, absent, NaN or infinite is missing; a built-in one is never below
0. A line that can't be meant is a LineError; its `where` is for the caller, who counts lines, to say.
Source: CONTRACT, "Commands".
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from math import isfinite
from typing import Any

from autoscaler.decide.decider import decide
from autoscaler.decide.memory import EMPTY, MAX_COUNT, Memory
from autoscaler.errors import AutoscalerError
from autoscaler.model import Decision, Observation, Sample
from autoscaler.spec.models import PROXY_METRICS, REPLICA_METRICS, ServiceSpec

LINE_KEYS = ("t", "replicas", "metrics", "per_replica", "waiting")
REPLICAS_KEYS = ("ready", "unready", "desired")
EXAMPLE = '{"t": 0, "replicas": {"ready": 1, "unready": 0}, "metrics": {"request_rate": 40}}'


class LineError(AutoscalerError):
    """A line of input that is no tick."""


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay so far: the policy, and what its decisions remember."""

    spec: ServiceSpec
    memory: Memory = EMPTY


def step(replay: Replay, line: str) -> tuple[str, Replay]:
    """One line of output for one of input, and the replay from there on. Raises LineError."""
    seen = read_tick(replay.spec.service, line)
    if replay.memory.t is not None and seen.t < replay.memory.t:
        raise LineError(f"t: {seen.t:.12g} is before {replay.memory.t:.12g} of the line above", fix="sort the lines by t")
    decision, memory = decide(replay.spec, seen, replay.memory)
    return json.dumps(told(decision), allow_nan=False), Replay(replay.spec, memory)


def told(decision: Decision) -> dict[str, Any]:
    """A decision as one line of output."""
    return {
        "t": decision.t,
        "service": decision.service,
        "desired": decision.desired,
        "recommendations": [
            {
                "policy": said.policy,
                "type": said.type,
                "value": said.value,
                "metric": said.metric or None,
                "raw": said.raw,
                "reason": said.reason,
            }
            for said in decision.recommendations
        ],
        "limited_by": list(decision.limited_by),
        "mode": str(decision.mode),
    }


# ---------------------------------------------------------------- reading a line


def read_tick(service: str, line: str) -> Observation:
    """The tick that a line tells."""
    tick = _keys(_parse(line), LINE_KEYS, "")
    t = _number(_needed(tick, "t", "seconds"), "t")
    if not isfinite(t):
        raise LineError(f"t: {t} is no time", fix="give seconds")
    replicas = _keys(_needed(tick, "replicas", 'a mapping such as {"ready": 1}'), REPLICAS_KEYS, "replicas.")
    ready = _count(_needed(replicas, "ready", "a count", "replicas."), "replicas.ready")
    desired = replicas.get("desired")
    return Observation(
        service,
        t,
        ready,
        _count(replicas.get("unready", 0), "replicas.unready"),
        {name: _sample(name, value, t) for name, value in _mapping(tick, "metrics").items()},
        {name: _values(name, values, ready) for name, values in _mapping(tick, "per_replica").items()},
        desired=None if desired is None else _count(desired, "replicas.desired"),
        waiting=_count(tick.get("waiting", 0), "waiting"),
    )


def _parse(line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        what = "an empty line" if not line.strip() else f"no JSON: {error.msg} at column {error.colno}"
        raise LineError(what, fix=f"write one tick a line, like {EXAMPLE}") from error
    except (ValueError, RecursionError) as error:
        raise LineError("no JSON that can be read: a number too long or nested too deeply") from error


def _keys(given: Any, known: Iterable[str], path: str) -> Mapping[str, Any]:
    names = tuple(known)
    if not isinstance(given, dict):
        raise LineError(
            f"{path.rstrip('.') or 'the line'}: {_shown(given)} is no mapping", fix=f"its keys: {', '.join(names)}"
        )
    for key in given:
        if key not in names:
            near = get_close_matches(key, names, 1)
            fix = f"did you mean `{near[0]}`?" if near else f"allowed: {', '.join(names)}"
            raise LineError(f"{path}{_plain(key)}: unknown key", fix=fix)
    return given


def _needed(given: Mapping[str, Any], key: str, what: str, path: str = "") -> Any:
    if given.get(key) is None:
        raise LineError(f"{path}{key}: missing", fix=f"give {what}")
    return given[key]


def _mapping(tick: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    given = tick.get(key)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise LineError(f"{key}: {_shown(given)} is no mapping", fix="give values by metric name")
    return given


def _sample(name: str, given: Any, t: float) -> Sample:
    path = f"metrics.{_plain(name)}"
    if name in REPLICA_METRICS:
        raise LineError(f"{path}: it is measured at each replica", fix=f"give a list in per_replica.{name}")
    if given is None:
        return Sample(None, t, "null")
    value = _number(given, path)
    if not isfinite(value):
        return Sample(None, t, f"{value} is no number")
    return Sample(_no_less_than_nothing(value, path) if name in PROXY_METRICS else value, t)


def _values(name: str, given: Any, ready: int) -> tuple[float | None, ...]:
    path = f"per_replica.{_plain(name)}"
    if given is None:
        return ()
    if not isinstance(given, list):
        raise LineError(f"{path}: {_shown(given)} is no list", fix="give one value for each ready replica, null for none")
    if len(given) > ready:
        raise LineError(f"{path}: {len(given)} values for {ready} ready replicas", fix="leave the starting ones out")
    return tuple(_value(name, value, f"{path}[{index}]") for index, value in enumerate(given))


def _value(name: str, given: Any, path: str) -> float | None:
    if given is None:
        return None
    value = _number(given, path)
    if not isfinite(value):
        return None
    return _no_less_than_nothing(value, path) if name in REPLICA_METRICS else value


def _no_less_than_nothing(value: float, path: str) -> float:
    """A value of a metric that we measure ourselves; what others measure may be below 0."""
    if value < 0:
        raise LineError(f"{path}: {value:g} is negative", fix="give 0 or more, or null where it isn't known")
    return value


def _number(given: Any, path: str) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise LineError(f"{path}: {_shown(given)} is no number")
    try:
        return float(given)
    except OverflowError:
        return float("inf")


def _count(given: Any, path: str) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= MAX_COUNT:
        raise LineError(f"{path}: {_shown(given)} is no count", fix=f"give a whole number from 0 to {MAX_COUNT}")
    return given


def _plain(key: str) -> str:
    """A key, short and without what a terminal would act on."""
    return _shown(key).strip('"')


def _shown(given: Any) -> str:
    """What was found, short and on one line whatever it is."""
    text = json.dumps(given)
    return text if len(text) <= 40 else f"{text[:37]}..."
