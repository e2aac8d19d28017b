"""Asking those that the proxy doesn't, with a real server."""

from dataclasses import replace

from autoscaler.control.rechecks import Rechecks
from autoscaler.model import Check, Instance, Phase, Server, ServerState, Verdict
from autoscaler.spec.models import HealthCheck
from tests.reconcile.build import WEB
from tests.support.web_replica import WebReplica
from tests.support.worlds import until


async def test_one_that_the_proxy_does_not_check_is_asked_again_and_again() -> None:
    replica = await WebReplica("web-1").start()
    replica.healthy = False
    check = HealthCheck(http="/healthz", interval=0.1, retries=3, timeout=10)
    spec = WEB.model_copy(update={"replica": WEB.replica.model_copy(update={"healthcheck": check})})
    instance = Instance("id", "web-1", "web", "", Phase.RUNNING, 0.0, replica.address)
    server = Server("web-1", ServerState.UP, 0, 0, 0, checked=False)
    stirs = 0

    def stir() -> None:
        nonlocal stirs
        stirs += 1

    rechecks = Rechecks(stir)

    def told() -> Verdict | None:
        return rechecks.watch(spec, [instance], [server]).get("web-1")

    assert told() is None
    await until(lambda: told() is not None)
    await until(lambda: (told() or Verdict(Check.PASSES)).failed)
    verdict = told()
    assert verdict is not None
    assert (verdict.check, verdict.problem) == (Check.FAILS, f"{replica.address}: GET /healthz answered 500")
    assert len(replica.heads) >= 3
    replica.healthy = True
    await until(lambda: told() == Verdict(Check.PASSES))
    await replica.stop()
    await until(lambda: (told() or Verdict(Check.PASSES)).check is Check.REFUSES)
    assert stirs >= 4
    assert rechecks.watch(spec, [instance], [replace(server, checked=True)]) == {}
    await rechecks.close()
