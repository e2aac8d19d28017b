"""Where the engine is, found as the `docker` command finds it.

DOCKER_HOST, else the context named by DOCKER_CONTEXT, else the `currentContext` of config.json, else the local socket.
A context is contexts/meta/SHA256(NAME)/meta.json in the config folder (DOCKER_CONFIG, else ~/.docker), its certificates
lie in contexts/tls/SHA256(NAME)/docker/. Unlike the SDK, a context that isn't there is an error, never another engine.
Source: docker/cli, `cli/command/cli.go` (resolveContextName) and `cli/context/store`.
"""

import hashlib
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from docker.errors import DockerException
from docker.tls import TLSConfig
from docker.utils import kwargs_from_env

from autoscaler.errors import EngineError

LOCAL_SOCKET = "unix:///var/run/docker.sock"
USE_LOCAL = "use the engine of this host, by its unix socket or a loopback address"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An engine's address, and what said so."""

    host: str
    origin: str
    tls: TLSConfig | None = None

    def __str__(self) -> str:
        return f"docker {self.host}"


def find_endpoint(environ: Mapping[str, str]) -> Endpoint:
    """The engine that `docker` would talk to; EngineError where that is none we can use."""
    endpoint = _named(environ)
    _check_is_local(endpoint)
    return endpoint


def config_folder(environ: Mapping[str, str]) -> Path:
    """Where `docker` keeps config.json and contexts."""
    given = environ.get("DOCKER_CONFIG")
    return Path(given) if given else Path(environ.get("HOME") or Path.home()) / ".docker"


def _named(environ: Mapping[str, str]) -> Endpoint:
    if environ.get("DOCKER_HOST"):
        return _from_variables(environ)
    if name := environ.get("DOCKER_CONTEXT"):
        return _from_context(environ, name, "DOCKER_CONTEXT")
    config = config_folder(environ) / "config.json"
    if name := _current_context(config):
        return _from_context(environ, name, f"currentContext of {config}")
    return Endpoint(LOCAL_SOCKET, "default")


def _from_variables(environ: Mapping[str, str]) -> Endpoint:
    host = environ["DOCKER_HOST"].strip()
    where = f"docker {host} (DOCKER_HOST)"
    if not host.startswith("tcp://"):
        return Endpoint(host, "DOCKER_HOST")
    given = dict(environ)
    if given.get("DOCKER_TLS_VERIFY") and not given.get("DOCKER_CERT_PATH"):
        given["DOCKER_CERT_PATH"] = str(config_folder(environ))
    try:
        return Endpoint(host, "DOCKER_HOST", kwargs_from_env(environment=given).get("tls"))
    except DockerException as error:
        raise EngineError(str(error), where=where, fix="DOCKER_CERT_PATH needs ca.pem, cert.pem and key.pem") from None


def _current_context(config: Path) -> str | None:
    try:
        name = json.loads(config.read_text()).get("currentContext")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError) as error:
        raise EngineError(f"can't be read: {error}", where=str(config), fix="put it right or remove it") from None
    return str(name) if name else None


def _from_context(environ: Mapping[str, str], name: str, origin: str) -> Endpoint:
    if name == "default":
        return Endpoint(LOCAL_SOCKET, origin)
    contexts = config_folder(environ) / "contexts"
    id = hashlib.sha256(name.encode()).hexdigest()
    meta = contexts / "meta" / id / "meta.json"
    where = f"docker context {name!r} ({origin})"
    try:
        docker = json.loads(meta.read_text())["Endpoints"]["docker"]
        host = str(docker["Host"])
    except FileNotFoundError:
        raise EngineError("there is no such context", where=where, fix="see `docker context ls`") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError(f"{meta} can't be read: {error!r}", where=where, fix="create the context again") from None
    return Endpoint(host, origin, _certificates(contexts / "tls" / id / "docker", bool(docker.get("SkipTLSVerify"))))


def _certificates(folder: Path, skip_verify: bool) -> TLSConfig | None:
    ca, cert, key = (folder / name for name in ("ca.pem", "cert.pem", "key.pem"))
    client = (str(cert), str(key)) if cert.is_file() and key.is_file() else None
    if client is None and not ca.is_file() and not skip_verify:
        return None
    return TLSConfig(client_cert=client, ca_cert=str(ca) if ca.is_file() else None, verify=not skip_verify)


def _check_is_local(endpoint: Endpoint) -> None:
    where = f"docker {endpoint.host} ({endpoint.origin})"
    url = urlsplit(endpoint.host)
    if url.scheme == "unix":
        return
    if url.scheme == "ssh":
        raise EngineError("engines over ssh:// are not available yet", where=where, fix=USE_LOCAL)
    if url.scheme not in ("tcp", "http", "https") or not url.hostname:
        raise EngineError("this kind of address is not available yet", where=where, fix=USE_LOCAL)
    if not _is_loopback(url.hostname):
        raise EngineError("engines of other hosts are not available yet", where=where, fix=USE_LOCAL)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
