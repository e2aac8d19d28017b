"""explain of policies that learn: what was learned, from how much, what a count is for, and when fewer will do."""

from collections.abc import Callable

from autoscaler.decide import EMPTY, Case, Memory, account, decide, explain
from autoscaler.model import Observation, Sample
from autoscaler.spec.models import ServiceSpec
from tests.decide.builders import HPA, auto, latency_slo, predictive, seen, service, why
from tests.decide.fluid import Fluid

WEB = service(auto())


def tick(t: float, rate: float, ready: int, waiting: int = 0) -> Observation:
    """Requests take 100 ms, one at a time at a replica."""
    totals = {"request_rate": rate, "concurrency": min(rate * 0.1, float(ready)) + waiting, "queue_length": float(waiting)}
    return Observation("web", t, ready, 0, {name: Sample(value, t) for name, value in totals.items()}, waiting=waiting)


def told(spec: ServiceSpec, last: Observation, memory: Memory) -> list[str]:
    """The lines that explain a tick."""
    return explain(account(Case(spec, last, memory)), spec.behavior).splitlines()


def headline(lines: list[str]) -> list[str]:
    """The count and its reason, before the steps."""
    return [line.strip() for line in lines[: lines.index("")]]


def fewer(lines: list[str]) -> list[str]:
    """What is told of a move down."""
    return [line.strip() for line in lines[next(at for at, line in enumerate(lines) if line.startswith("fewer: ")) :]]


def one_at_once(most: int = 1) -> ServiceSpec:
    return WEB.model_copy(update={"route": WEB.route.model_copy(update={"max_concurrency": most})})


def lived(rates: Callable[[int], float], seconds: int, spec: ServiceSpec, ready: int = 13) -> Memory:
    """What is remembered after ticks of a second."""
    memory = EMPTY
    for second in range(seconds):
        _, memory = decide(spec, tick(float(second), rates(second), ready), memory)
    return memory


def test_auto_tells_what_a_replica_carries_from_how_much_and_what_the_count_is_for() -> None:
    lines = told(one_at_once(), tick(1200.0, 100.0, 13), lived(lambda _: 100.0, 1200, one_at_once()))
    assert headline(lines) == [
        "web: 13 replicas wanted, as before (mode stable)",
        "request_rate 100",
        "a replica carries 10/s (100ms each, the mean of 10m, 1 at once)",
        "it takes 13 to keep 99% of waits within 200ms, asks for 13",
    ]
    assert fewer(lines)[1:] == [
        "no value of request_rate alone asks for fewer now",
        "auto asks for fewer after needing fewer for 1m",
    ]


def test_auto_tells_until_when_it_holds_and_what_it_takes_the_rate_for_before_it_knows() -> None:
    assert headline(told(one_at_once(), tick(40.0, 10.0, 15), lived(lambda _: 10.0, 40, one_at_once(), ready=15)))[1:] == [
        "request_rate 10, taken for 14.29 until forecasts are judged 24 times (3 so far)",
        "a replica carries 10/s (100ms each, the mean of 30s, 1 at once)",
        "it takes 4 to keep 99% of waits within 200ms",
        "held at the most of the last 1m for 22s more, asks for 15",
    ]


def test_auto_tells_a_guess_and_the_requests_that_it_knows_by() -> None:
    lines = headline(told(one_at_once(20), tick(8.0, 10.0, 2), lived(lambda _: 10.0, 8, one_at_once(20), ready=2)))
    assert lines[2] == "a replica carries 10/s (100ms each, of 70 requests, 1 at once)"
    lines = headline(told(one_at_once(20), tick(30.0, 8.0, 1), lived(lambda _: 8.0, 30, one_at_once(20), ready=1)))
    assert lines[2] == "a replica carries 16/s (100ms each, of 232 requests, 1.6 at once, a guess as none was full yet)"


def test_auto_tells_the_forecast_that_it_goes_by_and_how_sure_that_is() -> None:
    spec = one_at_once()
    memory = lived(lambda second: 40.0 + 60.0 * (second // 60 % 2), 600, spec)
    lines = headline(told(spec, tick(600.0, 40.0, 13), memory))
    assert lines[1:3] == [
        "request_rate 90.93, up to 101.1 within 25s",
        "forecast by its mean over some 5m (93% sure, judged 115 times)",
    ]


def test_auto_tells_that_it_learns_and_what_would_move_it_meanwhile() -> None:
    assert headline(told(WEB, tick(0.0, 5.0, 7), EMPTY))[1:] == [
        "stays as it is unless more than 7 requests wait",
        "learning what a replica carries (0 of 20 requests seen), asks for 7",
    ]
    assert headline(told(WEB, tick(0.0, 5.0, 3, waiting=9), EMPTY))[1:] == [
        "9 requests wait, so twice the 3 ready at least",
        "learning what a replica carries (0 of 20 requests seen), asks for 6",
    ]


def test_auto_tells_what_waiting_requests_take() -> None:
    lines = headline(told(one_at_once(), tick(1200.0, 100.0, 10, 100), lived(lambda _: 100.0, 1200, one_at_once())))
    assert lines[1] == "100 requests wait at request_rate 100"
    assert lines[3] == "it takes 30 to serve them within 500ms, 3 times the 13 without them at most, asks for 30"


def test_latency_slo_tells_what_it_learned_and_what_one_fewer_would_do() -> None:
    fluid = Fluid(service(latency_slo(0.5), max=60), ready=8, u=20, bend=1)
    fluid.run(900, 100.0)
    lines = explain(account(fluid.case), fluid.spec.behavior).splitlines()
    assert headline(lines)[1:] == [
        "100 requests/s, 133ms each over the last 1m (50ms at idle replicas), latency_p95 3 times that",
        "8 keep latency_p95 within 500ms, with 7 5.77% would take longer (5% may), asks for 8",
    ]
    assert fewer(lines)[1:] == [
        "no value of latency_p95 alone asks for fewer now",
        "latency_slo goes by how many requests come and how long each takes",
        "latency_slo asks for fewer after needing fewer for 1m",
    ]


def test_latency_slo_tells_how_far_it_is_from_knowing() -> None:
    fluid = Fluid(service(latency_slo(0.5)), ready=4, u=10, bend=0)
    fluid.run(15, 2.0)
    assert "what a replica carries (20 of 50 in 10 of 20s with 4 ready), asks for 4" in fluid.decisions[-1].reason
    fluid.run(60, 2.0)
    assert "100ms each over the last 1m (other loads not seen yet), latency_p95 3 times" in fluid.decisions[-1].reason


def test_a_forecast_alone_tells_that_it_keeps_a_count_for_longer() -> None:
    lines = why(service(predictive()), *[seen(float(t), ready=2, request_rate=100.0) for t in range(3)]).splitlines()
    assert fewer(lines)[1:] == [
        "no value of request_rate alone asks for fewer now",
        "predictive asks for fewer after needing fewer for 5m",
    ]


def test_without_any_metric_nothing_moves_before_it_is_back() -> None:
    fallback = HPA.model_copy(update={"on_missing_metrics": "fallback", "fallback_replicas": 3})
    lines = why(service(max=9, behavior=fallback), seen(ready=2, request_rate=None)).splitlines()
    assert lines[-4:] == [
        "more: allowed at once, as far as 6",
        "   no metric asks for more before request_rate is back",
        "fewer: allowed in 5m at the earliest (stabilization), as far as 1",
        "   no metric asks for fewer before request_rate is back",
    ]
