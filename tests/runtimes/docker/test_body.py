"""What the engine is told of a replica: the whole of it, key by key."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.errors import EngineError
from autoscaler.runtimes.docker.body import create_body, healthcheck
from autoscaler.runtimes.docker.environment import inline_profiles, redact, resolve_environment
from autoscaler.runtimes.docker.hardening import KEPT_CAPABILITIES, capabilities, security_options
from autoscaler.runtimes.docker.labels import container_name
from autoscaler.spec.models import HealthCheck, Logging, Mount, Secret, Ulimit
from tests.support.runtimes import service_spec

IMAGE = "sha256:" + "1" * 64


def body_of(**replica: Any) -> dict[str, Any]:
    """The arguments for a replica with these keys."""
    spec = service_spec("docker", Path(), **({"image": "web:1", "port": 5000} | replica))
    environment = resolve_environment(spec, {})
    return create_body(
        spec, "web-7", image=IMAGE, instance="default", environment=environment, security_opt=inline_profiles(spec)
    )


def host_config_of(**replica: Any) -> dict[str, Any]:
    config: dict[str, Any] = body_of(**replica)["HostConfig"]
    return config


def test_the_names_of_replicas() -> None:
    assert container_name("default", "web-7") == "autoscaler-web-7"
    assert container_name("blue", "web-7") == "autoscaler-blue-web-7"


def test_labels_are_those_of_the_contract_and_the_users() -> None:
    assert body_of(labels={"team": "shop"})["Labels"] == {
        "team": "shop",
        "io.autoscaler.managed": "true",
        "io.autoscaler.service": "web",
        "io.autoscaler.replica": "web-7",
        "io.autoscaler.spec": "cafe",
        "io.autoscaler.instance": "default",
        "io.autoscaler.port": "5000",
        "com.centurylinklabs.watchtower.enable": "false",
        "diun.enable": "false",
    }


def test_a_replica_is_hardened_and_publishes_nothing() -> None:
    body = body_of()
    config = body["HostConfig"]
    assert body["Image"] == IMAGE
    assert config["CapDrop"] == ["ALL"]
    assert config["CapAdd"] == sorted(KEPT_CAPABILITIES)
    assert config["SecurityOpt"] == ["no-new-privileges"]
    assert (config["PidsLimit"], config["Init"], config["RestartPolicy"]) == (4096, True, {"Name": "no"})
    assert not {"PortBindings", "PublishAllPorts", "Privileged"} & set(config)


def test_each_part_of_the_hardening_can_be_undone() -> None:
    config = host_config_of(init=False, pids_limit=-1, security_opt=("no-new-privileges:false",), cap_add=("NET_RAW",))
    assert (config["Init"], config["PidsLimit"]) == (False, -1)
    assert config["SecurityOpt"] == ["no-new-privileges:false"]
    assert config["CapAdd"] == sorted([*KEPT_CAPABILITIES, "NET_RAW"])


@pytest.mark.parametrize(
    ("add", "drop", "added"),
    [
        pytest.param(["cap_net_raw"], [], [*KEPT_CAPABILITIES, "NET_RAW"], id="any spelling"),
        pytest.param([], ["KILL"], [name for name in KEPT_CAPABILITIES if name != "KILL"], id="one dropped"),
        pytest.param([], ["all"], [], id="all dropped"),
        pytest.param(["NET_BIND_SERVICE"], ["ALL"], ["NET_BIND_SERVICE"], id="all dropped but one"),
        pytest.param(["CHOWN"], ["CHOWN"], [*KEPT_CAPABILITIES], id="named in both: added"),
    ],
)
def test_capabilities(add: list[str], drop: list[str], added: list[str]) -> None:
    assert capabilities(add, drop) == (sorted(added), ["ALL"])


def test_all_capabilities_but_some() -> None:
    assert capabilities(["ALL"], ["SYS_ADMIN"]) == (["ALL"], ["SYS_ADMIN"])


@given(st.lists(st.sampled_from(["seccomp=unconfined", "apparmor=x", "no-new-privileges", "no-new-privileges=false"])))
def test_no_new_privileges_is_said_exactly_where_the_user_says_nothing_of_it(given: list[str]) -> None:
    said = any(option.startswith("no-new-privileges") for option in given)
    assert security_options(given) == given + ([] if said else ["no-new-privileges"])


def test_limits() -> None:
    config = host_config_of(cpus=0.3, mem_limit=256 << 20, shm_size=64 << 20, ulimits={"nofile": Ulimit(soft=1, hard=2)})
    assert config["NanoCpus"] == 300_000_000
    assert config["Memory"] == config["MemorySwap"] == 256 << 20
    assert config["ShmSize"] == 64 << 20
    assert config["Ulimits"] == [{"Name": "nofile", "Soft": 1, "Hard": 2}]


def test_what_was_not_given_is_not_said() -> None:
    body = body_of()
    assert not {"Cmd", "Entrypoint", "User", "WorkingDir", "StopSignal", "NetworkingConfig"} & set(body)
    assert not {"Memory", "NanoCpus", "ShmSize", "NetworkMode", "LogConfig"} & set(body["HostConfig"])


def test_commands() -> None:
    body = body_of(command=("a", "b"), entrypoint=("c",), user="1000:1000", working_dir="/app", stop_signal="SIGINT")
    assert (body["Cmd"], body["Entrypoint"]) == (["a", "b"], ["c"])
    assert (body["User"], body["WorkingDir"], body["StopSignal"]) == ("1000:1000", "/app", "SIGINT")
    assert body_of(entrypoint=())["Entrypoint"] == [""]


def test_stop_timeout_is_in_whole_seconds_and_never_less() -> None:
    assert body_of(stop_grace_period=1.2)["StopTimeout"] == 2


def test_mounts() -> None:
    config = host_config_of(
        volumes=(
            Mount(type="bind", source="/srv/a b", target="/a", read_only=True),
            Mount(type="volume", source="data", target="/data"),
            Mount(type="volume", target="/cache"),
        ),
        tmpfs=("/run", "/tmp:size=64m,mode=1777"),
    )
    assert config["Binds"] == ["/srv/a b:/a:ro"]
    assert config["Mounts"] == [
        {"Type": "volume", "Source": "data", "Target": "/data", "ReadOnly": False},
        {"Type": "volume", "Source": "", "Target": "/cache", "ReadOnly": False},
    ]
    assert config["Tmpfs"] == {"/run": "", "/tmp": "size=64m,mode=1777"}


def test_network() -> None:
    body = body_of(networks=("front", "back"), extra_hosts=("db:10.0.0.1", "v6=::1"), dns=("9.9.9.9",))
    assert body["NetworkingConfig"] == {"EndpointsConfig": {"front": {}}}
    assert body["HostConfig"]["NetworkMode"] == "front"
    assert body["HostConfig"]["ExtraHosts"] == ["db:10.0.0.1", "v6:::1"]
    assert body["HostConfig"]["Dns"] == ["9.9.9.9"]


def test_the_rest_of_composes_keys() -> None:
    config = host_config_of(
        read_only=True, sysctls={"net.core.somaxconn": "1024"}, logging=Logging(driver="local", options={"max-size": "1m"})
    )
    assert config["ReadonlyRootfs"] is True
    assert config["Sysctls"] == {"net.core.somaxconn": "1024"}
    assert config["LogConfig"] == {"Type": "local", "Config": {"max-size": "1m"}}


TIMING = {"Interval": 10**9, "Timeout": 10**9, "Retries": 2, "StartPeriod": 30 * 10**9}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        pytest.param(HealthCheck(http="/healthz"), {"Test": ["NONE"]}, id="http: the proxy asks"),
        pytest.param(HealthCheck(tcp=True), {"Test": ["NONE"]}, id="tcp: the proxy asks"),
        pytest.param(HealthCheck(), TIMING, id="the image's test with our timing"),
        pytest.param(HealthCheck(docker=True), TIMING, id="docker: the same"),
        pytest.param(HealthCheck(test="curl x"), {"Test": ["CMD-SHELL", "curl x"], **TIMING}, id="a text is for the shell"),
        pytest.param(HealthCheck(test=("CMD", "x")), {"Test": ["CMD", "x"], **TIMING}, id="Compose's list"),
        pytest.param(HealthCheck(test=("NONE",)), {"Test": ["NONE"], **TIMING}, id="none"),
    ],
)
def test_healthcheck(asked: HealthCheck, told: dict[str, Any]) -> None:
    assert healthcheck(asked) == told


def test_a_starting_replica_is_asked_every_100_ms_where_the_engine_can() -> None:
    assert healthcheck(HealthCheck(), start_interval=True)["StartInterval"] == 10**8


# ---------------------------------------------------------------- what the environment refers to


def test_environment(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k3y\n")
    spec = service_spec(
        "docker",
        tmp_path,
        port=1,
        environment={"A": "1=2", "B": None, "C": None, "D": Secret(env="TOKEN"), "E": Secret(file="key")},
    )
    environment = resolve_environment(spec, {"B": "from here", "TOKEN": "t0ken"})
    assert environment == {"A": "1=2", "B": "from here", "C": None, "D": "t0ken", "E": "k3y"}
    body = create_body(spec, "web-1", image=IMAGE, instance="default", environment=environment)
    assert body["Env"] == ["A=1=2", "B=from here", "C", "D=t0ken", "E=k3y"]
    assert "t0ken" not in json.dumps(body["Labels"])


@pytest.mark.parametrize("secret", [Secret(env="NOT_SET"), Secret(file="nowhere")])
def test_a_secret_that_is_not_there_is_told_by_name(secret: Secret, tmp_path: Path) -> None:
    spec = service_spec("docker", tmp_path, port=1, environment={"KEY": secret})
    with pytest.raises(EngineError, match=r"service web: environment KEY: .*(NOT_SET|nowhere)"):
        resolve_environment(spec, {})


def test_no_secret_is_left_in_a_text() -> None:
    spec = service_spec("docker", Path(), port=1, environment={"KEY": Secret(env="T"), "LEVEL": "info"})
    text = redact("bad s3cret in KEY=s3cret and LEVEL=info, no information", spec, {"KEY": "s3cret", "LEVEL": "info"})
    assert text == "bad *** in KEY=*** and LEVEL=***, no information"


def test_a_seccomp_profile_is_sent_inline(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"defaultAction": "SCMP_ACT_ALLOW"}')
    spec = service_spec("docker", tmp_path, port=1, security_opt=("seccomp:p.json", "apparmor=x", "seccomp=unconfined"))
    assert inline_profiles(spec) == ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}', "apparmor=x", "seccomp=unconfined"]
