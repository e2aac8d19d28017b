"""Create and start one replica, whatever an earlier try has left.

The name makes it safe to repeat: the engine gives each to one container only. A name that is taken leads to the container
that has it: ours is started, anyone else's is left alone and told. A create that timed out may still come true; then its
name is taken, and the next try finds it.
"""

from collections.abc import Sequence

from docker import APIClient
from docker.errors import APIError, NotFound
from docker.utils import version_gte

from autoscaler.drivers.docker_answers import mapping, text, texts
from autoscaler.drivers.docker_errors import status_of, words_of
from autoscaler.errors import EngineError, EngineUnavailable, ImageError
from autoscaler.faultpoints import hit
from autoscaler.model import Phase
from autoscaler.runtimes.docker.body import Body
from autoscaler.runtimes.docker.labels import is_replica
from autoscaler.runtimes.docker.listing import PHASES

CONFLICT = 409


def start_replica(
    client: APIClient, body: Body, *, name: str, replica: str, instance: str, networks: Sequence[str], platform: str | None
) -> None:
    """Have it created and started; one that is there already, running or ended, is left as it is."""
    hit("docker.create.before")
    made = _create(client, body, name, platform)
    hit("docker.create.after")
    id = made if made is not None else _adoptable(client, name, instance, replica)
    if id is None:
        return
    try:
        _connect(client, id, networks)
        client.start(id)
    except APIError:
        if made is not None:
            _forget(client, made)
        raise
    hit("docker.start.after")


def _create(client: APIClient, body: Body, name: str, platform: str | None) -> str | None:
    """The new container's id, None where the name is taken."""
    try:
        create = client.create_container_from_config
        created = create(body, name=name, platform=platform)  # type: ignore[no-untyped-call]
    except APIError as error:
        if status_of(error) == CONFLICT:
            return None
        if status_of(error) == 404 and "image" in words_of(error).lower():
            raise ImageError(words_of(error), fix="it was removed: it is pulled or built again") from None
        raise
    return text(mapping(created, "a new container").get("Id"), "Id")


def _adoptable(client: APIClient, name: str, instance: str, replica: str) -> str | None:
    """The id of our replica that was created and never started, None where it has been started already."""
    try:
        found = mapping(client.inspect_container(name), "a container")
    except NotFound:
        what = f"the name {name} is taken by a container that the engine is still creating or removing"
        raise EngineUnavailable(what, fix="it is tried again") from None
    id = text(found.get("Id"), "Id")
    if not is_replica(texts(mapping(found.get("Config"), "Config").get("Labels"), "Labels"), instance, replica):
        what = f"the name {name} is taken by container {id[:12]}, which isn't ours and is left alone"
        raise EngineError(what, fix=f"rename it: docker rename {name} OTHER")
    status = text(mapping(found.get("State"), "State").get("Status"), "Status")
    return id if PHASES.get(status) is Phase.CREATED else None


def _connect(client: APIClient, id: str, networks: Sequence[str]) -> None:
    """Join the networks beyond the first, before the start: an app may look around once only."""
    if len(networks) < 2:
        return
    found = mapping(client.inspect_container(id), "a container")
    joined = mapping(mapping(found.get("NetworkSettings"), "NetworkSettings").get("Networks"), "Networks")
    for network in networks[1:]:
        if network not in joined:
            client.connect_container_to_network(id, network)


def _forget(client: APIClient, id: str) -> None:
    """Leave nothing of a start that the engine refused; where this fails too, the next look finds it.

    Without force, as in end.py: an engine that hangs may get to it late.
    """
    try:
        client.remove_container(id, v=True)
    except APIError:
        return


def knows_start_interval(client: APIClient) -> bool:
    """Whether the engine can ask a starting replica more often."""
    return version_gte(client.api_version, "1.44")
