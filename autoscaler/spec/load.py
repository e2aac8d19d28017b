"""Policy files, read: from paths to typed services, and all that is wrong with them at once.

    text -> tree (yaml12) -> variables filled in -> long forms (compose) -> refusals -> models -> checks -> Document

A document with a problem is left out, the others stay; a document's own text can be read again later (`load_document`), so
that the last good version of a broken one goes on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from autoscaler.spec import checks, compose, dotenv, files, refused, unavailable, yaml12
from autoscaler.spec.environment import Place
from autoscaler.spec.interpolation import Lookup, Variable, fill_in
from autoscaler.spec.models import ServiceSpec
from autoscaler.spec.nodes import Entry, MapNode, Mark, Node, Scalar, shown
from autoscaler.spec.origins import Origin, origins
from autoscaler.spec.problems import Problem, Problems
from autoscaler.spec.validation import spec_hash, validated

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Document:
    """One service's policy. `text` is its own YAML, `line` where it starts, `origins` says of each value whence it is."""

    spec: ServiceSpec
    path: Path
    line: int
    text: str
    origins: Mapping[str, Origin]


@dataclass(frozen=True, slots=True)
class Loaded:
    """All that the files say.

    `unread` are files and folders that can't be read or hold nothing, and why: what they defined is not known to be gone.
    `files` are all that was looked at, `.env` and env_files too: a change of one calls for a reload.
    """

    documents: tuple[Document, ...]
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    unread: Mapping[Path, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class _Settings:
    environ: Mapping[str, str]
    default_runtime: str | None
    allow_privileged: frozenset[str]
    to_zero: bool = False


@dataclass(frozen=True, slots=True)
class _Read:
    """A document that is fine by itself."""

    document: Document
    tree: MapNode


def load_policies(
    paths: Sequence[Path],
    *,
    environ: Mapping[str, str],
    default_runtime: str | None = None,
    allow_privileged: frozenset[str] = frozenset(),
    allow_writable: bool = False,
    to_zero: bool = False,
) -> Loaded:
    """Read all policy files of these files and folders. Never raises for what is in them.

    `to_zero`: they are for deciding alone, so `replicas.min: 0` is fine.
    """
    settings = _Settings(environ, default_runtime, allow_privileged, to_zero)
    found = files.find(paths)
    unread = dict(found.unread)
    problems: list[Problem] = []
    warnings: list[str] = []
    read: list[_Read] = []
    seen: list[Path] = []
    for path, given in found.files.items():
        looked_at = [path]
        try:
            told, wrong = _file(path, settings, looked_at)
        except OSError as error:
            unread[path] = f"can't be read: {error.strerror}"
            continue
        seen.extend(looked_at)
        if not told and not wrong:
            unread[path] = "holds no document"
        for culprit, mode in files.writable_by_all([given, *looked_at]).items():
            what = f"everyone can write {culprit} (mode {mode})"
            if allow_writable:
                warnings.append(what)
            else:
                fix = f"chmod o-w {culprit}, or start with --allow-writable-policies"
                told, wrong = [], [Problem(Mark(str(path), 1, 1), "", what, fix)]
        problems.extend(wrong)
        read.extend(told)
    clashes = dict(checks.across((one.document.spec, one.tree) for one in read))
    problems.extend(clashes.values())
    in_force = tuple(one.document for number, one in enumerate(read) if number not in clashes)
    for one in read:
        warnings.extend(checks.without_effect(one.document.spec, one.tree))
    return Loaded(in_force, _once(problems), _once(warnings), unread, _once(seen))


def _once(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))


def _file(path: Path, settings: _Settings, looked_at: list[Path]) -> tuple[list[_Read], list[Problem]]:
    """The documents of one file that are fine by themselves, and what is wrong with the others. Raises OSError."""
    of_file = Problems()
    text = files.read_text(path, of_file)
    documents = yaml12.read(text, str(path), of_file) if text is not None else []
    problems, read = list(of_file.found), []
    for document in documents:
        one, wrong = _document(document, path, settings, looked_at)
        problems.extend(wrong)
        if one:
            read.append(one)
    return read, problems


