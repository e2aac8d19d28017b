"""Asking in the proxy's place the replicas that it was told not to ask, because most failed their check at once.

One is asked every `interval` at its real address. It has failed when `retries` answers in a row were bad; a good one makes
up for all of them, and the proxy is then told to ask it again.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from autoscaler.control.health import ask_once
from autoscaler.model import Address, Check, Instance, Phase, Server, Verdict
from autoscaler.spec.models import HealthCheck, ServiceSpec

Question = tuple[str, Address, HealthCheck]


class Rechecks:
    """The replicas of one service that are being asked. `stir` is called when a verdict changes."""

    def __init__(self, stir: Callable[[], None]) -> None:
        self._stir = stir
        self._asking: dict[Question, asyncio.Task[None]] = {}
        self._verdicts: dict[str, Verdict] = {}

    def watch(self, spec: ServiceSpec, instances: Iterable[Instance], servers: Iterable[Server]) -> Mapping[str, Verdict]:
        """Ask those that the proxy doesn't, in the way that the spec says now; answers what was found so far."""
        unchecked = {server.replica for server in servers if not server.checked}
        wanted: set[Question] = {
            (i.replica, i.address, spec.replica.healthcheck)
            for i in instances
            if i.replica in unchecked and i.phase is Phase.RUNNING and i.address is not None
        }
        for question in self._asking.keys() - wanted:
            self._asking.pop(question).cancel()
            self._verdicts.pop(question[0], None)
        for question in wanted - self._asking.keys():
            name, address, _check = question
            self._asking[question] = asyncio.create_task(self._ask(spec, name, address), name=f"recheck {name}")
        return dict(self._verdicts)

    async def _ask(self, spec: ServiceSpec, name: str, address: Address) -> None:
        bad = 0
        while True:
            check, problem = await ask_once(spec, address)
            bad = 0 if check is Check.PASSES else bad + 1
            verdict = Verdict(check, bad >= spec.replica.healthcheck.retries, problem)
            if verdict != self._verdicts.get(name):
                self._verdicts[name] = verdict
                self._stir()
            await asyncio.sleep(spec.replica.healthcheck.interval)

    async def close(self) -> None:
        """Stop asking."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
