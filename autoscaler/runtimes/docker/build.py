"""Build an image from its Dockerfile: by `docker buildx build` where it is installed, else by the engine's own builder.

The SDK knows no BuildKit; the engine's classic builder knows no `RUN --mount`, no heredocs and no `# syntax=`. Which one
builds is said in the progress.
"""

import asyncio
import contextlib
import hashlib
import os
import shutil
import signal
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

from docker import APIClient

from autoscaler.drivers.docker import Engine
from autoscaler.drivers.docker_answers import mapping
from autoscaler.drivers.docker_endpoint import config_folder
from autoscaler.drivers.docker_errors import fix_of
from autoscaler.errors import ImageError
from autoscaler.ports import Progress
from autoscaler.spec.models import Build, ServiceSpec

BUILD_SILENCE_S = 1800.0  # one RUN step may compile for long and say nothing
PROBE_TIMEOUT_S = 10.0
TAIL_LINES = 12
BUILDKIT_ONLY = (
    "--mount",
    "--network",
    "--security",
    "heredoc",
    "unknown instruction",
    "unknown flag",
    "dockerfile parse error",
)
GET_BUILDX = "install BuildKit's command, docker-buildx"


def build_tag(spec: ServiceSpec, build: Build) -> str:
    """The tag of what is built: the `image` given, else one of ours that changes with the `build` section."""
    if spec.replica.image:
        return spec.replica.image
    return f"autoscaler-{spec.service}:build-{hashlib.sha256(build.model_dump_json().encode()).hexdigest()[:8]}"


async def build_image(engine: Engine, spec: ServiceSpec, build: Build, tag: str, progress: Progress) -> None:
    """Build and tag it; ImageError with the build's last lines where that fails."""
    where = f"build {build.context}"
    if not await asyncio.to_thread(Path(build.context).is_dir):
        raise ImageError("there is no such folder", where=where, fix="correct `build`, relative to the policy file")
    docker = await find_buildx(engine.environ)
    if docker is not None:
        progress(f"{spec.service}: building {tag} by docker buildx")
        lines = _run(docker, buildx_arguments(build, tag, spec.replica.platform), engine.environ)
    else:
        progress(f"{spec.service}: building {tag} by the engine's classic builder, as docker buildx is not installed")
        lines = _classic(engine, build, tag, spec.replica.platform)
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    try:
        async for line in lines:
            tail.append(line)
            progress(f"{spec.service}: {line}")
    except BuildFailed as failed:
        raise _failure(failed, tail, where, classic=docker is None) from None


class BuildFailed(Exception):
    """The builder ended without an image; its own last words."""


async def find_buildx(environ: Mapping[str, str]) -> str | None:
    """The docker command, where it has buildx."""
    docker = shutil.which("docker", path=environ.get("PATH"))
    if docker is None:
        return None
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            async for _ in _run(docker, ["buildx", "version"], environ):
                pass
    except (BuildFailed, TimeoutError, OSError):
        return None
    return docker


def buildx_arguments(build: Build, tag: str, platform: str | None) -> list[str]:
    """The arguments of `docker` for one build."""
    arguments = ["buildx", "build", "--load", "--progress", "plain", "--tag", tag]
    if build.dockerfile:
        arguments += ["--file", str(Path(build.context, build.dockerfile))]
    if build.target:
        arguments += ["--target", build.target]
    if platform:
        arguments += ["--platform", platform]
    for name, value in build.args.items():
        arguments += ["--build-arg", f"{name}={value}"]
    return [*arguments, build.context]


async def _run(program: str, arguments: list[str], environ: Mapping[str, str]) -> AsyncIterator[str]:
    """A command's lines as it writes them; BuildFailed where it fails. Ended with all its children where nobody waits."""
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        env=dict(environ),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        limit=1024**2,
    )
    assert process.stdout is not None
    try:
        async for line in process.stdout:
            if text := line.decode(errors="replace").rstrip():
                yield text
        if await process.wait() != 0:
            raise BuildFailed(f"exit status {process.returncode}")
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def _classic(engine: Engine, build: Build, tag: str, platform: str | None) -> AsyncIterator[str]:
    """The lines of the engine's own builder."""

    def open_build(client: APIClient) -> "_ClassicStream":
        config = config_folder(engine.environ) / "config.json"
        if config.is_file():
            client.reload_config(str(config))
        return _ClassicStream(
            client.build(
                path=build.context,
                dockerfile=build.dockerfile,
                tag=tag,
                buildargs=dict(build.args),
                target=build.target,
                platform=platform,
                rm=True,
                forcerm=True,
                decode=True,
                timeout=round(BUILD_SILENCE_S),
            )
        )

    async for piece in engine.stream(f"build {tag}", open_build, BUILD_SILENCE_S):
        piece = mapping(piece, "a build's progress")
        if "error" in piece:
            raise BuildFailed(str(piece["error"]))
        for line in str(piece.get("stream") or piece.get("status") or "").splitlines():
            if line.strip():
                yield line.rstrip()


class _ClassicStream:
    """The SDK's generator; nothing but its end ends it."""

    def __init__(self, pieces: Iterator[Mapping[str, Any]]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return self._pieces

    def close(self) -> None:
        return


def _failure(failed: BuildFailed, tail: deque[str], where: str, *, classic: bool) -> ImageError:
    words = " | ".join([*tail, str(failed)])
    needs_buildkit = classic and any(sign in str(failed).lower() for sign in BUILDKIT_ONLY)
    return ImageError(f"the build failed: {words}", where=where, fix=GET_BUILDX if needs_buildkit else fix_of(words))
