"""Which documents are in force: what the files say now, else the last good version of what they said.

a valid document                                   in force
invalid, or its file can't be read                 its last good version stays, and it is said
gone from a file that reads well                   its service goes
nothing to be read at all (folder gone or empty)   nothing changes, and it is said
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from autoscaler.errors import PolicyError
from autoscaler.spec.load import Document, Loaded


@dataclass(frozen=True, slots=True)
class InForce:
    """The documents in force by service, what is wrong with the files, one line each, whose last good version stays, and
    those that were in force and are gone."""

    documents: Mapping[str, Document]
    problems: tuple[str, ...]
    outdated: frozenset[str] = frozenset()
    gone: Mapping[str, Document] = field(default_factory=dict)


Rebuild = Callable[[str, Path], Loaded]


def combine(loaded: Loaded, before: Mapping[str, Document]) -> InForce:
    """What is in force once these files have been read, where `before` was."""
    problems = [*map(str, loaded.problems), *(f"{path}: {why}" for path, why in loaded.unread.items())]
    now = {document.spec.service: document for document in loaded.documents}
    if not now and before:
        problems.append("no valid policy found: nothing changes until there is one")
        return InForce(before, tuple(problems), frozenset(before))
    outdated = set()
    for service, document in before.items():
        if service not in now and _may_be_there(document, loaded):
            now[service] = document
            outdated.add(service)
        elif service in now and now[service].spec.runtime != document.spec.runtime:
            problems.append(
                f"{now[service].path}:{now[service].line}: runtime: {service} runs on {document.spec.runtime}, moving it is "
                f"not available yet; `autoscaler down {service}` first, then give it another name"
            )
            now[service] = document
            outdated.add(service)
    gone = {service: document for service, document in before.items() if service not in now}
    return InForce(now, tuple(problems), frozenset(outdated), gone)


def refuse(in_force: InForce, before: Mapping[str, Document], refused: Mapping[str, str]) -> InForce:
    """Without the services that are new since `before`, on the runtimes that are `refused`, for the reason that is given."""
    new = {s: d for s, d in in_force.documents.items() if s not in before and d.spec.runtime in refused}
    problems = [f"{d.path}:{d.line}: {service}: {refused[d.spec.runtime]}" for service, d in new.items()]
    documents = {service: document for service, document in in_force.documents.items() if service not in new}
    return replace(in_force, documents=documents, problems=(*in_force.problems, *problems))


def _may_be_there(document: Document, loaded: Loaded) -> bool:
    """Whether the service's document may still exist, only broken or out of reach."""
    for problem in loaded.problems:
        if problem.service == document.spec.service or (not problem.service and problem.mark.file == str(document.path)):
            return True
    return any(path == document.path or path in document.path.parents for path in loaded.unread)


def first(loaded: Loaded, kept: Mapping[str, str], rebuild: Rebuild) -> InForce:
    """What is in force when a daemon starts; `kept` is the state dir's last good text by service.

    Raises PolicyError at a first start (nothing kept) where anything is wrong: every problem on a line of its own.
    """
    if not kept:
        if loaded.problems:
            raise PolicyError("\n".join(map(str, loaded.problems)))
        if not loaded.documents:
            why = "; ".join(f"{path}: {why}" for path, why in loaded.unread.items())
            raise PolicyError(f"no service found{f' ({why})' if why else ''}", fix="name a policy file, or a folder of them")
        return InForce({document.spec.service: document for document in loaded.documents}, ())
    before, problems = {}, []
    for service, text in kept.items():
        restored = restore(text, rebuild)
        before.update({document.spec.service: document for document in restored.documents})
        problems += [f"{service}: its last good policy can't be used: {problem}" for problem in restored.problems]
    combined = combine(loaded, before)
    lost = [problem for problem in problems if problem.partition(":")[0] not in combined.documents]
    return replace(combined, problems=(*combined.problems, *lost))


def keep(document: Document) -> str:
    """What the state dir keeps of a document in force."""
    return json.dumps({"path": str(document.path), "text": document.text})


def restore(text: str, rebuild: Rebuild) -> Loaded:
    """What `keep` kept, read again; nothing where it can't be."""
    try:
        fields = json.loads(text)
        return rebuild(str(fields["text"]), Path(fields["path"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return Loaded(())
