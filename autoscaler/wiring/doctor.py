"""What is wrong, or could be better, with everything a daemon needs: for `doctor`. Looks, and changes nothing."""

import asyncio
import os
import resource
import shutil
import socket
import stat
from collections.abc import Sequence

from autoscaler.control.clock import SystemClock
from autoscaler.errors import ImageError, ProxyError, SourceError, StateError
from autoscaler.proxies.haproxy import find_binary
from autoscaler.runtimes.docker import DockerReader
from autoscaler.runtimes.process import command
from autoscaler.settings import Settings
from autoscaler.spec.load import Loaded
from autoscaler.spec.models import ServiceSpec
from autoscaler.status import Finding
from autoscaler.store.lock import lock_holder
from autoscaler.wiring import build
from autoscaler.wiring.sources import Sources

GOOD_DESCRIPTORS = 4096
FREE_BYTES = 100 * 1024**2
LONGEST_STATE_DIR = 80  # HAProxy's socket paths end at 97 bytes


async def diagnose(settings: Settings, service: str | None) -> tuple[Sequence[Finding], int | None]:
    """Every finding, in the order in which a daemon meets its needs, and the pid of the daemon that runs, if one does.

    Of one service alone where it is named.
    """
    loaded = await asyncio.to_thread(build.read_policies, settings)
    specs = [document.spec for document in loaded.documents if service in (None, document.spec.service)]
    findings = [*_policies(loaded, service, specs), await asyncio.to_thread(_proxy, settings), _descriptors()]
    holder, state = _state_dir(settings)
    findings += state
    findings += await _docker(settings, specs)
    findings += [_command(settings, spec) for spec in specs if spec.runtime == "process"]
    findings += await _sources(settings, specs)
    if holder is None:
        findings += [_bind(spec) for spec in specs]
    return findings, holder


def _policies(loaded: Loaded, service: str | None, specs: Sequence[ServiceSpec]) -> list[Finding]:
    findings = [Finding(False, str(problem), "") for problem in loaded.problems]
    findings += [
        Finding(False, f"{path}: {why}", "name a policy file, or a folder of them") for path, why in loaded.unread.items()
    ]
    findings += [Finding(True, warning, "see the policy") for warning in loaded.warnings]
    if service is not None and not specs:
        findings.append(Finding(False, f"no policy names the service {service!r}", "`autoscaler status` lists services"))
    elif not findings:
        findings.append(Finding(True, f"policies: {len(specs)} service{'' if len(specs) == 1 else 's'}, all valid", ""))
    return findings


def _proxy(settings: Settings) -> Finding:
    try:
        return Finding(True, f"HAProxy: {find_binary(settings.environ)}", "")
    except ProxyError as error:
        return Finding(False, error.what, error.fix)


def _descriptors() -> Finding:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = hard == resource.RLIM_INFINITY or hard >= GOOD_DESCRIPTORS
    fix = "" if enough else "raise it: `ulimit -n 65536`, or LimitNOFILE=65536 in the systemd unit"
    return Finding(enough, f"limits: this process may open {hard} files", fix)


def _state_dir(settings: Settings) -> tuple[int | None, list[Finding]]:
    """The pid of the daemon that runs there, and what is wrong with the dir."""
    path = settings.state_dir
    if len(os.fsencode(path)) > LONGEST_STATE_DIR:
        return None, [
            Finding(False, f"state dir {path} is longer than {LONGEST_STATE_DIR} bytes", "choose a shorter --state-dir")
        ]
    if not path.exists():
        parent = next(folder for folder in path.parents if folder.exists())
        able = os.access(parent, os.W_OK)
        return None, [
            Finding(
                able, f"state dir {path}: not there yet", "" if able else f"{parent} can't be written: give a --state-dir"
            )
        ]
    about = path.stat()
    if about.st_uid != os.geteuid():
        return None, [Finding(False, f"state dir {path} belongs to uid {about.st_uid}", "run as that user, or with sudo")]
    findings = []
    mode = stat.S_IMODE(about.st_mode)
    findings.append(
        Finding(mode == 0o700, f"state dir {path}: mode {mode:04o}", "" if mode == 0o700 else f"chmod 700 {path}")
    )
    free = shutil.disk_usage(path).free
    roomy = free >= FREE_BYTES
    findings.append(
        Finding(
            roomy,
            f"disk: {free // 1024**2} MB free for state",
            "" if roomy else "make room, decisions are kept in memory till then",
        )
    )
    try:
        return lock_holder(path), findings
    except StateError as error:
        return None, [*findings, Finding(False, error.what, error.fix)]


async def _docker(settings: Settings, specs: Sequence[ServiceSpec]) -> list[Finding]:
    of_docker = [spec for spec in specs if spec.runtime == "docker"]
    if not of_docker:
        return []
    reader = DockerReader(settings.instance, settings.environ, SystemClock())
    try:
        return list(await reader.diagnose(of_docker))
    finally:
        await reader.close()


async def _sources(settings: Settings, specs: Sequence[ServiceSpec]) -> list[Finding]:
    """Each metric of another system, asked once."""
    sources = Sources(settings, SystemClock())
    findings = []
    try:
        for spec in specs:
            for metric in spec.sources.values():
                what = f"{spec.service}: metric {metric.name}"
                try:
                    reading = await sources.get(metric, spec.folder).read()
                    findings.append(Finding(True, f"{what}: {metric.server} answers {reading.value:g}"))
                except SourceError as error:
                    findings.append(Finding(False, f"{what}: {error.where}: {error.what}", error.fix))
    finally:
        await sources.close()
    return findings


def _command(settings: Settings, spec: ServiceSpec) -> Finding:
    try:
        command.check(spec, settings.environ)
    except ImageError as error:
        return Finding(False, f"{spec.service}: {error.what}", error.fix)
    return Finding(True, f"{spec.service}: its command is there", "")


def _bind(spec: ServiceSpec) -> Finding:
    """Whether the route's port is free: no daemon of ours holds it."""
    family = socket.AF_INET6 if ":" in spec.route.bind.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((spec.route.bind.host, spec.route.bind.port))
        except OSError as error:
            fix = f"see what holds it: `ss -ltnp 'sport = :{spec.route.bind.port}'`, or choose another `route.bind`"
            return Finding(False, f"{spec.service}: route.bind {spec.route.bind}: {error.strerror}", fix)
    return Finding(True, f"{spec.service}: route.bind {spec.route.bind} is free", "")
