"""Policy texts for tests: a good one, and ways to change it."""

import resource
import time
from collections.abc import Mapping
from pathlib import Path

from autoscaler.spec.load import Loaded, load_policies
from autoscaler.spec.models import ServiceSpec

GOOD = """\
service: web
replica:
  image: app:1
  port: 5000
route:
  bind: 127.0.0.1:8080
policies:
  - type: target_tracking
    metric: request_rate
    target: 50
"""


def changed(old: str, new: str) -> str:
    """The good policy with one thing changed."""
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def with_replica(lines: str) -> str:
    """The good policy with more keys in `replica:` (from line 5 on)."""
    return changed("  port: 5000\n", "  port: 5000\n" + "".join(f"  {line}\n" for line in lines.splitlines()))


def with_route(line: str) -> str:
    """The good policy with one more key in `route:` (in line 7)."""
    return changed("  bind: 127.0.0.1:8080\n", f"  bind: 127.0.0.1:8080\n  {line}\n")


def load_text(
    folder: Path,
    text: str | bytes,
    environ: Mapping[str, str] | None = None,
    name: str = "p.yaml",
    allow_privileged: frozenset[str] = frozenset(),
    default_runtime: str | None = None,
) -> Loaded:
    """Load one policy file of that text."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_policies([path], environ=environ or {}, allow_privileged=allow_privileged, default_runtime=default_runtime)


def told(text: str | bytes) -> list[str]:
    """What is wrong with a policy in the current folder, a line each; found within a second of one core and 100 MB."""
    before, memory = time.process_time(), _peak_kilobytes()
    loaded = load_text(Path(), text)
    assert time.process_time() - before < 1
    assert _peak_kilobytes() - memory < 100_000
    return [str(problem) for problem in loaded.problems]


def _peak_kilobytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def spec_of(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> ServiceSpec:
    """The one service of a good policy text."""
    loaded = load_text(folder, text, environ)
    assert [str(problem) for problem in loaded.problems] == []
    return loaded.documents[0].spec
