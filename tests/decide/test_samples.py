"""Windows: the mean of what was sampled in them, and what counts as missing."""

import pytest

from autoscaler.decide import EMPTY
from autoscaler.model import Mode, Observation
from tests.decide.builders import counts, fold, seen, service, tracking

TEN_S = service(tracking(target=1.0, window=10.0))


def raws(ticks: list[Observation]) -> list[float | None]:
    return [decision.recommendations[0].raw for decision in fold(TEN_S, ticks)[0]]


def test_the_window_is_open_at_its_old_end() -> None:
    ticks = [seen(0, request_rate=10.0), seen(5, request_rate=20.0), seen(10, request_rate=30.0)]
    assert raws(ticks) == [10.0, 15.0, 25.0]


def test_decimals_do_not_keep_a_sample_too_long() -> None:
    spec = service(tracking(target=1.0, window=0.3))
    ticks = [seen(0.0, request_rate=10.0), seen(0.1 + 0.2, request_rate=20.0)]
    assert [d.recommendations[0].raw for d in fold(spec, ticks)[0]] == [10.0, 20.0]


def test_a_tick_without_a_value_takes_no_part() -> None:
    assert raws([seen(0, request_rate=10.0), seen(1, request_rate=None), seen(2)]) == [10.0, 10.0, 10.0]


def test_a_metric_is_missing_when_no_sample_in_its_window_has_a_value() -> None:
    decisions, _ = fold(TEN_S, [seen(0, request_rate=10.0), seen(9.9), seen(10)])
    assert [decision.mode for decision in decisions] == [Mode.STABLE, Mode.STABLE, Mode.HOLD]


def test_a_sample_at_the_same_t_replaces_the_one_before() -> None:
    assert raws([seen(0, request_rate=10.0), seen(5, request_rate=20.0), seen(5, request_rate=40.0)]) == [10, 15, 25]
    assert raws([seen(0, request_rate=10.0), seen(5, request_rate=20.0), seen(5)]) == [10, 15, 10]


def test_a_window_of_0_is_the_last_sample_alone() -> None:
    spec = service(tracking(target=1.0))
    decisions, memory = fold(spec, [seen(0, request_rate=10.0), seen(1, request_rate=30.0), seen(2)])
    assert [decision.recommendations[0].raw for decision in decisions] == [10.0, 30.0, None]
    assert memory.samples == {"request_rate": ()}


def test_two_policies_on_one_metric_have_each_its_window() -> None:
    spec = service(tracking(target=1.0, window=2.0), tracking(target=1.0, window=20.0))
    decisions, _ = fold(spec, [seen(0, request_rate=10.0), seen(5, request_rate=30.0)])
    assert [said.raw for said in decisions[1].recommendations] == [30.0, 20.0]


def test_percentiles_come_measured_over_their_window() -> None:
    spec = service(tracking("latency_p95", window=10.0, total=1.0))
    decisions, _ = fold(spec, [seen(0, latency_p95=3.0), seen(1, latency_p95=2.0), seen(2)])
    assert [said.recommendations[0].raw for said in decisions] == [3.0, 2.0, None]


def test_values_of_each_replica_come_as_they_are() -> None:
    spec = service(tracking("cpu", window=10.0, target=0.5))
    ticks = [seen(0, per_replica={"cpu": [1.0]}), seen(1, per_replica={"cpu": [0.5]})]
    assert counts(spec, ticks) == [2, 2]
    assert fold(spec, ticks)[0][1].recommendations[0].raw == 1.0


def test_memory_keeps_no_more_than_the_windows_need() -> None:
    _, memory = fold(TEN_S, [seen(float(t), request_rate=5.0, queue_length=1.0) for t in range(1000)])
    assert list(memory.samples) == ["request_rate"]
    assert len(memory.samples["request_rate"]) == 10


def test_time_that_runs_backwards_is_refused() -> None:
    _, memory = fold(TEN_S, [seen(10, request_rate=5.0)], EMPTY)
    with pytest.raises(ValueError, match="t went back from 10 to 9"):
        fold(TEN_S, [seen(9, request_rate=5.0)], memory)
