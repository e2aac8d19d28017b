"""What one value alone can't tell: keys that don't go together, and services that get in each other's way."""

from collections.abc import Iterable, Iterator

from autoscaler.spec.models import (
    LATENCIES,
    MOST_SHADOWS,
    REPLICA_METRICS,
    Measured,
    Policy,
    Schedule,
    ServiceSpec,
    SourceMetric,
)
from autoscaler.spec.nodes import MapNode, Mark, Path, Scalar, find, key_path
from autoscaler.spec.problems import Problem, Problems
from autoscaler.units import format_duration

# Keys of `replica:` that only containers have: for processes they do nothing, which is said.
CONTAINER_KEYS = (
    "image", "build", "volumes", "tmpfs", "networks", "extra_hosts", "dns", "pids_limit", "cap_add", "cap_drop",
    "security_opt", "read_only", "init", "sysctls", "shm_size", "labels", "logging", "platform", "pull_policy",
)  # fmt: skip


def check_needs(tree: MapNode, problems: Problems) -> None:
    """Look at what a runtime needs of a `replica:`, whatever else may be wrong with it."""
    replica, runtime = tree.get("replica"), tree.get("runtime")
    if not isinstance(replica, MapNode):
        return
    mark, given = find(tree, ("replica",))[0], replica.entries
    is_process = isinstance(runtime, Scalar) and runtime.value == "process"
    if is_process and not ({"command", "entrypoint"} & set(given)):
        fix = 'say what to run: `command: ["python", "app.py"]`'
        problems.add(mark, ("replica", "command"), "is missing", fix)
    if not is_process and not ({"image", "build"} & set(given)):
        fix = "name an image (`image: NAME`) or how to build one (`build: FOLDER`)"
        problems.add(mark, ("replica", "image"), "is missing", fix)
    for key in ("docker", "test"):
        path: Path = ("replica", "healthcheck", key)
        if is_process and isinstance(health := replica.get("healthcheck"), MapNode) and key in health.entries:
            problems.add(find(tree, path)[0], path, "only containers have it", "write `http: /healthz` or `tcp: true`")


def check(spec: ServiceSpec, tree: MapNode, problems: Problems) -> None:
    """Look at one service that is fine in its parts."""
    if spec.replicas.min > 0 and "scale_to_zero" in tree.entries:
        mark = tree.entries["scale_to_zero"].mark
        problems.add(mark, ("scale_to_zero",), f"replicas.min is {spec.replicas.min}", "write `min: 0`, or remove it")
    for path, what, fix in (*_policies(spec), *_shadows(spec)):
        problems.add(find(tree, path)[0], path, what, fix)


def without_effect(spec: ServiceSpec, tree: MapNode) -> Iterator[str]:
    """Keys that do nothing for this runtime, as warnings."""
    replica = tree.get("replica")
    if spec.runtime != "process" or not isinstance(replica, MapNode):
        return
    for key in CONTAINER_KEYS:
        if key in replica.entries:
            yield f"{replica.entries[key].mark}: replica.{key}: has no effect for processes"


def _policies(spec: ServiceSpec) -> Iterator[tuple[Path, str, str]]:
    yield from _sources(spec)
    windows: dict[str, tuple[Path, float]] = {}
    for path, policy in _placed(spec):
        if isinstance(policy, Schedule):
            yield from _rules(spec, policy, path)
        if policy.metric == "memory" and spec.replica.mem_limit is None:
            yield (
                (*path, "metric"),
                "memory is a fraction of `replica.mem_limit`, which is missing",
                "write `mem_limit: 256m`",
            )
        for metric in LATENCIES:
            if metric not in policy.windows:
                continue
            first, window = windows.setdefault(metric, (path, policy.windows[metric]))
            if window != policy.windows[metric]:
                what = f"{metric} has another window in {key_path(first)}"
                yield (*path, "window"), what, "give both the same window"
    yield from _fallback(spec, ())


def _placed(spec: ServiceSpec) -> Iterator[tuple[Path, Policy]]:
    """Every policy and where it stands, the shadows' too."""
    yield from ((("policies", index), policy) for index, policy in enumerate(spec.policies))
    for number, shadow in enumerate(spec.shadow):
        yield from ((("shadow", number, "policies", index), policy) for index, policy in enumerate(shadow.policies))


