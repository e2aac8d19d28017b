"""Where metrics of other systems come from: by `source:`, loaded when a policy first names one."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

from autoscaler.drivers.web import Web
from autoscaler.errors import SourceError
from autoscaler.model import Sample
from autoscaler.ports import Clock, MetricSource
from autoscaler.settings import Settings
from autoscaler.spec.models import ServiceSpec, SourceMetric

SOURCES: Mapping[str, str] = {"prometheus": "autoscaler.sources.prometheus:Prometheus"}


class Sources:
    """All of one daemon or command. They share one HTTP client, and can only look."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._environ = settings.environ
        self._clock = clock
        self._web = Web()

    def get(self, metric: SourceMetric, folder: str) -> MetricSource:
        """That of one mapping; `folder` is where its policy file lies."""
        module, _, name = SOURCES[metric.source].partition(":")
        make: Callable[..., MetricSource] = getattr(import_module(module), name)
        return make(metric, folder, self._environ, self._clock, self._web)

    async def read(self, spec: ServiceSpec) -> dict[str, Sample]:
        """Each metric of a service, asked once, all at the same time."""
        asked: Sequence[SourceMetric] = list(spec.sources.values())
        samples = await asyncio.gather(*(self._sample(metric, spec.folder) for metric in asked))
        return {metric.name: sample for metric, sample in zip(asked, samples, strict=True)}

    async def _sample(self, metric: SourceMetric, folder: str) -> Sample:
        try:
            reading = await self.get(metric, folder).read()
        except SourceError as error:
            return Sample(None, self._clock.now(), str(error))
        return Sample(reading.value, reading.t)

    async def close(self) -> None:
        """Let go of all connections."""
        await self._web.close()
