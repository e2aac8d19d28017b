"""What is made of the engine's list, of its events, of the kernel's files and of what a program wrote: pure."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.model import Address, Change, Exit, Phase, Usage
from autoscaler.runtimes.docker.changes import EventFeed, to_change
from autoscaler.runtimes.docker.diagnose_service import check_listeners
from autoscaler.runtimes.docker.labels import replica_labels
from autoscaler.runtimes.docker.listening import Listener, parse
from autoscaler.runtimes.docker.listing import exit_from_status, is_complete, to_instance
from autoscaler.runtimes.docker.logs import LineCutter
from autoscaler.runtimes.docker.usage import from_stats, read_usage
from tests.support.runtimes import service_spec

LABELS = replica_labels(service_spec("docker", Path(), port=8080), "web-1", "blue")


def entry(state: str = "running", status: str = "Up 2 seconds", **more: Any) -> dict[str, Any]:
    """An entry of the engine's list."""
    networks = {"bridge": {"IPAddress": "172.17.0.2"}}
    return {
        "Id": "abc",
        "ImageID": "sha256:1",
        "Labels": LABELS,
        "State": state,
        "Status": status,
        "Created": 1795561625,
        "HostConfig": {"NetworkMode": "default"},
        "NetworkSettings": {"Networks": networks},
    } | more


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        ("created", Phase.CREATED),
        ("running", Phase.RUNNING),
        ("restarting", Phase.RUNNING),
        ("paused", Phase.PAUSED),
        ("exited", Phase.EXITED),
        ("dead", Phase.EXITED),
        ("removing", Phase.EXITED),
    ],
)
def test_phases(state: str, phase: Phase) -> None:
    assert to_instance(entry(state), None).phase is phase


@pytest.mark.parametrize(
    ("status", "healthy"),
    [
        ("Up 2 seconds", None),
        ("Up Less than a second (health: starting)", False),
        ("Up 2 minutes (healthy)", True),
        ("Up 2 minutes (unhealthy)", False),
        ("Up 2 minutes (Paused)", None),
    ],
)
def test_health_is_none_only_where_there_is_no_check(status: str, healthy: bool | None) -> None:
    assert to_instance(entry(status=status), None).healthy is healthy


@pytest.mark.parametrize(
    ("state", "status", "exit"),
    [
        ("exited", "Exited (137) 4 seconds ago", Exit(137)),
        ("exited", "Exited (0) Less than a second ago", Exit(0)),
        ("dead", "Dead", Exit(None)),
        ("running", "Up 3 seconds", None),
    ],
)
def test_exit_status(state: str, status: str, exit: Exit | None) -> None:
    assert exit_from_status(entry(state, status)) == exit


def test_the_address_is_in_the_first_network_of_the_spec() -> None:
    networks = {"back": {"IPAddress": "10.0.0.2"}, "front": {"IPAddress": "10.1.0.2"}}
    seen = entry(HostConfig={"NetworkMode": "front"}, NetworkSettings={"Networks": networks})
    assert to_instance(seen, None).address == Address("10.1.0.2", 8080)


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(entry(NetworkSettings={"Networks": {}}), id="cut off from its network"),
        pytest.param(entry(NetworkSettings={"Networks": {"none": {"IPAddress": ""}}}), id="no address"),
        pytest.param(entry("exited", "Exited (0) 1 second ago"), id="ended"),
    ],
)
def test_no_address(seen: dict[str, Any]) -> None:
    assert to_instance(seen, None).address is None


def test_a_container_that_only_has_some_of_our_labels_is_passed_over() -> None:
    assert not is_complete(entry(Labels={"io.autoscaler.managed": "true"}))


# ---------------------------------------------------------------- events


def event(action: str = "die", labels: dict[str, str] = LABELS, **more: Any) -> dict[str, Any]:
    return {"Type": "container", "Action": action, "Actor": {"ID": "abc", "Attributes": labels}, "timeNano": 5} | more


@pytest.mark.parametrize(
    ("seen", "change"),
    [
        pytest.param(event("die"), Change("web", "web-1", "die"), id="ours"),
        pytest.param(event("health_status: healthy"), Change("web", "web-1", "health_status"), id="health"),
        pytest.param(event(labels={**LABELS, "io.autoscaler.instance": "green"}), None, id="another controller's"),
        pytest.param(event(labels={}), None, id="someone's"),
        pytest.param(
            event("disconnect", {"container": "abc"}, Type="network"), Change("web", "web-1", "disconnect"), id="network"
        ),
        pytest.param(event("disconnect", {"container": "xyz"}, Type="network"), None, id="network of someone's"),
    ],
)
def test_events(seen: dict[str, Any], change: Change | None) -> None:
    assert to_change(seen, "blue", {"abc": ("web", "web-1")}) == change


@given(st.lists(st.integers(1, 50)))
def test_no_event_is_told_twice(times: list[int]) -> None:
    feed = EventFeed()
    replayed = sorted(times) + sorted(times)
    told = [at for at in replayed if feed.is_new(event(timeNano=at))]
    assert told == sorted(set(times))


# ---------------------------------------------------------------- what was used

ID = "f00d"


def tree(root: Path, files: dict[str, str]) -> Path:
    """A folder with these files."""
    for name, text in files.items():
        path = root / name.format(id=ID)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize("folder", ["docker/{id}", "system.slice/docker-{id}.scope"], ids=["cgroupfs", "systemd"])
def test_usage_from_cgroup_v1(folder: str, tmp_path: Path) -> None:
    files = {
        f"cpuacct/{folder}/cpuacct.usage": "2500000000\n",
        f"memory/{folder}/memory.usage_in_bytes": "1000\n",
        f"memory/{folder}/memory.stat": "cache 1\ninactive_file 1\ntotal_inactive_file 300\n",
    }
    assert read_usage(ID, tree(tmp_path, files)) == Usage(2.5, 700)


