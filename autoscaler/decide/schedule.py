"""Schedule: bounds by the clock.

    a rule is active from each start that its cron names for `for` seconds of elapsed time: start <= now < start + for
    floor    the highest of replicas.min and the active rules' min
    ceiling  the lowest active rule's max where any has one, else replicas.max      where they cross, the ceiling wins

A schedule recommends the floor. A start in the hour that a change of the clock skips is the first moment after it; one in
the hour that it repeats is the first of the two. Rules whose minute or hour starts with `*` go by elapsed time.
Source: DECISIONS, "schedule"; Debian's cron(8) for changes of the clock.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim

from autoscaler.decide.question import Answer, Question
from autoscaler.decide.rounding import tidy
from autoscaler.model import Fence
from autoscaler.spec.models import Schedule, ScheduleRule, ServiceSpec

BY_SCHEDULE = "by schedule"
MINUTE_S = 60
LATEST = 250_000_000_000  # in the year 9892: a calendar ends at 9999
CLOCK_CHANGE_S = 3 * 3600  # no clock is put back further


@dataclass(frozen=True, slots=True)
class Active:
    """A rule that is active, until then (wall clock)."""

    rule: ScheduleRule
    until: float


def recommend(policy: Schedule, asked: Question) -> Answer:
    """The floor; beside metric policies of which none gives a number, no fewer than there are."""
    count = asked.floor if asked.others_answer is not False else max(asked.current, asked.floor)
    running = active(policy, tidy(asked.t + asked.seen.wall_offset))
    said = ", ".join(f"{each.rule.cron!r}" for each in running)
    what = f"{said} is active" if said else "no rule is active"
    return Answer(count, float(count), f"{what}, asks for {count}")


def bounds(spec: ServiceSpec, t: float, wall_offset: float) -> Fence:
    """The bounds by the file and its schedules at `t`; `wall_offset` is the wall clock minus `t`."""
    wall = tidy(t + wall_offset)
    running = [each for policy in spec.policies if isinstance(policy, Schedule) for each in active(policy, wall)]
    floors = [(each.rule.min, each.until) for each in running if each.rule.min is not None]
    ceilings = [(each.rule.max, each.until) for each in running if each.rule.max is not None]
    least, min_until = max([(spec.replicas.min, None), *floors], key=lambda each: each[0])
    most, max_until = min(ceilings, default=(spec.replicas.max, None))
    return Fence(
        min=min(least, most),
        max=most,
        min_by="" if min_until is None else BY_SCHEDULE,
        max_by="" if max_until is None else BY_SCHEDULE,
        min_until=None if min_until is None else tidy(min_until - wall_offset),
        max_until=None if max_until is None else tidy(max_until - wall_offset),
    )


def active(policy: Schedule, wall: float) -> list[Active]:
    """The rules that are active at this time of the wall clock, in the file's order."""
    found = []
    for rule in policy.rules:
        start = last_start(rule.cron, policy.timezone, int(wall // MINUTE_S))
        if start is not None and tidy(start + rule.for_s) > wall:
            found.append(Active(rule, tidy(start + rule.for_s)))
    return found


@lru_cache(maxsize=4096)
def last_start(cron: str, timezone: str, minute: int) -> float | None:
    """The last start up to the beginning of this minute (since 1970); None where there was none in fifty years."""
    now = minute * MINUTE_S
    if abs(now) > LATEST:
        return None
    by_elapsed_time = any(field.startswith("*") for field in cron.split()[:2])
    # cronsim looks back from the hands of the clock; put back, they stand before the start that was, so look from later on
    ahead = datetime.fromtimestamp(now + (1 if by_elapsed_time else CLOCK_CHANGE_S), ZoneInfo(timezone))
    starts = (start.timestamp() for start in CronSim(cron, ahead, reverse=True))
    return next((start for start in starts if start <= now), None)
