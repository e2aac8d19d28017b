"""What a shadow remembers over a restart, and what is made of a damaged one."""

import json
from dataclasses import replace
from typing import Any

import pytest

from autoscaler.decide import Memory
from autoscaler.decide.shadow import Shadowing
from autoscaler.decide.shadow.fleet import Fleet
from autoscaler.decide.shadow.kept import from_json, to_json
from tests.decide.builders import concurrency
from tests.decide.shadow.trials import tried


def state() -> Shadowing:
    """One that has seen a minute, with replicas that start."""
    trial = tried(concurrency(2.0), concurrency(3.5))
    trial.run(60, lambda t: 150.0 + t)
    assert trial.state is not None
    return replace(trial.state, fleet=Fleet(3, ((62.0, 2), (63.0, 1))), backlog=3.5)


def test_it_comes_back_as_it_was_saved() -> None:
    saved = state()
    memory = Memory.from_json(saved.memory.to_json(), 60.0)
    assert from_json(to_json(saved), 60.0) == replace(saved, memory=memory)


def test_a_clock_that_was_put_back_leaves_no_time_ahead() -> None:
    back = from_json(to_json(state()), 40.0)
    assert (back.t, back.since, back.memory.t) == (40.0, 1.0, 40.0)
    assert max(tick.t for tick in back.known.ticks) == 40.0
    assert back.known.capacity.ready_at <= 40.0
    assert from_json(to_json(state()), 0.5).since == 0.5


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("t", "soon"), ("t", True), ("since", 1e999), ("fleet", [-1, []]), ("fleet", [2.5, []]), ("ran", 3),
        ("ran", [1, [[1.0]]]), ("backlogs", [1.0]), ("backlogs", [-1.0, 0.0]), ("recent", [1.0]), ("total", [-1.0] * 6),
        ("ticks", [[1.0, 2.0]]), ("ticks", [[1.0, -2.0, 0.0, 0.0]]), ("capacity", {}), ("capacity", None), ("memory", {}),
    ],
)  # fmt: skip
def test_one_that_makes_no_sense_is_refused(key: str, value: Any) -> None:
    saved = json.loads(to_json(state()))
    with pytest.raises(ValueError, match="saved"):
        from_json(json.dumps(saved | {key: value}), 60.0)


@pytest.mark.parametrize(
    ("key", "value"),
    [("pieces", 0.5), ("aside", [0.0]), ("mean_s", 0.0), ("bent", 0), ("ready", -1), ("done", "9"), ("carried", -0.1)],
)
def test_a_capacity_that_cannot_be_is_refused(key: str, value: Any) -> None:
    saved = json.loads(to_json(state()))
    saved["capacity"][key] = value
    with pytest.raises(ValueError, match="saved"):
        from_json(json.dumps(saved), 60.0)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "[" * 100_000])
def test_what_is_no_shadow_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no saved shadow"):
        from_json(text, 60.0)
