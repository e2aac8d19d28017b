"""What is shipped: pinned versions, a small core, a wheel with all that the program reads."""

import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
EXTRAS.pop("mutation")  # installed by `make mutation` alone
EXTRAS.pop("evaluate")  # installed by `make evaluate` alone
PINNED = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+")
MEGABYTE = 1_000_000
CORE_LIMIT = 40 * MEGABYTE


def pins() -> dict[str, str]:
    """constraints.txt: version by name."""
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}


def installed(requirements: list[str]) -> dict[str, Requirement]:
    """The requirements and all that they require on this machine, by name."""
    found: dict[str, Requirement] = {}
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name not in found:
            found[name] = requirement
            waiting += _required(requirement)
    return found


def _required(by: Requirement) -> Iterator[Requirement]:
    for text in distribution(by.name).requires or []:
        requirement = Requirement(text)
        if not requirement.marker or any(requirement.marker.evaluate({"extra": extra}) for extra in ("", *by.extras)):
            yield requirement


def size(name: str) -> int:
    """The bytes that a distribution takes on disk, but for bytecode, which pip makes and not everyone keeps."""
    files = [file.locate() for file in distribution(name).files or [] if file.suffix != ".pyc"]
    return sum(Path(str(file)).stat().st_size for file in files)


def test_the_core_takes_at_most_40_mb() -> None:
    sizes = {name: size(name) for name in installed(PROJECT["dependencies"])}
    ours = sum(file.stat().st_size for file in (ROOT / "autoscaler").rglob("*") if file.suffix not in ("", ".pyc"))
    assert sum(sizes.values()) + ours <= CORE_LIMIT, sorted(sizes.items(), key=lambda item: -item[1])


def test_constraints_are_exact_versions_from_nowhere_in_particular() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#") and not PINNED.fullmatch(line)] == []


@pytest.mark.parametrize("extra", ["", *sorted(EXTRAS)])
def test_all_that_an_extra_installs_is_pinned_within_its_range(extra: str) -> None:
    required = installed(EXTRAS[extra] if extra else PROJECT["dependencies"])
    pinned = pins()
    assert sorted(name for name in required if name not in pinned) == []
    assert [str(r) for name, r in required.items() if not r.specifier.contains(pinned[name], prereleases=True)] == []


def test_what_is_tested_is_what_is_pinned() -> None:
    names = installed([*PROJECT["dependencies"], *(text for texts in EXTRAS.values() for text in texts)])
    found = {name: distribution(name).version for name in names}
    assert found == {name: version for name, version in pins().items() if name in found}


def test_the_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=60)
    [wheel] = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    files = {file for file in (ROOT / "autoscaler").rglob("*") if file.is_file() and "__pycache__" not in file.parts}
    assert {str(file.relative_to(ROOT)) for file in files} - held == set()
