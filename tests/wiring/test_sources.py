"""Sources by name: as many as policies can name, each loaded when it is asked for, all with one HTTP client."""

from pathlib import Path
from typing import get_args

from autoscaler.control.clock import SystemClock
from autoscaler.settings import Settings
from autoscaler.sources.prometheus import Prometheus
from autoscaler.spec.models import SourceMetric
from autoscaler.wiring.sources import SOURCES, Sources
from tests.support.policies import GOOD, spec_of
from tests.support.ports import free_port
from tests.support.sources import answers


def sources(**environ: str) -> Sources:
    settings = Settings(environ=environ, paths=(), state_dir=Path("state"), instance="test")
    return Sources(settings, SystemClock())


def test_the_registry_has_what_policies_can_name() -> None:
    assert set(SOURCES) == set(get_args(SourceMetric.model_fields["source"].annotation))


async def test_each_is_asked_and_what_fails_is_missing_with_its_reason(tmp_path: Path) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    with answers("80") as url:
        head = GOOD.split("  - type")[0]
        told = '{type: target_tracking, metric: {name: %s, source: prometheus, server: "%s", query: up}, target: 9}'
        text = "".join(f"  - {told % pair}\n" for pair in (("depth", url), ("jobs", dead)))
        spec, found = spec_of(tmp_path, head + text), sources()
        samples = await found.read(spec)
        assert isinstance(found.get(spec.sources["depth"], spec.folder), Prometheus)
        await found.close()
    assert samples["depth"].value == 80
    assert samples["jobs"].value is None
    assert samples["jobs"].problem.startswith(f"{dead}: Connection refused")
