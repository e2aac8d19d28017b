"""`autoscaler plan` and `doctor`: they look and change nothing."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.daemons import bind, policy
from tests.support.ports import free_port
from tests.support.sources import answers


def autoscaler(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user does."""
    command = [sys.executable, "-m", "autoscaler", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """One service of processes."""
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "web.yaml").write_text(policy("process", bind()).replace("min: 1", "min: 2"))
    return folder


def test_a_plan_tells_each_step_and_makes_nothing(policies: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    done = autoscaler("plan", str(policies), "--state-dir", str(state), "--exit-code")
    assert done.returncode == 3, done.stderr
    assert done.stdout.splitlines()[:3] == [
        "web: 0 ready of 0, 2 wanted (below min of 2..40)",
        "  start web-1: 2 wanted, 0 there",
        "  start web-2: 2 wanted, 0 there",
    ]
    assert not state.exists()


def test_a_plan_as_json(policies: Path, tmp_path: Path) -> None:
    done = autoscaler("plan", str(policies), "--state-dir", str(tmp_path / "state"), "--json")
    told = json.loads(done.stdout)
    assert [(service["service"], service["desired"]) for service in told["services"]] == [("web", 2)]
    assert done.returncode == 0


def test_a_plan_of_a_broken_policy_is_wrong_usage(policies: Path, tmp_path: Path) -> None:
    (policies / "web.yaml").write_text("service: web\n")
    done = autoscaler("plan", str(policies), "--state-dir", str(tmp_path / "state"))
    assert done.returncode == 2
    assert "web.yaml:1" in done.stderr


def test_the_doctor_finds_all_well(policies: Path, tmp_path: Path) -> None:
    done = autoscaler("doctor", "--policies", str(policies), "--state-dir", str(tmp_path / "state"))
    assert done.returncode == 0, done.stdout
    assert "ok    policies: 1 service, all valid" in done.stdout
    assert "ok    web: its command is there" in done.stdout


def test_the_doctor_names_a_port_that_is_taken(policies: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        taken = f"127.0.0.1:{squatter.getsockname()[1]}"
        (policies / "web.yaml").write_text(policy("process", taken))
        done = autoscaler("doctor", "--policies", str(policies), "--state-dir", str(tmp_path / "state"))
    assert done.returncode == 1
    assert f"FAIL  web: route.bind {taken}: Address already in use; see what holds it" in done.stdout


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(("command: [", "command: [/no/such/program, "), "FAIL  web: ", id="a command that isn't there"),
        pytest.param(("min: 2", "min: two"), "FAIL  ", id="a broken policy"),
    ],
)
def test_the_doctor_finds_what_is_wrong(policies: Path, tmp_path: Path, change: tuple[str, str], told: str) -> None:
    file = policies / "web.yaml"
    file.write_text(file.read_text().replace(*change))
    done = autoscaler("doctor", "--policies", str(policies), "--state-dir", str(tmp_path / "state"), "--json")
    findings = json.loads(done.stdout)
    assert done.returncode == 1
    assert not all(finding["ok"] for finding in findings)
    plain = autoscaler("doctor", "--policies", str(policies), "--state-dir", str(tmp_path / "state"))
    assert told in plain.stdout


def on_a_metric(policies: Path, url: str) -> None:
    """Have the policy look at a metric of that server too."""
    metric = f'{{name: depth, source: prometheus, server: "{url}", query: up}}'
    with (policies / "web.yaml").open("a") as file:
        file.write(f"  - {{type: target_tracking, metric: {metric}, target: 10}}\n")


def test_the_doctor_asks_for_metrics_of_other_systems(policies: Path, tmp_path: Path) -> None:
    with answers("35") as url:
        on_a_metric(policies, url)
        done = autoscaler("doctor", "--policies", str(policies), "--state-dir", str(tmp_path / "state"))
    assert done.returncode == 0, done.stdout
    assert f"ok    web: metric depth: {url} answers 35" in done.stdout


def test_the_doctor_names_a_server_that_does_not_answer(policies: Path, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    on_a_metric(policies, url)
    done = autoscaler("doctor", "--policies", str(policies), "--state-dir", str(tmp_path / "state"))
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if "metric depth" in line]
    assert line.startswith(f"FAIL  web: metric depth: {url}: Connection refused")
    assert line.endswith("; is it up, is the address right?")


def test_a_plan_tells_which_metric_it_could_not_see(policies: Path, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    on_a_metric(policies, url)
    done = autoscaler("plan", str(policies), "--state-dir", str(tmp_path / "state"))
    assert done.returncode == 0, done.stderr
    assert f"could not be seen: web: metric depth: {url}: Connection refused" in done.stdout


def test_the_doctor_refuses_a_state_dir_that_the_proxy_cannot_use(policies: Path, tmp_path: Path) -> None:
    done = autoscaler("doctor", "--policies", str(policies), "--state-dir", str(tmp_path / ("s" * 90)))
    assert done.returncode == 1
    assert "choose a shorter --state-dir" in done.stdout
