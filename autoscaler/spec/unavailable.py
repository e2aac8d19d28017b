"""What the policy file's syntax knows and this version can't do yet: said, never ignored.

A key that asks for nothing (`priority: 0`, `privileged: false`) is fine.
"""

from autoscaler.spec.nodes import Entry, ListNode, MapNode, Mark, Node, Path, Scalar, find, shown
from autoscaler.spec.problems import Problems
from autoscaler.spec.volumes import NOT_YET

LATER_KEYS = ("warm_pool", "rollout")
LATER_SOURCES = ("scrape", "http", "redis", "rabbitmq")
LATER_RUNTIMES = ("swarm", "kubernetes")
LATER_ROUTE_KEYS = ("tls", "sticky", "canary")
EXAMPLE = "write one, such as {type: target_tracking, metric: request_rate, target: 50}"
NEUTRAL: dict[Path, object] = {("priority",): 0, ("replica", "privileged"): False}

# Compose keys that we know and don't support; those of which something better is to be said are in refused.py.
LATER_COMPOSE_KEYS = (
    "annotations", "attach", "blkio_config", "cgroup", "cgroup_parent", "configs", "cpu_count", "cpu_percent",
    "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "cpuset", "credential_spec",
    "depends_on", "deploy", "develop", "device_cgroup_rules", "dns_opt", "dns_search", "domainname", "expose",
    "extends", "external_links", "gpus", "group_add", "hostname", "isolation", "label_file", "links", "mac_address",
    "mem_reservation", "mem_swappiness", "memswap_limit", "models", "oom_kill_disable", "oom_score_adj", "post_start",
    "pre_stop", "profiles", "provider", "runtime", "secrets", "stdin_open", "storage_opt", "tty", "use_api_socket",
    "uts", "volumes_from",
)  # fmt: skip


def is_policy(root: Node, problems: Problems) -> bool:
    """Whether a document is a policy at all; if it is something else that we know, that is said."""
    if not isinstance(root, MapNode):
        problems.add(root.mark, (), "not a policy", "start it with `service: NAME`")
        return False
    if "services" in root.entries and "service" not in root.entries:
        what = f"a Compose file as a policy is {NOT_YET}"
        problems.add(root.entries["services"].mark, ("services",), what, "write one document a service: `service: NAME`")
        return False
    if "apiVersion" in root.entries and "kind" in root.entries:
        mark = root.entries["apiVersion"].mark
        fix = "make one of an HPA or a ScaledObject: `autoscaler convert FILE`"
        problems.add(mark, ("apiVersion",), "a Kubernetes manifest is no policy", fix)
        return False
    return True


def without_neutral(root: MapNode) -> MapNode:
    """The document without keys that ask for nothing: those of `NEUTRAL`, and the writer's own `x-` ones."""
    return _without(root, ())


def _without(node: MapNode, path: Path) -> MapNode:
    entries: dict[str, Entry] = {}
    for key, entry in node.entries.items():
        here = (*path, key)
        value = entry.value
        if not path and key.startswith("x-") and key != "x-autoscaler":
            continue
        if here in NEUTRAL and isinstance(value, Scalar) and value.value is not None and value.value == NEUTRAL[here]:
            continue
        if isinstance(value, MapNode) and any(neutral[: len(here)] == here for neutral in NEUTRAL):
            value = _without(value, here)
        entries[key] = Entry(entry.mark, value)
    return MapNode(node.mark, entries)


def check(root: MapNode, problems: Problems, *, to_zero: bool) -> None:
    """Say of everything that is not available yet that it isn't. `to_zero`: none is started, so there may be none."""
    for path in [
        *((key,) for key in LATER_KEYS),
        ("priority",),
        *(("route", key) for key in LATER_ROUTE_KEYS),
    ]:
        _not_yet(root, path, problems)
    for key in LATER_COMPOSE_KEYS:
        _not_yet(root, ("replica", key), problems)
    mark, runtime = find(root, ("runtime",))
    if isinstance(runtime, Scalar) and runtime.value in LATER_RUNTIMES:
        problems.add(mark, ("runtime",), f"{shown(runtime.text)} is {NOT_YET}", "allowed: docker, process")
    mark, least = find(root, ("replicas", "min"))
    if not to_zero and isinstance(least, Scalar) and least.value == 0 and least.value is not False:
        problems.add(mark, ("replicas", "min"), f"0 (scale to zero) is {NOT_YET}", "write 1 or more")
    _check_policies(root, problems)


def _not_yet(root: MapNode, path: Path, problems: Problems) -> None:
    node: Node | None = root
    mark: Mark | None = None
    for key in path:
        entry = node.entries.get(str(key)) if isinstance(node, MapNode) else None
        if entry is None:
            return
        node, mark = entry.value, entry.mark
    if mark:
        problems.add(mark, path, NOT_YET, "remove it")


def _check_policies(root: MapNode, problems: Problems) -> None:
    _check_list(root, ("policies",), f"leave it out for `auto`, or {EXAMPLE}", problems)
    shadows = root.get("shadow")
    for index in range(len(shadows.items) if isinstance(shadows, ListNode) else 0):
        _check_list(root, ("shadow", index, "policies"), EXAMPLE, problems)


def _check_list(root: MapNode, path: Path, fix: str, problems: Problems) -> None:
    policies = find(root, path)[1]
    if isinstance(policies, ListNode) and not policies.items:
        problems.add(policies.mark, path, "is empty", fix)
    elif isinstance(policies, ListNode):
        for index, policy in enumerate(policies.items):
            if isinstance(policy, MapNode):
                _check_policy(policy, (*path, index), problems)


def _check_policy(policy: MapNode, path: Path, problems: Problems) -> None:
    metric = policy.get("metric")
    source = metric.get("source") if isinstance(metric, MapNode) else None
    if isinstance(source, Scalar) and source.value in LATER_SOURCES:
        problems.add(source.mark, (*path, "metric"), f"source {source.text} is {NOT_YET}", "available: prometheus")
