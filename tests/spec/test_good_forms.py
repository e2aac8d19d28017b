"""Every form that Compose allows comes to the one value that the models have."""

from pathlib import Path
from typing import Any

import pytest

from autoscaler.spec.models import (
    Build,
    Concurrency,
    HealthCheck,
    LatencySlo,
    Logging,
    Mount,
    Predictive,
    Secret,
    Step,
    TargetTracking,
    Ulimit,
)
from tests.support.policies import GOOD, changed, load_text, spec_of, with_replica, with_route

HERE = Path("/HERE")  # stands for the policy file's folder in the table


@pytest.mark.parametrize(
    ("lines", "key", "value"),
    [
        ("command: python app.py --name 'a b'", "command", ("python", "app.py", "--name", "a b")),
        ("command: [python, -c, 1]", "command", ("python", "-c", "1")),
        ("command: [sh, -c, 'echo $$HOME']", "command", ("sh", "-c", "echo $HOME")),
        ("command:", "command", None),
        ("entrypoint: /entry", "entrypoint", ("/entry",)),
        ("environment: {A: b, N: 1.10, YES: true, E: ''}", "environment", {"A": "b", "N": "1.10", "YES": "true", "E": ""}),
        ("environment: [A=b=c, E=]", "environment", {"A": "b=c", "E": ""}),
        ("environment: [PASSED, UNSET]", "environment", {"PASSED": "on"}),
        ("environment: {PASSED: , UNSET: }", "environment", {"PASSED": "on"}),
        ("environment: {A: {env: TOKEN}}", "environment", {"A": Secret(env="TOKEN")}),
        ("environment: {A: {file: ./token}}", "environment", {"A": Secret(file="/HERE/token")}),
        ("env_file: vars.env", "environment", {"FROM_FILE": "1", "BOTH": "file"}),
        ("env_file: [vars.env]\nenvironment: {BOTH: own}", "environment", {"FROM_FILE": "1", "BOTH": "own"}),
        ("env_file: [{path: none.env, required: false}]", "environment", {}),
        ("user: 1000", "user", "1000"),
        ("user: 1000:1000", "user", "1000:1000"),
        ("working_dir: /app", "working_dir", "/app"),
        (
            "volumes: [./data:/data:ro]",
            "volumes",
            (Mount(type="bind", source="/HERE/data", target="/data", read_only=True),),
        ),
        ("volumes: [../x:/x]", "volumes", (Mount(type="bind", source="/x", target="/x"),)),
        ("volumes: [cache:/cache]", "volumes", (Mount(type="volume", source="cache", target="/cache"),)),
        ("volumes: ['cache:/cache:rw']", "volumes", (Mount(type="volume", source="cache", target="/cache"),)),
        ("volumes: [/cache]", "volumes", (Mount(type="volume", target="/cache"),)),
        ("volumes: [{type: tmpfs, target: /t}]", "volumes", (Mount(type="tmpfs", target="/t"),)),
        (
            "volumes: [{type: bind, source: d, target: /d, read_only: true}]",
            "volumes",
            (Mount(type="bind", source="/HERE/d", target="/d", read_only=True),),
        ),
        ("volumes: ['/etc/localtime:/etc/localtime:ro']", "volumes", None),
        ("tmpfs: /run", "tmpfs", ("/run",)),
        ("tmpfs: [/run, /tmp:size=64m]", "tmpfs", ("/run", "/tmp:size=64m")),
        ("networks: [front]", "networks", ("front",)),
        ("networks: {front: , back: }", "networks", ("front", "back")),
        ("extra_hosts: ['db:10.0.0.1', 'v6=[::1]']", "extra_hosts", ("db:10.0.0.1", "v6:::1")),
        ("extra_hosts: {db: 10.0.0.1}", "extra_hosts", ("db:10.0.0.1",)),
        ("extra_hosts: {db: [10.0.0.1, 10.0.0.2]}", "extra_hosts", ("db:10.0.0.1", "db:10.0.0.2")),
        ("dns: 10.0.0.2", "dns", ("10.0.0.2",)),
        ("cpus: 0.5", "cpus", 0.5),
        ("cpus: '0.5'", "cpus", 0.5),
        ("mem_limit: 256m", "mem_limit", 256 * 1024**2),
        ("mem_limit: 1gb", "mem_limit", 1024**3),
        ("mem_limit: 1048576", "mem_limit", 1048576),
        ("mem_limit: '1048576'", "mem_limit", 1048576),
        ("shm_size: 64m", "shm_size", 64 * 1024**2),
        ("pids_limit: -1", "pids_limit", -1),
        ("cap_add: [cap_net_bind_service]", "cap_add", ("NET_BIND_SERVICE",)),
        ("cap_drop: [ALL]", "cap_drop", ("ALL",)),
        ("security_opt: [no-new-privileges:false]", "security_opt", ("no-new-privileges:false",)),
        ("read_only: true", "read_only", True),
        ("init: false", "init", False),
        ("privileged: false", "init", True),
        ("ulimits: {nofile: 1024}", "ulimits", {"nofile": Ulimit(soft=1024, hard=1024)}),
        ("ulimits: {nofile: {soft: 1, hard: 2}}", "ulimits", {"nofile": Ulimit(soft=1, hard=2)}),
        ("sysctls: {net.core.somaxconn: 1024}", "sysctls", {"net.core.somaxconn": "1024"}),
        ("sysctls: [net.core.somaxconn=1024]", "sysctls", {"net.core.somaxconn": "1024"}),
        ("labels: {a.b: 1, c: }", "labels", {"a.b": "1", "c": ""}),
        ("labels: [a=b, c]", "labels", {"a": "b", "c": ""}),
        ("logging: {driver: json-file, options: {max-size: 10m, max-file: 3}}", "logging", None),
        ("platform: linux/arm64", "platform", "linux/arm64"),
        ("pull_policy: if_not_present", "pull_policy", "missing"),
        ("stop_signal: SIGQUIT", "stop_signal", "SIGQUIT"),
        ("stop_signal: 3", "stop_signal", "SIGQUIT"),
        ("stop_signal: rtmin+3", "stop_signal", "SIGRTMIN+3"),
        ("stop_grace_period: 1m30s", "stop_grace_period", 90.0),
        ("build: ./app", "build", Build(context="/HERE/app")),
        (
            "build: {context: ., dockerfile: D, args: [A=1], target: t}",
            "build",
            Build(context="/HERE", dockerfile="D", args={"A": "1"}, target="t"),
        ),
        ("healthcheck: {http: '/healthz?full=1', interval: 250ms}", "healthcheck", None),
        ("healthcheck: {test: curl -f x}", "healthcheck", HealthCheck(test=("CMD-SHELL", "curl -f x"))),
        ("healthcheck: {test: [CMD, a, b]}", "healthcheck", HealthCheck(test=("CMD", "a", "b"))),
        ("x-mine: anything", "init", True),
    ],
)
def test_a_replicas_keys(tmp_path: Path, lines: str, key: str, value: Any) -> None:
    (tmp_path / "vars.env").write_text("FROM_FILE=1\nBOTH=file\n")
    spec = spec_of(tmp_path, with_replica(lines), {"PASSED": "on"})
    found = getattr(spec.replica, key)
    if value is not None:
        assert _here(found, tmp_path) == value
    elif key == "volumes":
        assert found == (Mount(type="bind", source="/etc/localtime", target="/etc/localtime", read_only=True),)
    elif key == "logging":
        assert found == Logging(driver="json-file", options={"max-size": "10m", "max-file": "3"})
    elif key == "healthcheck":
        assert found == HealthCheck(http="/healthz?full=1", interval=0.25)
    else:
        assert found is None


