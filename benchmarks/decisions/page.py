"""What docs/decisions.md says, as the plots and tests need it: the policy that each plot shows, and the table of the day."""

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from autoscaler.spec.load import load_policies
from autoscaler.spec.models import ServiceSpec

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGE = DOCS / "decisions.md"
PLOT = re.compile(r"^```yaml\n(policies:\n(?:.*\n)*?)```\n\n!\[[^]]*\]\(decisions/([a-z_]+)\.svg\)$", re.MULTILINE)
TITLE = re.compile(r"<title>(.+): (\S+) late, (\S+) x the oracle's replica-hours, (\d+) moves</title>")
TABLE = re.compile(r"(?<=<!-- Made by `make plots`. -->\n).*?(?=<!-- -->)", re.DOTALL)
SERVICE = """
service: web
replica: {{image: web, port: 5000}}
route: {{bind: 127.0.0.1:8080, max_concurrency: {slots}}}
replicas: {{min: 1, max: 40}}
"""


def drawn(page: str) -> Mapping[str, str]:
    """The policies of the page that have a plot, by the plot's name."""
    return {name: policies for policies, name in PLOT.findall(page)}


def spec(policies: str, slots: int) -> ServiceSpec:
    """A service under these policies."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "web.yaml")
        file.write_text(SERVICE.format(slots=slots) + policies)
        loaded = load_policies([file], environ={})
    if loaded.problems:
        raise ValueError(f"no valid policies: {loaded.problems[0]}")
    return loaded.documents[0].spec


def title(name: str, late: str, cost: str, moves: int) -> str:
    """What stands above a plot."""
    return f"{name}: {late} late, {cost} x the oracle's replica-hours, {moves} moves"


def table(plots: Mapping[str, str]) -> str:
    """The table of the day, of what stands above the plots."""
    rows = ["", "| | late | replica-hours to the oracle's | moves |", "|---|---|---|---|"]
    for name, plot in plots.items():
        told = TITLE.search(plot)
        if told is None:
            raise ValueError(f"{name}.svg has no title")
        rows.append(f"| `{name}` | {told[2]} | {told[3]} | {told[4]} |")
    return "\n".join([*rows, "", ""])


def with_table(page: str, table: str) -> str:
    """The page with another table of the day."""
    return TABLE.sub(lambda _: table, page)
