"""`autoscaler demo`: ends by itself with a summary, and cleans up when it is interrupted."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short one: the demo's state dir lies below it, and sockets' paths end early."""
    with tempfile.TemporaryDirectory(prefix="as-", dir="/tmp") as name:
        yield Path(name)


def _demo(folder: Path, runtime: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "autoscaler", "demo", "--runtime", runtime, "--seconds", "20"]
    environ = {**os.environ, "TMPDIR": str(folder)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ)


def test_it_scales_out_and_in_and_no_request_fails(folder: Path) -> None:
    with _demo(folder, "process") as demo:
        output, _ = demo.communicate(timeout=180)
    assert demo.returncode == 0, output
    told = dict(re.findall(r"^(requests|failed|peak replicas) +(\d+)", output, re.MULTILINE))
    assert int(told["requests"]) > 500
    assert told["failed"] == "0"
    assert int(told["peak replicas"]) > 1
    assert list(folder.iterdir()) == []


def test_ctrl_c_cleans_up(folder: Path) -> None:
    with _demo(folder, "process") as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if "serves" in line:
                break
        demo.send_signal(signal.SIGINT)
        told, _ = demo.communicate(timeout=120)
    assert demo.returncode == 130
    assert "interrupted\ntaking it down\n" in told
    assert list(folder.iterdir()) == []
