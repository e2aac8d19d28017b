"""Having the proxy serve the routes in force; what could not be served is tried again.

The proxy is told when the routes changed, when a port that was taken may be free, and when it turns out not to serve a
route for no known reason.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from autoscaler.control.watches import ProxyWatch
from autoscaler.errors import ProxyError
from autoscaler.model import Event, EventKind
from autoscaler.ports import Clock, Emit, Proxy
from autoscaler.spec.models import ServiceSpec

AGAIN_S = 30.0  # a port that was taken may be free
SOON_S = 5.0
ADOPT_AGAIN_S = 1.0  # until the first time nothing is drained
LOOK_S = 1.0


class Routing:
    """The routes of all services. `problem` is what is wrong with all of them, `problems` with those of single services."""

    def __init__(
        self,
        proxy: Proxy | None,
        watch: ProxyWatch,
        clock: Clock,
        emit: Emit,
        specs: Callable[[], Sequence[ServiceSpec]],
        told: Callable[[], None],
    ) -> None:
        self.problems: Mapping[str, str] = {}
        self.problem = "" if proxy is None else "not configured yet"
        self._proxy = proxy
        self._watch = watch
        self._clock = clock
        self._emit = emit
        self._specs = specs
        self._told = told
        self._now = asyncio.Event()

    def configure_soon(self) -> None:
        """The routes changed, or are to be tried again."""
        self._now.set()

    async def configure(self) -> None:
        """Run for ever; where nothing may write, the proxy is taken as it is."""
        if self._proxy is None:
            self._watch.adopted()
            return
        failed_again_s = ADOPT_AGAIN_S
        while True:
            self._now.clear()
            again_s = None
            try:
                self.problems = await self._proxy.configure(self._specs())
                self.problem, failed_again_s = "", SOON_S
                self._watch.adopted()
                if self.problems:
                    again_s = AGAIN_S
            except ProxyError as error:
                if str(error) != self.problem:
                    self._emit(Event(self._clock.now(), "", EventKind.PROXY_FAULT, cause=str(error)))
                self.problem, again_s = str(error), failed_again_s
            self._told()
            await self._reason_to_configure(again_s)

    async def _reason_to_configure(self, again_s: float | None) -> None:
        """Wait until the routes changed, `again_s` is over, or the proxy turns out not to serve one for no known reason."""
        due = None if again_s is None else self._clock.now() + again_s
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):  # what was just told shows in the next look
                    await self._now.wait()
            lost = self.unserved() and not self.problem
            if self._now.is_set() or lost or (due is not None and self._clock.now() >= due):
                return

    def unserved(self) -> frozenset[str]:
        """The services that the proxy has no route for, though it answers and never said why."""
        view = self._watch.view()
        if view is None or self._proxy is None:
            return frozenset()
        return frozenset({spec.service for spec in self._specs()} - view.traffic.keys() - self.problems.keys())
