"""HAProxy's log lines as finished requests. A line is

    BACKEND STATUS HOW QUEUED CONNECT ANSWER RATE          in ms, -1 where it never came to that

HOW is HAProxy's termination state, who ended it and in which phase (`--`: as it should be). A line whose request was
answered by a replica is one of `SAMPLING` while the bind's rate is above `FULL_LOG_RATE`; answers made by the proxy are
all logged. Source: HAProxy configuration manual, 8.4 "Timing events", 8.5 "Session state at disconnection".
"""

from collections.abc import Mapping

from autoscaler.model import FailureCause, Request
from autoscaler.proxies.haproxy.render import FULL_LOG_RATE, SAMPLING
from autoscaler.proxies.haproxy.routes import NO_ROUTE
from autoscaler.proxies.haproxy.words import LONGEST_TIMER_MS

SWITCHING_PROTOCOLS = 101

# How it ended, where the proxy or the replica failed the request. A client that went away (C, c) failed nobody.
CAUSES: Mapping[str, FailureCause] = {
    "sQ": FailureCause.QUEUE,
    "SQ": FailureCause.QUEUE,
    "PQ": FailureCause.QUEUE,
    "SC": FailureCause.CONNECT,
    "sC": FailureCause.CONNECT,
    "SH": FailureCause.CUT,
    "PH": FailureCause.CUT,
    "SD": FailureCause.CUT,
    "SL": FailureCause.CUT,
    "PD": FailureCause.CUT,
    "sH": FailureCause.TIMEOUT,
    "sD": FailureCause.TIMEOUT,
    "PR": FailureCause.BAD_REQUEST,
    "cR": FailureCause.BAD_REQUEST,
    "PT": FailureCause.BAD_REQUEST,
    "RC": FailureCause.CONNECT,
    "IC": FailureCause.CONNECT,
}


def parse_line(line: bytes, owners: Mapping[str, str]) -> Request | None:
    """The request that a line tells of, None where it is no such line.

    `owners` names the service that takes all of a bind: what failed before it came to a backend is its too.
    """
    try:
        backend, status_, how, queued_, connect_, answer_, rate = line.decode("ascii").split()
        status, queued, connect, answer = int(status_), int(queued_), int(connect_), int(answer_)
        busy = int(rate) > FULL_LOG_RATE
    except ValueError:
        return None
    times = queued, connect, answer
    if not all(-1 <= time <= LONGEST_TIMER_MS for time in times) or not (status == -1 or 100 <= status <= 999):
        return None  # no line of HAProxy's: any program of this host can write to the port
    if backend == NO_ROUTE:
        return Request("", status, None, FailureCause.NO_ROUTE)
    answered = answer >= 0
    return Request(
        service=owners.get(backend, "") if ":" in backend else backend,
        status=status,
        latency_s=sum(times) / 1000 if min(times) >= 0 and status != SWITCHING_PROTOCOLS else None,
        failure=_cause(how, queued),
        weight=SAMPLING if busy and answered else 1.0,
    )


def _cause(how: str, queued: int) -> FailureCause | None:
    if how == "SC" and queued < 0:  # it never came to a server's turn
        return FailureCause.NO_SERVER
    return CAUSES.get(how)
