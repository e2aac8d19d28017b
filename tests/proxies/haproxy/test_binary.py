"""Which HAProxy is taken, and what is said of one that won't do."""

from pathlib import Path

import pytest

from autoscaler.errors import ProxyError
from autoscaler.proxies.haproxy import binary
from autoscaler.proxies.haproxy.binary import find_binary
from tests.support.proxied import BINARIES


def fake(folder: Path, told: str) -> Path:
    path = folder / "haproxy"
    path.write_text(f"#!/bin/sh\ncat <<'E'\n{told}\nE\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ("HAProxy version 2.4.22-1 2023/01/01\nBuilt with Lua version : Lua 5.3.6", "is HAProxy 2.4, 2.6 or later"),
        ("HA-Proxy version 1.8.27-1 2020/11/06", "is HAProxy 1.8"),
        ("HAProxy version 2.8.3 2023/09/08\nBuilt without Lua support", "built without Lua"),
        ("hello", "did not tell its version"),
    ],
)
def test_one_that_will_not_do_is_refused(told: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary, "_from_wheel", lambda: None)
    fake(tmp_path, told)
    with pytest.raises(ProxyError, match=problem) as caught:
        find_binary({"PATH": str(tmp_path)})
    assert "apt-get install haproxy" in str(caught.value)


def test_the_wheels_is_taken_where_that_on_path_is_too_old(tmp_path: Path) -> None:
    fake(tmp_path, "HAProxy version 2.2.9")
    assert find_binary({"PATH": str(tmp_path)}) == BINARIES["haproxy-2.8"]


def test_none_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary, "_from_wheel", lambda: None)
    monkeypatch.setattr(binary, "_on_path", lambda environ: None)
    with pytest.raises(ProxyError, match="no HAProxy found"):
        find_binary({})


@pytest.mark.parametrize("version", sorted(BINARIES))
def test_both_versions_will_do(version: str) -> None:
    binary.check_binary(BINARIES[version])
