"""What a replica is, as far as it is known: from the flags, or from a Deployment (or the like) beside the autoscaler.

    fraction of a CPU target = utilization * request / limit      both in cores; without a limit: of one core

The HPA's utilization is of the request, ours of `cpus` and `mem_limit`, which are limits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autoscaler.spec.kubernetes.fields import Field
from autoscaler.spec.kubernetes.written import Blank
from autoscaler.spec.nodes import MapNode
from autoscaler.units import format_size

# Of the cluster or of no use to a replica here: nothing is told of these.
_OF_A_CLUSTER = (
    "affinity", "automountServiceAccountToken", "dnsPolicy", "enableServiceLinks", "imagePullSecrets", "nodeName",
    "nodeSelector", "priorityClassName", "restartPolicy", "schedulerName", "serviceAccount", "serviceAccountName",
    "tolerations", "topologySpreadConstraints",
)  # fmt: skip
_OF_A_CONTAINER = ("name", "imagePullPolicy", "terminationMessagePath", "terminationMessagePolicy")

KINDS = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "DaemonSet")


@dataclass(frozen=True, slots=True)
class Given:
    """What the user says that a manifest of an autoscaler can't: the flags of `convert`."""

    image: str | None = None
    port: int | None = None
    bind: str | None = None
    cpus: float | None = None
    mem_limit: int | None = None
    prometheus: str | None = None


@dataclass(frozen=True, slots=True)
class Workload:
    """A replica's image, port and limits; `requests` by resource, in cores and bytes."""

    image: str | None = None
    port: int | None = None
    cpus: float | None = None
    mem_limit: int | None = None
    requests: Mapping[str, float] | None = None

    def limit(self, resource: str) -> float | None:
        """What a fraction of this resource is of, None where it isn't known."""
        return (self.cpus or 1.0) if resource == "cpu" else self.mem_limit

    def replica(self, *, needs_memory: bool) -> dict[str, Any]:
        """The policy's `replica:`."""
        told: dict[str, Any] = {
            "image": self.image or Blank("the image to run (--image)"),
            "port": self.port or Blank("what the container listens on (--port)"),
        }
        if self.cpus is not None:
            told["cpus"] = self.cpus
        if self.mem_limit is not None:
            told["mem_limit"] = format_size(self.mem_limit)
        elif needs_memory:
            told["mem_limit"] = Blank("the memory that a replica may use, such as 256m (--mem-limit)")
        return told


def read_workload(manifest: Field) -> Workload:
    """The first container of a Deployment's pods; what else its pods have is told."""
    pod = manifest.at("spec", "template", "spec")
    containers = pod.at("containers").items()
    if not containers:
        return Workload()
    first = containers[0]
    for other in containers[1:]:
        other.note("a replica is one container: this one is left out")
        other.pass_over(*other.keys())
    ports = first.at("ports").items()
    limits = {name: _amount(first.at("resources", "limits", name)) for name in ("cpu", "memory")}
    asked = {name: _amount(first.at("resources", "requests", name)) for name in ("cpu", "memory")}
    requests = {name: asked[name] or limits[name] for name in asked}
    memory = limits["memory"] or asked["memory"]
    if memory is not None and limits["memory"] is None:
        first.at("resources", "requests", "memory").note("taken for mem_limit, which no replica may exceed")
    image = first.at("image").text() or None
    port = ports[0].at("containerPort").whole_number(least=1) if ports else None
    _tell_the_rest(pod, first, ports)
    return Workload(
        image=image,
        port=port,
        cpus=limits["cpu"],
        mem_limit=None if memory is None else int(memory),
        requests={name: value for name, value in requests.items() if value is not None},
    )


def _tell_the_rest(pod: Field, container: Field, ports: list[Field]) -> None:
    """What a replica may need as well, such as its environment, probes and volumes."""
    pod.pass_over(*_OF_A_CLUSTER)
    container.pass_over(*_OF_A_CONTAINER)
    for port in ports:
        port.pass_over("name", "protocol")
    for field in pod.unread():
        if not (isinstance(field.node, MapNode) and not field.keys()):
            field.note("is not taken over; write it in `replica`, where it is needed")


def with_flags(workload: Workload, given: Given) -> Workload:
    """The workload as the flags have it, where they say something."""
    return Workload(
        image=given.image or workload.image,
        port=given.port or workload.port,
        cpus=given.cpus or workload.cpus,
        mem_limit=given.mem_limit or workload.mem_limit,
        requests=workload.requests,
    )


def _amount(field: Field) -> float | None:
    return field.quantity() if field.given else None
