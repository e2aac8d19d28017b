"""The page that Prometheus scrapes."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from autoscaler import __version__
from autoscaler.model import NO_ORDERS, Decision, Fence, Limit, Mode, Recommendation, ReplicaState, Sample, Tally
from autoscaler.status import DaemonStatus, MetricStatus, ReplicaStatus, ServiceStatus, ShadowStatus
from autoscaler.telemetry import reference
from autoscaler.telemetry.counters import Counters
from autoscaler.telemetry.metrics import METRICS, VALUES
from autoscaler.telemetry.prometheus import Metrics
from tests.support.prometheus import needs_promtool
from tests.support.state import EPOCH
from tests.telemetry.test_counters import draining, failed, ready, removed_service, scaled

DOCS = Path(__file__).parents[2] / "docs"
Series = dict[str, float]


def replica(name: str, state: ReplicaState) -> ReplicaStatus:
    return ReplicaStatus(name, state, "abc", "127.0.0.1:5000", EPOCH, EPOCH, 0)


def metric(name: str, value: float | None, t: float = EPOCH, target: float | None = 50.0) -> MetricStatus:
    return MetricStatus(name, Sample(value, t, "" if value is not None else "no answer"), target, per_replica=True)


def service(name: str = "web", *metrics: MetricStatus, decision: Decision | None = None) -> ServiceStatus:
    return ServiceStatus(
        name=name,
        runtime="docker",
        bind="127.0.0.1:8080",
        host=None,
        path="/",
        min=1,
        max=3,
        policies=("target_tracking",),
        replicas=(replica(f"{name}-1", ReplicaState.READY), replica(f"{name}-2", ReplicaState.STARTING)),
        orders=NO_ORDERS,
        decision=decision,
        metrics=metrics,
        waiting=4,
    )


DECISION = Decision(
    service="web",
    t=EPOCH,
    desired=3,
    current=2,
    wanted=9,
    recommendations=(
        Recommendation(0, "target_tracking", 9, "request_rate", 8.2, "450 at 50 a replica"),
        Recommendation(1, "target_tracking", None, "cpu", None, "cpu is missing"),
        Recommendation(2, "latency_slo", 2, "latency_p95", 2.0, "more replicas do not help", out_of_reach=True),
    ),
    limits=(Limit("max", 9, 3, "max is 3"), Limit("host_full", 3, 3, "no room")),
    mode=Mode.HOLD,
    reason="450 at 50 a replica",
    within=Fence(1, 3),
)


def _written(labels: dict[str, str]) -> str:
    ordered = sorted(labels, key=lambda label: (label != "service", label))
    return ",".join(f"{label}={labels[label]}" for label in ordered)


class Daemon:
    """A status that tests change between scrapes."""

    def __init__(self, *services: ServiceStatus) -> None:
        self.status = DaemonStatus(services=services, ready=True)
        self.counters = Counters()
        self.t = EPOCH
        self.metrics = Metrics(lambda: self.status, self.counters, lambda: self.t)

    def page(self) -> str:
        return self.metrics.exposition()[0].decode()

    def series(self) -> Series:
        """Every sample of ours by its name, without the prefix, and its labels, the service first."""
        return {
            f"{sample.name.removeprefix('autoscaler_')}{{{_written(sample.labels)}}}": sample.value
            for family in text_string_to_metric_families(self.page())
            for sample in family.samples
            if sample.name.startswith("autoscaler_")
        }

    def only(self, prefix: str) -> Series:
        return {name: value for name, value in self.series().items() if name.startswith(prefix)}


def test_a_service_shows_its_counts_bounds_and_decision() -> None:
    seen = Daemon(service("web", metric("request_rate", 450.0), decision=DECISION)).series()
    assert seen["desired_replicas{service=web}"] == 3
    assert (seen["min_replicas{service=web}"], seen["max_replicas{service=web}"]) == (1, 3)
    assert {name: value for name, value in seen.items() if name.startswith("replicas{")} == {
        "replicas{service=web,state=starting}": 1,
        "replicas{service=web,state=ready}": 1,
        "replicas{service=web,state=draining}": 0,
        "replicas{service=web,state=warm}": 0,
        "replicas{service=web,state=failed}": 0,
    }
    assert seen["waiting_requests{service=web}"] == 4
    assert seen["at_max{service=web}"] == 1
    assert seen["health_suspect{service=web}"] == 0
    assert seen["recommendation{service=web,policy=0}"] == 9
    assert "recommendation{service=web,policy=1}" not in seen
    assert [seen[f"objective_out_of_reach{{service=web,policy={index}}}"] for index in range(3)] == [0, 0, 1]
    assert seen["metric_value{service=web,metric=request_rate}"] == 450
    assert seen["metric_target{service=web,metric=request_rate}"] == 50


def test_the_mode_is_1_and_the_others_0() -> None:
    assert Daemon(service(decision=DECISION)).only("mode") == {
        "mode{service=web,mode=override}": 0,
        "mode{service=web,mode=paused}": 0,
        "mode{service=web,mode=idle}": 0,
        "mode{service=web,mode=hold}": 1,
        "mode{service=web,mode=panic}": 0,
        "mode{service=web,mode=stable}": 0,
    }


def test_limits_that_bind_are_1_those_we_know_0_and_new_ones_shown() -> None:
    limits = Daemon(service(decision=DECISION)).only("limited")
    assert limits["limited{service=web,reason=max}"] == 1
    assert limits["limited{service=web,reason=host_full}"] == 1
    assert limits["limited{service=web,reason=stabilization}"] == 0


def test_before_the_first_decision_there_is_no_mode_and_the_count_that_is_there() -> None:
    daemon = Daemon(service())
    assert daemon.only("mode") == {}
    assert daemon.only("desired") == {"desired_replicas{service=web}": 2}
    assert daemon.only("last_tick") == {}


def test_a_missing_metric_has_no_value_and_an_age_that_grows() -> None:
    daemon = Daemon(service("web", metric("cpu", None), metric("request_rate", 5.0, EPOCH - 2)))
    assert daemon.only("metric_age") == {"metric_age_seconds{service=web,metric=request_rate}": 2}
    daemon.t = EPOCH + 30
    daemon.status = replace(daemon.status, services=(service("web", metric("request_rate", None, EPOCH + 30)),))
    assert daemon.only("metric_value") == {}
    assert daemon.only("metric_age") == {"metric_age_seconds{service=web,metric=request_rate}": 32}


def test_of_two_policies_on_one_metric_the_first_is_shown() -> None:
    daemon = Daemon(service("web", metric("cpu", 0.5, target=0.7), metric("cpu", 0.6, target=0.9)))
    assert daemon.only("metric_target") == {"metric_target{service=web,metric=cpu}": 0.7}
    assert daemon.only("metric_value") == {"metric_value{service=web,metric=cpu}": 0.5}


def test_series_of_a_service_go_when_it_goes_and_start_at_nothing_when_it_comes_back() -> None:
    daemon = Daemon(service("web", metric("cpu", 0.5)), service("shop"))
    for event in (scaled(EPOCH, 1, 2), failed(EPOCH, "web-1"), ready(EPOCH, "web-2", 1.0)):
        daemon.counters(event)
    daemon.counters.failed_requests("web", "queue", 2.0)
    assert any("service=web" in name for name in daemon.series())
    daemon.counters(removed_service(EPOCH + 1))
    daemon.status = replace(daemon.status, services=(service("shop"),))
    assert not any("service=web" in name for name in daemon.series())
    assert any("service=shop" in name for name in daemon.series())
    daemon.status = replace(daemon.status, services=(service("web"), service("shop")))
    assert daemon.series()["scale_events_total{service=web,direction=up}"] == 0


def test_counters_are_there_at_0_from_the_start() -> None:
    seen = Daemon(service()).series()
    for name, values in VALUES.items():
        (label,) = (label for label in METRICS[name].labels if label != "service")
        of = "service=web," if "service" in METRICS[name].labels else ""
        for value in values:
            assert seen[f"{name.removeprefix('autoscaler_')}{{{of}{label}={value}}}"] == 0
    for bare in ("flaps_total{service=web}", "replica_seconds_total{service=web}", "proxy_restarts_total{}"):
        assert seen[bare] == 0


def test_histograms_are_cumulative_with_sum_and_count() -> None:
    daemon = Daemon(service())
    for seconds in (0.05, 0.25, 0.3, 1000.0):
        daemon.counters(ready(EPOCH, "web-1", seconds))
    seen = daemon.only("replica_start_seconds")
    assert seen["replica_start_seconds_bucket{service=web,le=0.1}"] == 1
    assert seen["replica_start_seconds_bucket{service=web,le=0.25}"] == 2
    assert seen["replica_start_seconds_bucket{service=web,le=300.0}"] == 3
    assert seen["replica_start_seconds_bucket{service=web,le=+Inf}"] == 4
    assert seen["replica_start_seconds_count{service=web}"] == 4
    assert seen["replica_start_seconds_sum{service=web}"] == pytest.approx(1000.6)


def test_the_daemon_shows_its_own_state() -> None:
    daemon = Daemon()
    daemon.status = DaemonStatus(
        services=(),
        ready=False,
        degraded={"state": "disk is full"},
        last_reload_successful=False,
        last_tick_at=EPOCH + 5,
        proxy_dropped_logs=7,
    )
    daemon.counters.observe_tick(0.003)
    daemon.counters.runtime_error("docker", "stop")
    seen = daemon.series()
    assert seen["degraded{reason=state}"] == 1
    assert seen["config_last_reload_successful{}"] == 0
    assert seen["last_tick_timestamp_seconds{}"] == EPOCH + 5
    assert seen["proxy_dropped_logs_total{}"] == 7
    assert seen["tick_duration_seconds_count{}"] == 1
    assert seen["runtime_errors_total{operation=stop,runtime=docker}"] == 1
    assert seen[f"build_info{{version={__version__}}}"] == 1


SHADOW = ShadowStatus("cheaper", replace(DECISION, desired=2), EPOCH, Tally(10.0, 30.0, 40.0, 100.0, 3.0, 1.0))


def everything() -> Daemon:
    daemon = Daemon(replace(service("web", metric("request_rate", 450.0), decision=DECISION), shadows=(SHADOW,)))
    daemon.status = replace(daemon.status, degraded={"state": "disk is full"}, last_tick_at=EPOCH)
    for event in (scaled(EPOCH, 1, 2), ready(EPOCH, "web-2", 1.0), *draining(EPOCH, "web-1")):
        daemon.counters(event)
    daemon.counters.runtime_error("docker", "stop")
    daemon.counters.metric_error("web", "proxy")
    return daemon


def test_all_metrics_of_the_registry_are_exported_with_their_type_and_no_others() -> None:
    families = {
        family.name + ("_total" if family.type == "counter" else ""): family
        for family in text_string_to_metric_families(everything().page())
        if family.name.startswith("autoscaler_")
    }
    assert sorted(families) == sorted(METRICS)
    for name, known in METRICS.items():
        assert (families[name].type, families[name].documentation) == (known.type, known.help)
        assert families[name].samples, f"{name} has no series"
        labels = {label for sample in families[name].samples for label in sample.labels} - {"le"}
        assert labels == set(known.labels)


def test_process_and_python_metrics_are_there() -> None:
    page = Daemon().page()
    assert re.search(r"^process_resident_memory_bytes \d", page, re.MULTILINE)
    assert re.search(r"^process_cpu_seconds_total \d", page, re.MULTILINE)
    assert re.search(r"^python_info\{", page, re.MULTILINE)


@needs_promtool
def test_promtool_finds_nothing_to_say() -> None:
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=everything().page(), capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_format_is_the_one_the_scraper_accepts() -> None:
    assert Daemon().metrics.exposition()[1].startswith("text/plain")
    page, content_type = Daemon().metrics.exposition("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert page.endswith(b"# EOF\n")


@pytest.mark.parametrize("name", sorted(reference.pages()))
def test_the_reference_pages_are_what_the_code_says(name: str) -> None:
    assert (DOCS / name).read_text() == reference.pages()[name], f"docs/{name} is stale; run `make docs`"


def test_shadows_have_series_of_what_is_known() -> None:
    assert Daemon(replace(service("web"), shadows=(SHADOW, ShadowStatus("new")))).only("shadow") == {
        "shadow_desired_replicas{service=web,shadow=cheaper}": 2.0,
        "shadow_replicas_ratio{service=web,shadow=cheaper}": 0.75,
        "shadow_late_ratio{service=web,of=shadow,shadow=cheaper}": 0.03,
        "shadow_late_ratio{service=web,of=ran,shadow=cheaper}": 0.01,
    }
