"""The grounds that the whole runs on: each runtime, with what it starts replicas from."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import pytest

from tests.support.daemons import bare_image, bind, policy


@dataclass(frozen=True)
class Ground:
    """A runtime, and the image there."""

    runtime: str
    image: str

    def policy(self, address: str, **more: object) -> str:
        """A policy for the replica app."""
        return policy(self.runtime, address, self.image, **more)  # type: ignore[arg-type]


@pytest.fixture(params=["process", "docker"])
def ground(request: pytest.FixtureRequest, instance: str) -> Iterator[Ground]:
    """Each runtime in turn."""
    runtime = str(request.param)
    with bare_image(f"autoscaler-test/{instance}:1") if runtime == "docker" else nullcontext("") as image:
        yield Ground(runtime, image)


@pytest.fixture
def address() -> str:
    """Where the route listens."""
    return bind()