def _fallback(spec: ServiceSpec, path: Path) -> Iterator[tuple[Path, str, str]]:
    fallback = spec.behavior.fallback_replicas
    if spec.behavior.on_missing_metrics == "fallback" and fallback is not None and fallback > spec.replicas.max:
        what = f"fallback_replicas {fallback} is above replicas.max {spec.replicas.max}"
        yield (*path, "behavior", "fallback_replicas"), what, f"write at most {spec.replicas.max}"


def _shadows(spec: ServiceSpec) -> Iterator[tuple[Path, str, str]]:
    """Each has a name of its own, and none changes what the policies see."""
    if len(spec.shadow) > MOST_SHADOWS:
        yield ("shadow",), f"has {len(spec.shadow)} items", f"write at most {MOST_SHADOWS}"
    first: dict[str, int] = {}
    for number, shadow in enumerate(spec.shadow):
        if first.setdefault(shadow.name, number) != number:
            what = f"{shadow.name} is the name of shadow[{first[shadow.name]}] already"
            yield ("shadow", number, "name"), what, "give each a name of its own"
        if shadow.behavior != spec.behavior:
            yield from _fallback(spec.shadowed(shadow), ("shadow", number))
        for index, policy in enumerate(shadow.policies):
            yield from _stretched(spec, policy, ("shadow", number, "policies", index))


def _stretched(spec: ServiceSpec, policy: Policy, path: Path) -> Iterator[tuple[Path, str, str]]:
    """Percentiles are measured over one window all, and so is what replicas use: the longest that is asked for."""
    for alike in (LATENCIES, REPLICA_METRICS):
        of_policies = [window for each in spec.policies for name, window in each.windows.items() if name in alike]
        longest = max([window for name, window in policy.windows.items() if name in alike], default=0.0)
        if of_policies and longest > max(of_policies):
            what = f"{policy.metric} is longer than in `policies`, which would then see the same"
            yield (*path, "window"), what, f"write at most {format_duration(max(of_policies))}"


def _sources(spec: ServiceSpec) -> Iterator[tuple[Path, str, str]]:
    """Metrics of other systems: one of a name, and one window of each policy."""
    known: dict[str, tuple[Path, SourceMetric]] = {}
    for path, policy in _placed(spec):
        if not isinstance(policy, Measured) or not isinstance(policy.measured, SourceMetric):
            continue
        first, metric = known.setdefault(policy.metric, (path, policy.measured))
        if metric != policy.measured:
            what = f"{policy.metric} is another metric in {key_path(first)}"
            yield (*path, "metric"), what, f"give each a name of its own, such as `name: {policy.metric}_2`"
        window = policy.measured.window
        if window is not None and window != policy.window:
            what = f"is {format_duration(window)} in the metric's mapping"
            yield (*path, "window"), what, "give it in one of the two places"


def _rules(spec: ServiceSpec, policy: Schedule, path: Path) -> Iterator[tuple[Path, str, str]]:
    """A rule's own max may lie beyond replicas.max; without one it meets replicas.max."""
    for index, rule in enumerate(policy.rules):
        if rule.min is not None and rule.max is None and rule.min > spec.replicas.max:
            what = f"{rule.min} is above replicas.max {spec.replicas.max}"
            yield (*path, "rules", index, "min"), what, f"lower it, or give the rule a max: `max: {rule.min}`"


def across(services: Iterable[tuple[ServiceSpec, MapNode]]) -> Iterator[tuple[int, Problem]]:
    """Services of one name, and of one route: the later of two is the wrong one; with its position."""
    names: dict[str, Mark] = {}
    routes: dict[tuple[str, str | None, str], tuple[str, Mark]] = {}
    for position, (spec, tree) in enumerate(services):
        name_mark, route_mark = find(tree, ("service",))[0], find(tree, ("route", "bind"))[0]
        if spec.service in names:
            what = f"{spec.service!r} is defined twice, first at {names[spec.service]}"
            yield position, Problem(name_mark, "service", what, "rename or remove one of the two", spec.service)
            continue
        names[spec.service] = name_mark
        route = spec.route
        key = (str(route.bind), route.host, route.path)
        if key in routes:
            other, first = routes[key]
            where = f"{route.bind} host {route.host or '(any)'} path {route.path}"
            what = f"{where} belongs to service {other!r} already, at {first}"
            fix = "tell them apart by `host:` or `path:`, or choose another bind"
            yield position, Problem(route_mark, "route.bind", what, fix, spec.service)
        routes.setdefault(key, (spec.service, route_mark))
