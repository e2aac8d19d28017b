"""Asking starting replicas whether they can serve, at their real address, every 100 ms until one answer is good.

`http` passes on 200 to 399 and sends `route.host`, else `localhost`; `tcp` passes when the connection is accepted. What a
container's own HEALTHCHECK says is seen at the runtime: one that has it is asked nothing here unless the policy says so.
"""

import asyncio
from collections.abc import Callable, Iterable

import aiohttp

from autoscaler.model import Address, Check, Instance, Phase
from autoscaler.spec.models import HealthCheck, ServiceSpec

ASK_EVERY_S = 0.1


class Prober:
    """The replicas of one service that are being asked. `stir` is called when one passes."""

    def __init__(self, stir: Callable[[], None]) -> None:
        self._stir = stir
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._passed: set[str] = set()
        self.problems: dict[str, str] = {}

    def watch(self, spec: ServiceSpec, starting: Iterable[Instance]) -> frozenset[str]:
        """Ask these, forget all others, and answer those that have passed."""
        wanted = {i.replica: i for i in starting if i.phase is Phase.RUNNING}
        for name in self._asking.keys() - wanted.keys():
            self._asking.pop(name).cancel()
        self._passed &= wanted.keys()
        self.problems = {name: problem for name, problem in self.problems.items() if name in wanted}
        for name, instance in wanted.items():
            if asked_by_runtime(spec.replica.healthcheck, instance):
                self._told_by_runtime(name, instance)
            elif name not in self._asking and name not in self._passed and instance.address is not None:
                self._asking[name] = asyncio.create_task(self._ask(spec, name, instance.address), name=f"ask {name}")
        return frozenset(self._passed)

    def _told_by_runtime(self, name: str, instance: Instance) -> None:
        if instance.healthy:
            self._passed.add(name)
        else:
            self.problems[name] = "its HEALTHCHECK has not passed yet"

    async def _ask(self, spec: ServiceSpec, name: str, address: Address) -> None:
        try:
            while problem := await ask(spec, address):
                self.problems[name] = problem
                await asyncio.sleep(ASK_EVERY_S)
        finally:
            if self._asking.get(name) is asyncio.current_task():
                del self._asking[name]
        self._passed.add(name)
        self._stir()

    async def close(self) -> None:
        """Stop asking."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


def asked_by_runtime(check: HealthCheck, instance: Instance) -> bool:
    """Whether the runtime asks the replica itself."""
    if check.docker or check.test is not None:
        return True
    return instance.healthy is not None and check.http is None and not check.tcp


async def ask(spec: ServiceSpec, address: Address) -> str:
    """One question; "" when the answer is good, else what was wrong with it."""
    _check, problem = await ask_once(spec, address)
    return problem


async def ask_once(spec: ServiceSpec, address: Address) -> tuple[Check, str]:
    """One question, and what was wrong with the answer. One that never answers is taken to have taken the connection."""
    check = spec.replica.healthcheck
    try:
        async with asyncio.timeout(check.timeout):
            problem = await _ask(check, spec.route.host or "localhost", address)
    except TimeoutError:
        found = Check.REFUSES if check.http is None else Check.FAILS
        return found, f"{address}: no answer in {check.timeout:g} s"
    except (OSError, aiohttp.ClientError) as error:
        refused = isinstance(error, aiohttp.ClientConnectorError) or not isinstance(error, aiohttp.ClientError)
        return Check.REFUSES if refused else Check.FAILS, f"{address}: {error or type(error).__name__}"
    return Check.FAILS if problem else Check.PASSES, problem


async def _ask(check: HealthCheck, host: str, address: Address) -> str:
    if check.http is not None:
        return await _ask_http(check.http, host, address)
    _reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.close()
    return ""


async def _ask_http(path: str, host: str, address: Address) -> str:
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session,
        session.get(f"http://{address}{path}", headers={"Host": host}, allow_redirects=False) as answer,
    ):
        return "" if 200 <= answer.status <= 399 else f"{address}: GET {path} answered {answer.status}"
