"""Have a spec's image at hand, by Compose's `pull_policy`, and tell its id.

    missing (the default)   what is there, else pull it; with `build`: what is there, else build it
    always                  pull it each time          never    only what is there
    build                   build it each time

With `build` an image is pulled only where `always` says so: a name made up for a local build may be anyone's elsewhere.
Source: the Compose specification, `pull_policy` and `build`.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from docker import APIClient
from docker.errors import ImageNotFound

from autoscaler.drivers.docker import Engine
from autoscaler.drivers.docker_answers import mapping, text
from autoscaler.drivers.threads import run_alone
from autoscaler.errors import ImageError
from autoscaler.ports import Progress
from autoscaler.runtimes.docker.build import build_image, build_tag
from autoscaler.runtimes.docker.credentials import auth_headers
from autoscaler.runtimes.docker.pull import PULL_SILENCE_S, PullProgress, open_pull
from autoscaler.spec.models import ServiceSpec

PREPARE_TIMEOUT_S = 3600.0
CREDENTIALS_TIMEOUT_S = 30.0
PROGRESS_EVERY_S = 1.0


async def prepare_image(engine: Engine, spec: ServiceSpec, progress: Progress) -> str:
    """The image's id, pulled or built where it has to be."""
    where = f"service {spec.service}"
    try:
        async with asyncio.timeout(PREPARE_TIMEOUT_S):
            name = await _provide(engine, spec, progress)
    except TimeoutError:
        raise ImageError(
            f"the image wasn't there after {PREPARE_TIMEOUT_S:g} s", where=where, fix="pull it by hand"
        ) from None
    found = await find_image(engine, name)
    if found is None:
        raise ImageError(f"image {name} is not on this host", where=where, fix=f"docker pull {name}, or build it")
    return image_id(found)


def image_id(found: Mapping[str, Any]) -> str:
    """The id in what the engine knows of an image."""
    return text(found.get("Id"), "an image's Id")


async def find_image(engine: Engine, name: str) -> Mapping[str, Any] | None:
    """What the engine knows of an image, None where it has none of that name."""

    def ask(client: APIClient) -> Mapping[str, Any] | None:
        try:
            found = client.inspect_image(name)  # type: ignore[no-untyped-call]
        except ImageNotFound:
            return None
        return mapping(found, "an image")

    return await engine.look(f"look for image {name}", ask)


def image_name(spec: ServiceSpec) -> str:
    """The name that the spec's image goes by on this host, "" where it has none."""
    replica = spec.replica
    if replica.build is not None and replica.pull_policy not in ("never", "always"):
        return build_tag(spec, replica.build)
    return replica.image or (build_tag(spec, replica.build) if replica.build else "")


async def _provide(engine: Engine, spec: ServiceSpec, progress: Progress) -> str:
    """Pull or build as the policy says; the name under which the image now should be."""
    replica, policy, name = spec.replica, spec.replica.pull_policy, image_name(spec)
    if replica.build is not None and policy not in ("never", "always"):
        if policy == "build" or await find_image(engine, name) is None:
            await build_image(engine, spec, replica.build, name, progress)
        return name
    if not name:
        raise ImageError("neither `image` nor `build` is given", where=f"service {spec.service}", fix="name an image")
    if policy == "always" or (policy != "never" and await find_image(engine, name) is None):
        await _pull(engine, spec, name, progress)
    return name


async def _pull(engine: Engine, spec: ServiceSpec, image: str, progress: Progress) -> None:
    async with asyncio.timeout(CREDENTIALS_TIMEOUT_S):
        headers = await run_alone(lambda: auth_headers(image, engine.environ), "docker-credentials")
    progress(f"{spec.service}: pulling {image}")
    loop, state = asyncio.get_running_loop(), PullProgress()
    said_at = loop.time()
    pieces = engine.stream(
        f"pull {image}", lambda client: open_pull(client, image, spec.replica.platform, headers), PULL_SILENCE_S
    )
    async for piece in pieces:
        state.add(piece)
        if loop.time() - said_at >= PROGRESS_EVERY_S:
            said_at = loop.time()
            progress(f"{spec.service}: pulling {image}: {state}")
    progress(f"{spec.service}: pulled {image}")
