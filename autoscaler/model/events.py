"""What happened, as facts: log, metrics and journal listen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class EventKind(StrEnum):
    """The names of all events; what varies is in an event's fields."""

    DECIDED = "decided"
    FLAPPED = "flapped"
    WOULD = "would"
    METRICS_MISSING = "metrics_missing"
    METRICS_BACK = "metrics_back"
    OBJECTIVE_OUT_OF_REACH = "objective_out_of_reach"
    OBJECTIVE_IN_REACH = "objective_in_reach"
    REPLICA_STARTING = "replica_starting"
    REPLICA_READY = "replica_ready"
    REPLICA_DRAINING = "replica_draining"
    REPLICA_TAKEN_BACK = "replica_taken_back"
    REPLICA_STOPPING = "replica_stopping"
    REPLICA_REMOVED = "replica_removed"
    REPLICA_FAILED = "replica_failed"
    LAST_WORDS = "last_words"
    START_FAILED = "start_failed"
    ACTION_FAILED = "action_failed"
    BACK_OFF = "back_off"
    HEALTH_SUSPECT = "health_suspect"
    HEALTH_BACK = "health_back"
    IMAGE_PREPARING = "image_preparing"
    IMAGE_READY = "image_ready"
    ORDERED = "ordered"
    SERVICE_ADDED = "service_added"
    SERVICE_CHANGED = "service_changed"
    SERVICE_REMOVED = "service_removed"
    SERVICE_FAULT = "service_fault"
    SHADOW_FAULT = "shadow_fault"
    RELOADED = "reloaded"
    RELOAD_FAILED = "reload_failed"
    PROXY_STARTED = "proxy_started"
    PROXY_RESTARTED = "proxy_restarted"
    PROXY_RELOADED = "proxy_reloaded"
    PROXY_FAULT = "proxy_fault"
    PROXY_BACK = "proxy_back"
    ENGINE_FAULT = "engine_fault"
    ENGINE_BACK = "engine_back"
    STATE_FAULT = "state_fault"
    STATE_BACK = "state_back"
    DAEMON_STARTED = "daemon_started"
    DAEMON_STOPPED = "daemon_stopped"


@dataclass(frozen=True, slots=True)
class Event:
    """A fact: at `t` this happened to that service (empty: to the daemon), because of `cause`."""

    t: float
    service: str
    kind: EventKind
    replica: str = ""
    cause: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
