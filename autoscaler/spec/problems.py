"""What is wrong with a policy file: where, which key, what was found, and how to put it right. One line each.

policies/shop.yaml:14:5: policies[0].tolerence: unknown key; did you mean `tolerance`?
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autoscaler.errors import PolicyError
from autoscaler.spec.nodes import Mark, Path, key_path

MOST_PER_FILE = 100
_LONGEST_WHAT = 300


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `service` names whose document it is in, where that could be read."""

    mark: Mark
    key: str
    what: str
    fix: str = ""
    service: str = ""

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        fix = f"; {self.fix}" if self.fix else ""
        return f"{self.mark}: {key}{self.what}{fix}"


class Problems:
    """Collects what is wrong while a file is read, so that all of it can be said at once."""

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self._said: set[Path] = set()

    def add(self, mark: Mark, path: Path, what: str, fix: str = "") -> None:
        """Something is wrong with the key `path`, which stands at `mark`. The same thing is said once."""
        self._said.add(path)
        problem = Problem(mark, key_path(path), _short(what), fix)
        if problem not in self.found and len(self.found) < MOST_PER_FILE:
            self.found.append(problem)

    def said_of(self, path: Path) -> bool:
        """Whether something was said of this key already, or of one that it is below."""
        return any(path[:length] in self._said for length in range(1, len(path) + 1))


def _short(what: str) -> str:
    """A value of thousands of characters is shown by both its ends."""
    half = _LONGEST_WHAT // 2
    return what if len(what) <= _LONGEST_WHAT else f"{what[:half]} ... {what[-half:]}"


def nearest(word: str, allowed: Iterable[str]) -> str:
    """Which of `allowed` may have been meant, as a fix."""
    choices = sorted(allowed)
    close = difflib.get_close_matches(word.lower()[:100], choices, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"allowed: {', '.join(choices)}"


def as_error(problems: Sequence[Problem]) -> PolicyError:
    """All problems as one error, a line each: what a command says before it ends with status 2."""
    return PolicyError("\n".join(map(str, problems)))
