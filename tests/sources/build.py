"""Sources for tests: of one mapping, with a client that is closed afterwards."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from autoscaler.control.clock import SystemClock
from autoscaler.drivers.web import Web
from autoscaler.sources.prometheus import Prometheus
from autoscaler.spec.models import PrometheusMetric


def metric(server: str, query: str = "vector(42)", **more: Any) -> PrometheusMetric:
    """A mapping as a policy file has it."""
    return PrometheusMetric.model_validate({"source": "prometheus", "server": server, "query": query, **more})


@asynccontextmanager
async def source(
    of: PrometheusMetric, folder: str = ".", environ: Mapping[str, str] | None = None
) -> AsyncIterator[Prometheus]:
    """Its source."""
    web = Web()
    try:
        yield Prometheus(of, folder, environ or {}, SystemClock(), web)
    finally:
        await web.close()