def load_document(
    text: str,
    path: Path,
    *,
    environ: Mapping[str, str],
    default_runtime: str | None = None,
    allow_privileged: frozenset[str] = frozenset(),
) -> Loaded:
    """Read one document again from the text that was kept of it; `path` is the file that it was in."""
    settings = _Settings(environ, default_runtime, allow_privileged)
    problems = Problems()
    documents = yaml12.read(text, str(path), problems)
    if problems.found or len(documents) != 1:
        return Loaded((), tuple(problems.found))
    seen: list[Path] = []
    one, wrong = _document(documents[0], path, settings, seen)
    return Loaded((one.document,) if one else (), tuple(wrong), files=tuple(seen))


def _document(
    document: yaml12.YamlDocument, path: Path, settings: _Settings, seen: list[Path]
) -> tuple[_Read | None, list[Problem]]:
    """One document by itself: what it says, or what is wrong with it."""
    problems = document.problems
    name = _name_of(document.root)
    one = None
    if unavailable.is_policy(document.root, problems):
        lookup = _lookup(path, settings.environ, problems, seen)
        root = fill_in(document.root, lookup, problems)
        assert isinstance(root, MapNode)  # is_policy saw to it, and a mapping stays one
        place = Place(str(path.absolute().parent), path.parent, lookup, problems, seen)
        tree = _prepared(unavailable.without_neutral(root), name, place, settings)
        checks.check_needs(tree, problems)
        spec = validated(tree, {"spec_hash": _hash(root, tree), "folder": place.folder}, problems)
        if spec:
            checks.check(spec, tree, problems)
            told = Document(spec, path, document.root.mark.line, document.text, origins(spec, tree))
            one = _Read(told, tree)
    if problems.found:
        here = str(path)
        found = sorted(problems.found, key=lambda problem: problem.mark)
        return None, [replace(problem, service=name) if problem.mark.file == here else problem for problem in found]
    return one, []


def _hash(root: MapNode, tree: MapNode) -> str:
    said, normalized = root.get("replica"), tree.get("replica")
    if isinstance(said, MapNode) and isinstance(normalized, MapNode) and "env_file" in said.entries:
        return spec_hash(said, normalized.get("environment"))
    return spec_hash(said, None)


def _prepared(root: MapNode, name: str, place: Place, settings: _Settings) -> MapNode:
    """The document in the form that the models have, with all said that they couldn't."""
    entries = dict(root.entries)
    if "runtime" not in entries and settings.default_runtime:
        runtime = settings.default_runtime
        entries["runtime"] = Entry(root.mark, Scalar(root.mark, runtime, runtime, source="--runtime"))
    unavailable.check(root, place.problems, to_zero=settings.to_zero)
    replica = entries.get("replica")
    if replica and isinstance(replica.value, MapNode):
        runtime_entry = entries.get("runtime")
        is_process = runtime_entry and isinstance(runtime_entry.value, Scalar) and runtime_entry.value.value == "process"
        normalized = compose.normalize(replica.value, ("replica",), place)
        if is_process:
            normalized = compose.with_host_paths(normalized, place)
        refused.check(normalized, ("replica",), name, name in settings.allow_privileged, place.problems)
        entries["replica"] = Entry(replica.mark, normalized)
    route = entries.get("route")
    if route and isinstance(route.value, MapNode):
        entries["route"] = Entry(route.mark, compose.with_bind(route.value, ("route",), place.problems))
    return MapNode(root.mark, entries)


def _name_of(root: Node) -> str:
    """The service's name, as far as it can be read: whose last good version goes on, is known by it."""
    name = root.get("service") if isinstance(root, MapNode) else None
    return name.text[:40] if isinstance(name, Scalar) else ""


def _lookup(path: Path, environ: Mapping[str, str], problems: Problems, seen: list[Path]) -> Lookup:
    """Variables from the environment, then from `.env` beside the file."""

    def from_environment(name: str) -> Variable | None:
        return Variable(environ[name], f"${name} of the environment") if name in environ else None

    beside = path.parent / ".env"
    seen.append(beside)
    try:
        if beside.is_dir():  # a virtual environment, say
            return from_environment
        text = files.read_text(beside, problems) or ""
    except FileNotFoundError:
        return from_environment
    except OSError as error:
        problems.add(Mark(str(beside), 1, 1), (), f"can't be read: {error.strerror}", f"check {shown(str(beside))}")
        return from_environment
    variables = dotenv.parse(text, str(beside), from_environment, problems)
    return lambda name: from_environment(name) or variables.get(name)
