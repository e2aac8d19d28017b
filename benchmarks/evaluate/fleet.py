"""A fleet under a trace, second by second, and what is seen of it. The engine's arrays are known here and nowhere else."""

from dataclasses import dataclass

from benchmarks.evaluate import engine
from benchmarks.evaluate.compiled import Numbers, compiled, zeros

SERVICE_S = 0.1
WAIT_S = 0.2
TIMEOUT_S = 10.0
HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What happened in the last `seconds`, until `t`: requests/s, means of requests at once, and what is there now.

    `is_missing`: the metrics can't be had.
    """

    t: float
    seconds: int
    rate: float
    concurrency: float
    queue: float
    ready: int
    starting: int
    waiting: int
    is_missing: bool = False


class Fleet:
    """All replicas of one service. It changes in place. `t` is seconds since the trace's start."""

    def __init__(
        self, rates: Numbers, *, start: int, startup_s: float, replicas: int, seed: int, crashes_an_hour: float = 0.0
    ) -> None:
        self._rates = rates
        self._model = (SERVICE_S, WAIT_S, TIMEOUT_S, startup_s, crashes_an_hour / HOUR_S)
        self._state = zeros(engine.STATES)
        self._queue = engine.room(max(rates), TIMEOUT_S)
        self._starting = zeros(10_000)
        minutes = len(rates) // 60 + 2
        self.came, self.late = zeros(minutes), zeros(minutes)
        engine.begin(self._state, self._model, seed, float(start), replicas)

    @property
    def replica_s(self) -> float:
        """Replica-seconds so far."""
        return self._state[engine.REPLICA_S]

    def run(self, seconds: int, desired: int) -> Seen:
        """So many seconds with so many replicas wanted."""
        state = self._state
        state[engine.ARRIVED] = state[engine.IN_FLIGHT_S] = state[engine.QUEUED_S] = 0.0
        engine.advance(state, self._queue, self._starting, self.came, self.late, self._rates, seconds, desired, self._model)
        return Seen(
            t=float(state[engine.NOW]),
            seconds=seconds,
            rate=float(state[engine.ARRIVED]) / seconds,
            concurrency=float(state[engine.IN_FLIGHT_S]) / seconds,
            queue=float(state[engine.QUEUED_S]) / seconds,
            ready=int(state[engine.READY]),
            starting=int(state[engine.STARTING]),
            waiting=int(state[engine.TAIL] - state[engine.HEAD]),
        )

    def violated(self, first: int, last: int, share: float) -> int:
        """Of the minutes from `first` to before `last`, how many had more than this share of their requests late."""
        return _violated(self.came, self.late, first, last, share)


@compiled
def _violated(came: Numbers, late: Numbers, first: int, last: int, share: float) -> int:
    count = 0
    for minute in range(first, last):
        if late[minute] > share * came[minute]:
            count += 1
    return count
