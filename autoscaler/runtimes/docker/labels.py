"""What marks a container as ours, and what its name tells.

A controller finds its replicas by these labels alone; a container without them is never touched. The name is
`autoscaler-SERVICE-N`, for another instance `autoscaler-INSTANCE-SERVICE-N`.
"""

from collections.abc import Mapping

from autoscaler.spec.models import ServiceSpec

PREFIX = "io.autoscaler."
MANAGED = "io.autoscaler.managed"
SERVICE = "io.autoscaler.service"
REPLICA = "io.autoscaler.replica"
SPEC = "io.autoscaler.spec"
INSTANCE = "io.autoscaler.instance"
PORT = "io.autoscaler.port"  # a list of containers tells addresses, but not on which port ours listens

LEFT_ALONE = {"com.centurylinklabs.watchtower.enable": "false", "diun.enable": "false"}  # they'd restart undrained
DEFAULT_INSTANCE = "default"


def container_name(instance: str, replica: str) -> str:
    """The container's name of a replica `SERVICE-N`."""
    return f"autoscaler-{replica}" if instance == DEFAULT_INSTANCE else f"autoscaler-{instance}-{replica}"


def replica_labels(spec: ServiceSpec, replica: str, instance: str) -> dict[str, str]:
    """All labels of a replica: the user's, and ours over them."""
    return {
        **spec.replica.labels,
        **LEFT_ALONE,
        MANAGED: "true",
        SERVICE: spec.service,
        REPLICA: replica,
        SPEC: spec.spec_hash,
        INSTANCE: instance,
        PORT: str(spec.replica.port),
    }


def ours(instance: str) -> dict[str, list[str]]:
    """The engine's filter for the containers of one controller."""
    return {"label": [f"{MANAGED}=true", f"{INSTANCE}={instance}"]}


def is_replica(labels: Mapping[str, str], instance: str, replica: str) -> bool:
    """Whether a container with these labels is that replica of ours."""
    return (labels.get(MANAGED), labels.get(INSTANCE), labels.get(REPLICA)) == ("true", instance, replica)