def _here(found: Any, folder: Path) -> Any:
    """The value with the test's folder called /HERE, and what is beside it beside /HERE."""
    text = repr(found).replace(str(folder), "/HERE").replace(str(folder.parent), "")
    names = {"Mount": Mount, "Secret": Secret, "Build": Build, "Ulimit": Ulimit, "HealthCheck": HealthCheck}
    return eval(text, names)


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        ("host: Shop.Example.COM", "host", "shop.example.com"),
        ("path: /api/", "path", "/api"),
        ("path: /", "path", "/"),
        ("retries: connect", "retries", "connect"),
        ("trusted_proxies: [10.0.0.0/8, 192.0.2.7]", "trusted_proxies", ("10.0.0.0/8", "192.0.2.7/32")),
        ("slow_start: 5s", "slow_start", 5.0),
    ],
)
def test_a_routes_keys(tmp_path: Path, line: str, key: str, value: object) -> None:
    assert getattr(spec_of(tmp_path, with_route(line)).route, key) == value


@pytest.mark.parametrize(
    ("bind", "told"),
    [("0.0.0.0:80", "0.0.0.0:80"), ('"[::1]:8080"', "[::1]:8080"), ("${ADDRESS}:8080", "10.0.0.1:8080")],
)
def test_binds(tmp_path: Path, bind: str, told: str) -> None:
    spec = spec_of(tmp_path, changed("127.0.0.1:8080", bind), {"ADDRESS": "10.0.0.1"})
    assert str(spec.route.bind) == told


