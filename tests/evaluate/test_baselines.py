"""Each baseline's defaults and cadence, by cases of its documentation."""

import pytest

from benchmarks.evaluate.auto import auto
from benchmarks.evaluate.baselines import BASELINES, Baseline, Keda, Knobs, hpa, keda, kpa, static
from benchmarks.evaluate.controllers import Controller
from benchmarks.evaluate.fleet import Seen
from benchmarks.evaluate.scenario import Scenario

SCENARIO = Scenario("nasa", 5)
BY_NAME = {baseline.name: baseline for baseline in BASELINES}


def seen(t: float, rate: float = 0.0, ready: int = 10, *, concurrency: float = 0.0) -> Seen:
    return Seen(t, 15, rate, concurrency, 0.0, ready, 0, 0)


def test_hpa_example_twice_the_target_is_twice_the_replicas() -> None:
    at_half = hpa(Knobs(0.5, 300), SCENARIO)  # 5 requests/s each
    assert at_half.decide(seen(15, 100.0)) == 20


@pytest.mark.parametrize(("rate", "wanted"), [(55.0, 10), (56.0, 12), (45.0, 10)])
def test_hpa_tolerance(rate: float, wanted: int) -> None:
    assert hpa(Knobs(0.5, 0), SCENARIO).decide(seen(15, rate)) == wanted


def test_hpa_goes_in_after_its_stabilization_window() -> None:
    controller = hpa(Knobs(0.5, 300), SCENARIO)
    counts = [controller.decide(seen(15.0 * sync, 50.0 if sync == 1 else 25.0)) for sync in range(1, 24)]
    assert counts.index(5) == 20  # 300 s after the first sync
    assert counts[:20] == [10] * 20


def test_keda_sees_a_new_minute_each_half_minute() -> None:
    class Told:
        period_s = 15

        def __init__(self) -> None:
            self.rates: list[float] = []

        def decide(self, seen: Seen) -> int:
            self.rates.append(seen.rate)
            return 1

    hpa_of_keda = Told()
    polled = Keda(hpa_of_keda)
    for sync, rate in enumerate([10.0, 20.0, 30.0, 40.0, 50.0, 60.0], start=1):
        polled.decide(seen(15.0 * sync, rate))
    assert hpa_of_keda.rates == [10.0, 15.0, 15.0, 25.0, 25.0, 45.0]


def test_kpa_panics_at_twice_what_is_there() -> None:
    controller = kpa(Knobs(0.7), SCENARIO)
    for tick in range(1, 61):
        controller.decide(seen(2.0 * tick, ready=10, concurrency=7.0))
    counts = [controller.decide(seen(120.0 + 2 * tick, ready=10, concurrency=28.0)) for tick in range(1, 4)]
    assert counts == [20, 30, 40]  # the means of 6 s are 14, 21 and 28, at 0.7 each


def test_static_is_what_the_peak_needs() -> None:
    assert static(Knobs(0.7), SCENARIO).decide(seen(15)) == 30


@pytest.mark.parametrize(
    ("name", "period_s", "default"),
    [
        ("HPA", 15, Knobs(0.8, 300)),
        ("KEDA + HPA", 15, Knobs(0.8, 300)),
        ("KPA", 2, Knobs(0.7)),
        ("AWS", 60, Knobs(0.75)),
        ("static", 15, Knobs(0.7)),
    ],
)
def test_cadence_and_default(name: str, period_s: int, default: Knobs) -> None:
    baseline: Baseline = BY_NAME[name]
    made: Controller = baseline.make(default, SCENARIO)
    assert made.period_s == period_s
    assert baseline.default == default


def test_levels_rise() -> None:
    for baseline in BASELINES:
        assert list(baseline.levels) == sorted(set(baseline.levels))
        assert baseline.default.variant in baseline.variants


def test_keda_is_an_hpa() -> None:
    assert keda(Knobs(0.5, 0), SCENARIO).decide(seen(15, 100.0)) == 20


def test_auto_is_asked_each_second_and_goes_where_the_load_is() -> None:
    controller = auto(SCENARIO)
    counts = [controller.decide(Seen(float(t), 1, 100.0, 10.0, 0.0, 20, 0, 0)) for t in range(1, 301)]
    assert controller.period_s == 1
    assert 11 <= counts[-1] < 20
