"""`autoscaler demo`: ends by itself with a summary, and cleans up when it is interrupted."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def _demo(tmp_path: Path, runtime: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "autoscaler", "demo", "--runtime", runtime, "--seconds", "20"]
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ)


def test_it_scales_out_and_in_and_no_request_fails(tmp_path: Path) -> None:
    with _demo(tmp_path, "process") as demo:
        output, _ = demo.communicate(timeout=180)
    assert demo.returncode == 0, output
    told = dict(re.findall(r"^(requests|failed|peak replicas) +(\d+)", output, re.MULTILINE))
    assert int(told["requests"]) > 500
    assert told["failed"] == "0"
    assert int(told["peak replicas"]) > 1
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_cleans_up(tmp_path: Path) -> None:
    with _demo(tmp_path, "process") as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if "serves" in line:
                break
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=120)
    assert demo.returncode == 130
    assert list(tmp_path.iterdir()) == []
