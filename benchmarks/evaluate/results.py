"""Scores that were worked out before, one JSON line each, so that an evaluation goes on where it was ended.

A line counts for the same scenario, controller and setting; for `auto` also only for the same code of what it reckons with.
"""

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.evaluate.scenario import Scenario
from benchmarks.evaluate.trial import Score

VERSION = 1  # of engine and baselines: a change that changes scores begins anew
DECIDE = Path(__file__).parent.parent.parent / "autoscaler" / "decide"
BASIS = ("rounding.py", "samples.py", "staffing.py")


class Results:
    """A file of scores. Several processes may add to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._scores: dict[str, Score] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                saved = json.loads(line)
                self._scores[saved["key"]] = Score.from_json(saved["score"])

    def score(
        self, scenario: Scenario, name: str, setting: Mapping[str, Any], made: Callable[[bool], Score], *, gives_up: bool
    ) -> Score:
        """The score, from the file or `made` now. One that was given up stands only where it may be."""
        key = json.dumps({"version": VERSION, "name": name, **setting, **scenario.to_json()}, sort_keys=True)
        known = self._scores.get(key)
        if known is not None and (known.is_complete or gives_up):
            return known
        score = made(gives_up)
        self._scores[key] = score
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.write(json.dumps({"key": key, "score": score.to_json()}) + "\n")
        return score


def digest_of_auto() -> str:
    """Changes when the code does that `auto` decides by. The order of a decision, around it, is held still by tests."""
    code = sha256()
    for path in sorted(
        [*DECIDE.glob("auto/*.py"), *(DECIDE / name for name in ("rounding.py", "samples.py", "staffing.py"))]
    ):
        code.update(path.read_bytes())
    return code.hexdigest()[:12]
