"""One service's meter: what the proxy and the runtime tell in, samples for a decision out.

`see` and `miss` several times a second, `hear` as log lines come, `read` as often as the runtime is asked; `close` once a
tick. It computes what the policies ask for and nothing else. With no request in the window and the proxy answering,
`error_ratio` and `latency_*` are 0, a fact; where requests came and nothing is known of them, they are missing.
Source: CONTRACT, "Metrics".
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from autoscaler.measure.counters import FIRST, Counters, Flow
from autoscaler.measure.latency import PERCENTILES, Latencies
from autoscaler.measure.usage import Fractions, Usages
from autoscaler.model import Request, Sample, Traffic, Usage
from autoscaler.spec.models import PROXY_METRICS, REPLICA_METRICS, ServiceSpec
from autoscaler.units import format_duration

DEFAULT_WINDOW_S = 10.0


class Meter:
    """Measures one service. It has no clock and does no I/O; it changes in place for speed."""

    __slots__ = ("_counters", "_latencies", "_names", "_requests", "_usages", "_watched_since", "_window_s")

    def __init__(self, spec: ServiceSpec, also: Iterable[str] = ()) -> None:
        """`also` names metrics of the proxy that someone looks at though no policy asks for them."""
        self._counters = Counters()
        self._requests: deque[tuple[float, int]] = deque()
        self._watched_since: float | None = None
        self._latencies: Latencies | None = None
        self._usages: Usages | None = None
        self._window_s = 0.0
        self.follow(spec, also)

    def follow(self, spec: ServiceSpec, also: Iterable[str] = ()) -> None:
        """Measure by this policy from now on: it was read again. What is counted goes on.

        Two policies on one percentile or replica metric share the longer of their windows.
        """
        windows = dict.fromkeys(also, DEFAULT_WINDOW_S)
        for policy in spec.every_policy:
            for metric, window in policy.windows.items():
                windows[metric] = max(windows.get(metric, 0.0), window)
        self._names = tuple(name for name in windows if name in PROXY_METRICS)
        of_latency = [window for name, window in windows.items() if name in PERCENTILES]
        window_s = max([1.0, *of_latency])
        if not of_latency:
            self._latencies = None
        elif self._latencies is None or window_s != self._window_s:
            self._latencies = Latencies(window_s)
        self._window_s = window_s
        of_replicas = [window for name, window in windows.items() if name in REPLICA_METRICS]
        measure = Usages(spec.replica.cpus, spec.replica.mem_limit, max(of_replicas)) if of_replicas else None
        if measure is None or self._usages is None or not measure.is_like(self._usages):
            self._usages = measure

    # ------------------------------------------------------------ in

    def see(self, t: float, traffic: Sequence[Traffic]) -> None:
        """The route's counters at `t`, one of each of the proxy's workers."""
        if self._watched_since is None:
            self._watched_since = t
        self._counters.see(t, traffic)

    def miss(self, t: float, problem: str) -> None:
        """The proxy did not answer at `t`."""
        self._counters.miss(t, problem)

    def hear(self, t: float, requests: Iterable[Request]) -> None:
        """Finished requests of this service that the log told at `t`."""
        if self._latencies is not None:
            self._latencies.hear(t, requests)

    def read(self, t: float, usages: Mapping[str, Usage]) -> None:
        """What the replicas, by id, have used at `t`."""
        if self._usages is not None:
            self._usages.read(t, usages)

    # ------------------------------------------------------------ out

    @property
    def wants_usage(self) -> bool:
        """Whether a policy looks at what the replicas use, so that it pays to ask the runtime."""
        return self._usages is not None

    @property
    def waiting(self) -> int:
        """The requests that waited in the proxy's queue at the last reading."""
        return self._counters.queued

    @property
    def lost(self) -> int:
        """The log lines so far that made no sense."""
        return 0 if self._latencies is None else self._latencies.lost

    def close(self, t: float) -> dict[str, Sample]:
        """The samples since the last close, by the names of the metrics that are asked for."""
        flow = self._counters.close()
        self._remember_requests(t, flow)
        samples = {name: _sample(name, flow, t) for name in self._names if name not in PERCENTILES}
        return samples | self._percentiles(t, flow)

    def per_replica(self, t: float, ids: Sequence[str]) -> dict[str, Fractions]:
        """`cpu` and `memory` of each of these replicas, in this order, where a policy asks for them."""
        if self._usages is None:
            return {}
        return {"cpu": self._usages.cpu(t, ids), "memory": self._usages.memory(t, ids)}

    def _remember_requests(self, t: float, flow: Flow) -> None:
        if flow.arrivals or flow.responses:
            self._requests.append((t, (flow.arrivals or 0) + (flow.responses or 0)))
        while self._requests and self._requests[0][0] <= t - self._window_s:
            self._requests.popleft()

    def _percentiles(self, t: float, flow: Flow) -> dict[str, Sample]:
        names = [name for name in self._names if name in PERCENTILES]
        if self._latencies is None or not names:
            return {}
        heard = self._latencies.over(t, names)
        if heard.told:
            return {name: Sample(value, t) for name, value in heard.percentiles.items()}
        problem = flow.problem or self._silence(t, heard.apart, heard.unanswered)
        return dict.fromkeys(names, Sample(None, t, problem) if problem else Sample(0.0, t))

    def _silence(self, t: float, apart: float, unanswered: float) -> str:
        """Why no latency was told, "" where there was no request that could have had one."""
        if unanswered:
            return f"none of {unanswered:g} requests was answered"
        if self._watched_since is None or t - self._watched_since < self._window_s:
            return f"not watched for {format_duration(self._window_s)} yet"
        if self._requests and not apart:
            return "no log line arrived"
        return ""


def _sample(name: str, flow: Flow, t: float) -> Sample:
    """One of the counters' metrics."""
    if flow.problem or flow.arrivals is None or flow.responses is None or flow.errors is None:
        return Sample(None, t, flow.problem)
    match name:
        case "concurrency":
            return Sample(flow.concurrency, t)
        case "queue_length":
            return Sample(flow.queue_length, t)
    if flow.elapsed_s is None:
        return Sample(None, t, FIRST)
    if name == "request_rate":
        return Sample(flow.arrivals / flow.elapsed_s, t)
    if flow.responses:
        return Sample(min(flow.errors / flow.responses, 1.0), t)
    return Sample(None, t, f"none of {flow.arrivals} requests is answered yet") if flow.arrivals else Sample(0.0, t)
