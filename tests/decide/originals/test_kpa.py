"""The cases of Knative's KPA: two windows, panic, rates and activation scale.

Source: knative/serving `pkg/autoscaler/scaling/autoscaler_test.go`.

An id is the original's name without `TestAutoscaler` or `Autoscaler`. There the means of both windows are given; here the
samples before a tick make the stable mean, the tick's own is the panic mean. Its targets are goals (utilization 100%), rates
10, and what it decides is before min and max. Ticks that it gives one time are a second apart, or a window.

Without a counterpart: burst capacity, RPS, reachability (ScaleDownDelayNotReachable, StableModeDecreaseNonReachable),
metrics and collections (StartMetrics, MetricsWithRPS, StableModeIncreaseWithRPS, PausingCollection), pods that can't be
counted (CantCountPods, NewFail), UpdateTarget (another policy on the way), and the tests of pkg/autoscaler/metrics and
aggregation (buckets of a second, where DECISIONS takes the mean of the samples).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autoscaler.decide.replay import Replay, step
from tests.decide.originals.replays import LONG_AGO, Seen, answers, load, policy, tick

STABLE_WINDOW_S = 60.0
PANIC_WINDOW_S = 0.25
MANY = 100_000  # so many ready replicas that none of these means is a reason for panic


@dataclass(frozen=True, slots=True)
class At:
    """At `t` the means are these, with so many ready; at least `filling` samples make the stable one."""

    t: float
    stable: float
    panic: float
    ready: int
    expected: int
    mode: str | None = None
    filling: int = 0


def kpa(target: float, **keys: Any) -> Mapping[str, Any]:
    """The original's test policy."""
    rates = {"max_scale_up_rate": 10, "max_scale_down_rate": 10, "panic_threshold": "200%"}
    windows = {"stable_window": "60s", "panic_window": "250ms"}
    return {"type": "concurrency", "target": target, "utilization": "100%", **rates, **windows, **keys}


def load_of(sample: float | None) -> Seen:
    """So many requests at once, since the tick before."""
    return Seen({"metric": "concurrency"}, total=sample)


class Service:
    """A service in a replay, seen first with one ready replica and without a number: no panic."""

    def __init__(self, folder: Path, text: str) -> None:
        self.replay = Replay(load(folder, text))
        self.samples: list[tuple[float, float]] = []
        self.told: dict[str, Any] = {}
        self._see(LONG_AGO, None, 1)

    def reach(self, at: At) -> tuple[int | None, str]:
        """What is recommended when both means are as given, and in which mode.

        Samples before make the stable mean; in panic they come with as many ready, not to start another.
        """
        inside = [sample for t, sample in self.samples if t > at.t - STABLE_WINDOW_S]
        count, sample = filling(at, inside)
        first = max([at.t - STABLE_WINDOW_S + 1, *(t for t, _ in self.samples)])
        apart = (at.t - PANIC_WINDOW_S - first) / (count + 1)
        for index in range(count):
            self._see(first + apart * (index + 1), sample, at.ready if self.told["mode"] == "panic" else MANY)
        self._see(at.t, at.panic, at.ready)
        return self.told["recommendations"][0]["value"], self.told["mode"]

    def _see(self, t: float, sample: float | None, ready: int) -> None:
        answer, self.replay = step(self.replay, tick(t, ready, [load_of(sample)]))
        self.told = json.loads(answer)
        if sample is not None:
            self.samples.append((t, sample))


def filling(at: At, inside: Sequence[float]) -> tuple[int, float]:
    """How many samples of what value make the stable mean, with those inside the window and the tick's own."""
    if not inside and at.stable == at.panic:
        return 0, 0.0
    for count in range(max(1, at.filling), 5_000):
        sample = (at.stable * (len(inside) + count + 1) - sum(inside) - at.panic) / count
        if sample >= 0:
            return count, sample
    raise AssertionError(f"no samples make {at}")


TEN: Mapping[str, Any] = kpa(10)
ONE: Mapping[str, Any] = kpa(1)

