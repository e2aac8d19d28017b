"""Which engines we can use, told from what they tell of themselves."""

import os
from typing import Any

import pytest

from autoscaler.errors import EngineError
from autoscaler.runtimes.docker import DockerReader
from autoscaler.runtimes.docker.diagnose import _of_info
from autoscaler.runtimes.docker.support import Facts, check_is_supported
from tests.support.runtimes import WallClock

KERNEL = "6.1.0-18-amd64"


def facts(server: str = "Docker/20.10.24 (linux)", version: dict[str, Any] | None = None, **info: Any) -> Facts:
    return Facts(version or {}, {"KernelVersion": KERNEL, "Name": "vm", **info}, server, "1.41")


def test_an_engine_of_this_host_is_fine() -> None:
    check_is_supported(facts(SecurityOptions=["name=seccomp,profile=default"]), "docker x", KERNEL)


@pytest.mark.parametrize(
    ("seen", "named"),
    [
        (facts(SecurityOptions=["name=seccomp", "name=rootless"]), "a rootless engine"),
        (facts(OperatingSystem="Docker Desktop"), "Docker Desktop"),
        (facts(version={"Platform": {"Name": "Docker Desktop 4.40"}}), "Docker Desktop"),
        (facts(version={"Components": [{"Name": "Podman Engine"}]}), "Podman"),
        (facts(server="nginx"), r"a proxy in front of the engine \(nginx\)"),
        (facts(server=""), r"a proxy in front of the engine \(unnamed\)"),
        (facts(KernelVersion="5.15.0-linuxkit"), r"an engine of another host or virtual machine \(vm\)"),
    ],
)
def test_what_is_not_available_yet_says_so(seen: Facts, named: str) -> None:
    with pytest.raises(EngineError, match=f"^docker x: {named} is not available yet; use the system's own engine"):
        check_is_supported(seen, "docker x", KERNEL)


@pytest.mark.parametrize(("on", "words"), [(True, "replicas outlive"), (False, "a restart of dockerd ends every replica")])
def test_an_engine_that_ends_its_replicas_when_it_ends_is_warned_of(on: bool, words: str) -> None:
    (finding,) = [found for found in _of_info(facts(LiveRestoreEnabled=on)) if "live-restore" in found.what]
    assert words in finding.what
    assert ("daemon.json" in finding.fix) is not on


@pytest.mark.real
async def test_the_hosts_own_engine_is_fine(instance: str) -> None:
    reader = DockerReader(instance, os.environ, WallClock())
    await reader.check_supported()
    findings = await reader.diagnose()
    assert [finding.what for finding in findings if not finding.ok] == []
    assert any("live-restore" in finding.what for finding in findings)
    await reader.close()
