"""One tick of a shadow: it decides as the service does, from its own last count, and nobody acts on it.

It begins where the service stands, with all that the service remembers, as if the file had its policies from then on.
Its replicas are a model (fleet.py), and so are those of what ran, by the counts that were decided: what a shadow sees
(view.py) and its score (score.py) are what was seen, and the differences between the two models.
"""

from dataclasses import dataclass, replace

from autoscaler.decide.case import Case
from autoscaler.decide.decider import decide
from autoscaler.decide.memory import AWAY_S, Memory, aged
from autoscaler.decide.shadow import service as services
from autoscaler.decide.shadow.fleet import Fleet, there
from autoscaler.decide.shadow.score import LATE_S, Piece, added, faded
from autoscaler.decide.shadow.service import Service, number
from autoscaler.decide.shadow.view import Lines, counts, view
from autoscaler.decide.shadow.waits import Line
from autoscaler.model import NO_TALLY, Decision, Observation, Tally
from autoscaler.spec.models import Route, ServiceSpec


@dataclass(frozen=True, slots=True)
class Shadowing:
    """What a shadow remembers. `of` tells by which policies it and the service were decided.

    What begins with `ran` is the model of what ran.
    """

    of: str
    t: float
    since: float
    memory: Memory
    fleet: Fleet
    ran: Fleet
    known: Service
    backlog: float = 0.0
    ran_backlog: float = 0.0
    recent: Tally = NO_TALLY
    total: Tally = NO_TALLY


def step(spec: ServiceSpec, of: str, case: Case, decided: Decision, before: Shadowing | None) -> tuple[Decision, Shadowing]:
    """What the shadow decides, and what it remembers of it: `spec` is the service under it, `case` and `decided` are the
    service's own decision. A shadow `of` other policies than before begins anew."""
    seen = case.seen
    if before is None or before.of != of or seen.t < before.t:
        before = _begun(of, case)
    now, lines = _gone_on(before, seen, spec.route)
    memory = aged(now.memory, seen.t)
    if not memory.history:
        memory = replace(memory, history=case.memory.history)
    decision, memory = decide(spec, view(seen, now.fleet, now.ran, lines), memory, case.orders)
    startup_s = now.known.capacity.startup_s
    return decision, replace(
        now,
        memory=memory,
        fleet=now.fleet.moved(decision.desired, seen.t, startup_s),
        ran=now.ran.moved(decided.desired, seen.t, startup_s),
    )


def _begun(of: str, case: Case) -> Shadowing:
    seen, known = case.seen, services.first(case.seen)
    fleet = there(seen.ready, seen.unready, seen.t, known.capacity.startup_s)
    return Shadowing(of, seen.t, seen.t, case.memory, fleet, fleet, known)


def _gone_on(before: Shadowing, seen: Observation, route: Route) -> tuple[Shadowing, Lines | None]:
    """What has become of both since the tick before, and what waits for them now, None where that isn't known."""
    elapsed_s = seen.t - before.t
    now = replace(before, t=seen.t, fleet=before.fleet.at(seen.t), ran=before.ran.at(seen.t))
    if elapsed_s > AWAY_S:
        return replace(now, known=replace(now.known, ticks=()), backlog=0.0, ran_backlog=0.0), None
    known = services.learn(before.known, seen, elapsed_s)
    if known is None:
        return now, None
    lines = _lines(replace(now, known=known), seen, elapsed_s, route)
    now = _scored(replace(now, known=known), seen, elapsed_s, lines)
    return (now if lines is None else replace(now, backlog=lines.own.backlog, ran_backlog=lines.ran.backlog)), lines


def _lines(now: Shadowing, seen: Observation, elapsed_s: float, route: Route) -> Lines | None:
    """What waits at both after this tick."""
    capacity = now.known.capacity
    service_s, arrivals = capacity.service_s, number(seen.totals, "request_rate")
    if service_s is None or arrivals is None:
        return None

    def line(ready: int, backlog: float) -> Line:
        slots = ready * capacity.slots(route.max_concurrency)
        before = Line(slots, service_s, backlog, route.queue_timeout)
        return replace(before, backlog=before.after(arrivals, elapsed_s))

    ready, _ = counts(seen, now.fleet, now.ran)
    return Lines(now.known.rate, line(ready, now.backlog), line(seen.ready, now.ran_backlog))


def _scored(now: Shadowing, seen: Observation, elapsed_s: float, lines: Lines | None) -> Shadowing:
    piece = Piece(
        elapsed_s,
        sum(counts(seen, now.fleet, now.ran)),
        seen.ready + seen.unready,
        now.known.rate,
        None if lines is None else lines.own.late(lines.rate, LATE_S),
        None if lines is None else lines.ran.late(lines.rate, LATE_S),
    )
    return replace(now, recent=faded(now.recent, piece), total=added(now.total, piece))
