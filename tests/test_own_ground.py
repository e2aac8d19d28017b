"""The tests' own ground: what conftest.py says of skipped tests and of what is left behind."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.ports import free_port

ROOT = Path(__file__).parent.parent
SKIPS = "import pytest\n\ndef test_nothing(): pytest.skip('no engine')\n"
SKIPS_ALL = "import pytest\n\npytest.skip('no engine', allow_module_level=True)\n"
FAILS_AS_KNOWN = "import pytest\n\n@pytest.mark.xfail(strict=True)\ndef test_it(): assert False\n"
LEAVES_A_PROCESS = """
import subprocess

def test_it(tmp_path):
    started = subprocess.Popen(["sleep", "300"], cwd=tmp_path, env={}, start_new_session=True)
    print("started", started.pid)
    assert started.poll() is None
"""
ENDS_ITS_PROCESS = LEAVES_A_PROCESS + "    started.kill()\n    started.wait()\n"


def run_pytest(folder: Path, text: str, *, ci: bool) -> subprocess.CompletedProcess[str]:
    """A run of its own over one test module, under our conftest.py."""
    (folder / "test_it.py").write_text(text)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
        "-s",
        "--rootdir",
        str(folder),
    ]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "CI": str(ci).lower(), "DOCKER_HOST": "unix:///nowhere"}
    return subprocess.run([*command, str(folder)], cwd=folder, env=environ, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("text", "ci", "status", "said"),
    [
        pytest.param(SKIPS, False, 0, "1 skipped", id="skipped at home"),
        pytest.param(SKIPS, True, 1, "1 failed", id="skipped in CI"),
        pytest.param(SKIPS_ALL, True, 2, "1 error", id="a module skipped in CI"),
        pytest.param(FAILS_AS_KNOWN, True, 0, "1 xfailed", id="known to fail"),
        pytest.param(ENDS_ITS_PROCESS, False, 0, "1 passed", id="a process ended"),
    ],
)
def test_a_run(text: str, ci: bool, status: int, said: str, tmp_path: Path) -> None:
    run = run_pytest(tmp_path, text, ci=ci)
    assert said in run.stdout.splitlines()[-1], run.stdout
    assert run.returncode == status


def test_a_process_left_behind_fails_the_run_and_is_ended(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, LEAVES_A_PROCESS, ci=False)
    [pid] = re.findall(r"^.*started (\d+)", run.stdout, re.MULTILINE)
    assert "1 passed, 1 error" in run.stdout.splitlines()[-1], run.stdout
    assert f"Process(pid={pid}, command='sleep 300')" in run.stdout
    assert not Path(f"/proc/{pid}/cwd").exists()


def test_a_socket_path_fits_haproxy(tmp_path: Path) -> None:
    assert len(str(tmp_path / "state" / "haproxy" / "reload.sock")) <= 97


def test_names_of_instances_are_short_and_new(instance: str, new_instance: Callable[[], str]) -> None:
    assert len({instance, new_instance(), new_instance()}) == 3
    assert len(instance) <= 20


def test_a_free_port_can_be_had_at_once() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", free_port()))