@pytest.mark.parametrize("folder", ["docker/{id}", "system.slice/docker-{id}.scope"], ids=["cgroupfs", "systemd"])
def test_usage_from_cgroup_v2(folder: str, tmp_path: Path) -> None:
    files = {
        "cgroup.controllers": "cpu memory\n",
        f"{folder}/cpu.stat": "usage_usec 2500000\nuser_usec 1\n",
        f"{folder}/memory.current": "1000\n",
        f"{folder}/memory.stat": "anon 1\ninactive_file 300\n",
    }
    assert read_usage(ID, tree(tmp_path, files)) == Usage(2.5, 700)


CPU_STAT = """\
usage_usec 48351920
user_usec 35210044
system_usec 13141876
core_sched.force_idle_usec 0
nr_periods 9120
nr_throttled 311
throttled_usec 20911340
nr_bursts 0
burst_usec 0
"""
MEMORY_STAT = """\
anon 41910272
file 12713984
kernel 3276800
shmem 0
inactive_anon 41869312
active_anon 40960
inactive_file 8982528
active_file 3731456
workingset_refault_file 0
"""


def test_usage_from_what_a_kernel_of_cgroup_v2_wrote(tmp_path: Path) -> None:
    scope = "system.slice/docker-{id}.scope"
    files = {"cgroup.controllers": "cpuset cpu io memory hugetlb pids rdma misc\n", f"{scope}/cpu.stat": CPU_STAT}
    files |= {f"{scope}/memory.current": "58130432\n", f"{scope}/memory.stat": MEMORY_STAT}
    assert read_usage(ID, tree(tmp_path, files)) == Usage(48.35192, 58130432 - 8982528)


def test_usage_from_what_an_engine_on_cgroup_v2_answered() -> None:
    cpu = {"total_usage": 48351920000, "usage_in_kernelmode": 13141876000, "usage_in_usermode": 35210044000}
    throttled = {"periods": 9120, "throttled_periods": 311, "throttled_time": 20911340000}
    answer = {
        "read": "2026-11-20T09:14:02.114204511Z",
        "preread": "0001-01-01T00:00:00Z",
        "pids_stats": {"current": 9, "limit": 512},
        "cpu_stats": {"cpu_usage": cpu, "system_cpu_usage": 991630000000, "online_cpus": 2, "throttling_data": throttled},
        "memory_stats": {
            "usage": 58130432,
            "stats": {"active_file": 3731456, "anon": 41910272, "file": 12713984, "inactive_file": 8982528},
            "limit": 268435456,
        },
    }
    assert from_stats(answer) == Usage(48.35192, 58130432 - 8982528)


def test_usage_is_none_where_nothing_can_be_seen_and_half_known_where_half_can(tmp_path: Path) -> None:
    assert read_usage(ID, tmp_path) is None
    assert read_usage(ID, tree(tmp_path, {"cpuacct/docker/{id}/cpuacct.usage": "1000000000"})) == Usage(1.0, None)


def test_usage_from_the_engines_own_word() -> None:
    memory = {"usage": 1000, "stats": {"inactive_file": 300}}
    assert from_stats({"cpu_stats": {"cpu_usage": {"total_usage": 10**9}}, "memory_stats": memory}) == Usage(1.0, 700)
    assert from_stats({"cpu_stats": {"cpu_usage": {}}, "memory_stats": {}}) is None


# ---------------------------------------------------------------- what was written


@given(st.lists(st.binary(max_size=8), max_size=8))
def test_lines_are_the_same_however_they_are_cut(pieces: list[bytes]) -> None:
    cutter = LineCutter()
    lines = [line for piece in pieces for line in cutter.feed(piece)] + list(cutter.rest())
    whole = LineCutter()
    assert lines == [*whole.feed(b"".join(pieces)), *whole.rest()]


def test_whatever_a_program_writes_becomes_text() -> None:
    assert list(LineCutter().feed(b"a\r\n\xff\n\x1b[2J\n")) == ["a", "�", "\x1b[2J"]


# ---------------------------------------------------------------- where it listens

TABLE = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1
   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2
   2: 0B00007F:9C41 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3
   3: 020011AC:1F90 010011AC:D431 01 00000000:00000000 00:00000000 00000000     0        0 4
"""
TABLE6 = (
    TABLE.splitlines()[0]
    + "\n   0: 00000000000000000000000001000000:0050 0:0 0A\n   1: 0000000000000000FFFF00000100007F:0051 0:0 0A\n"
)


def test_listening_sockets_without_dockers_name_server() -> None:
    assert [str(listener) for listener in parse(TABLE)] == ["127.0.0.1:5000", "0.0.0.0:8080"]
    assert [(str(listener), listener.loopback) for listener in parse(TABLE6)] == [("[::1]:80", True), ("127.0.0.1:81", True)]


@pytest.mark.parametrize(
    ("listeners", "ok", "word"),
    [
        ([Listener(5000, "0.0.0.0", False)], True, "listens on port 5000"),
        ([Listener(5000, "127.0.0.1", True)], False, "listens on 127.0.0.1:5000 only"),
        ([Listener(8000, "::", False)], False, "not on replica.port 5000"),
        ([], False, "no port yet"),
    ],
)
def test_an_app_that_the_proxy_cannot_reach_is_named(listeners: list[Listener], ok: bool, word: str) -> None:
    finding = check_listeners("web-1", 5000, listeners)
    assert (finding.ok, bool(finding.fix)) == (ok, not ok)
    assert word in finding.what
