"""The meters of all services: what the proxy tells is dealt out to them by service."""

from collections import defaultdict
from collections.abc import Sequence

from autoscaler.control.parts import Meterings
from autoscaler.measure.meter import Meter
from autoscaler.model import ProxyView, Request
from autoscaler.spec.models import ServiceSpec

SHOWN = ("request_rate", "concurrency", "queue_length", "latency_p95", "error_ratio")  # asked for by a policy or not


class Meters:
    """One meter a service. Requests that the proxy answered with an error of its own are counted on the way."""

    def __init__(self, meterings: Meterings) -> None:
        self._meters: dict[str, Meter] = {}
        self._meterings = meterings

    def add(self, spec: ServiceSpec) -> Meter:
        """The service's meter from now on."""
        self._meters[spec.service] = Meter(spec, SHOWN)
        return self._meters[spec.service]

    def drop(self, service: str) -> None:
        """The service is gone."""
        self._meters.pop(service, None)

    def see(self, view: ProxyView) -> None:
        """A reading of the proxy."""
        for service, meter in self._meters.items():
            traffic = view.traffic.get(service)
            if traffic is None:
                meter.miss(view.t, "the proxy has no route for it")
            else:
                meter.see(view.t, traffic)

    def miss(self, t: float, problem: str) -> None:
        """A reading that failed."""
        for meter in self._meters.values():
            meter.miss(t, problem)

    def hear(self, t: float, requests: Sequence[Request]) -> None:
        """Finished requests."""
        by_service = defaultdict(list)
        for request in requests:
            by_service[request.service].append(request)
            if request.failure is not None:
                self._meterings.failed_requests(request.service, request.failure.value, request.weight)
        for service, finished in by_service.items():
            if service in self._meters:
                self._meters[service].hear(t, finished)
