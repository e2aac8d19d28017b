"""Metrics of other systems: each asked by a task of its own, so that a slow one delays no tick and no other metric.

A question that a source doesn't answer is counted, and asked less often from the fifth in a row on. What the tick sees is
the last number while it stands.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from autoscaler.control.parts import Meterings, SourceOf
from autoscaler.errors import SourceError, SourceUnavailable
from autoscaler.measure.breaker import Breaker
from autoscaler.measure.standing import plausible, standing
from autoscaler.model import Reading, Sample
from autoscaler.ports import Clock, MetricSource
from autoscaler.spec.models import Policy, ServiceSpec, SourceMetric


class Poll:
    """One metric, asked for ever. `last` is the last number, `problem` why there is no newer one."""

    def __init__(self, metric: SourceMetric, source: MetricSource, failed: Callable[[str], None]) -> None:
        self.metric = metric
        self.last: Reading | None = None
        self.problem = ""
        self._source = source
        self._failed = failed
        self._breaker = Breaker()

    async def run(self) -> None:
        """Ask for ever."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await self._ask()
            await asyncio.sleep(max(began + self._breaker.wait_s(self.metric.interval) - loop.time(), 0.0))

    async def _ask(self) -> None:
        """One question. What is no SourceError is a fault of ours: told as the problem, and asked again."""
        try:
            self.last = await self._source.read()
        except SourceUnavailable as error:
            self._breaker = self._breaker.failed()
            self.problem = f"{error} (asked less often)" if self._breaker.is_open else str(error)
        except SourceError as error:
            self._breaker, self.problem = Breaker(), str(error)
        except Exception as error:
            self._breaker, self.problem = self._breaker.failed(), f"fault in the controller: {error!r}"
        else:
            self._breaker, self.problem = Breaker(), ""
            return
        self._failed(self.metric.source)


class Polling:
    """The metrics of one service."""

    def __init__(self, service: str, source_of: SourceOf, clock: Clock, meterings: Meterings) -> None:
        self._service = service
        self._source_of = source_of
        self._clock = clock
        self._meterings = meterings
        self._polls: dict[str, Poll] = {}
        self._windows: Mapping[str, float] = {}
        self._folder = ""
        self._tasks: dict[Poll, asyncio.Task[None]] = {}
        self._arrived_at: float | None = None

    def follow(self, spec: ServiceSpec) -> None:
        """Ask for the metrics that this policy names, and for no others. One that stays as it was is asked on."""
        if spec.folder != self._folder:
            self._drop(list(self._polls))
        self._folder = spec.folder
        self._windows = _windows(spec.every_policy) | _windows(spec.policies)  # no shadow stretches a policy's window
        wanted = spec.sources
        self._drop([name for name, poll in self._polls.items() if poll.metric != wanted.get(name)])
        for name, metric in wanted.items():
            if name not in self._polls:
                self._polls[name] = self._begin(spec, metric)

    def _begin(self, spec: ServiceSpec, metric: SourceMetric) -> Poll:
        poll = Poll(metric, self._source_of(metric, spec.folder), self._count)
        task = asyncio.create_task(poll.run(), name=f"ask for {metric.name} of {self._service}")
        self._tasks[poll] = task
        task.add_done_callback(lambda _: self._tasks.pop(poll))
        return poll

    def _count(self, source: str) -> None:
        self._meterings.metric_error(self._service, source)

    def _drop(self, names: list[str]) -> None:
        for name in names:
            self._tasks[self._polls.pop(name)].cancel()

    def samples(self, t: float, request_rate: Sample | None) -> dict[str, Sample]:
        """What each is worth now, beside the rate of requests that the proxy counted since the last tick."""
        if request_rate is not None and request_rate.value:
            self._arrived_at = t
        return {name: self._sample(poll, t) for name, poll in self._polls.items()}

    def _sample(self, poll: Poll, t: float) -> Sample:
        metric = poll.metric
        sample = standing(poll.last, poll.problem, metric.interval, t)
        if metric.trust_zero:
            return sample
        return plausible(sample, self._arrived_at, max(self._windows[metric.name], metric.interval), t)

    async def close(self) -> None:
        """Ask no more."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _windows(policies: Iterable[Policy]) -> dict[str, float]:
    """The longest window that a policy looks back at each metric over."""
    windows: dict[str, float] = {}
    for policy in policies:
        for name, window in policy.windows.items():
            windows[name] = max(windows.get(name, 0.0), window)
    return windows
