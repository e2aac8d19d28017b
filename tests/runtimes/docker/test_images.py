"""Images pulled from real registries with real credentials, and built by the classic builder or a stand-in for buildx."""

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from docker import APIClient

from autoscaler.errors import ImageError
from autoscaler.runtimes.docker import DockerRuntime
from autoscaler.runtimes.docker.build import build_tag, buildx_arguments
from autoscaler.runtimes.docker.pull import PullProgress, pull_error
from autoscaler.spec.models import Build, ServiceSpec
from tests.support.registries import PASSWORD, USER, refusing_registry, registry
from tests.support.runtimes import Stage, WallClock, service_spec

pytestmark = pytest.mark.real


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A folder for DOCKER_CONFIG, empty at first."""
    folder = tmp_path / "config"
    folder.mkdir()
    return folder


@pytest.fixture
def runtime(instance: str, config: Path) -> DockerRuntime:
    """One whose user has that config, and programs of the test's own first on PATH."""
    environ = {**os.environ, "DOCKER_CONFIG": str(config), "PATH": f"{config}:{os.environ['PATH']}"}
    return DockerRuntime(instance, environ, WallClock())


@pytest.fixture
def client() -> Iterator[APIClient]:
    api = docker.from_env(timeout=20).api
    yield api
    api.close()


@pytest.fixture
def pushed(stage: Stage, tmp_path: Path, request: pytest.FixtureRequest, client: APIClient) -> Iterator[str]:
    """An image in a registry that isn't on this host; indirect parameter True: behind a password."""
    with registry(tmp_path / "registry", locked=getattr(request, "param", False)) as there:
        name = there.push(str(stage.spec().replica.image), "shop/web:7")
        yield name
        if client.images(name):
            client.remove_image(name)


def spec_of(folder: Path, **replica: Any) -> ServiceSpec:
    return service_spec("docker", folder, **({"port": 8080} | replica))


def log_in(config: Path, host: str, password: str = PASSWORD) -> None:
    """What `docker login` leaves in config.json."""
    auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
    (config / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))


def program(config: Path, name: str, script: str) -> None:
    """A program of the test's own on PATH."""
    path = config / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


# ---------------------------------------------------------------- pull


async def test_a_missing_image_is_pulled_and_its_id_told(
    stage: Stage, runtime: DockerRuntime, pushed: str, tmp_path: Path
) -> None:
    said: list[str] = []
    image = await runtime.prepare(spec_of(tmp_path, image=pushed), said.append)
    assert image == await stage.runtime.prepare(stage.spec(), said.append)
    assert said == [f"web: pulling {pushed}", f"web: pulled {pushed}"]
    assert await runtime.prepare(spec_of(tmp_path, image=pushed), said.append) == image
    assert len(said) == 2


async def test_never_pulls_never(runtime: DockerRuntime, pushed: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="is not on this host; docker pull"):
        await runtime.prepare(spec_of(tmp_path, image=pushed, pull_policy="never"), lambda _: None)


async def test_always_pulls_each_time(runtime: DockerRuntime, pushed: str, tmp_path: Path) -> None:
    said: list[str] = []
    for _ in range(2):
        await runtime.prepare(spec_of(tmp_path, image=pushed, pull_policy="always"), said.append)
    assert said.count(f"web: pulling {pushed}") == 2


@pytest.mark.parametrize("pushed", [True], indirect=True)
async def test_a_login_made_while_the_daemon_runs_counts(
    runtime: DockerRuntime, pushed: str, config: Path, tmp_path: Path
) -> None:
    spec, host = spec_of(tmp_path, image=pushed), pushed.split("/")[0]
    with pytest.raises(ImageError, match=f"no basic auth credentials; .*docker login {host}"):
        await runtime.prepare(spec, lambda _: None)
    log_in(config, host, "wrong-pass")
    with pytest.raises(ImageError, match="docker login") as raised:
        await runtime.prepare(spec, lambda _: None)
    assert "wrong-pass" not in str(raised.value)
    (finding,) = [found for found in await runtime.diagnose([spec]) if pushed in found.what]
    assert (finding.ok, f"docker login {host}" in finding.fix) == (False, True)
    log_in(config, host)
    (finding,) = [found for found in await runtime.diagnose([spec]) if pushed in found.what]
    assert (finding.ok, finding.what) == (True, f"web: image {pushed} can be pulled")
    assert (await runtime.prepare(spec, lambda _: None)).startswith("sha256:")


