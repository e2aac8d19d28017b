"""Which way knowledge points: the contracts of pyproject.toml hold, and they do see a break."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """What import-linter says of the package in that folder."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    return subprocess.run(command, cwd=folder, env={"PYTHONPATH": str(folder)}, capture_output=True, text=True, timeout=60)


def test_knowledge_points_one_way() -> None:
    linted = lint_imports(ROOT)
    assert linted.returncode == 0, linted.stdout


NO_CLOCK = "no clock, no chance, no outside"


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        pytest.param("spec/wrong.py", "import autoscaler.control", "Knowledge points downward", id="spec knows control"),
        pytest.param("decide/wrong.py", "import time", NO_CLOCK, id="decide takes the time"),
        pytest.param("measure/wrong.py", "from pathlib import Path", NO_CLOCK, id="measure reads files"),
        pytest.param("model/events.py", "import logging", NO_CLOCK, id="values log"),
        pytest.param("control/shadows.py", "import autoscaler.ports", "nothing to act with", id="a shadow has a client"),
        pytest.param("cli/wrong.py", "import autoscaler.store", "Only wiring names adapters", id="a command and an adapter"),
        pytest.param("runtimes/process/wrong.py", "import autoscaler.runtimes.docker", "strangers", id="two runtimes"),
    ],
)
def test_a_break_is_named(module: str, line: str, contract: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "autoscaler", tmp_path / "autoscaler", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for room in ("docker", "process"):
        (tmp_path / "autoscaler/runtimes" / room).mkdir(exist_ok=True)
        (tmp_path / "autoscaler/runtimes" / room / "__init__.py").touch()
    with (tmp_path / "autoscaler" / module).open("a") as file:
        file.write(f"\n{line}\n")
    linted = lint_imports(tmp_path)
    broken = [row for row in linted.stdout.splitlines() if row.endswith("BROKEN")]
    assert linted.returncode == 1
    assert [contract in row for row in broken] == [True], linted.stdout
