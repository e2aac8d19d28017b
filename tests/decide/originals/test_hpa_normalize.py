"""The cases of HPA's stabilization: past recommendations, and how far the count may follow a new one.

Source: kubernetes `pkg/controller/podautoscaler/horizontal_test.go`: TestNormalizeDesiredReplicas (5m down),
TestNormalizeDesiredReplicasWithBehavior, TestStabilizeDownscale. Which entry of its log is used again has no counterpart.

Each past recommendation is an earlier tick at the same count in which the policy asked for it.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.decide.originals.replays import LONG_AGO, answers, asks, cpu, policy, tick


@dataclass(frozen=True, slots=True)
class Asked:
    """At `current` `asked` was asked for, after `past` (seconds ago, count); windows in seconds."""

    past: tuple[tuple[int, int], ...]
    current: int
    asked: int
    expected: int
    up: int = 0
    down: int = 0

    def count(self, folder: Path) -> int:
        """The count that `replay` decides."""
        windows = {"scale_up": self.up, "scale_down": self.down}
        behavior = {key: {"stabilization_window": f"{window}s", "policies": []} for key, window in windows.items()}
        past = [(LONG_AGO, self.current), *((-float(ago), count) for ago, count in self.past), (0.0, self.asked)]
        lines = [tick(t, self.current, [asks(count)], desired=self.current) for t, count in sorted(past)]
        desired: int = answers(folder, policy([asks(1).policy], 1, 1000, behavior), lines)[-1]["desired"]
        return desired


CASES = {
    "NormalizeDesiredReplicas/empty log": Asked((), 10, 5, 5, down=300),
    "NormalizeDesiredReplicas/stabilize": Asked(((120, 4), (60, 5)), 10, 3, 5, down=300),
    "NormalizeDesiredReplicas/no stabilize": Asked(((120, 1), (60, 2)), 10, 3, 3, down=300),
    "NormalizeDesiredReplicas/no stabilize - old recommendations": Asked(((600, 10), (540, 9)), 10, 3, 3, down=300),
    "NormalizeDesiredReplicas/stabilize - old recommendations": Asked(
        ((600, 10), (60, 4), (120, 5), (540, 9)), 10, 3, 5, down=300
    ),
    "empty recommendations for scaling down": Asked((), 100, 5, 5),
    "simple scale down stabilization": Asked(((120, 4), (60, 5)), 100, 3, 5, down=180),
    "simple scale up stabilization": Asked(((120, 4), (60, 5)), 1, 7, 4, up=300),
    "no scale down stabilization": Asked(((120, 1), (60, 2)), 100, 3, 3, up=300),
    "no scale up stabilization": Asked(((120, 4), (60, 5)), 1, 3, 3, down=300),
    "no scale down stabilization, reuse recommendation element": Asked(((600, 10), (540, 9)), 100, 3, 3),
    "no scale up stabilization, reuse recommendation element": Asked(((600, 10), (540, 9)), 1, 100, 100),
    "scale down stabilization, reuse one of obsolete recommendation element": Asked(
        ((600, 10), (60, 4), (120, 5), (540, 9)), 100, 3, 5, down=180
    ),
    "scale up stabilization, reuse one of obsolete recommendation element": Asked(
        ((6000, 10), (60, 6), (120, 5), (180, 9)), 1, 100, 5, up=300
    ),
    "scale up and down stabilization, do not scale up when prenormalized rec goes down": Asked(
        ((6000, 2), (180, 3)), 2, 1, 2, up=300, down=300
    ),
    "scale up and down stabilization, do not scale down when prenormalized rec goes up": Asked(
        ((6000, 2), (180, 1)), 2, 3, 2, up=300, down=300
    ),
}


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_the_stabilized_count(tmp_path: Path, case: Asked) -> None:
    assert case.count(tmp_path) == case.expected


def test_stabilize_downscale(tmp_path: Path) -> None:
    """10 ten minutes ago is forgotten, 4 a minute ago is not: CPU at half of the target leaves 4."""
    times = ((LONG_AGO, 1.0), (-600.0, 10 / 3), (-60.0, 4 / 3), (0.0, 0.5))
    lines = [tick(t, 3, [cpu("100%", usage, usage, usage)], desired=4) for t, usage in times]
    text = policy([cpu("100%").policy], 1, 5, {})
    told = answers(tmp_path, text, lines)
    assert [answer["recommendations"][0]["value"] for answer in told[1:]] == [10, 4, 2]
    assert told[-1]["desired"] == 4
