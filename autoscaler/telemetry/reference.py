"""Makes the reference pages of metrics and events from the code: `python -m autoscaler.telemetry.reference docs`."""

import logging
import sys
from collections.abc import Mapping
from pathlib import Path

from autoscaler.telemetry.kinds import EVENTS
from autoscaler.telemetry.metrics import METRICS, VALUES

GENERATED = "<!-- Made by `make docs` from the code; change it there. -->"


def metrics_page() -> str:
    """docs/metrics.md."""
    lines = [
        "# Metrics",
        "",
        GENERATED,
        "",
        "`GET /metrics` has these, and `process_*` and `python_*` beside them. Times are seconds. Series of a service go",
        "when it goes, and a metric that is missing has no series rather than a zero. Counters start at 0 with the daemon.",
        "`examples/prometheus/` has a scrape configuration and alerts, `examples/grafana/` a dashboard.",
        "",
        "| name | type | labels | meaning |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{name}` | {metric.type} | {', '.join(f'`{label}`' for label in metric.labels)} | {metric.help} |"
        for name, metric in METRICS.items()
    ]
    lines += ["", "## Label values", "", "| counter | values |", "|---|---|"]
    lines += [f"| `{name}` | {', '.join(f'`{value}`' for value in values)} |" for name, values in VALUES.items()]
    lines += ["", "## Buckets", "", "| histogram | upper bounds in seconds |", "|---|---|"]
    lines += [
        f"| `{name}` | {', '.join(f'{bound:g}' for bound in metric.buckets_s)} |"
        for name, metric in METRICS.items()
        if metric.buckets_s
    ]
    return "\n".join(lines) + "\n"


def events_page() -> str:
    """docs/events.md."""
    lines = [
        "# Events",
        "",
        GENERATED,
        "",
        "All that happens is an event: one line of the log, one row of the journal (`autoscaler events`, `history`), one",
        "message of `GET /api/v1/events`. An event has a time `t`, a `service` (empty: the daemon itself), a `kind`, a",
        "`replica` where it is about one, a `cause` for people, and `facts`. A warning or error that says the same again",
        "is logged once a minute with the number of times; the journal has each.",
        "",
        "| kind | level | meaning | facts |",
        "|---|---|---|---|",
    ]
    for event, kind in EVENTS.items():
        facts = "<br>".join(f"`{name}`: {meaning}" for name, meaning in kind.facts.items())
        lines.append(f"| `{event.value}` | {logging.getLevelName(kind.level).lower()} | {kind.means} | {facts} |")
    return "\n".join(lines) + "\n"


def pages() -> Mapping[str, str]:
    """Each page's file name and text."""
    return {"metrics.md": metrics_page(), "events.md": events_page()}


def main(folder: str) -> None:
    """Write the pages into that folder."""
    for name, text in pages().items():
        Path(folder, name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
