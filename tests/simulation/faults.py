"""A plan of faults: what goes wrong and when, as a value made from a seed. Any part of a plan is a plan too."""

from dataclasses import dataclass
from random import Random

FAULTS_LAST_S = 18.0
WARM_UP_S = 4.0

WINDOWS = (
    "engine down",
    "engine slow",
    *(f"engine {operation} hangs" for operation in ("observe", "create", "start", "stop", "remove", "prepare")),
    *(f"engine {operation} refused" for operation in ("observe", "create", "start", "stop", "remove", "prepare")),
    *(f"engine {operation} unanswered" for operation in ("observe", "create", "start", "stop", "remove", "prepare")),
    "events lost",
    "events twice",
    "events late",
    "replicas never ready",
    "replicas crash",
    "replicas deaf",
    "proxy down",
    "proxy slow",
    "proxy observe hangs",
    "proxy observe refused",
    "proxy assign hangs",
    "proxy assign refused",
    "proxy assign unanswered",
    "proxy assign half",
    "proxy configure refused",
    "proxy checks fail",
    "disk full",
)

MOMENTS = (
    "kill_replica",
    "end_replica",
    "hang_replica",
    "wake_replica",
    "pause_replica",
    "take_off_network",
    "remove_replica",
    "cut_stream",
    "restart_engine",
    "restart_proxy",
    "leap_counter",
    "long_request",
    "kill_daemon",
    "restart_daemon",
    "spoil_state",
    "freeze_daemon",
    "turn_clock",
    "turn_wall",
    "traffic",
    "bounds",
    "order_count",
    "order_nothing",
    "pause",
    "down",
    "resume",
    "drop_policy",
    "bring_policy",
)


@dataclass(frozen=True, slots=True)
class Fault:
    """At `t` this happens, for `seconds` where it lasts; `at` chooses among what it can happen to."""

    t: float
    kind: str
    seconds: float = 0.0
    at: int = 0

    def __str__(self) -> str:
        lasts = f" for {self.seconds:g} s" if self.kind in WINDOWS else ""
        return f"{self.t:6.2f} s  {self.kind}{lasts} ({self.at})"


def make_plan(seed: int) -> tuple[Fault, ...]:
    """The seed's faults: a few kinds each time, so that rare pairs meet often."""
    random = Random(seed)
    kinds = random.sample(WINDOWS, random.randint(0, 4)) + random.sample(MOMENTS, random.randint(1, 5)) + ["traffic"]
    count = random.randint(1, 16)
    faults = [
        Fault(
            round(random.uniform(0.0 if random.random() < 0.1 else WARM_UP_S, FAULTS_LAST_S), 2),
            random.choice(kinds),
            random.choice((0.3, 1.2, 3.0, 7.0, 13.0)),
            random.randint(0, 5),
        )
        for _ in range(count)
    ]
    return tuple(sorted(faults, key=lambda fault: fault.t))