CASES: Mapping[str, tuple[Mapping[str, Any], Sequence[At]]] = {
    "Metrics": (TEN, [At(0, 50, 50, 1, 5)]),
    "StableModeIncreaseWithConcurrencyDefault": (TEN, [At(0, 50, 10, 1, 5, "stable"), At(1, 100, 10, 1, 10, "stable")]),
    "UnpanicAfterSlowIncrease": (
        ONE,
        [At(0, 11, 25, 10, 25, "panic"), At(30, 30, 41, 40, 41, "panic", 2), At(62, 50, 56, 55, 50, "stable", 4)],
    ),
    "ExtendPanicWindow": (
        ONE,
        [At(0, 11, 25, 10, 25, "panic"), At(30, 30, 80, 40, 80, "panic"), At(90, 80, 80, 80, 80, "panic")],
    ),
    "StableModeDecrease": (TEN, [At(0, 100, 100, 8, 10, "stable"), At(60, 50, 50, 8, 5, "stable")]),
    "StableModeNoTrafficScaleToZero": (TEN, [At(0, 1, 0, 1, 1), At(60, 0, 0, 1, 0)]),
    "ActivationScale": (kpa(10, activation_scale=2), [At(0, 0, 0, 1, 0), At(1, 1, 0, 1, 2)]),
    "PanicModeExponentialTrackAndStabilize": (
        ONE,
        [
            At(0, 6, 6, 1, 6, "panic"),
            At(60, 36, 36, 6, 36, "panic"),
            At(120, 216, 216, 36, 216, "panic"),
            At(180, 1296, 1296, 216, 1296, "panic"),
            At(181, 1296, 1296, 1296, 1296, "panic"),
        ],
    ),
    "Scale/NoDataAtZeroNoAutoscale": (TEN, [At(0, 0, 0, 1, 0)]),
    "Scale/StableModeUnlimitedTBC": (kpa(181), [At(0, 21, 26, 1, 1)]),
    "Scale/0TBC": (TEN, [At(0, 50, 49, 1, 5)]),
    "Scale/StableModeNoChange": (TEN, [At(0, 50, 50, 1, 5)]),
    "Scale/PanicStableLargerThanPanic": (ONE, [At(-5, 5, 5, 2, 5, "panic"), At(0, 50, 30, 5, 50, "panic")]),
    "Scale/PanicStableLessThanPanic": (ONE, [At(-5, 5, 5, 2, 5, "panic"), At(0, 20, 30, 5, 30, "panic")]),
    "Scale/StableModeNoChangeAlreadyScaled": (TEN, [At(0, 50, 50, 5, 5, "stable")]),
    "Scale/StableModeIncreaseWithSmallScaleUpRate": (kpa(1, max_scale_up_rate=1.1), [At(0, 3, 3.1, 2, 3)]),
    "Scale/StableModeDecreaseWithSmallScaleDownRate": (kpa(10, max_scale_down_rate=1.1), [At(0, 1, 1, 100, 90, "stable")]),
    "Scale/PanicModeDoublePodCount": (TEN, [At(0, 50, 100, 1, 10, "panic")]),
    "PanicThenUnPanicScaleDown": (
        TEN,
        [
            At(0, 100, 100, 1, 10, "panic"),
            At(1, 100, 1000, 10, 100, "panic"),
            At(31, 1, 1, 10, 100, "panic"),
            At(62, 1, 1, 10, 1, "stable", 200),
        ],
    ),
    "RateLimitScaleUp": (TEN, [At(0, 1000, 1001, 1, 10), At(1, 1000, 1001, 10, 100)]),
    "RateLimitScaleDown": (TEN, [At(0, 1, 1, 100, 10, "stable"), At(1, 1, 1, 10, 1, "stable")]),
    "UseOnePodAsMinimumIfEndpointsNotFound": (TEN, [At(0, 1000, 888, 0, 10)]),
    "ScaleDownDelayZero": (kpa(10, panic_threshold="10000%"), [At(0, 40, 40, 1, 4), At(1, 20, 20, 1, 2)]),
}


@pytest.mark.parametrize(("given", "ticks"), [pytest.param(*each, id=name) for name, each in CASES.items()])
def test_the_autoscalers_count(tmp_path: Path, given: Mapping[str, Any], ticks: Sequence[At]) -> None:
    service = Service(tmp_path, policy([given], 1, 10_000, {}))
    for at in ticks:
        count, mode = service.reach(at)
        assert (count, mode) == (at.expected, at.mode or mode)


def test_no_data_no_autoscale(tmp_path: Path) -> None:
    (answer,) = answers(tmp_path, policy([TEN], 1, 10, {}), [tick(0, 4, [load_of(None)])])
    assert (answer["recommendations"][0]["value"], answer["desired"], answer["mode"]) == (None, 4, "hold")


@pytest.mark.parametrize(("ready", "mode"), [(0, "stable"), (1, "stable"), (2, "panic")])
def test_start_in_panic_mode(tmp_path: Path, ready: int, mode: str) -> None:
    """TestStartInPanicMode: a first sight of two or more is a panic at that count."""
    text = policy([kpa(100, panic_threshold="22000%")], 1, 10, {})
    (answer,) = answers(tmp_path, text, [tick(0, ready, [load_of(10)])])
    assert (answer["recommendations"][0]["value"], answer["mode"]) == (max(ready, 1), mode)


@pytest.mark.parametrize(
    "ticks",
    [
        pytest.param([(2, 40, 4), (300, 0, 4), (302, 0, 0)], id="simple"),
        pytest.param([(540, 40, 4), (600, 30, 4), (660, 0, 4), (840, 0, 3), (900, 0, 0)], id="gradual"),
    ],
)
def test_scale_down_delay(tmp_path: Path, ticks: Sequence[tuple[float, float, int]]) -> None:
    """TestAutoscalerScaleDownDelay: the delay is scale_down's stabilization window; without load it is min, 1."""
    behavior = {"scale_down": {"stabilization_window": "5m"}}
    text = policy([kpa(10, panic_threshold="10000%")], 1, 10, behavior)
    lines = [tick(LONG_AGO, 1, [load_of(0)]), *(tick(t, 1, [load_of(mean)]) for t, mean, _ in ticks)]
    assert [answer["desired"] for answer in answers(tmp_path, text, lines)[1:]] == [max(1, count) for *_, count in ticks]
