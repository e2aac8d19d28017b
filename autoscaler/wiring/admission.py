"""Which runtimes a daemon may run services on: engines of a kind that we know, held by no other daemon of the instance.

Asked at the start, and by each reload that brings a new service. What is held stays so until the daemon ends.
"""

from autoscaler.drivers.claim import Claim
from autoscaler.drivers.docker_endpoint import find_endpoint
from autoscaler.errors import EngineUnavailable
from autoscaler.ports import Clock
from autoscaler.runtimes.docker import DockerReader
from autoscaler.settings import Settings


class Admission:
    """`holds`: whether the instance is held too, as a daemon must that acts."""

    def __init__(self, settings: Settings, clock: Clock, *, holds: bool) -> None:
        self._settings = settings
        self._clock = clock
        self._holds = holds
        self._claim: Claim | None = None
        self._is_known = False

    async def admit(self, runtime: str) -> None:
        """Raises StateError where another daemon holds the instance there, EngineError where the engine is of a kind that
        can't be used yet, and EngineUnavailable where it doesn't answer: it may do so later, and is held until then."""
        if runtime != "docker" or self._is_known:
            return
        endpoint = find_endpoint(self._settings.environ)
        if self._holds and self._claim is None:
            claim = Claim(endpoint.host, self._settings.instance)
            await claim.take()
            self._claim = claim
        try:
            await self._check()
        except EngineUnavailable:
            raise
        except BaseException:
            self.close()
            raise

    async def _check(self) -> None:
        engine = DockerReader(self._settings.instance, self._settings.environ, self._clock)
        try:
            await engine.check_supported()
            self._is_known = True
        finally:
            await engine.close()

    def close(self) -> None:
        """Let go of what is held."""
        if self._claim is not None:
            self._claim.release()
            self._claim = None
