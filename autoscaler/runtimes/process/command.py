"""What a spec means for a process: its command line, environment, folder, user and limits.

Of the daemon's environment a replica gets PATH, HOME, LANG and TZ, and what its own `environment:` names. `cpus` and
`mem_limit` are no limits here: RLIMIT_AS bounds reserved addresses, of which threads, JITs and garbage collectors take
many times what they use, and RLIMIT_NPROC (`pids_limit`) counts all processes of the user. They stay what `cpu` and
`memory` are measured against. `ulimits` are set as they stand.
"""

import grp
import os
import pwd
import re
import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from autoscaler.errors import EngineError, ImageError
from autoscaler.spec.models import ReplicaSpec, Secret, ServiceSpec

INHERITED = ("PATH", "HOME", "LANG", "TZ")


def command_line(spec: ServiceSpec) -> Sequence[str]:
    """The command and its arguments; `entrypoint` comes first, as in a container."""
    argv = [*(spec.replica.entrypoint or ()), *(spec.replica.command or ())]
    if not argv:
        raise ImageError("a process needs a command", where=f"{spec.service}: replica.command", fix="give `command:`")
    return argv


def working_dir(spec: ServiceSpec) -> Path:
    """Where the replica runs; relative to the policy file's folder."""
    return Path(spec.folder, spec.replica.working_dir or ".").absolute()


def check(spec: ServiceSpec, environ: Mapping[str, str]) -> None:
    """Raise ImageError where the command can't be found as the replica will look for it."""
    program, folder = command_line(spec)[0], working_dir(spec)
    if not folder.is_dir():
        raise ImageError(f"{folder} is no folder", where=f"{spec.service}: replica.working_dir", fix="create or correct it")
    path = environment(spec, environ).get("PATH", os.defpath)
    at = str(folder / program) if "/" in program else program
    if shutil.which(at, path=path) is None:
        raise ImageError(
            f"command {program!r} not found or not executable",
            where=f"{spec.service}: replica.command",
            fix=f"install it, or give its path (relative to {folder})" if "/" in program else f"looked in PATH={path}",
        )


def environment(spec: ServiceSpec, environ: Mapping[str, str]) -> dict[str, str]:
    """All that the replica gets but its port. Raises EngineError where a secret can't be had; its value is never told."""
    given = {name: environ[name] for name in INHERITED if name in environ}
    for name, value in spec.replica.environment.items():
        resolved = _resolve(spec, name, value, environ)
        if resolved is not None:
            given[name] = resolved
    return given


def _resolve(spec: ServiceSpec, name: str, value: str | Secret | None, environ: Mapping[str, str]) -> str | None:
    """A name without a value is taken from our own environment where it is there, as Compose does."""
    if value is None:
        return environ.get(name)
    if isinstance(value, str):
        return value
    where = f"{spec.service}: replica.environment.{name}"
    if value.env is not None:
        if value.env not in environ:
            raise EngineError(f"{value.env} is not set", where=where, fix="set it in the daemon's environment")
        return environ[value.env]
    path = Path(spec.folder, value.file or "")
    try:
        return path.read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"{path} can't be read: {error}", where=where, fix="give a readable text file") from None


def user_and_group(replica: ReplicaSpec) -> tuple[int, int] | None:
    """The ids to run as, from `user` or `user:group`, names or numbers; None: the daemon's own."""
    if replica.user is None:
        return None
    user, _, group = replica.user.partition(":")
    try:
        known = pwd.getpwuid(int(user)) if user.isdigit() else pwd.getpwnam(user)
        uid, gid = known.pw_uid, known.pw_gid
        if group:
            gid = int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    except KeyError:
        raise EngineError(f"user {replica.user!r} is unknown", where="replica.user", fix="create it") from None
    if (uid, gid) == (os.getuid(), os.getgid()):
        return None
    if os.getuid() != 0:
        raise EngineError("only root may change the user", where="replica.user", fix="leave it out, or run as root")
    return uid, gid


def stop_signal(given: str | None) -> int:
    """The signal's number: `TERM`, `SIGTERM` and `15` are the same; `RTMIN+3` and the like are known too."""
    if given is None:
        return signal.SIGTERM
    name, sign, offset = re.split(r"([+-]|$)", given.upper().removeprefix("SIG"), maxsplit=1)
    try:
        number = int(name) if name.isdigit() else int(signal.Signals[f"SIG{name}"])
        number += int(f"{sign}{offset}") if sign else 0
    except (KeyError, ValueError):
        number = 0
    if number not in signal.valid_signals():
        raise EngineError(f"{given!r} is no signal", where="replica.stop_signal", fix="give SIGTERM, say")
    return number
