"""What keeps a daemon from starting: one line says so and how to put it right, and nothing of it is left running."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import leftovers
from tests.support.daemons import bind, policy

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

# On a machine that has no HAProxy but perhaps that of the test.
WITH_THAT_HAPROXY = """
import os
from pathlib import Path
from autoscaler.cli import main
from autoscaler.proxies.haproxy import binary
binary._from_wheel = lambda: None
binary._on_path = lambda environ: Path(os.environ["FOUND"]) if os.environ["FOUND"] else None
main()
"""


def run(folder: Path, *python: str, limit: str = "", found: str = "") -> "subprocess.CompletedProcess[str]":
    """`autoscaler run` of a good policy, by a shell that may set limits first; it must end by itself."""
    (folder / "policies").mkdir()
    (folder / "policies" / "web.yaml").write_text(policy("process", bind()))
    command = [sys.executable, *python, "run", str(folder / "policies"), "--state-dir", str(folder / "state")]
    shell = ["sh", "-c", f'{limit}exec "$@"', "sh", *command, "--listen", "127.0.0.1:0"]
    environ = {**os.environ, "FOUND": found}
    return subprocess.run(shell, capture_output=True, text=True, timeout=60, env=environ, check=False)


def test_too_few_files_to_open_is_one_line_and_no_half_a_proxy(tmp_path: Path) -> None:
    done = run(tmp_path, "-m", "autoscaler", limit="ulimit -n 64; ")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "limits: this process may open 64 files, at least 256 are needed; raise it: `ulimit -n 65536`, "
        "or LimitNOFILE=65536 in the systemd unit"
    ]
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        pytest.param("HAProxy version 2.4.22-1 2023/01/01\nBuilt with Lua version : Lua 5.3.6", "is HAProxy 2.4", id="old"),
        pytest.param("HAProxy version 2.8.3 2023/09/08\nBuilt without Lua support", "was built without Lua", id="no Lua"),
        pytest.param("", "no HAProxy found on PATH", id="none"),
    ],
)
def test_a_haproxy_that_will_not_do_is_one_line_and_nothing_is_started(tmp_path: Path, told: str, problem: str) -> None:
    found = tmp_path / "haproxy"
    found.write_text(f"#!/bin/sh\ncat <<'E'\n{told}\nE\n")
    found.chmod(0o755)
    done = run(tmp_path, "-c", WITH_THAT_HAPROXY, found=str(found) if told else "")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert problem in line
    assert "install it with `apt-get install haproxy`" in line
    assert leftovers.processes(tmp_path) == []
    assert not (tmp_path / "state" / "haproxy").exists()
