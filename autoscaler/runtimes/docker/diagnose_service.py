"""What is wrong with a service's image, networks, variables and replicas, for `doctor`: one line and one fix each."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Any

from docker import APIClient
from docker.errors import APIError, NotFound

from autoscaler.drivers.docker import Engine
from autoscaler.drivers.docker_answers import count, mapping, parsed, sequence
from autoscaler.drivers.docker_errors import words_of
from autoscaler.errors import AutoscalerError
from autoscaler.model import Instance, Phase
from autoscaler.runtimes.docker.build import build_tag
from autoscaler.runtimes.docker.credentials import auth_headers
from autoscaler.runtimes.docker.diagnose import failure
from autoscaler.runtimes.docker.environment import inline_profiles, resolve_environment
from autoscaler.runtimes.docker.images import find_image
from autoscaler.runtimes.docker.listening import Listener, listeners_of
from autoscaler.runtimes.docker.logs import last_lines
from autoscaler.runtimes.docker.pull import pull_error
from autoscaler.spec.models import ServiceSpec
from autoscaler.status import Finding

REGISTRY_TIMEOUT_S = 15.0
LOG_LINES = 3
_EXPOSED = re.compile(r"([0-9]{1,5})/tcp")


async def diagnose_service(engine: Engine, spec: ServiceSpec, instances: Sequence[Instance]) -> Sequence[Finding]:
    """All that can be seen of a service without starting anything; `instances` are its replicas now."""
    findings: list[Finding] = []
    checks = (_image(engine, spec), _needs(engine, spec), _replicas(engine, spec, instances))
    for check in checks:
        try:
            findings += [Finding(found.ok, f"{spec.service}: {found.what}", found.fix) async for found in check]
        except AutoscalerError as error:
            findings.append(failure(error))
    return findings


async def _image(engine: Engine, spec: ServiceSpec) -> AsyncIterator[Finding]:
    build = spec.replica.build
    name = build_tag(spec, build) if build else spec.replica.image or ""
    found = await find_image(engine, name)
    if found is not None:
        yield Finding(True, f"image {name} is there")
        for finding in _of_config(spec, mapping(found.get("Config"), "Config")):
            yield finding
    elif build is not None:
        yield Finding(True, f"image {name} is built at the start, from {build.context}")
    elif spec.replica.pull_policy == "never":
        yield Finding(False, f"image {name} is not on this host, and `pull_policy` is never", f"docker pull {name}")
    else:
        await _ask_registry(engine, name)
        yield Finding(True, f"image {name} can be pulled")


async def _ask_registry(engine: Engine, image: str) -> None:
    """ImageError where the registry would not let us pull it."""

    def ask(client: APIClient) -> None:
        url = f"{client.base_url}/v{client.api_version}/distribution/{image}/json"
        answer = client.get(url, headers=auth_headers(image, engine.environ), timeout=client.timeout)
        if answer.status_code >= 400:
            said = str(mapping(parsed(answer.content), "a refusal").get("message"))
            raise pull_error(image, words_of(APIError(answer.text, answer, said)))

    await engine.alone(f"ask for {image}", ask, REGISTRY_TIMEOUT_S)


def _of_config(spec: ServiceSpec, config: Mapping[str, Any]) -> Sequence[Finding]:
    """What the image says of itself against what the policy says."""
    port, findings = spec.replica.port, []
    given = mapping(config.get("ExposedPorts"), "ExposedPorts")
    exposed = sorted(int(match[1]) for entry in given if (match := _EXPOSED.fullmatch(entry)))
    if exposed and port not in exposed:
        ports = ", ".join(map(str, exposed))
        findings.append(Finding(True, f"replica.port is {port}, the image EXPOSEs {ports}", f"is it port: {exposed[0]}?"))
    test = sequence(mapping(config.get("Healthcheck"), "Healthcheck").get("Test"), "Test") or ["NONE"]
    if spec.replica.healthcheck.docker and test[0] == "NONE":
        fix = "use http: or tcp:, or add a HEALTHCHECK to the image"
        findings.append(Finding(False, "`healthcheck: {docker: true}`, and the image has no HEALTHCHECK", fix))
    return findings


async def _needs(engine: Engine, spec: ServiceSpec) -> AsyncIterator[Finding]:
    """Variables, secret files, seccomp profiles and networks that a start would ask for."""
    await asyncio.to_thread(resolve_environment, spec, engine.environ)
    await asyncio.to_thread(inline_profiles, spec)
    for network in spec.replica.networks:
        if not await engine.look("look for a network", partial(_has_network, name=network)):
            yield Finding(False, f"there is no network {network}", f"docker network create {network}")
    info = await engine.look("look at the engine", lambda client: mapping(client.info(), "the engine"))
    cpus, memory = count(info.get("NCPU") or 0, "NCPU"), count(info.get("MemTotal") or 0, "MemTotal")
    if cpus and (spec.replica.cpus or 0) > cpus:
        yield Finding(False, f"cpus is {spec.replica.cpus:g}, the host has {cpus}", f"say {cpus} or less")
    if memory and (spec.replica.mem_limit or 0) > memory:
        yield Finding(True, "mem_limit is more than the host's memory", "lower it: the host would run out first")


def _has_network(client: APIClient, name: str) -> bool:
    try:
        client.inspect_network(name)
    except NotFound:
        return False
    return True


async def _replicas(engine: Engine, spec: ServiceSpec, instances: Sequence[Instance]) -> AsyncIterator[Finding]:
    for instance in instances:
        if instance.phase is Phase.EXITED:
            said = " | ".join(await engine.look("read logs", partial(last_lines, id=instance.id, lines=LOG_LINES)))
            yield Finding(False, f"{instance.replica} ended: {instance.exit}: {said or 'it wrote nothing'}", "see its log")
        elif instance.phase is Phase.RUNNING:
            pid = await engine.look("look at a replica", partial(_pid_of, id=instance.id))
            listeners = await asyncio.to_thread(listeners_of, pid)
            if listeners is not None:
                yield check_listeners(instance.replica, spec.replica.port, listeners)


def _pid_of(client: APIClient, id: str) -> int:
    found = mapping(client.inspect_container(id), "a container")
    return count(mapping(found.get("State"), "State").get("Pid"), "Pid")


def check_listeners(replica: str, port: int, listeners: Sequence[Listener]) -> Finding:
    """Whether the proxy can reach the app where `replica.port` says."""
    right = [listener for listener in listeners if listener.port == port]
    if any(not listener.loopback for listener in right):
        return Finding(True, f"{replica} listens on port {port}")
    if right:
        fix = f"let the app listen on 0.0.0.0:{port} (Flask: --host=0.0.0.0, gunicorn: --bind 0.0.0.0:{port})"
        return Finding(False, f"{replica} listens on {right[0]} only: nothing outside of its container reaches it", fix)
    if not listeners:
        return Finding(False, f"{replica} listens on no port yet", "is it still starting? see its log")
    others = ", ".join(map(str, listeners))
    fix = f"say `replica.port: {listeners[0].port}`, or let the app listen on {port}"
    return Finding(False, f"{replica} listens on {others}, not on replica.port {port}", fix)
