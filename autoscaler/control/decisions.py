"""Asking for a decision: the tick's observation out of what was measured, and what is told of the answer."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from autoscaler.control.meters import SHOWN
from autoscaler.control.parts import Meterings
from autoscaler.control.polling import Polling
from autoscaler.control.shadows import Shadows
from autoscaler.decide.account import account
from autoscaler.decide.case import Case
from autoscaler.decide.explain import explain
from autoscaler.decide.memory import Memory, aged
from autoscaler.decide.samples import mean
from autoscaler.decide.shadow import Shadowing
from autoscaler.errors import EngineError
from autoscaler.measure.meter import Meter
from autoscaler.measure.usage import is_warm
from autoscaler.model import Decision, Event, EventKind, Mode, Observation, Orders, Replica, ReplicaState, Sample
from autoscaler.ports import Clock, Emit, RuntimeReader
from autoscaler.spec.models import LATENCIES, REPLICA_METRICS, Policy, ServiceSpec
from autoscaler.status import Explanation, MetricStatus

USAGE_TIMEOUT_S = 2.0
MISSING_TICKS = 3  # a daemon, a proxy or a route that starts has nothing to tell at first
STILL_THERE = (ReplicaState.STARTING, ReplicaState.READY)


class Deciding:
    """One service's decisions. `decision` is the last, `memory` what the next one takes from it."""

    def __init__(
        self,
        spec: ServiceSpec,
        meter: Meter,
        polling: Polling,
        runtime: RuntimeReader,
        clock: Clock,
        emit: Emit,
        meterings: Meterings,
        memory: Memory,
        shadows: Mapping[str, Shadowing] | None = None,
    ) -> None:
        self.spec = spec
        self.memory = memory
        self.polling = polling
        self.shadows = Shadows(spec, shadows or {})
        self.decision: Decision | None = None
        self._case: Case | None = None
        self._why: Explanation | None = None
        self._meter = meter
        self._runtime = runtime
        self._clock = clock
        self._emit = emit
        self._meterings = meterings
        self._missing: dict[str, int] = {}
        self._out_of_reach: set[int] = set()
        self._mode = Mode.STABLE

    def respecify(self, spec: ServiceSpec) -> None:
        """The policy file says something else now."""
        self.spec = spec
        self._out_of_reach = set()
        self._meter.follow(spec, SHOWN)
        self.polling.follow(spec)
        self.shadows.follow(spec)

    async def decide(self, now: float, replicas: Sequence[Replica], orders: Orders) -> None:
        """Decide on what was measured since the last decision."""
        ready = [r for r in replicas if r.state is ReplicaState.READY]
        warm = [r.id for r in ready if is_warm(r.ready_at, now)]
        measured = self._meter.close(now)
        seen = Observation(
            service=self.spec.service,
            t=now,
            ready=len(ready),
            unready=sum(r.state is ReplicaState.STARTING for r in replicas),
            totals=measured | self.polling.samples(now, measured.get("request_rate")),
            per_replica=await self._per_replica(now, warm),
            waiting=self._meter.waiting,
            warming=len(ready) - len(warm),
            wall_offset=self._clock.wall_offset(),
        )
        self._case = Case(self.spec, seen, aged(self.memory, now), orders)
        self.decision, self.memory = self._case.decide()
        self._why = None
        self._tell_missing(seen)
        self._tell_reach(self.decision)
        if self.decision.desired != self.decision.current or self._is_new(self.decision.mode):
            self._mode = self.decision.mode
            self._tell_decision(self.decision)
        if self.decision.flap:
            facts = {"before": self.decision.current, "desired": self.decision.desired}
            self._tell(EventKind.FLAPPED, self.decision.flap, facts)
        for name, fault in self.shadows.decide(self._case, self.decision):
            self._tell(EventKind.SHADOW_FAULT, fault, {"shadow": name})

    async def _per_replica(self, now: float, ids: Sequence[str]) -> Mapping[str, tuple[float | None, ...]]:
        if not self._meter.wants_usage:
            return {}
        with suppress(EngineError, TimeoutError):  # no value comes of it, and that is told
            async with asyncio.timeout(USAGE_TIMEOUT_S):
                self._meter.read(now, await self._runtime.usage(ids))
        return self._meter.per_replica(now, ids)

    def desired(self, replicas: Sequence[Replica]) -> int:
        """The count decided last; before the first decision the one that is there."""
        if self.decision is not None:
            return self.decision.desired
        return sum(r.state in STILL_THERE for r in replicas)

    # ------------------------------------------------------------ told

    def _is_new(self, mode: Mode) -> bool:
        """Whether the mode is worth telling: a hold only once the metrics have been missing for a while."""
        lasting = mode is not Mode.HOLD or any(ticks >= MISSING_TICKS for ticks in self._missing.values())
        return mode is not self._mode and lasting

    def _tell_decision(self, decision: Decision) -> None:
        facts = {
            "before": decision.current,
            "desired": decision.desired,
            "mode": decision.mode.value,
            "limited_by": list(decision.limited_by),
            "seconds": round(self._clock.now() - decision.t, 3),  # since the tick began to look
        }
        self._tell(EventKind.DECIDED, decision.reason, facts)

    def _tell_missing(self, seen: Observation) -> None:
        """Each metric that a policy asks for and that has been missing for a while or came back, once."""
        asked = {metric for policy in self.spec.policies for metric in policy.windows}
        missing = {n: s.problem for n, s in seen.totals.items() if n in asked and s.value is None}
        missing |= {
            n: "no replica reports it"
            for n in asked
            if n in REPLICA_METRICS and seen.ready > seen.warming and _untold(seen, n)
        }
        for name in self._missing.keys() - missing.keys():
            if self._missing.pop(name) >= MISSING_TICKS:
                self._tell(EventKind.METRICS_BACK, "it is there again", {"metric": name})
        sources = self.spec.sources
        for name, problem in missing.items():
            if name not in sources:  # whose failed readings are counted one by one
                self._meterings.metric_error(self.spec.service, "runtime" if name in REPLICA_METRICS else "proxy")
            self._missing[name] = self._missing.get(name, 0) + 1
            if self._missing[name] == MISSING_TICKS:
                self._tell(EventKind.METRICS_MISSING, problem, {"metric": name})

    def _tell_reach(self, decision: Decision) -> None:
        """Each policy whose objective more replicas no longer bring nearer, or do again, once."""
        for said in decision.recommendations:
            if said.value is None or said.out_of_reach == (said.policy in self._out_of_reach):
                continue
            facts = {"policy": said.policy, "metric": said.metric}
            if said.out_of_reach:
                self._out_of_reach.add(said.policy)
                self._tell(EventKind.OBJECTIVE_OUT_OF_REACH, said.reason, facts)
            else:
                self._out_of_reach.discard(said.policy)
                self._tell(EventKind.OBJECTIVE_IN_REACH, said.reason, facts)

    def _tell(self, kind: EventKind, cause: str, facts: Mapping[str, object]) -> None:
        self._emit(Event(self._clock.now(), self.spec.service, kind, cause=cause, facts=facts))

    def explain(self) -> Explanation:
        """Why the last decision is what it is, worked out once where someone asks: it takes some hundred decisions."""
        if self._case is None:
            return Explanation(f"{self.spec.service}: nothing decided yet")
        if self._why is None:
            why = account(self._case)
            self._why = Explanation(explain(why, self._case.spec.behavior), why)
        return self._why

    @property
    def waiting(self) -> int:
        """Requests that wait in the proxy now."""
        return self._meter.waiting

    def metrics(self) -> tuple[MetricStatus, ...]:
        """Each metric that a policy asks for over its window, then those shown anyway."""
        if self._case is None:
            return ()
        asked = [self._asked(policy, metric) for policy in self.spec.policies for metric in policy.windows]
        names = {status.name for status in asked}
        shown = [MetricStatus(name, s, None, False) for name, s in self._case.seen.totals.items() if name not in names]
        return (*asked, *shown)

    def _asked(self, policy: Policy, metric: str) -> MetricStatus:
        assert self._case is not None
        seen = self._case.seen
        t = seen.t
        if metric in REPLICA_METRICS:
            told = [value for value in seen.per_replica.get(metric, ()) if value is not None]
            sample = Sample(sum(told) / len(told) if told else None, t, "" if told else "no replica reports it")
        else:
            sample = seen.totals.get(metric, Sample(None, t, "not measured"))
            points = self.memory.samples.get(metric, ())
            over_window = mean(points, policy.windows[metric], t)
            if over_window is not None and metric not in LATENCIES:
                sample = Sample(over_window, points[-1].t if sample.value is None else sample.t)
        about_it = metric == policy.metric
        return MetricStatus(metric, sample, policy.aim if about_it else None, about_it and policy.per_replica)


def _untold(seen: Observation, metric: str) -> bool:
    return all(value is None for value in seen.per_replica.get(metric, ()))