@pytest.mark.parametrize(
    ("policy", "key", "value"),
    [
        ("metric: cpu, target: 70%", "target", 0.7),
        ("metric: memory, target: 0.7", "target", 0.7),
        ("metric: latency_p95, total: 250ms", "total", 0.25),
        ("metric: latency_p95, total: 0.25", "total", 0.25),
        ("metric: error_ratio, total: 1%", "total", 0.01),
        ("metric: concurrency, total: 500", "total", 500.0),
        ("metric: request_rate, target: 5e1", "target", 50.0),
        ("metric: request_rate, target: 50, window: 1m", "window", 60.0),
        ("metric: request_rate, target: 50, window: 1h", "window", 3600.0),
    ],
)
def test_targets_in_their_metrics_unit(tmp_path: Path, policy: str, key: str, value: float) -> None:
    text = with_replica("mem_limit: 1g") + f"  - {{type: target_tracking, {policy}}}\n"
    assert getattr(spec_of(tmp_path, text).policies[1], key) == value


@pytest.mark.parametrize(
    ("given", "up", "down"),
    [("10%", 0.1, 0.1), ("0.2", 0.2, 0.2), ("{up: 5%}", 0.05, 0.1), ("{up: 0, down: 20%}", 0.0, 0.2)],
)
def test_tolerances(tmp_path: Path, given: str, up: float, down: float) -> None:
    policy = spec_of(tmp_path, GOOD + f"    tolerance: {given}\n").policies[0]
    assert isinstance(policy, TargetTracking)
    assert (policy.tolerance.up, policy.tolerance.down) == (up, down)


def test_each_field_of_behavior_left_out_is_the_hpas(tmp_path: Path) -> None:
    text = GOOD + "behavior: {scale_down: {stabilization_window: 60s}, scale_up: {policies: []}, anti_flap: true}\n"
    behavior = spec_of(tmp_path, text).behavior
    assert (behavior.scale_down.stabilization_window, behavior.scale_up.stabilization_window) == (60.0, 0.0)
    assert [(rate.percent, rate.period) for rate in behavior.scale_down.policies] == [(100.0, 15.0)]
    assert behavior.scale_up.policies == ()
    assert behavior.fallback_replicas == 3
    assert behavior.anti_flap


def test_a_processs_folder_is_on_the_host(tmp_path: Path) -> None:
    text = changed("image: app:1", "command: ./serve\n  working_dir: app")
    loaded = load_text(tmp_path, text, default_runtime="process")
    assert loaded.documents[0].spec.runtime == "process"
    assert loaded.documents[0].spec.replica.working_dir == str(tmp_path / "app")
    assert loaded.documents[0].origins["runtime"].source == "--runtime"


def test_the_default_runtime_changes_no_policys_own(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, GOOD + "runtime: docker\n", default_runtime="process")
    assert loaded.documents[0].spec.runtime == "docker"


def test_container_keys_of_a_process_are_warned_of(tmp_path: Path) -> None:
    text = changed("image: app:1", "command: ./serve\n  read_only: true").replace(
        "service: web", "service: web\nruntime: process"
    )
    (warning,) = load_text(tmp_path, text).warnings
    assert warning.endswith("p.yaml:5:3: replica.read_only: has no effect for processes")


