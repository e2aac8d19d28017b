"""End a replica and remove it: both fine where it is gone already.

An engine that hung carries out what it was asked to, though whoever asked is gone. A removal that had waited for long must
end nobody who was started since, so it is asked for without force first.
"""

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
    """Remove it with its anonymous volumes; where the engine refuses, as it still runs, say, with force."""
    hit("docker.remove.before")
    try:
        _remove(client, id, force=False)
    except APIError:
        _remove(client, id, force=True)
    hit("docker.remove.after")


def _remove(client: APIClient, id: str, *, force: bool) -> None:
    try:
        client.remove_container(id, v=True, force=force)
    except NotFound:
        return
    except APIError as error:
        if status_of(error) != CONFLICT or "already in progress" not in words_of(error):
            raise
