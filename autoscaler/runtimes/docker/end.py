"""End a replica and remove it: both fine where it is gone already."""

import math

from docker import APIClient
from docker.errors import APIError, NotFound

from autoscaler.drivers.docker_errors import status_of, words_of
from autoscaler.faultpoints import hit

CONFLICT = 409
STOP_MARGIN_S = 10.0  # the engine's own work around the grace period


def stop_replica(client: APIClient, id: str, grace_s: float) -> None:
    """The stop signal, after `grace_s` (in whole seconds, rounded up) the kill; returns when it has ended."""
    hit("docker.stop.before")
    try:
        client.stop(id, timeout=math.ceil(grace_s))
    except NotFound:
        return
    hit("docker.stop.after")


def remove_replica(client: APIClient, id: str) -> None:
    """Remove it with its anonymous volumes, killing it where it runs."""
    hit("docker.remove.before")
    try:
        client.remove_container(id, v=True, force=True)
    except NotFound:
        return
    except APIError as error:
        if status_of(error) == CONFLICT and "already in progress" in words_of(error):
            return
        raise
    hit("docker.remove.after")