def test_yaml_is_1_2(tmp_path: Path) -> None:
    spec = spec_of(
        tmp_path,
        with_replica("environment: {A: no, B: on, C: 1:30, D: 0o17}\nports_: &x 1").replace("ports_: &x 1", "x-a: 1"),
    )
    assert spec.replica.environment == {"A": "no", "B": "on", "C": "1:30", "D": "0o17"}


def test_anchors_and_merges(tmp_path: Path) -> None:
    text = "x-common: &common {cpus: 0.5, init: false}\n" + with_replica("<<: *common\ninit: true")
    replica = spec_of(tmp_path, text).replica
    assert (replica.cpus, replica.init) == (0.5, True)


def test_who_brings_a_pace_of_their_own_is_bounded_by_none(tmp_path: Path) -> None:
    head = GOOD.split("  - type")[0]
    alone = spec_of(tmp_path, head + "  - {type: concurrency, target: 9}\n").behavior
    assert (alone.scale_down.stabilization_window, alone.scale_down.policies, alone.scale_up.policies) == (0.0, (), ())
    rule = '{cron: "0 8 * * *", for: 1h, min: 2}'
    assert spec_of(tmp_path, head + f"  - {{type: schedule, rules: [{rule}]}}\n").behavior == alone
    given = head + "  - {type: concurrency, target: 9}\nbehavior: {scale_down: {stabilization_window: 1m}}\n"
    assert spec_of(tmp_path, given).behavior.scale_down.stabilization_window == 60.0
    assert spec_of(tmp_path, head + "  - {type: latency_slo, objective: 250ms}\n").behavior == alone
    assert spec_of(tmp_path, head + "  - {type: predictive, metric: request_rate, target: 9}\n").behavior == alone
    beside = spec_of(tmp_path, GOOD + "  - {type: concurrency, target: 9}\n").behavior
    assert beside.scale_down.stabilization_window == 300.0


def test_the_panic_window_is_a_tenth_of_the_stable_one(tmp_path: Path) -> None:
    head = GOOD.split("  - type")[0]
    policy = spec_of(tmp_path, head + "  - {type: concurrency, target: 9, stable_window: 2m}\n").policies[0]
    assert isinstance(policy, Concurrency)
    assert policy.panic_window == 12.0
    assert policy.aim == pytest.approx(6.3)


def test_steps_bounds_are_in_the_metrics_unit(tmp_path: Path) -> None:
    steps = "steps: [{above: 250ms, add: 50%}, {below: 0.1, remove: 1}]"
    policy = spec_of(tmp_path, GOOD + f"  - {{type: step, metric: latency_p95, {steps}}}\n").policies[1]
    assert isinstance(policy, Step)
    assert [(rule.above, rule.below) for rule in policy.steps] == [(0.25, None), (None, 0.1)]
    assert [str(rule.add or rule.remove) for rule in policy.steps] == ["50%", "1"]


def test_latency_slo_is_of_95_per_cent_where_nothing_else_is_said(tmp_path: Path) -> None:
    head = GOOD.split("  - type")[0]
    policy = spec_of(tmp_path, head + "  - {type: latency_slo, objective: 250ms}\n").policies[0]
    assert isinstance(policy, LatencySlo)
    assert (policy.metric, policy.share, policy.aim, policy.per_replica) == ("latency_p95", 0.95, 0.25, False)
    assert policy.windows == dict.fromkeys(("request_rate", "concurrency", "queue_length", "latency_p95"), 10.0)


def test_predictive_looks_five_minutes_ahead_by_days_where_nothing_else_is_said(tmp_path: Path) -> None:
    policy = spec_of(tmp_path, GOOD + "  - {type: predictive, metric: request_rate, target: 50}\n").policies[1]
    assert isinstance(policy, Predictive)
    assert (policy.season, policy.horizon, policy.window) == (86400.0, 300.0, 10.0)
    assert (policy.metric, policy.aim, policy.per_replica) == ("request_rate", 50.0, True)


def test_predictive_takes_another_systems_metric(tmp_path: Path) -> None:
    depth = "{source: prometheus, name: depth, server: 'http://p', query: up, window: 1m}"
    spec = spec_of(tmp_path, GOOD + f"  - {{type: predictive, metric: {depth}, target: 20, season: 7d, horizon: 1h}}\n")
    assert spec.sources.keys() == {"depth"}
    assert spec.policies[1].windows == {"depth": 60.0}
