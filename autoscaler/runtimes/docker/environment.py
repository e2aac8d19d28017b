"""What a replica's `environment:` and `security_opt:` refer to, read when it starts, so that no secret is kept anywhere.

Secrets come from a variable of the daemon's or from a file; a name without a value is taken from the daemon's environment
and, where it isn't there, not set at all (Compose's meaning). A seccomp profile is a file that the engine wants inline.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from autoscaler.errors import EngineError
from autoscaler.spec.models import Secret, ServiceSpec

BUILT_IN_PROFILES = ("unconfined", "builtin")
SHORTEST_REDACTED = 4  # a shorter text stands in too many innocent words


def resolve_environment(spec: ServiceSpec, environ: Mapping[str, str]) -> dict[str, str | None]:
    """Every variable with its value; None takes the image's own away, as a bare name does in Compose."""
    given = spec.replica.environment
    return {
        name: _secret(spec, name, value, environ)
        if isinstance(value, Secret)
        else environ.get(name, None)
        if value is None
        else value
        for name, value in given.items()
    }


def inline_profiles(spec: ServiceSpec) -> list[str]:
    """`security_opt` with each seccomp profile's content in place of its path."""
    return [_inline(spec, option) for option in spec.replica.security_opt]


def redact(text: str, spec: ServiceSpec, values: Mapping[str, str | None]) -> str:
    """The text without any secret, and without the value of any variable it may quote."""
    for name, value in values.items():
        if value and isinstance(spec.replica.environment.get(name), Secret) and len(value) >= SHORTEST_REDACTED:
            text = text.replace(value, "***")
        text = text.replace(f"{name}={value}", f"{name}=***")
    return text


def _secret(spec: ServiceSpec, name: str, secret: Secret, environ: Mapping[str, str]) -> str:
    where = f"service {spec.service}: environment {name}"
    if secret.env is not None:
        if secret.env not in environ:
            raise EngineError(f"the variable {secret.env} is not set", where=where, fix="set it for the daemon")
        return environ[secret.env]
    path = Path(spec.folder, secret.file or "")
    try:
        return path.read_text().removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise EngineError(f"{path} can't be read: {reason}", where=where, fix="correct the path or its mode") from None


def _inline(spec: ServiceSpec, option: str) -> str:
    kind, _, value = option.replace("=", ":", 1).partition(":")
    if kind != "seccomp" or value in BUILT_IN_PROFILES or value.startswith("{"):
        return option
    path = Path(spec.folder, value)
    try:
        return f"seccomp={json.dumps(json.loads(path.read_text()), separators=(',', ':'))}"
    except (OSError, ValueError) as error:
        where = f"service {spec.service}: security_opt {option}"
        raise EngineError(f"{path} can't be read: {error}", where=where, fix="give the path of a seccomp profile") from None
