"""What would hand a replica the host is refused, unless the operator allows that one service."""

from pathlib import Path

import pytest

from autoscaler.spec.refused import dangerous
from tests.support.policies import load_text, told, with_replica

PRIVILEGES = with_replica("volumes: ['/var/run/docker.sock:/var/run/docker.sock']\ncap_add: [SYS_ADMIN]")


def test_the_named_service_is_allowed_and_no_other(tmp_path: Path) -> None:
    assert load_text(tmp_path, PRIVILEGES, allow_privileged=frozenset({"web"})).problems == ()
    refused = load_text(tmp_path, PRIVILEGES, allow_privileged=frozenset({"other"})).problems
    assert [problem.key for problem in refused] == ["replica.volumes[0]", "replica.cap_add[0]"]


def test_what_no_model_has_is_not_available_even_where_allowed(tmp_path: Path) -> None:
    text = with_replica("privileged: true")
    (problem,) = load_text(tmp_path, text, allow_privileged=frozenset({"web"})).problems
    assert problem.what == "not available yet"


@pytest.mark.parametrize(
    ("source", "writable", "is_dangerous"),
    [
        ("/", False, True),
        ("//", False, True),
        ("/etc", False, True),
        ("/etc/", False, True),
        ("/etc/localtime", False, False),
        ("/etc/localtime", True, True),
        ("/etcetera", True, False),
        ("/proc/1", False, False),
        ("/proc/1/root", False, True),
        ("/var", False, True),
        ("/var/lib", False, True),
        ("/var/lib/docker/volumes", True, True),
        ("/var/run/docker.sock", False, True),
        ("/run/docker.sock", False, True),
        ("/run/containerd", False, True),
        ("/run/user/1000/docker.sock", False, True),
        ("/home/me/.docker/run/docker.sock", False, True),
        ("/srv/data", True, False),
        ("/srv/\0", True, True),
    ],
)
def test_paths_of_the_host(source: str, writable: bool, is_dangerous: bool) -> None:
    assert bool(dangerous(source, writable)) is is_dangerous


def test_symbolic_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "innocent").symlink_to("/etc")
    assert dangerous(str(tmp_path / "innocent"), writable=False) == "'/etc' is the host's own"


def test_the_engine_we_are_told_of_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/engine")
    assert "an engine's socket" in dangerous(f"{tmp_path}/engine", writable=False)
    assert "holds an engine's socket" in dangerous(str(tmp_path), writable=False)


def test_secrets_stand_in_no_problem(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, with_replica("environment: {TOKEN: [hunter2]}\nenv_file: s.env"))
    assert "hunter2" not in "".join(map(str, loaded.problems))


def test_a_fix_names_a_service_only_where_that_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = with_replica("privileged: true")
    assert any(line.endswith("--allow-privileged web") for line in told(text))
    strange = told(text.replace("service: web", 'service: "\\u2028"'))
    assert any(line.endswith("--allow-privileged SERVICE") for line in strange)
