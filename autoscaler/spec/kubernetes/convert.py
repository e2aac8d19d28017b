"""From the autoscaling manifests of a file to policies: one for each HorizontalPodAutoscaler and ScaledObject.

A Deployment (or the like) in the same file tells what its replicas are; of the rest of a cluster nothing is taken. What a
manifest can't tell and no flag said is left to be filled in; what has no counterpart is a note with its place.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autoscaler.spec import yaml12
from autoscaler.spec.kubernetes.fields import Field, Note
from autoscaler.spec.kubernetes.manifests import (
    HPA,
    HPA_VERSIONS,
    SCALED_OBJECT,
    manifests,
    read_hpa,
    read_scaled_object,
    target_of,
)
from autoscaler.spec.kubernetes.workload import KINDS, Given, Workload, read_workload, with_flags
from autoscaler.spec.kubernetes.written import Blank, blanks, comment, policy_text
from autoscaler.spec.nodes import Mark
from autoscaler.spec.problems import Problems, as_error

_LONGEST_NAME = 40
_NOT_A_NAME = re.compile("[^a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Converted:
    """One policy: as a mapping, what has no counterpart, and which keys are to be filled in with what."""

    service: str
    origin: str
    policy: Mapping[str, Any]
    notes: tuple[Note, ...]

    @property
    def blanks(self) -> tuple[tuple[str, str], ...]:
        """The keys that are left to be filled in."""
        return tuple(blanks(self.policy))

    def text(self) -> str:
        """The policy as YAML, with its notes as comments on top."""
        told = [f"From {self.origin}." + (" Without a counterpart, or not quite the same:" if self.notes else "")]
        lines = [comment(line) for line in [*told, *(f"  {note}" for note in self.notes)]]
        return "\n".join(lines) + "\n" + policy_text(self.policy)


def convert(text: str, file: str, given: Given) -> tuple[Converted, ...]:
    """The policies of a file's autoscalers. Raises PolicyError with a line for everything that is wrong with it."""
    problems = Problems()
    documents = yaml12.read(text, file, problems)
    found: list[Field] = []
    for document in documents:
        problems.found.extend(document.problems.found)
        found.extend(manifests(document.root, problems))
    scalers = [each for each in found if _is_scaler(each)]
    if not scalers and not problems.found:
        what = f"no {HPA} ({HPA_VERSIONS[0]}) and no {SCALED_OBJECT} in it"
        problems.add(Mark(file, 1, 1), (), what, "try: kubectl get hpa.v2.autoscaling NAME -o yaml")
    if len(scalers) > 1 and (given.image or given.port):
        fix = "leave --image and --port out, or give one autoscaler a file"
        what = f"one of {len(scalers)} autoscalers, which have images and ports of their own"
        problems.add(scalers[1].mark, (), what, fix)
    workloads = {(each.at("kind").text(), _name_of(each)): each for each in found if each.at("kind").text() in KINDS}
    converted = tuple(_converted(each, workloads, given) for each in scalers)
    if problems.found:
        raise as_error(sorted(problems.found, key=lambda problem: problem.mark))
    return converted


def _is_scaler(manifest: Field) -> bool:
    """Whether it is one that we convert; an HPA of another version is a problem."""
    kind, version = manifest.at("kind").text(), manifest.at("apiVersion")
    if kind == HPA and version.text() not in HPA_VERSIONS:
        fix = "have it converted by the cluster: kubectl get hpa.v2.autoscaling NAME -o yaml"
        version.refuse(f"found {version.text()!r}, not {HPA_VERSIONS[0]}", fix)
        return False
    return kind == HPA or (kind == SCALED_OBJECT and version.text().startswith("keda.sh/"))


def _converted(manifest: Field, workloads: Mapping[tuple[str, str], Field], given: Given) -> Converted:
    target, kind = target_of(manifest), manifest.at("kind").text()
    manifest.pass_over("apiVersion", "status", "metadata")
    manifest.at("spec", "scaleTargetRef").pass_over("apiVersion", "kind", "envSourceContainerName")
    name = _service_name(target)
    source = workloads.get((manifest.at("spec", "scaleTargetRef", "kind").text("Deployment"), target))
    workload = with_flags(read_workload(source) if source else Workload(), given)
    if kind == HPA:
        told = read_hpa(manifest, workload, given.prometheus or Blank("Prometheus' URL (--prometheus)"))
    else:
        told = read_scaled_object(manifest, workload, name)
    if not told["policies"]:
        manifest.at("spec").note("none of its metrics has a counterpart: write a policy, such as target_tracking on cpu")
        told["policies"] = Blank("a policy, such as [{type: target_tracking, metric: request_rate, target: 50}]")
    if name != target:
        manifest.at("spec", "scaleTargetRef", "name").note(f"{target!r} is no service's name here: {name}")
    for field in manifest.unread():
        field.note("has no counterpart; left out")
    notes = [*manifest.reading.notes, *(source.reading.notes if source else ())]
    origin = f"{kind} {_name_of(manifest)}"
    return Converted(name, origin, _policy(name, workload, given, told), tuple(sorted(notes, key=lambda note: note.mark)))


def _policy(name: str, workload: Workload, given: Given, told: Mapping[str, Any]) -> dict[str, Any]:
    policies = told["policies"] if isinstance(told["policies"], Sequence) else []
    needs_memory = any(policy.get("metric") == "memory" for policy in policies)
    return {
        "service": name,
        "replica": workload.replica(needs_memory=needs_memory),
        "route": {"bind": given.bind or Blank("where clients connect, such as 127.0.0.1:8080 (--bind)")},
        **told,
    }


def _name_of(manifest: Field) -> str:
    return manifest.at("metadata", "name").text()


def _service_name(target: str) -> str:
    """The nearest name that a service may have."""
    return _NOT_A_NAME.sub("-", target.lower())[:_LONGEST_NAME].strip("-") or "web"
