"""What a service's traffic was by the minute: as the state dir has it, or a Prometheus server. Reading changes nothing."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from autoscaler.control.clock import SystemClock
from autoscaler.decide.history import OF_ANY, minute_of
from autoscaler.drivers.credentials import Credentials, Who
from autoscaler.drivers.web import Web
from autoscaler.errors import SourceError, UsageError
from autoscaler.model import MINUTE_S, Minutes
from autoscaler.sources.prometheus import read_minutes
from autoscaler.spec.models import Auth, Secret
from autoscaler.store.memory import read_snapshot
from autoscaler.wiring import build

TRUST = "name who vouches for it by the variable SSL_CERT_FILE"
ALLOW = "give a token that it takes by --prometheus-token-file"


def kept(state_dir: Path, service: str, last_s: float | None) -> Minutes:
    """The request rate of a service as a daemon has kept it, all of it or the last `last_s`. A daemon that runs goes on.

    Raises StateError, and UsageError where nothing is kept of such a service.
    """
    path = state_dir / build.STATE_FILE
    by_service = {name: metrics[OF_ANY] for name, metrics in read_snapshot(path).minutes.items() if OF_ANY in metrics}
    if service not in by_service:
        known = ", ".join(sorted(by_service))
        fix = f"it has {known}" if known else "has a daemon run with this --state-dir, for some minutes?"
        raise UsageError(f"nothing is kept of a service {service!r}", where=str(path), fix=fix)
    minutes = by_service[service]
    if last_s is None:
        return minutes
    first = max(minutes.first, minutes.end - int(last_s // MINUTE_S))
    return Minutes(first, minutes.between(first, minutes.end))


def of_prometheus(server: str, query: str, last_s: float, token_file: Path | None, environ: Mapping[str, str]) -> Minutes:
    """What a query gave in the last `last_s`. Raises SourceError."""
    return asyncio.run(_of_prometheus(server, query, last_s, token_file, environ))


async def _of_prometheus(
    server: str, query: str, last_s: float, token_file: Path | None, environ: Mapping[str, str]
) -> Minutes:
    end = minute_of(SystemClock().now())
    web = Web(TRUST)
    try:
        who = Who() if token_file is None else await _bearer_of(token_file, environ)
        return await read_minutes(server, query, end - int(last_s // MINUTE_S), end, who, ALLOW, web)
    finally:
        await web.close()


async def _bearer_of(token_file: Path, environ: Mapping[str, str]) -> Who:
    auth = Auth(bearer_token=Secret(file=str(token_file)))
    try:
        return await Credentials(auth, None, "", environ).read()
    except SourceError as error:
        what = error.what.removeprefix("auth.bearer_token: ")
        raise SourceError(what, where="--prometheus-token-file", fix=error.fix) from None
