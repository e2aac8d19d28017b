"""Which faults there are, how often each comes against the others, and in which order: from a seed.

A deck holds each fault as often as its `weight` says. It is shuffled, dealt to the end, and shuffled again, so that none
is forgotten. What ends the daemon comes in the second half of a deck: between two decks' a daemon lives for minutes, so that
its memory can be judged.
"""

import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from tests.chaos import faults_daemon, faults_engine, faults_proxy, faults_replica
from tests.chaos.site import Site

DOCKER = frozenset({"docker"})
BOTH = frozenset({"docker", "process"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault. `quick`: one for the short form, which deals those alone. `ends_daemon`: another runs after it."""

    name: str
    strike: Callable[[Site], Awaitable[None]]
    weight: int = 1
    runtimes: frozenset[str] = BOTH
    quick: bool = False
    ends_daemon: bool = False


FAULTS = (
    Fault("scale out or in", faults_replica.scaled, weight=9, quick=True),
    Fault("replica killed", faults_replica.killed, weight=3, quick=True),
    Fault("replica hung", faults_replica.hung, weight=2),
    Fault("replica refuses connections", faults_replica.refuses, quick=True),
    Fault("replica answers nonsense", faults_replica.nonsense, quick=True),
    Fault("replica crashes at boot", faults_replica.crashes_at_boot),
    Fault("replica never ready", faults_replica.never_ready),
    Fault("replica boots slowly", faults_replica.boots_slowly),
    Fault("replica ignores SIGTERM", faults_replica.deaf),
    Fault("all health checks fail", faults_replica.all_sick),
    Fault("replica out of memory", faults_replica.out_of_memory, runtimes=DOCKER),
    Fault("docker rm -f", faults_replica.removed, runtimes=DOCKER),
    Fault("docker pause", faults_replica.paused, runtimes=DOCKER),
    Fault("docker network disconnect", faults_replica.disconnected, runtimes=DOCKER),
    Fault("daemon killed", faults_daemon.killed, weight=2, quick=True, ends_daemon=True),
    Fault("daemon killed while scaling", faults_daemon.killed_while_scaling, weight=3, quick=True, ends_daemon=True),
    Fault("daemon killed while starting", faults_daemon.killed_while_starting, ends_daemon=True),
    Fault("daemon ended", faults_daemon.ended, ends_daemon=True),
    Fault("daemon stopped for a while", faults_daemon.stopped_for_a_while),
    Fault("100 policy edits in 10 s", faults_daemon.policies_edited),
    Fault("route added and taken away", faults_daemon.route_added_and_taken_away, weight=4, quick=True),
    Fault("state dir full", faults_daemon.disk_full, runtimes=DOCKER),
    Fault("proxy's worker killed", faults_proxy.worker_killed, quick=True),
    Fault("proxy's master killed", faults_proxy.master_killed),
    Fault("new route's port taken", faults_proxy.port_taken),
    Fault("runtime socket cut", faults_proxy.socket_cut, ends_daemon=True),
    Fault("queue full", faults_proxy.queue_full),
    Fault("engine hangs", faults_engine.hangs, runtimes=DOCKER),
    Fault("engine away", faults_engine.goes_away, runtimes=DOCKER),
)


def dealt(runtime: str, chance: random.Random, *, quick: bool = False) -> Iterator[Fault]:
    """Faults without end; `quick`: each of the short form's once, and then no more."""
    faults = [fault for fault in FAULTS if runtime in fault.runtimes and (fault.quick or not quick)]
    deck = [fault for fault in faults for _ in range(1 if quick else fault.weight)]
    while True:
        sparing = [fault for fault in deck if not fault.ends_daemon]
        chance.shuffle(sparing)
        half = len(sparing) // 2
        second = [*sparing[half:], *(fault for fault in deck if fault.ends_daemon)]
        chance.shuffle(second)
        yield from (*sparing[:half], *second)
        if quick:
            return
