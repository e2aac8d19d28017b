"""What the pages say is so: policies can be read, commands exist, links lead somewhere, made pages are up to date."""

import json
import re
from pathlib import Path

import pytest

from autoscaler.cli import COMMANDS, NOT_YET
from autoscaler.spec.load import load_policies
from autoscaler.spec.schema import json_schema

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
AVAILABLE = sorted(name for group in COMMANDS.values() for name in group)
LINK = re.compile(r"\[[^]]*\]\(([^)#]+)(?:#[^)]*)?\)")
CITED_TEST = re.compile(r"`([a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")
YAML_BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def policies() -> list[str]:
    """The policies that pages show as a whole."""
    blocks = [block for page in PAGES for block in YAML_BLOCK.findall(page.read_text())]
    return [block for block in blocks if block.startswith("service:")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("policy", policies(), ids=lambda policy: str(policy.splitlines()[0]))
def test_a_policy_of_the_pages_is_valid(policy: str, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(policy)
    loaded = load_policies([tmp_path], environ={})
    assert [str(problem) for problem in loaded.problems] == []
    assert len(loaded.documents) == 1


def test_readme_shows_a_policy() -> None:
    assert YAML_BLOCK.search(README.read_text())


@pytest.mark.parametrize("command", AVAILABLE)
def test_every_command_is_in_the_readme(command: str) -> None:
    assert re.search(rf"`{command}[` ]", README.read_text())


@pytest.mark.parametrize("command", sorted(NOT_YET))
def test_a_command_that_is_not_there_yet_is_not_in_the_readme(command: str) -> None:
    assert not re.search(rf"`(autoscaler )?{command}[` ]", README.read_text())


def test_every_test_that_a_page_cites_is_there() -> None:
    cited = {test for page in PAGES for test in CITED_TEST.findall(page.read_text())}
    missing = [(file, name) for file, name in cited if f"def {name}(" not in (ROOT / "tests" / file).read_text()]
    assert cited
    assert missing == []


def test_the_schema_beside_the_code_is_the_codes() -> None:
    assert json.loads((ROOT / "autoscaler.schema.json").read_text()) == json_schema(), "run `make docs`"
