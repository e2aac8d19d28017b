"""The values that flow through a tick, from what is seen to what is done about it.

    instances, servers -> replicas -> observations -> decisions (and orders) -> plans -> events

All are frozen. Times are Unix seconds from one clock (control/clock.py), durations seconds, memory bytes. A number that
is not known is None with the reason beside it, never zero.
"""

from autoscaler.model.accounts import Account, Basis, Move, Turn, Without
from autoscaler.model.decisions import Decision, Fence, Limit, Mode, Recommendation
from autoscaler.model.events import Event, EventKind
from autoscaler.model.instances import Address, Change, Exit, Instance, Phase, Usage
from autoscaler.model.minutes import MINUTE_S, Minutes
from autoscaler.model.observations import Observation, Reading, Sample
from autoscaler.model.orders import NO_ORDERS, Orders, Override, PauseKind
from autoscaler.model.plans import Action, Backend, Plan, Remove, Start, Stop
from autoscaler.model.replicas import Replica, ReplicaState, Step
from autoscaler.model.servers import Check, FailureCause, ProxyView, Request, Server, ServerState, Traffic, Verdict
from autoscaler.model.shadows import NO_TALLY, Tally

__all__ = [
    "MINUTE_S",
    "NO_ORDERS",
    "NO_TALLY",
    "Account",
    "Action",
    "Address",
    "Backend",
    "Basis",
    "Change",
    "Check",
    "Decision",
    "Event",
    "EventKind",
    "Exit",
    "FailureCause",
    "Fence",
    "Instance",
    "Limit",
    "Minutes",
    "Mode",
    "Move",
    "Observation",
    "Orders",
    "Override",
    "PauseKind",
    "Phase",
    "Plan",
    "ProxyView",
    "Reading",
    "Recommendation",
    "Remove",
    "Replica",
    "ReplicaState",
    "Request",
    "Sample",
    "Server",
    "ServerState",
    "Start",
    "Step",
    "Stop",
    "Tally",
    "Traffic",
    "Turn",
    "Usage",
    "Verdict",
    "Without",
]
