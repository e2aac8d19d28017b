"""What holds for every test: short paths, names of its own, nothing skipped in CI, nothing left behind."""

import itertools
import os
import re
import secrets
import shutil
import signal
from collections.abc import Callable, Generator, Iterator

import pytest

from tests.support import leftovers

IN_CI = os.environ.get("CI") == "true"
ANY_INSTANCE = ""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let `tmp_path` lie in /tmp/as-XXXXXX: HAProxy takes no socket path beyond 97 bytes."""
    if config.option.basetemp is None:
        config.option.basetemp = f"/tmp/as-{secrets.token_hex(3)}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test skipped in CI has failed: it would show green what nobody has tried."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """So has a module that skips itself."""
    report = yield
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def run_name(tmp_path_factory: pytest.TempPathFactory) -> str:
    """This run's own name; each of pytest-xdist's workers has another."""
    return "t" + re.sub(r"[^a-z0-9]", "", str(tmp_path_factory.getbasetemp()).removeprefix("/tmp/as-"))


@pytest.fixture(scope="session")
def new_instance(run_name: str) -> Callable[[], str]:
    """Names for `--instance` that nobody else has."""
    numbers = itertools.count(1)
    return lambda: f"{run_name}-{next(numbers)}"


@pytest.fixture
def instance(new_instance: Callable[[], str]) -> str:
    """A name for `--instance` that only this test has."""
    return new_instance()


@pytest.fixture(scope="session", autouse=True)
def nothing_left(run_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fails the run where a process or container of its tests outlives it, and ends the processes.

    In CI the engine is the tests' own, so there every container of ours that wasn't there before counts, unless another
    of pytest-xdist's workers may have it.
    """
    alone = IN_CI and "PYTEST_XDIST_WORKER" not in os.environ
    folder, prefix = tmp_path_factory.getbasetemp(), ANY_INSTANCE if alone else run_name
    before = leftovers.containers(prefix)
    yield
    processes, containers = leftovers.processes(folder), leftovers.containers(prefix) - before
    for process in processes:
        os.kill(process.pid, signal.SIGKILL)
    if not any(path.is_file() for path in folder.rglob("*")):
        shutil.rmtree(folder, ignore_errors=True)
    if processes or containers:
        pytest.fail(f"left behind by the tests: {processes} {sorted(containers)}")
