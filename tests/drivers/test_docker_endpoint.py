"""Which engine is meant: by variables and contexts as `docker` has them, and which of them we can use."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from autoscaler.drivers.docker_endpoint import LOCAL_SOCKET, find_endpoint
from autoscaler.errors import EngineError


def add_context(config: Path, name: str, host: str, **more: Any) -> Path:
    """A context as `docker context create` leaves it; the folder for its certificates."""
    id = hashlib.sha256(name.encode()).hexdigest()
    meta = config / "contexts" / "meta" / id
    meta.mkdir(parents=True)
    endpoint = {"Host": host, "SkipTLSVerify": False, **more}
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}))
    return config / "contexts" / "tls" / id / "docker"


def environ(config: Path, **variables: str) -> dict[str, str]:
    return {"DOCKER_CONFIG": str(config), **variables}


def test_the_local_socket_is_the_default(tmp_path: Path) -> None:
    assert find_endpoint(environ(tmp_path)).host == LOCAL_SOCKET
    assert str(find_endpoint({"HOME": str(tmp_path)})) == f"docker {LOCAL_SOCKET}"


def test_docker_host_wins_over_contexts(tmp_path: Path) -> None:
    found = find_endpoint(environ(tmp_path, DOCKER_HOST="unix:///a.sock", DOCKER_CONTEXT="other"))
    assert (found.host, found.origin) == ("unix:///a.sock", "DOCKER_HOST")


def test_docker_context_wins_over_the_current_one(tmp_path: Path) -> None:
    add_context(tmp_path, "one", "unix:///one.sock")
    add_context(tmp_path, "two", "unix:///two.sock")
    (tmp_path / "config.json").write_text('{"currentContext": "two"}')
    assert find_endpoint(environ(tmp_path)).host == "unix:///two.sock"
    assert find_endpoint(environ(tmp_path, DOCKER_CONTEXT="one")).host == "unix:///one.sock"
    assert find_endpoint(environ(tmp_path, DOCKER_CONTEXT="default")).host == LOCAL_SOCKET


def test_a_context_that_is_not_there_is_no_other_engine(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"docker context 'gone'.*there is no such context; see `docker context ls`"):
        find_endpoint(environ(tmp_path, DOCKER_CONTEXT="gone"))


def test_a_broken_config_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(EngineError, match=r"config\.json: can't be read"):
        find_endpoint(environ(tmp_path))


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("ssh://ann@example.com", "engines over ssh:// are not available yet"),
        ("tcp://192.0.2.1:2376", "engines of other hosts are not available yet"),
        ("tcp://engine.example.com:2376", "engines of other hosts are not available yet"),
        ("npipe:////./pipe/docker_engine", "this kind of address is not available yet"),
        ("nonsense", "this kind of address is not available yet"),
    ],
)
def test_what_is_not_available_yet_says_so(tmp_path: Path, host: str, words: str) -> None:
    with pytest.raises(EngineError, match=words) as raised:
        find_endpoint(environ(tmp_path, DOCKER_HOST=host))
    assert "unix socket or a loopback address" in raised.value.fix
    add_context(tmp_path, "away", host)
    with pytest.raises(EngineError, match=words):
        find_endpoint(environ(tmp_path, DOCKER_CONTEXT="away"))


@pytest.mark.parametrize("host", ["tcp://127.0.0.1:2375", "tcp://localhost:2375", "tcp://[::1]:2375"])
def test_loopback_is_this_host(tmp_path: Path, host: str) -> None:
    assert find_endpoint(environ(tmp_path, DOCKER_HOST=host)).host == host


def test_tls_by_variables(tmp_path: Path) -> None:
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).touch()
    given = environ(tmp_path, DOCKER_HOST="tcp://127.0.0.1:2376", DOCKER_TLS_VERIFY="1")
    for variables in (given, {**given, "DOCKER_CERT_PATH": str(tmp_path)}):
        tls = find_endpoint(variables).tls
        assert tls is not None
        assert (tls.cert, tls.ca_cert) == ((f"{tmp_path}/cert.pem", f"{tmp_path}/key.pem"), f"{tmp_path}/ca.pem")
        assert tls.verify is True


def test_tls_without_certificates_is_told(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="DOCKER_CERT_PATH needs"):
        find_endpoint(environ(tmp_path, DOCKER_HOST="tcp://127.0.0.1:2376", DOCKER_TLS_VERIFY="1"))


def test_tls_of_a_context(tmp_path: Path) -> None:
    certificates = add_context(tmp_path, "tls", "tcp://127.0.0.1:2376")
    certificates.mkdir(parents=True)
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (certificates / name).touch()
    tls = find_endpoint(environ(tmp_path, DOCKER_CONTEXT="tls")).tls
    assert tls is not None
    assert (tls.ca_cert, tls.verify) == (f"{certificates}/ca.pem", True)
    add_context(tmp_path, "plain", "tcp://127.0.0.1:2375")
    assert find_endpoint(environ(tmp_path, DOCKER_CONTEXT="plain")).tls is None
