"""How many replicas each second needs, and what one has who knows what comes.

    the least n with  ErlangC(n, rate S) exp(-(n / S - rate) w) <= P        P: the share that waits longer than w
    planned(t) = max of needed(t .. t + D)                                  it starts in time, a start takes D seconds

autoscaler/simulate/staffing.py has the same for P = 1%; here P is given, and a trace's worth is worked out at once.
Source: Cooper, "Introduction to Queueing Theory" (Erlang B recursion).
"""

from math import exp

from benchmarks.evaluate.compiled import Numbers, compiled, zeros
from benchmarks.evaluate.fleet import SERVICE_S, WAIT_S

HALVINGS = 30


def needed(rates: Numbers, late_share: float, most: int) -> Numbers:
    """The replicas that each second needs, 1 at least and `most` at most."""
    carried = zeros(most + 1)
    _fill_carried(carried, SERVICE_S, WAIT_S, late_share)
    counts = zeros(len(rates))
    _fill_needed(counts, rates, carried)
    return counts


def planned(counts: Numbers, startup_s: int) -> Numbers:
    """The most that is needed from each second until a start that is ordered in it is over."""
    plan, ahead = zeros(len(counts)), zeros(len(counts))
    _fill_planned(plan, ahead, counts, startup_s)
    return plan


@compiled
def _fill_carried(carried: Numbers, service_s: float, wait_s: float, late_share: float) -> None:
    """The highest rate that each count of replicas carries."""
    for replicas in range(1, len(carried)):
        low, high = carried[replicas - 1], replicas / service_s
        for _ in range(HALVINGS):
            rate = 0.5 * (low + high)
            spare = replicas / service_s - rate
            if _erlang_c(replicas, rate * service_s) * exp(-spare * wait_s) <= late_share:
                low = rate
            else:
                high = rate
        carried[replicas] = low


@compiled
def _erlang_c(slots: int, offered: float) -> float:
    blocked = 1.0
    for count in range(1, slots + 1):
        blocked = offered * blocked / (count + offered * blocked)
    return blocked / (1 - offered * (1 - blocked) / slots)


@compiled
def _fill_needed(counts: Numbers, rates: Numbers, carried: Numbers) -> None:
    count = 1
    for second in range(len(rates)):
        while count > 1 and carried[count - 1] >= rates[second]:
            count -= 1
        while count < len(carried) - 1 and carried[count] < rates[second]:
            count += 1
        counts[second] = count


@compiled
def _fill_planned(plan: Numbers, ahead: Numbers, counts: Numbers, startup_s: int) -> None:
    """`ahead` is a queue of seconds, each of which needs less than the one before it."""
    first = last = seen = 0
    for second in range(len(counts)):
        while seen < len(counts) and seen <= second + startup_s:
            while last > first and counts[int(ahead[last - 1])] <= counts[seen]:
                last -= 1
            ahead[last] = seen
            last += 1
            seen += 1
        while ahead[first] < second:
            first += 1
        plan[second] = counts[int(ahead[first])]
