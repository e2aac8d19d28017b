"""A service's shadows: each decides when the service has, on the same numbers. They are given nothing to act with."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from autoscaler.decide.case import Case
from autoscaler.decide.shadow import Shadowing, step
from autoscaler.model import Decision
from autoscaler.spec.models import Behavior, Policy, ServiceSpec
from autoscaler.status import ShadowStatus


@dataclass(frozen=True, slots=True)
class _Trial:
    """A shadow's name, the service as it would be under it, and a mark of the policies on both sides."""

    name: str
    spec: ServiceSpec
    of: str


class Shadows:
    """What is wrong with one harms neither the service nor another. `kept` is what each remembers."""

    def __init__(self, spec: ServiceSpec, kept: Mapping[str, Shadowing]) -> None:
        self.kept: dict[str, Shadowing] = dict(kept)
        self._decisions: dict[str, Decision] = {}
        self._faults: dict[str, str] = {}
        self._trials: tuple[_Trial, ...] = ()
        self.follow(spec)

    def follow(self, spec: ServiceSpec) -> None:
        """The policy file says this from now on. Where the policies of either side changed, a score begins anew."""
        before = {trial.name: trial for trial in self._trials}
        own = _mark(spec.policies, spec.behavior)
        self._trials = tuple(
            _Trial(shadow.name, spec.shadowed(shadow), f"{_mark(shadow.policies, shadow.behavior)} against {own}")
            for shadow in spec.shadow
        )
        same = {trial.name for trial in self._trials if trial.name not in before or before[trial.name].of == trial.of}
        self.kept = {name: state for name, state in self.kept.items() if name in same}
        self._decisions = {name: decision for name, decision in self._decisions.items() if name in same}
        self._faults = {name: fault for name, fault in self._faults.items() if name in same}

    def decide(self, case: Case, decided: Decision) -> list[tuple[str, str]]:
        """Have each decide on what the service was `decided` by; the faults that are new, by name."""
        new: list[tuple[str, str]] = []
        for trial in self._trials:
            try:
                decision, state = step(trial.spec, trial.of, case, decided, self.kept.get(trial.name))
            except Exception as error:
                if self._faults.get(trial.name) != repr(error):
                    new.append((trial.name, repr(error)))
                self._faults[trial.name] = repr(error)
            else:
                self._decisions[trial.name], self.kept[trial.name] = decision, state
                self._faults.pop(trial.name, None)
        return new

    def status(self) -> tuple[ShadowStatus, ...]:
        """Each in the file's order."""
        return tuple(self._status(trial.name) for trial in self._trials)

    def _status(self, name: str) -> ShadowStatus:
        fault = self._faults.get(name)
        problem = "" if fault is None else f"fault in the controller: {fault}"
        state = self.kept.get(name)
        if state is None:
            return ShadowStatus(name, problem=problem)
        seen_full = state.known.capacity.bent is not None
        return ShadowStatus(name, self._decisions.get(name), state.since, state.recent, state.total, problem, seen_full)


def _mark(policies: tuple[Policy, ...], behavior: Behavior) -> str:
    said = repr((policies, behavior))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:12]
