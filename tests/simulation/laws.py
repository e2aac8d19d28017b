"""What must hold at every step, whatever goes wrong. Engine and proxy watch over stop signals and names themselves."""

from autoscaler.control.daemon import Daemon
from autoscaler.model import Event, EventKind, Mode
from tests.simulation.engine import SimEngine
from tests.simulation.outside import Outside
from tests.simulation.proxy import SimProxy

BLIND_S = 12.0  # the proxy has told nothing for longer than any window
MOVES = (EventKind.REPLICA_STARTING, EventKind.REPLICA_DRAINING, EventKind.REPLICA_STOPPING, EventKind.REPLICA_TAKEN_BACK)
BOUNDS_SETTLE_S = 15.0
AMID_A_DECISION = (EventKind.METRICS_MISSING, EventKind.METRICS_BACK, EventKind.DECIDED)


class Laws:
    """The laws over events and counts. `bounds` are those that were in force lately, as wide as they were."""

    def __init__(self, outside: Outside, engine: SimEngine, proxy: SimProxy, bounds: dict[str, tuple[int, int]]) -> None:
        self.events: list[Event] = []
        self._proxy = proxy
        self._outside = outside
        self._engine = engine
        self._recent = {service: [(0.0, within)] for service, within in bounds.items()}
        self._daemon: Daemon | None = None
        self._desired: dict[str, int] = {}

    def begins(self, daemon: Daemon) -> None:
        """A daemon begins; what it desires first it took from what it was told to remember."""
        self._daemon = daemon
        self._desired = {}

    def bounds_change(self, service: str, within: tuple[int, int] | None) -> None:
        """Its policy says something else; without one it goes."""
        self._recent.setdefault(service, []).append((self._outside.time(), within or (0, 6)))

    def _lately(self, service: str) -> list[tuple[int, int]]:
        known = self._recent[service]
        since = self._outside.time() - BOUNDS_SETTLE_S
        return [within for t, within in known if t >= since] + [[w for t, w in known if t < since or t == 0.0][-1]]

    def least(self, service: str) -> int:
        """The least that there may be of it."""
        return min(least for least, _ in self._lately(service))

    def most(self, service: str) -> int:
        """The most that there may be of it."""
        return max(most for _, most in self._lately(service))

    # ------------------------------------------------------------ at each event

    def told(self, event: Event) -> None:
        """An event, and all that can be checked now."""
        self.events.append(event)
        if event.kind is EventKind.SERVICE_FAULT:
            self._outside.breaks(f"a fault of ours: {event.service} {event.cause}")
        if event.kind in MOVES and not event.cause:
            self._outside.breaks(f"{event.kind} {event.replica} has no cause")
        if event.kind is EventKind.DECIDED:
            self._decided(event)
        if event.kind is EventKind.REPLICA_STARTING:
            self._starts(event)
        if event.kind is EventKind.REPLICA_DRAINING and not self._engine.is_steady(event.replica):
            self._proxy.given_up.add(event.replica)
        if event.kind not in AMID_A_DECISION:
            self.check()

    def _decided(self, event: Event) -> None:
        before, desired = int(str(event.facts["before"])), int(str(event.facts["desired"]))
        if not event.cause:
            self._outside.breaks(f"{event.service} goes from {before} to {desired} and says no reason")
        if not self.least(event.service) <= desired <= self.most(event.service):
            self._outside.breaks(f"{event.service} shall be {desired}, outside of its bounds")
        self._desired[event.service] = desired
        blind = self._outside.time() - self._proxy.answered_at > BLIND_S
        steady = len(set(self._lately(event.service))) == 1
        if desired < before and blind and steady and event.facts["mode"] != Mode.OVERRIDE:
            self._outside.breaks(f"{event.service} shrinks from {before} to {desired} though nothing is known")

    def _starts(self, event: Event) -> None:
        """No start beside as many as there may be that nobody can think ill of, or that are being started."""
        service = event.service
        well = [c for c in self._engine.containers.values() if c.service == service and self._engine.is_steady(c.name)]
        kept = [c for c in well if self._serves_on(c.name)]
        again = event.replica in self._engine.containers
        most = self.most(service) + int(self._proxy.is_suspect())  # one failing is replaced, the new one ready first
        if not again and len(kept) + self._engine.starting.get(service, 0) + 1 > most:
            self._outside.breaks(f"{event.replica} is started beside {[c.name for c in kept]}, more than max")

    def _serves_on(self, replica: str) -> bool:
        behind = self._proxy.behind(replica)
        return behind is not None and not behind.draining

    def check(self) -> None:
        """The count that is desired is the one that was told."""
        assert self._daemon is not None
        for name, service in self._daemon.services.items():
            decision = service.loop.deciding.decision
            if decision is not None and decision.desired != self._desired.setdefault(name, decision.desired):
                self._outside.breaks(f"{name} shall be {decision.desired}, told was {self._desired[name]}")
