"""The compiled engine: replicas of one slot each and their queue, event by event, as autoscaler/simulate/exact.py has it.

Requests come as a Poisson process and take a free replica, else wait in one queue, first come, first served; who waited
`timeout` is dropped. Service times are exponential, so all that is to be known of the replicas is how many are busy: the
next event comes after Exp(rate + in service / S), and is an arrival with the chance rate / (rate + in service / S).
Replicas that leave are busy with the chance busy / ready each, and drain. A crash puts the request back at the queue's head.

    late          waited longer than `wait`, or was dropped; counted in the minute in which it came
    replica_s     from the order to start to the last answer, starting and draining included

`state` is all numbers of a fleet, by the names below; sums are since they were last set to 0. Times are in seconds.
"""

from math import inf, log
from random import random, seed

from benchmarks.evaluate.compiled import Numbers, compiled, zeros

NOW, READY, BUSY, DRAINING, HEAD, TAIL, STARTING, NEXT_CRASH = 0, 1, 2, 3, 4, 5, 6, 7
ARRIVED, IN_FLIGHT_S, QUEUED_S, REPLICA_S = 8, 9, 10, 11
STATES = 12

# The model is a tuple, by these places.
SERVICE_S, WAIT_S, TIMEOUT_S, STARTUP_S, CRASHES_A_SECOND = 0, 1, 2, 3, 4
Model = tuple[float, float, float, float, float]
MINUTE_S = 60.0


@compiled
def begin(state: Numbers, model: Model, number: int, start: float, ready: int) -> None:
    """So many replicas, ready and idle; `number` seeds all chance from here on."""
    seed(number)
    state[NOW] = start
    state[READY] = ready
    state[NEXT_CRASH] = start + _until_crash(model)


@compiled
def advance(
    state: Numbers,
    queue: Numbers,
    starting: Numbers,
    came: Numbers,
    late: Numbers,
    rates: Numbers,
    seconds: int,
    desired: int,
    model: Model,
) -> None:
    """So many seconds with so many replicas wanted; lost ones are replaced within a second."""
    for _ in range(seconds):
        second = int(state[NOW] + 0.5)
        end = second + 1.0
        _order(state, starting, desired, model)
        while state[NOW] < end:
            until = min(end, state[NEXT_CRASH])
            if state[STARTING] > 0:
                until = min(until, max(starting[0], state[NOW]))
            arrived = _serve(state, queue, late, until, rates[second], model)
            state[ARRIVED] += arrived
            came[second // 60] += arrived
            _become_ready(state, starting)
            if state[NEXT_CRASH] <= state[NOW]:
                _crash(state, queue, model)


@compiled
def _serve(state: Numbers, queue: Numbers, late: Numbers, until: float, rate: float, model: Model) -> int:
    """The hot loop: requests come at this rate until then. How many came."""
    t, ready, busy, draining = state[NOW], int(state[READY]), int(state[BUSY]), int(state[DRAINING])
    head, tail = int(state[HEAD]), int(state[TAIL])
    room = len(queue)
    wait_s, timeout_s = model[WAIT_S], model[TIMEOUT_S]
    in_flight_s = queued_s = 0.0
    arrived = 0
    replicas_s = (ready + state[STARTING]) * (until - t)
    serves = 1.0 / model[SERVICE_S]
    while True:
        while head < tail and (busy < ready or t - queue[head % room] > timeout_s):
            since = queue[head % room]
            head += 1
            if t - since > wait_s:
                late[int(since // MINUTE_S)] += 1
            if t - since <= timeout_s:
                busy += 1
        events = rate + (busy + draining) * serves
        step = -log(1.0 - random()) / events if events > 0 else inf
        span = min(step, until - t)
        in_flight_s += (busy + draining + tail - head) * span
        queued_s += (tail - head) * span
        replicas_s += draining * span
        if step >= until - t:
            break
        t += step
        event = random() * events
        if event < rate:
            arrived += 1
            if busy < ready:
                busy += 1
            else:
                queue[tail % room] = t
                tail += 1
        elif event < rate + draining * serves:
            draining -= 1
        else:
            busy -= 1
    state[NOW], state[BUSY], state[DRAINING], state[HEAD], state[TAIL] = until, busy, draining, head, tail
    state[IN_FLIGHT_S] += in_flight_s
    state[QUEUED_S] += queued_s
    state[REPLICA_S] += replicas_s
    return arrived


@compiled
def _order(state: Numbers, starting: Numbers, desired: int, model: Model) -> None:
    """So many replicas are wanted, starting ones included. Of too many the newest starting ones go first."""
    missing = desired - int(state[READY]) - int(state[STARTING])
    for _ in range(missing):
        starting[int(state[STARTING])] = state[NOW] + model[STARTUP_S]
        state[STARTING] += 1
    if missing > 0:
        _become_ready(state, starting)
    cancelled = min(max(-missing, 0), int(state[STARTING]))
    state[STARTING] -= cancelled
    for _ in range(min(-missing - cancelled, int(state[READY]))):
        if random() * state[READY] < state[BUSY]:
            state[BUSY] -= 1
            state[DRAINING] += 1
        state[READY] -= 1


@compiled
def _become_ready(state: Numbers, starting: Numbers) -> None:
    count = int(state[STARTING])
    ready = 0
    while ready < count and starting[ready] <= state[NOW]:
        ready += 1
    if ready:
        for place in range(ready, count):
            starting[place - ready] = starting[place]
        state[STARTING] = count - ready
        state[READY] += ready


@compiled
def _crash(state: Numbers, queue: Numbers, model: Model) -> None:
    """Some ready replica is gone at once. What it worked on was begun Exp(S) ago, as all that is under way."""
    if state[READY] > 0:
        if random() * state[READY] < state[BUSY]:
            state[BUSY] -= 1
            state[HEAD] -= 1
            queue[int(state[HEAD]) % len(queue)] = max(0.0, state[NOW] + model[SERVICE_S] * log(1.0 - random()))
        state[READY] -= 1
    state[NEXT_CRASH] = state[NOW] + _until_crash(model)


@compiled
def _until_crash(model: Model) -> float:
    return -log(1.0 - random()) / model[CRASHES_A_SECOND] if model[CRASHES_A_SECOND] > 0 else inf


def room(rate: float, timeout_s: float) -> Numbers:
    """A queue that so many requests a second can't fill before they are dropped."""
    return zeros(1000 + int(2 * rate * (timeout_s + 2)))