@pytest.mark.parametrize("pushed", [True], indirect=True)
@pytest.mark.parametrize("key", ["credHelpers", "credsStore"])
async def test_credentials_come_from_a_helper(
    runtime: DockerRuntime, pushed: str, config: Path, tmp_path: Path, key: str
) -> None:
    host = pushed.split("/")[0]
    answer = json.dumps({"ServerURL": host, "Username": USER, "Secret": PASSWORD})
    program(config, "docker-credential-test", f"read server; test $1 = get -a $server = {host} && echo '{answer}'")
    (config / "config.json").write_text(json.dumps({key: {host: "test"} if key == "credHelpers" else "test"}))
    old_path = os.environ["PATH"]
    os.environ["PATH"] = f"{config}:{old_path}"  # the SDK looks for helpers on the process's own PATH
    try:
        assert (await runtime.prepare(spec_of(tmp_path, image=pushed), lambda _: None)).startswith("sha256:")
    finally:
        os.environ["PATH"] = old_path


async def test_a_helper_that_is_not_there_is_named(
    runtime: DockerRuntime, pushed: str, config: Path, tmp_path: Path
) -> None:
    (config / "config.json").write_text(json.dumps({"credsStore": "nowhere"}))
    with pytest.raises(ImageError, match=r"config\.json: credentials for .*docker-credential-nowhere not installed"):
        await runtime.prepare(spec_of(tmp_path, image=pushed), lambda _: None)


async def test_a_tag_that_is_not_there(runtime: DockerRuntime, pushed: str, tmp_path: Path) -> None:
    wrong = pushed.replace(":7", ":8")
    with pytest.raises(ImageError, match=rf"^image {wrong}: pull: .*unknown.*; check name and tag"):
        await runtime.prepare(spec_of(tmp_path, image=wrong), lambda _: None)


async def test_too_many_pulls_say_when_to_come_back(runtime: DockerRuntime, tmp_path: Path) -> None:
    body: dict[str, object] = {"errors": [{"code": "TOOMANYREQUESTS", "message": "slow down; retry-after: 17"}]}
    with refusing_registry(429, {"Retry-After": "17"}, body) as there:
        with pytest.raises(ImageError, match="limits pulls: it is tried again in 17 s") as raised:
            await runtime.prepare(spec_of(tmp_path, image=f"{there.host}/web:1"), lambda _: None)
        assert raised.value.retry_after_s == 17


async def test_a_registry_that_is_not_there(runtime: DockerRuntime, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"connection refused; is 127\.0\.0\.1:1 reachable"):
        await runtime.prepare(spec_of(tmp_path, image="127.0.0.1:1/web:1"), lambda _: None)


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        ("unauthorized: authentication required", "docker login ghcr.io"),
        ("denied: requested access to the resource is denied", "docker login ghcr.io"),
        ("manifest for ghcr.io/a/b:1 not found: manifest unknown", "check name and tag"),
        ("toomanyrequests: You have reached your pull rate limit", "tried again later"),
        ("dial tcp: lookup ghcr.io: no such host", "is ghcr.io reachable"),
        ("write /var/lib/docker/tmp/x: no space left on device", "free some disk"),
        ("no matching manifest for linux/arm64 in the manifest list entries", "see `platform`"),
    ],
)
def test_what_a_failed_pull_asks_for(words: str, fix: str) -> None:
    assert fix in pull_error("ghcr.io/a/b:1", words).fix


@pytest.mark.parametrize("image", ["127.0.0.1:54401/a/b:1", "127.0.0.1:54290/a:1", "ghcr.io/a/forbidden:403"])
def test_a_registrys_port_or_an_images_name_is_no_reason(image: str) -> None:
    assert "check name and tag" in pull_error(image, f"manifest for {image} not found: manifest unknown").fix


def test_progress_of_a_pull() -> None:
    progress = PullProgress()
    for piece in (
        {"status": "Pulling from shop/web", "id": "7"},
        {"status": "Pulling fs layer", "id": "a"},
        {"status": "Already exists", "id": "b"},
        {"status": "Downloading", "id": "a", "progressDetail": {"current": 12 << 20, "total": 40 << 20}},
    ):
        progress.add(piece)
    assert str(progress) == "1 of 2 layers, 12m of 40m"


# ---------------------------------------------------------------- build


def context(folder: Path, dockerfile: str) -> Path:
    """A build context with that Dockerfile."""
    place = folder / "context"
    place.mkdir()
    (place / "Dockerfile").write_text(dockerfile)
    (place / "hello").write_text("hello\n")
    return place


