"""A replica's spec as the engine's arguments for a container: pure, so that a test can read all of it.

Sizes are bytes, durations nanoseconds, CPUs billionths. No port is published: the proxy uses the container's own address.
Source: Docker Engine API 1.41, `POST /containers/create`; the Compose specification for what each key means.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from autoscaler.runtimes.docker.hardening import capabilities, security_options
from autoscaler.runtimes.docker.labels import replica_labels
from autoscaler.spec.models import HealthCheck, Mount, ReplicaSpec, ServiceSpec

NANO = 1_000_000_000
SHELL, EXEC, NONE = "CMD-SHELL", "CMD", "NONE"
STARTING_INTERVAL_S = 0.1  # a replica that starts is asked this often (API 1.44 and later)

Body = dict[str, Any]


def create_body(
    spec: ServiceSpec,
    replica: str,
    *,
    image: str,
    instance: str,
    environment: Mapping[str, str | None],
    security_opt: Sequence[str] = (),
    start_interval: bool = False,
) -> Body:
    """The arguments of create; `environment` and `security_opt` are resolved by now, `start_interval` says API 1.44."""
    wanted = spec.replica
    body: Body = {
        "Image": image,
        "Hostname": replica,
        "Env": [name if value is None else f"{name}={value}" for name, value in environment.items()],
        "Labels": replica_labels(spec, replica, instance),
        "Healthcheck": healthcheck(wanted.healthcheck, start_interval),
        "StopTimeout": math.ceil(wanted.stop_grace_period),
        "HostConfig": _host_config(wanted, security_opt),
    }
    if wanted.command is not None:
        body["Cmd"] = list(wanted.command)
    if wanted.entrypoint is not None:
        body["Entrypoint"] = list(wanted.entrypoint) or [""]  # an empty list would mean the image's own
    body |= _given({"User": wanted.user, "WorkingDir": wanted.working_dir, "StopSignal": wanted.stop_signal})
    if wanted.networks:
        # Engines before API 1.44 take one network here; the others are connected before the start.
        body["NetworkingConfig"] = {"EndpointsConfig": {wanted.networks[0]: {}}}
    return body


def healthcheck(asked: HealthCheck, start_interval: bool = False) -> Body:
    """Docker's own check: the `test` given, else the image's with our timing; none where the proxy asks by HTTP or TCP."""
    if asked.http is not None or asked.tcp:
        return {"Test": [NONE]}
    timing: Body = {
        "Interval": round(asked.interval * NANO),
        "Timeout": round(asked.timeout * NANO),
        "Retries": asked.retries,
        "StartPeriod": round(asked.start_period * NANO),
    }
    if start_interval:
        timing["StartInterval"] = round(min(STARTING_INTERVAL_S, asked.interval) * NANO)
    return timing if asked.test is None else {"Test": _test(asked.test), **timing}


def _test(test: Sequence[str] | str) -> list[str]:
    if isinstance(test, str):
        return [SHELL, test]
    return list(test) if test and test[0] in (SHELL, EXEC, NONE) else [EXEC, *test]


def _host_config(wanted: ReplicaSpec, security_opt: Sequence[str]) -> Body:
    cap_add, cap_drop = capabilities(wanted.cap_add, wanted.cap_drop)
    config: Body = {
        "CapAdd": cap_add,
        "CapDrop": cap_drop,
        "SecurityOpt": security_options(security_opt),
        "PidsLimit": wanted.pids_limit,
        "Init": wanted.init,
        "ReadonlyRootfs": wanted.read_only,
        "RestartPolicy": {"Name": "no"},  # who restarts, and when, is the controller's to say
        "Binds": [_bind(mount) for mount in wanted.volumes if mount.type == "bind"],
        "Mounts": [_mount(mount) for mount in wanted.volumes if mount.type != "bind"],
        "Tmpfs": dict(_tmpfs(entry) for entry in wanted.tmpfs),
        "ExtraHosts": [entry.replace("=", ":", 1) if "=" in entry else entry for entry in wanted.extra_hosts],
        "Dns": list(wanted.dns),
        "Sysctls": dict(wanted.sysctls),
        "Ulimits": [{"Name": name, "Soft": limit.soft, "Hard": limit.hard} for name, limit in wanted.ulimits.items()],
    }
    config |= _given({"ShmSize": wanted.shm_size, "NetworkMode": next(iter(wanted.networks), None)})
    if wanted.mem_limit is not None:
        config |= {"Memory": wanted.mem_limit, "MemorySwap": wanted.mem_limit}  # the same: no swap beyond it
    if wanted.cpus is not None:
        config["NanoCpus"] = round(wanted.cpus * NANO)
    if wanted.logging is not None:
        config["LogConfig"] = {"Type": wanted.logging.driver, "Config": dict(wanted.logging.options)}
    return config


def _bind(mount: Mount) -> str:
    """A bind mount in the form that makes a missing host folder, as Compose does."""
    return f"{mount.source}:{mount.target}:{'ro' if mount.read_only else 'rw'}"


def _mount(mount: Mount) -> Body:
    return {"Type": mount.type, "Source": mount.source or "", "Target": mount.target, "ReadOnly": mount.read_only}


def _tmpfs(entry: str) -> tuple[str, str]:
    path, _, options = entry.partition(":")
    return path, options


def _given(values: Mapping[str, object]) -> Body:
    return {key: value for key, value in values.items() if value is not None}
