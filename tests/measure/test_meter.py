"""The meter: samples by name, what is 0 and what is missing."""

import pytest

from autoscaler.model import FailureCause, Request, Sample, Usage
from tests.decide.builders import service as spec
from tests.decide.builders import tracking
from tests.measure.builders import meter, traffic

RATE = tracking("request_rate")
ALL = tuple(
    tracking(name, total=1.0) for name in ("request_rate", "concurrency", "queue_length", "error_ratio", "latency_p95")
)
P95 = tracking("latency_p95", total=1.0, window=5.0)


def line(latency: float | None, failure: FailureCause | None = None) -> Request:
    return Request("web", 200, latency, failure)


def test_one_tick_of_everything() -> None:
    service = meter(*ALL)
    service.see(0.0, [traffic()])
    service.close(0.0)
    service.see(0.5, [traffic(arrivals=20, responses=10, errors=1, in_flight=10, queued=4)])
    service.hear(0.6, [line(0.2)] * 10)
    service.see(1.0, [traffic(arrivals=50, responses=40, errors=4, in_flight=10, queued=0)])
    samples = service.close(1.0)
    assert {name: sample.value for name, sample in samples.items()} == {
        "request_rate": 50.0,
        "concurrency": 10.0,
        "queue_length": 2.0,
        "error_ratio": 0.1,
        "latency_p95": pytest.approx(0.2, rel=0.01),
    }
    assert {sample.t for sample in samples.values()} == {1.0}


def test_only_what_is_asked_for() -> None:
    service = meter(RATE, also=("latency_p99",))
    service.see(0.0, [traffic()])
    assert sorted(service.close(0.0)) == ["latency_p99", "request_rate"]
    assert list(meter(RATE).close(0.0)) == ["request_rate"]


def test_on_the_first_tick_rates_are_missing_and_concurrency_is_not() -> None:
    service = meter(*ALL)
    service.see(0.0, [traffic(arrivals=500, responses=500, in_flight=3)])
    samples = service.close(0.0)
    assert samples["request_rate"] == Sample(None, 0.0, "first reading, a rate needs two")
    assert samples["error_ratio"] == Sample(None, 0.0, "first reading, a rate needs two")
    assert samples["concurrency"] == Sample(3.0, 0.0)


def test_a_proxy_that_does_not_answer_leaves_all_missing_with_its_words() -> None:
    service = meter(*ALL)
    service.see(0.0, [traffic()])
    service.close(0.0)
    service.miss(1.0, "no answer in 0.8 s")
    assert set(service.close(1.0).values()) == {Sample(None, 1.0, "no answer in 0.8 s")}


def test_one_good_reading_in_a_tick_is_enough() -> None:
    service = meter(RATE)
    service.see(0.0, [traffic()])
    service.close(0.0)
    service.miss(0.25, "cut")
    service.see(0.5, [traffic(arrivals=5)])
    service.miss(1.0, "cut")
    assert service.close(1.0) == {"request_rate": Sample(10.0, 1.0)}


def test_no_request_is_a_rate_and_an_error_ratio_of_0() -> None:
    service = meter(*ALL[:4])
    for t in (0.0, 1.0):
        service.see(t, [traffic(arrivals=9, responses=9, errors=9)])
        samples = service.close(t)
    assert samples["request_rate"] == Sample(0.0, 1.0)
    assert samples["error_ratio"] == Sample(0.0, 1.0)


def test_requests_in_flight_at_a_rate_of_0_are_no_fault() -> None:
    service = meter(*ALL[:4])
    for t in (0.0, 1.0):
        service.see(t, [traffic(arrivals=9, in_flight=9)])
        samples = service.close(t)
    assert (samples["request_rate"].value, samples["concurrency"].value) == (0.0, 9.0)


def test_requests_without_an_answer_yet_leave_the_error_ratio_missing() -> None:
    service = meter(*ALL[:4])
    service.see(0.0, [traffic()])
    service.close(0.0)
    service.see(1.0, [traffic(arrivals=3, in_flight=3)])
    assert service.close(1.0)["error_ratio"] == Sample(None, 1.0, "none of 3 requests is answered yet")


def test_errors_of_requests_that_never_got_an_answer_are_at_most_all() -> None:
    service = meter(*ALL[:4])
    service.see(0.0, [traffic()])
    service.close(0.0)
    service.see(1.0, [traffic(arrivals=9, responses=3, errors=5)])
    assert service.close(1.0)["error_ratio"] == Sample(1.0, 1.0)


def watch(ticks: int, arrivals_at: int | None = None) -> Sample:
    """latency_p95 after so many seconds, with a request that came and was answered at one of them."""
    service = meter(P95)
    total, sample = 0, Sample(None, 0.0)
    for t in range(ticks + 1):
        total += t == arrivals_at
        service.see(float(t), [traffic(arrivals=total, responses=total)])
        sample = service.close(float(t))["latency_p95"]
    return sample


def test_latency_is_0_only_when_the_whole_window_was_seen_without_a_request() -> None:
    assert watch(4) == Sample(None, 4.0, "not watched for 5s yet")
    assert watch(5) == Sample(0.0, 5.0)


def test_requests_without_a_log_line_are_not_0() -> None:
    assert watch(8, arrivals_at=6) == Sample(None, 8.0, "no log line arrived")
    assert watch(12, arrivals_at=6) == Sample(0.0, 12.0)


def test_failed_requests_are_no_latency_of_0() -> None:
    service = meter(P95)
    for t in range(7):
        service.see(float(t), [traffic(arrivals=t, responses=t)])
        service.hear(float(t), [line(None, FailureCause.NO_SERVER)])
        sample = service.close(float(t))["latency_p95"]
    assert sample.value is None
    assert sample.problem.startswith("none of 6 requests was answered")


def test_websockets_alone_are_no_requests() -> None:
    service = meter(P95)
    for t in range(7):
        service.see(float(t), [traffic(arrivals=t, responses=t)])
        service.hear(float(t), [line(None)])
        sample = service.close(float(t))["latency_p95"]
    assert sample == Sample(0.0, 6.0)


def test_log_lines_tell_latencies_while_the_counters_can_not_be_read() -> None:
    service = meter(P95)
    service.hear(0.5, [line(0.3)])
    service.miss(1.0, "gone")
    assert service.close(1.0)["latency_p95"].value == pytest.approx(0.3, rel=0.01)


def test_values_of_each_replica() -> None:
    service = meter(tracking("cpu", target=0.5, window=10.0), cpus=0.5, mem=100)
    service.read(0.0, {"a": Usage(1.0, 50)})
    service.read(1.0, {"a": Usage(1.25, 50)})
    assert service.wants_usage
    assert service.per_replica(1.0, ["a", "b"]) == {"cpu": (pytest.approx(0.5), None), "memory": (0.5, None)}
    assert (meter(RATE).wants_usage, meter(RATE).per_replica(0.0, ["a"])) == (False, {})


def test_a_policy_read_again_keeps_what_was_counted() -> None:
    service = meter(RATE)
    service.see(0.0, [traffic(arrivals=10)])
    service.close(0.0)
    service.follow(spec(RATE, P95))
    service.see(1.0, [traffic(arrivals=30)])
    assert service.close(1.0)["request_rate"] == Sample(20.0, 1.0)


def test_the_queue_and_lost_lines_are_told() -> None:
    service = meter(P95)
    service.see(0.0, [traffic(queued=4)])
    service.hear(0.0, [line(-1.0)])
    assert (service.waiting, service.lost) == (4, 1)
