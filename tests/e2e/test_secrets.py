"""What `environment:` says to a replica is told to nobody else: not in a log, metric, answer, page, label, plan or error."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import aiohttp
import docker
import pytest

from tests.e2e.conftest import Ground
from tests.support.daemons import DaemonUnderTest, bind, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PLAIN, REFERRED, CHANGED = "hunter2-plain", "hunter2-referred", "hunter2-changed"
PAGES = ("/", "/metrics", "/readyz", "/api/v1/services", "/api/v1/openapi.json", "/api/v1/events?follow=false")
OF_A_SERVICE = ("", "/explain", "/history", "/logs")


def with_secrets(text: str, plain: str = PLAIN) -> str:
    assert text.count("environment: {") == 1
    return text.replace("environment: {", f"environment: {{PASSWORD: {plain}, TOKEN: {{env: THE_TOKEN}}, ")


async def test_no_value_of_the_environment_is_told_anywhere(
    ground: Ground, address: str, tmp_path: Path, instance: str
) -> None:
    daemon = DaemonUnderTest(tmp_path, instance, flags=("--log-level", "debug"), environ={"THE_TOKEN": REFERRED})
    web, lost = ground.policy(address), ground.policy(bind(), service="lost")
    daemon.write_policy("web", with_secrets(web))
    lost = "\n".join("  command: [/no/such/program]" if "command:" in line else line for line in lost.splitlines())
    daemon.write_policy("lost", with_secrets(lost))
    async with running(daemon):
        await daemon.until_ready("web", 1)
        await daemon.until("lost", lambda s: bool(s.errors))  # its error is the runtime's
        told = await _asked(daemon)
        daemon.write_policy("web", with_secrets(web, CHANGED).replace("max: 40", "max: wrong"))
        told["log of a broken policy"] = await _log_with(daemon, "reload_failed")
        daemon.write_policy("web", with_secrets(web, CHANGED))
        await daemon.until("web", lambda s: not s.replicas[0].up_to_date)
        whose = ("--state-dir", str(daemon.state_dir), "--instance", instance)
        told["config"] = await asyncio.to_thread(_said, daemon, "config", "--policies", str(daemon.policies))
        told["plan"] = await asyncio.to_thread(_said, daemon, "plan", str(daemon.policies), *whose)
        told["doctor"] = await asyncio.to_thread(_said, daemon, "doctor", "--policies", str(daemon.policies), *whose)
        told["log"] = daemon.log.read_text()
        if ground.runtime == "docker":
            told["labels"] = await asyncio.to_thread(_labels, instance)
    assert "PASSWORD" in told["config"]  # a name is no secret
    assert "out of date" in told["plan"]
    assert {where for where, text in told.items() if "hunter2" in text} == set()
    kept = b"".join(path.read_bytes() for path in daemon.state_dir.rglob("*") if path.is_file())
    assert REFERRED.encode() not in kept


async def _asked(daemon: DaemonUnderTest) -> dict[str, str]:
    """All that the API answers."""
    told = {}
    paths = [*PAGES, *(f"/api/v1/services/{name}{what}" for name in ("web", "lost") for what in OF_A_SERVICE)]
    connector = aiohttp.UnixConnector(str(daemon.state_dir / "api.sock"))
    async with aiohttp.ClientSession("http://localhost", connector=connector) as session:
        for path in paths:
            async with session.get(path) as answer:
                assert answer.status == 200, path
                told[path] = await answer.text()
    return told


async def _log_with(daemon: DaemonUnderTest, word: str) -> str:
    async with asyncio.timeout(20):
        while word not in daemon.log.read_text():
            await asyncio.sleep(0.1)
    return daemon.log.read_text()


def _said(daemon: DaemonUnderTest, *words: str) -> str:
    command = [sys.executable, "-m", "autoscaler", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | daemon.environ, check=False)
    return done.stdout + done.stderr


def _labels(instance: str) -> str:
    client = docker.from_env(timeout=20).api
    containers = client.containers(all=True, filters={"label": f"io.autoscaler.instance={instance}"})
    client.close()
    assert containers
    return str([container["Labels"] for container in containers])
