"""Capacity: what a replica carries and how long it takes to start, learned from what is seen.

    service time  S = seconds x requests in service / requests        the mean of half-minutes, of the last ten minutes
                  a half-minute that differs from it by more than chance, max(10%, 3 / sqrt(requests)), is set aside;
                  two in a row that are shorter, or six that are longer, become S
    slots         x S, where x is a full replica's answers/s: so many it works on at once at full speed; before a full one
                  was seen, twice the highest x S seen, up to `max_concurrency`
    full          requests waited all of ten seconds, or it takes half as long again as S
    start-up      replicas x seconds spent starting / replicas that became ready          (Little's law)

Longer ones need six, because a replica that has much to do answers slower than it could; and not more, because another
version or a noisy neighbour shall count within three minutes. Once S is known, what is seen while requests wait all along
says nothing of it, but of the slots; that some wait now and then makes no replica full: of many one is free soon. A full
replica that works on less than one at a time has become slower: S is learned anew from it. While no replica is ready, and
for ten seconds more, nothing is learned of S: the proxy turns requests away, and at once.
Source: Little 1961, "A proof for the queuing formula L = lambda W".
"""

from dataclasses import dataclass, replace
from math import exp, sqrt

PIECE_S = 30.0
PIECES = 20
SHORTER, LONGER = 2, 6
ALIKE = 0.1
CHANCE = 3.0  # deviations, of times as spread as exponential ones
ENOUGH_REQUESTS = 20.0
SLOWED = 1.5
WAITS = 1.0
CALM_S = 10.0  # means over ten seconds say nothing of a count of replicas that is younger
LEARN_S = 5.0
UNKNOWN_AHEAD = 2.0
STARTUP_S = 10.0  # until one was seen to start
LONGEST_STARTUP_S = 600.0
FORGET_S = 86400.0


@dataclass(frozen=True, slots=True)
class Load:
    """What was seen in a tick of `elapsed_s`: means of ten seconds, and the replicas. `answered` is requests/s that left."""

    t: float
    elapsed_s: float
    answered: float
    in_service: float
    queue: float
    ready: int
    unready: int


@dataclass(frozen=True, slots=True)
class Capacity:
    """What is known so far. Times in seconds; `ready_at` is when the count of ready replicas changed last.

    `busy_s` and `done` are sums since `piece_at`; `mean_s` is the mean of `pieces` half-minutes, `aside` are those that were
    set aside since; `carried` the most requests at once that a replica bore at full speed,
    `bent` the most that it bears at all, None while that was never seen.
    """

    ready: int
    ready_at: float
    piece_at: float
    busy_s: float = 0.0
    done: float = 0.0
    mean_s: float | None = None
    pieces: int = 0
    aside: tuple[float, ...] = ()
    carried: float = 0.0
    bent: float | None = None
    starting_s: float = 0.0
    started: float = 0.0

    @property
    def service_s(self) -> float | None:
        """The mean time that a request takes at a replica that is not full, None while it is not known."""
        if self.mean_s is not None:
            return self.mean_s
        return self.busy_s / self.done if self.done >= ENOUGH_REQUESTS and self.busy_s > 0 else None

    @property
    def startup_s(self) -> float:
        """From a start to ready."""
        return min(self.starting_s / self.started, LONGEST_STARTUP_S) if self.started >= 0.5 else STARTUP_S

    def slots(self, most: int) -> float:
        """The requests that a replica works on at once at full speed; the proxy gives it `most`."""
        slots = UNKNOWN_AHEAD * self.carried if self.bent is None else self.bent
        return min(max(1.0, slots), float(most))


def first(t: float, ready: int) -> Capacity:
    """Nothing is known yet."""
    return Capacity(ready, t - CALM_S, t)


def learn(known: Capacity, load: Load) -> Capacity:
    """With one more tick."""
    kept = exp(-load.elapsed_s / FORGET_S)
    if not load.ready:  # who is turned away takes no time: nothing is learned until the means hold none of them
        known = replace(known, piece_at=load.t + CALM_S, busy_s=0.0, done=0.0)
    busy_s, done = known.busy_s, known.done
    if load.t >= known.piece_at and (known.service_s is None or load.queue < WAITS):
        busy_s += load.in_service * load.elapsed_s
        done += load.answered * load.elapsed_s
    known = replace(
        known,
        ready=load.ready,
        ready_at=known.ready_at if load.ready == known.ready else load.t,
        busy_s=busy_s,
        done=done,
        starting_s=known.starting_s * kept + load.unready * load.elapsed_s,
        started=known.started * kept + max(0, load.ready - known.ready),
    )
    is_over = load.t - known.piece_at >= PIECE_S and done >= ENOUGH_REQUESTS and busy_s > 0
    return _with_piece(known, load.t) if is_over else known


def _with_piece(known: Capacity, t: float) -> Capacity:
    """With the half-minute that is over."""
    piece, alike = known.busy_s / known.done, max(ALIKE, CHANCE / sqrt(known.done))
    known = replace(known, piece_at=t, busy_s=0.0, done=0.0)
    if known.mean_s is None:
        return replace(known, mean_s=piece, pieces=1)
    if abs(piece / known.mean_s - 1) <= alike:
        pieces = min(known.pieces + 1, PIECES)
        return replace(known, mean_s=known.mean_s + (piece - known.mean_s) / pieces, pieces=pieces, aside=())
    is_longer = piece > known.mean_s
    aside = (*(each for each in known.aside if (each > known.mean_s) == is_longer), piece)
    if len(aside) < (LONGER if is_longer else SHORTER):
        return replace(known, aside=aside)
    return replace(known, mean_s=sum(aside) / len(aside), pieces=len(aside), aside=())


def bend(known: Capacity, load: Load) -> Capacity:
    """With what this tick says about how many requests a replica works on at once."""
    service_s = known.service_s
    calm = load.t - known.ready_at >= CALM_S
    if service_s is None or not load.ready or not calm or load.answered <= 0:
        return known
    each = load.in_service / load.ready
    working = load.answered / load.ready * service_s
    is_full = load.queue >= WAITS or (each > SLOWED and each > SLOWED * working)
    if not is_full:
        if working <= (known.carried if known.bent is None else min(known.carried, known.bent)):
            return known
        bent = known.bent if known.bent is None else max(known.bent, working)
        return replace(known, carried=max(known.carried, working), bent=bent)
    if working < 1 / SLOWED:
        return replace(known, mean_s=service_s / working, pieces=1, aside=(), bent=1.0, carried=min(known.carried, 1.0))
    before = working if known.bent is None else known.bent
    step = 1 - exp(-load.elapsed_s / LEARN_S)
    return replace(known, bent=before + (working - before) * step)
