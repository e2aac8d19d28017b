"""What the demo runs on: Docker where it can, else local processes, and why."""

from collections.abc import Mapping
from dataclasses import dataclass

from autoscaler.drivers.docker import Engine
from autoscaler.drivers.docker_endpoint import find_endpoint
from autoscaler.errors import EngineError
from autoscaler.runtimes.docker.images import find_image
from autoscaler.runtimes.docker.pull import open_pull

BASE = "python:3.11-slim"
OFFLINE_BASE = "autoscaler-python-base"  # made by examples/make-base-image.sh
PULL_SILENCE_S = 20.0
WITHOUT_REGISTRY = f"examples/make-base-image.sh makes the image {OFFLINE_BASE}, which will do, without a registry"


@dataclass(frozen=True, slots=True)
class Ground:
    """The runtime, the base image where it is Docker, and why it was chosen."""

    runtime: str
    base: str
    why: str


async def choose_ground(environ: Mapping[str, str], runtime: str | None) -> Ground:
    """Docker where an engine answers and a base image is there or can be pulled.

    Raises EngineError where Docker was asked for and can't be had.
    """
    if runtime == "process":
        return Ground("process", "", "as asked")
    engine = Engine(environ)
    try:
        find_endpoint(environ)
        base, why = await _base_image(engine)
        return Ground("docker", base, why)
    except EngineError as error:
        if runtime == "docker":
            raise
        return Ground("process", "", f"no Docker to use: {error}")
    finally:
        await engine.close()


async def _base_image(engine: Engine) -> tuple[str, str]:
    for name in (BASE, OFFLINE_BASE):
        if await find_image(engine, name) is not None:
            return name, f"an engine answers, and it has the image {name}"
    try:
        async for _piece in engine.stream("pull", lambda client: open_pull(client, BASE, None, {}), PULL_SILENCE_S):
            pass
    except EngineError as error:
        raise EngineError(f"{BASE} can't be pulled: {error.what}", fix=WITHOUT_REGISTRY) from error
    if await find_image(engine, BASE) is None:
        raise EngineError(f"{BASE} can't be pulled", fix=WITHOUT_REGISTRY)
    return BASE, f"an engine answers, and {BASE} was pulled"
