"""Every kind of event: how loud it is in the log, what it means, and which facts come with it.

docs/events.md is made of this; the counters read some of the facts, and do without those that are missing.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from autoscaler.model import EventKind as E


@dataclass(frozen=True, slots=True)
class Kind:
    """`facts` tells each fact's meaning; the unit is the last word of its name."""

    level: int
    means: str
    facts: Mapping[str, str] = field(default_factory=dict)


def _info(means: str, **facts: str) -> Kind:
    return Kind(logging.INFO, means, facts)


def _warning(means: str, **facts: str) -> Kind:
    return Kind(logging.WARNING, means, facts)


def _error(means: str, **facts: str) -> Kind:
    return Kind(logging.ERROR, means, facts)


EVENTS: Mapping[E, Kind] = {
    E.DECIDED: _info(
        "A decision changes how many replicas there shall be, or its mode.",
        before="the replica count asked for until now",
        desired="the one from now on",
        mode="stable, panic, hold, override, paused or idle",
        limited_by="names of the limits that bound it, in the order applied",
    ),
    E.FLAPPED: _info(
        "The count went back soon after a move the other way: within 5 minutes, or the down window where that is longer.",
        before="the replica count asked for until now",
        desired="the one from now on",
    ),
    E.WOULD: _info("A dry run would do this now."),
    E.METRICS_MISSING: _warning("A metric can't be had; nothing is scaled down for the lack of it.", metric="its name"),
    E.METRICS_BACK: _info("The metric is there again.", metric="its name"),
    E.OBJECTIVE_OUT_OF_REACH: _warning(
        "More replicas do not help: a policy's objective is not met even by idle ones.",
        policy="its index in the file, from 0",
        metric="the metric of the objective",
    ),
    E.OBJECTIVE_IN_REACH: _info(
        "More replicas help again.", policy="its index in the file, from 0", metric="the metric of the objective"
    ),
    E.REPLICA_STARTING: _info("A replica is made and started."),
    E.REPLICA_READY: _info(
        "A replica passed its health check and gets requests.",
        start_seconds="from its start to now; absent for one that was found running",
    ),
    E.REPLICA_DRAINING: _info("A replica gets no new requests and finishes those in flight."),
    E.REPLICA_TAKEN_BACK: _info("A draining replica gets requests again, because it is needed after all."),
    E.REPLICA_STOPPING: _info("A drained replica is sent its stop signal."),
    E.REPLICA_REMOVED: _info("A replica is gone.", was_ready="whether it ever was ready"),
    E.REPLICA_FAILED: _warning(
        "A replica died, never became ready or can't serve any more; another takes its place.",
        was_ready="whether it ever was ready",
        reason="exited, oom, unhealthy, hung or timeout",
    ),
    E.LAST_WORDS: _info("What a replica that failed wrote last.", lines="the lines, oldest first"),
    E.START_FAILED: _error(
        "A replica could not be started.", operation="what was asked of the runtime", runtime="which runtime"
    ),
    E.ACTION_FAILED: _error(
        "The runtime refused to stop or remove a replica; it is tried again.",
        operation="what was asked of the runtime",
        runtime="which runtime",
    ),
    E.BACK_OFF: _warning("Starts keep failing, so the next one waits."),
    E.HEALTH_SUSPECT: _warning(
        "Most replicas fail their health check at once, so the check is the suspect: all stay in use, one is replaced at a "
        "time.",
        failing="how many fail it",
        passing="how many pass it",
    ),
    E.HEALTH_BACK: _info("The health check counts again: those that failed it pass it, or were replaced."),
    E.IMAGE_PREPARING: _info("The image is pulled or built."),
    E.IMAGE_READY: _info("The image is at hand."),
    E.ORDERED: _info("An operator ordered or took back a replica count, bounds, a pause or a down."),
    E.SERVICE_ADDED: _info("A service is under a policy from now on."),
    E.SERVICE_CHANGED: _info("A service's policy changed."),
    E.SERVICE_REMOVED: _info("A service's policy is gone, and so are its replicas."),
    E.SERVICE_FAULT: _error("A fault in the controller itself hit one service's tick; the next one tries again."),
    E.SHADOW_FAULT: _error(
        "A fault in the controller itself hit a shadow's decision; the service's own stands, the next tick tries again.",
        shadow="its name",
    ),
    E.RELOADED: _info("The policy files were read again and are in force."),
    E.RELOAD_FAILED: _error("A policy file can't be used; the last good one stays in force."),
    E.PROXY_STARTED: _info("The proxy was started, or found running."),
    E.PROXY_RESTARTED: _warning(
        "The proxy had died and was started again.",
        gap_seconds="how long it served nothing",
        lost="how many requests were under way when it was last looked at: they died with it",
        not_served="services whose route could not be served again",
    ),
    E.PROXY_RELOADED: _info(
        "The proxy took new routes without dropping a connection; or it refused them, and serves the old ones on.",
        outcome="success or failure, which is logged as an error",
        seconds="how long the reload took",
    ),
    E.PROXY_FAULT: _error("The proxy does not answer or refused something; what served before serves on."),
    E.PROXY_BACK: _info("The proxy answers again."),
    E.ENGINE_FAULT: _error("The engine does not answer; replicas serve on.", runtime="which engine"),
    E.ENGINE_BACK: _info("The engine answers again.", runtime="which engine"),
    E.STATE_FAULT: _error(
        "State can't be written or was damaged; decisions go on from memory.",
        set_aside="the name a damaged file was given",
    ),
    E.STATE_BACK: _info("State is written again."),
    E.DAEMON_STARTED: _info("The daemon started."),
    E.DAEMON_STOPPED: _info("The daemon stopped; replicas and proxy serve on unless it says otherwise."),
}