async def test_the_classic_builder_builds_where_there_is_no_buildx(
    stage: Stage, runtime: DockerRuntime, tmp_path: Path, config: Path, client: APIClient
) -> None:
    program(config, "docker", "exit 1")
    base = stage.spec().replica.image
    place = context(tmp_path, f"FROM {base}\nARG WHO\nCOPY hello /hello\nRUN echo $WHO >> /hello\nCMD cat /hello\n")
    build = Build(context=str(place), args={"WHO": "world"})
    spec, said = spec_of(tmp_path, build=build), list[str]()
    image = await runtime.prepare(spec, said.append)
    try:
        assert said[0].endswith("by the engine's classic builder, as docker buildx is not installed")
        assert any("Step 4/5" in line for line in said)
        await stage.runtime.start(spec, "web-1", image)
        client.wait((await stage.runtime.observe())[0].id)
        assert list(await stage.runtime.logs((await stage.runtime.observe())[0].id, 5)) == ["hello", "world"]
        count = len(said)
        assert await runtime.prepare(spec, said.append) == image
        assert len(said) == count
    finally:
        for instance in await stage.runtime.observe():
            await stage.runtime.remove(instance.id)
        client.remove_image(build_tag(spec, build))


async def test_a_build_that_fails_tells_its_last_lines(
    stage: Stage, runtime: DockerRuntime, tmp_path: Path, config: Path
) -> None:
    program(config, "docker", "exit 1")
    place = context(tmp_path, f"FROM {stage.spec().replica.image}\nRUN echo oh no; exit 7\n")
    with pytest.raises(ImageError, match=r"build failed: .*oh no \| .*returned a non-zero code: 7"):
        await runtime.prepare(spec_of(tmp_path, build=Build(context=str(place))), lambda _: None)


async def test_what_needs_buildkit_says_so(stage: Stage, runtime: DockerRuntime, tmp_path: Path, config: Path) -> None:
    program(config, "docker", "exit 1")
    place = context(tmp_path, f"FROM {stage.spec().replica.image}\nRUN --mount=type=cache,target=/c true\n")
    with pytest.raises(ImageError, match="install BuildKit's command, docker-buildx"):
        await runtime.prepare(spec_of(tmp_path, build=Build(context=str(place))), lambda _: None)


async def test_a_context_that_is_not_there(runtime: DockerRuntime, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"nowhere: there is no such folder; correct `build`"):
        await runtime.prepare(spec_of(tmp_path, build=Build(context=str(tmp_path / "nowhere"))), lambda _: None)


async def test_buildx_builds_where_it_is_installed(
    stage: Stage, runtime: DockerRuntime, tmp_path: Path, config: Path, client: APIClient
) -> None:
    """A stand-in for the docker command, as it isn't installed with buildx everywhere: it notes its arguments and tags."""
    image = stage.spec().replica.image
    tags = f'echo "#1 working" >&2; exec /usr/bin/docker tag {image} "$7"'
    program(config, "docker", f'echo "$@" >> {config}/called\ncase "$2" in build) {tags};; esac')
    build = Build(context=str(context(tmp_path, "FROM scratch")), args={"A": "1"}, target="t", dockerfile="Dockerfile")
    spec, said = spec_of(tmp_path, build=build), list[str]()
    tag = build_tag(spec, build)
    try:
        assert await runtime.prepare(spec, said.append) == await stage.runtime.prepare(stage.spec(), said.append)
    finally:
        client.remove_image(tag)
    assert said == [f"web: building {tag} by docker buildx", "web: #1 working"]
    assert (config / "called").read_text().splitlines() == ["buildx version", " ".join(buildx_arguments(build, tag, None))]


def test_the_arguments_for_buildx() -> None:
    build = Build(context="/src", dockerfile="d/Dockerfile", args={"A": "1 2"}, target="run")
    assert buildx_arguments(build, "web:1", "linux/arm64") == [
        *("buildx", "build", "--load", "--progress", "plain", "--tag", "web:1", "--file", "/src/d/Dockerfile"),
        *("--target", "run", "--platform", "linux/arm64", "--build-arg", "A=1 2", "/src"),
    ]


def test_a_changed_build_section_has_another_tag(tmp_path: Path) -> None:
    first, second = Build(context="/src"), Build(context="/src", args={"A": "1"})
    assert build_tag(spec_of(tmp_path, build=first), first) != build_tag(spec_of(tmp_path, build=second), second)
    assert build_tag(spec_of(tmp_path, build=first, image="shop/web:1"), first) == "shop/web:1"


async def test_the_policy_build_builds_each_time(
    stage: Stage, runtime: DockerRuntime, tmp_path: Path, config: Path, client: APIClient
) -> None:
    program(config, "docker", "exit 1")
    build = Build(context=str(context(tmp_path, f"FROM {stage.spec().replica.image}\nCOPY hello /hello\n")))
    spec, said = spec_of(tmp_path, build=build, pull_policy="build"), list[str]()
    try:
        first = await runtime.prepare(spec, said.append)
        (tmp_path / "context" / "hello").write_text("changed\n")
        assert await runtime.prepare(spec, said.append) != first
    finally:
        client.remove_image(first)
        client.remove_image(build_tag(spec, build))
