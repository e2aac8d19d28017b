"""The Prometheus and Grafana examples ask for metrics that there are, in words that Prometheus understands."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from autoscaler.telemetry.metrics import METRICS
from tests.support.prometheus import needs_promtool

EXAMPLES = Path(__file__).parents[2] / "examples"
DASHBOARD = EXAMPLES / "grafana" / "autoscaler.json"
RULES = EXAMPLES / "prometheus" / "autoscaler.rules.yml"
ALERTS_TEST = Path(__file__).parent / "alerts_test.yml"
SUFFIXES = ("_bucket", "_sum", "_count")


def dashboard() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return read


def queries() -> Iterator[str]:
    for panel in dashboard()["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    yield from (annotation["expr"] for annotation in dashboard()["annotations"]["list"])


def alerts() -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    return rules


def in_prometheus_words(query: str) -> str:
    """A query with the dashboard's variables filled in."""
    return query.replace("$service", "web").replace("$__rate_interval", "1m")


def metric_of(name: str) -> str:
    """The metric that a series belongs to."""
    for suffix in SUFFIXES:
        if name.endswith(suffix) and name.removesuffix(suffix) in METRICS:
            return name.removesuffix(suffix)
    return name


def asked_for(query: str) -> set[str]:
    return {metric_of(name) for name in re.findall(r"\bautoscaler_\w+", query)}


def promtool(*arguments: str) -> str:
    """What promtool says; fails where it finds fault."""
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("query", sorted({*queries(), *(alert["expr"] for alert in alerts())}))
def test_every_query_asks_for_metrics_and_labels_that_there_are(query: str) -> None:
    assert asked_for(query) <= set(METRICS)
    for name, selector in re.findall(r"\b(autoscaler_\w+)\{([^}]*)\}", query):
        labels = {*METRICS[metric_of(name)].labels, "instance", "job"}
        assert set(re.findall(r"(\w+)\s*[=!]", selector)) <= labels


def test_every_metric_but_the_version_and_the_reloads_of_the_proxy_is_on_the_dashboard_or_an_alert() -> None:
    shown = set().union(*(asked_for(query) for query in (*queries(), *(alert["expr"] for alert in alerts()))))
    assert set(METRICS) - shown == {"autoscaler_build_info", "autoscaler_proxy_reloads_total"}


def test_panels_have_ids_and_places_of_their_own() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in panels):
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells


@needs_promtool
def test_prometheus_understands_the_dashboard(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{place}", "expr": in_prometheus_words(query)} for place, query in enumerate(queries())]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", str(path))


@needs_promtool
def test_prometheus_takes_the_scrape_configuration_and_its_alerts() -> None:
    said = promtool("check", "config", str(EXAMPLES / "prometheus" / "prometheus.yml"))
    assert f"{len(alerts())} rules found" in said


@needs_promtool
def test_alerts_fire_when_they_should_and_not_on_a_healthy_daemon() -> None:
    assert "SUCCESS" in promtool("test", "rules", str(ALERTS_TEST))
    tested = ALERTS_TEST.read_text()
    assert [alert["alert"] for alert in alerts() if alert["alert"] not in tested] == []
