"""What a process replica gets, how it starts, ends and is found again: real processes throughout."""

import asyncio
import fcntl
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autoscaler.drivers.children import identify, is_alive, send, spawn_apart
from autoscaler.errors import EngineError, EngineUnavailable, ImageError
from autoscaler.model import Change, Exit, Instance, Phase
from autoscaler.runtimes.process import ProcessReader, ProcessRuntime, command, keeper, records
from autoscaler.runtimes.process import runtime as process_runtime
from autoscaler.spec.models import Secret, Ulimit
from tests.runtimes.process.conftest import ENVIRON, SpecOf, WallClock, ended, one, processes_with
from tests.support.state import fill, tiny_disk


def leader(runtime: ProcessReader, replica: str = "web-1") -> int:
    """The pid of a replica's first process."""
    running = records.read_running(runtime.folder / replica)
    assert running is not None
    return running.leader.pid


async def until_logged(runtime: ProcessReader, word: str, replica: str = "web-1") -> None:
    """Wait until the replica has written this line."""
    async with asyncio.timeout(5):
        async for line in runtime.follow(replica, 100):
            if line == word:
                return
    raise AssertionError(f"{word!r} was never written: {await runtime.logs(replica, 10)}")


# ---------------------------------------------------------------- what it gets


async def test_its_environment_is_four_names_of_ours_its_own_and_its_port(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    spec = spec_of("exec env", environment={"A": "1", "B": None, "HOME": None, "KEY": Secret(env="TOKEN")})
    await runtime.start(spec, "web-1", "")
    instance = await ended(runtime)
    assert instance.address is not None
    given = {line for line in await runtime.logs("web-1", 100) if not line.startswith(("PWD=", "SHLVL=", "_="))}  # sh's
    assert given == {
        f"PATH={ENVIRON['PATH']}",
        "HOME=/nonexistent",
        "TZ=UTC",
        "A=1",
        "KEY=t0ken",
        f"PORT={instance.address.port}",
        "AUTOSCALER_REPLICA=web-1",
    }


async def test_a_secret_is_in_no_file_of_ours(runtime: ProcessRuntime, spec_of: SpecOf, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k3y\n")
    spec = spec_of('test "$KEY" = k3y && exec sleep 60', environment={"KEY": Secret(file="key")})
    await runtime.start(spec, "web-1", "")
    assert (await one(runtime)).phase is Phase.RUNNING
    written = [path for path in runtime.folder.rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if b"k3y" in path.read_bytes()]


async def test_a_secret_that_is_missing_is_told_and_leaves_nothing(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    with pytest.raises(EngineError, match=r"replica\.environment\.KEY: NO_SUCH is not set; set it"):
        await runtime.start(spec_of(environment={"KEY": Secret(env="NO_SUCH")}), "web-1", "")
    assert await runtime.observe() == []


async def test_it_runs_in_a_folder_relative_to_the_policy_file(
    runtime: ProcessRuntime, spec_of: SpecOf, tmp_path: Path
) -> None:
    (tmp_path / "app").mkdir()
    await runtime.start(spec_of("pwd", working_dir="app"), "web-1", "")
    await ended(runtime)
    assert await runtime.logs("web-1", 1) == [str(tmp_path / "app")]


async def test_its_limits_are_set_and_it_leads_a_session(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    spec = spec_of("ulimit -n; cut -d' ' -f6 /proc/$$/stat; echo $$", ulimits={"nofile": Ulimit(soft=123, hard=456)})
    await runtime.start(spec, "web-1", "")
    await ended(runtime)
    files, session, pid = await runtime.logs("web-1", 3)
    assert (files, session) == ("123", pid)


async def test_each_listens_on_a_port_of_its_own(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    spec = spec_of(command=(sys.executable, "-c", "import http.server, os; http.server.test(port=int(os.environ['PORT']))"))
    await asyncio.gather(*(runtime.start(spec, f"web-{n}", "") for n in range(5)))
    addresses = {instance.address for instance in await runtime.observe()}
    assert len(addresses) == 5
    for address in addresses:
        assert address is not None
        await connected(address.host, address.port)


async def connected(host: str, port: int) -> None:
    """Wait until something listens there."""
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection(host, port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


# ---------------------------------------------------------------- starting


async def test_starting_a_name_twice_at_once_makes_one(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    spec = spec_of("echo up; exec sleep 60")
    await asyncio.gather(runtime.start(spec, "web-1", ""), runtime.start(spec, "web-1", ""))
    await runtime.start(spec, "web-1", "")
    assert (await one(runtime)).phase is Phase.RUNNING
    await until_logged(runtime, "up")
    assert await runtime.logs("web-1", 10) == ["up"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param(("no-such-command",), "web: replica.command: command 'no-such-command' not found", id="on PATH"),
        pytest.param(("bin/no",), "give its path \\(relative to", id="by path"),
        pytest.param((), "a process needs a command", id="none"),
    ],
)
async def test_a_command_that_is_not_there_is_told_before(
    runtime: ProcessRuntime, spec_of: SpecOf, given: tuple[str, ...], told: str
) -> None:
    with pytest.raises(ImageError, match=told):
        await runtime.prepare(spec_of(command=given), lambda _: None)


async def test_a_command_relative_to_the_policy_file_is_found(
    runtime: ProcessRuntime, spec_of: SpecOf, tmp_path: Path
) -> None:
    (tmp_path / "serve").symlink_to("/bin/sh")
    assert await runtime.prepare(spec_of(command=("./serve", "-c", "true")), lambda _: None) == ""


async def test_what_cannot_be_run_ends_as_a_shell_says(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    await runtime.start(spec_of(command=("no-such-command",)), "web-1", "")
    assert (await ended(runtime)).exit == Exit(127)
    assert await runtime.logs("web-1", 5) == ["no-such-command: No such file or directory"]


async def test_a_folder_that_is_missing_leaves_no_replica(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    with pytest.raises(EngineError, match="gone"):
        await runtime.start(spec_of(working_dir="gone"), "web-1", "")
    assert await runtime.observe() == []


async def test_a_start_that_hangs_is_given_up_and_leaves_nothing(
    runtime: ProcessRuntime, spec_of: SpecOf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hangs = tmp_path / "hangs.py"
    hangs.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(keeper, "__file__", str(hangs))
    monkeypatch.setattr(process_runtime, "START_S", 0.5)
    with pytest.raises(EngineError, match=r"web-1: not started within 0\.5 s; is the machine overloaded"):
        await runtime.start(spec_of(), "web-1", "")
    assert await runtime.observe() == []
    async with asyncio.timeout(5):
        while [pid for pid in processes_with(str(hangs)) if alive(pid)]:
            await asyncio.sleep(0.02)


# ---------------------------------------------------------------- ending


@pytest.mark.parametrize(
    ("script", "code"),
    [pytest.param("exit 3", 3, id="exit status"), pytest.param("kill -9 $$", 137, id="128 and the signal")],
)
async def test_how_it_ended_is_known(runtime: ProcessRuntime, spec_of: SpecOf, script: str, code: int) -> None:
    await runtime.start(spec_of(script), "web-1", "")
    assert (await ended(runtime)).exit == Exit(code)


async def test_it_gets_its_stop_signal_and_time(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    script = "trap 'sleep 0.2; echo bye; exit 0' USR1; echo up; while :; do sleep 0.05; done"
    await runtime.start(spec_of(script, stop_signal="USR1"), "web-1", "")
    await until_logged(runtime, "up")
    await runtime.stop("web-1", grace_s=5)
    assert (await one(runtime)).exit == Exit(0)
    assert await runtime.logs("web-1", 1) == ["bye"]


@pytest.mark.parametrize(
    ("given", "number"),
    [
        (None, 15),
        ("SIGTERM", 15),
        ("QUIT", 3),
        ("9", 9),
        ("RTMIN+3", signal.SIGRTMIN + 3),
        ("SIGRTMAX-1", signal.SIGRTMAX - 1),
    ],
)
def test_a_stop_signal_is_a_name_or_a_number(given: str | None, number: int) -> None:
    assert command.stop_signal(given) == number


@pytest.mark.parametrize("given", ["SIGNONE", "0", "99", "TERM+x"])
def test_what_is_no_signal_is_told(given: str) -> None:
    with pytest.raises(EngineError, match="is no signal"):
        command.stop_signal(given)


DEAF = """
import os, signal, socket, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
print("up", flush=True)
time.sleep(60)
"""


async def test_one_that_ignores_its_stop_signal_is_killed_after_its_grace(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    await runtime.start(spec_of(command=(sys.executable, "-c", DEAF)), "web-1", "")
    await until_logged(runtime, "up")
    pid, address = leader(runtime), (await one(runtime)).address
    before = time.monotonic()
    await runtime.stop("web-1", grace_s=0.3)
    assert 0.3 <= time.monotonic() - before < 1.3
    assert (await one(runtime)).exit == Exit(137)
    assert str(pid) not in os.listdir("/proc")  # nor is it a zombie
    assert address is not None
    socket.create_server((address.host, address.port)).close()


async def test_one_that_hangs_is_woken_to_end(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    await runtime.start(spec_of("trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done"), "web-1", "")
    await until_logged(runtime, "up")
    os.kill(leader(runtime), signal.SIGSTOP)
    await runtime.stop("web-1", grace_s=5)
    assert (await one(runtime)).exit == Exit(0)


async def test_a_server_that_a_shell_runs_ends_by_itself_too(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    server = "trap 'sleep 0.2; echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"
    await runtime.start(spec_of(f"sh -c {shlex.quote(server)}; true"), "web-1", "")
    await until_logged(runtime, "up")
    await runtime.stop("web-1", grace_s=5)
    assert await runtime.logs("web-1", 1) == ["bye"]
    assert (await one(runtime)).exit == Exit(143)


async def test_its_children_end_with_it(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    marker = {"MARKER": str(runtime.folder)}
    await runtime.start(spec_of("sleep 61 & (trap '' TERM; sleep 62) & echo up; wait", environment=marker), "web-1", "")
    await until_logged(runtime, "up")
    assert len(processes_with(f"MARKER={runtime.folder}")) >= 4
    await runtime.stop("web-1", grace_s=0.2)
    assert [pid for pid in processes_with(f"MARKER={runtime.folder}") if alive(pid)] == []


def alive(pid: int) -> bool:
    """Whether it runs."""
    process = identify(pid)
    return process is not None and is_alive(process)


async def test_removing_one_that_runs_kills_it_and_leaves_nothing(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    await runtime.start(spec_of("sleep 60"), "web-1", "")
    pid = leader(runtime)
    await runtime.remove("web-1")
    await runtime.remove("web-1")
    await runtime.stop("web-1", grace_s=1)
    assert not alive(pid)
    assert await runtime.observe() == []
    assert list(runtime.folder.iterdir()) == []


async def test_a_process_that_has_its_pid_now_is_not_touched(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    stranger = spawn_apart(["/bin/sleep", "60"], env={})
    await runtime.start(spec_of("exit 0"), "web-1", "")
    await ended(runtime)
    path = runtime.folder / "web-1" / "running.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"pid": stranger.pid}))
    later = ProcessRuntime(runtime.folder, WallClock(), ENVIRON)
    assert (await one(later)).phase is Phase.EXITED
    await later.stop("web-1", grace_s=0.1)
    await later.remove("web-1")
    assert is_alive(stranger)
    send(stranger, signal.SIGKILL)


async def test_after_a_boot_of_the_machine_all_have_ended(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    await runtime.start(spec_of(), "web-1", "")
    path = runtime.folder / "web-1" / "running.json"
    kept = path.read_text()
    path.write_text(json.dumps(json.loads(kept) | {"boot": "another"}))
    instance = await one(ProcessReader(runtime.folder))
    assert (instance.phase, instance.exit) == (Phase.EXITED, Exit(None))
    path.write_text(kept)


# ---------------------------------------------------------------- told and measured


async def test_changes_are_told_at_once(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    changes = runtime.changes()
    told = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0)
    await runtime.start(spec_of(), "web-1", "")
    assert await asyncio.wait_for(told, 0.5) == Change("web", "web-1", "start")
    os.kill(leader(runtime), signal.SIGKILL)
    before = time.monotonic()
    assert await asyncio.wait_for(anext(changes), 0.5) == Change("web", "web-1", "die")
    assert time.monotonic() - before < 0.2


async def test_another_ones_replicas_are_seen_and_their_death_told(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    await runtime.start(spec_of(), "web-1", "")
    reader = ProcessReader(runtime.folder)
    assert [(i.replica, i.service, i.spec_hash, i.phase) for i in await reader.observe()] == [
        ("web-1", "web", "cafe", Phase.RUNNING)
    ]
    changes = reader.changes()
    told = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0.05)
    os.kill(leader(runtime), signal.SIGKILL)
    assert await asyncio.wait_for(told, 0.5) == Change("web", "web-1", "die")


BURN = """
import time
held = bytearray(50_000_000)
while time.process_time() < 0.3:
    pass
print("hot", flush=True)
time.sleep(60)
"""


async def test_what_its_whole_session_uses_is_measured(runtime: ProcessRuntime, spec_of: SpecOf, tmp_path: Path) -> None:
    (tmp_path / "burn.py").write_text(BURN)
    await runtime.start(spec_of(f"{sys.executable} burn.py & wait"), "web-1", "")
    await until_logged(runtime, "hot")
    used = await runtime.usage(["web-1", "gone-1"])
    assert used.keys() == {"web-1"}
    cpu, memory = used["web-1"].cpu_seconds, used["web-1"].memory_bytes
    assert cpu is not None
    assert memory is not None
    assert 0.25 <= cpu < 2
    assert 50_000_000 < memory < 100_000_000


async def test_a_folder_that_is_not_there_holds_no_replicas(tmp_path: Path) -> None:
    reader = ProcessReader(tmp_path / "none")
    assert await reader.observe() == []
    assert not (tmp_path / "none").exists()


async def test_a_state_dir_that_cannot_be_used_is_told(tmp_path: Path, spec_of: SpecOf) -> None:
    (tmp_path / "process").write_text("a file")
    runtime = ProcessRuntime(tmp_path / "process", WallClock(), ENVIRON)
    with pytest.raises(EngineUnavailable, match=r"process: .*; is the state dir ours"):
        await runtime.observe()
    with pytest.raises(EngineUnavailable, match=r"process: .*; is the state dir ours"):
        await runtime.start(spec_of(), "web-1", "")


async def test_a_full_disk_starts_none_and_stops_none(tmp_path: Path, spec_of: SpecOf) -> None:
    with tiny_disk(tmp_path / "process") as disk:
        runtime = ProcessRuntime(disk, WallClock(), ENVIRON)
        await runtime.start(spec_of("while :; do echo much output; sleep 0.01; done"), "web-1", "")
        fill(disk).rename(disk / ".full")
        with pytest.raises(EngineError, match="No space left"):
            await runtime.start(spec_of(), "web-2", "")
        assert (await one(runtime)).phase is Phase.RUNNING
        await runtime.stop("web-1", grace_s=2)
        await runtime.remove("web-1")
        assert await runtime.observe() == []


# ---------------------------------------------------------------- surviving the daemon

DAEMON = """
import asyncio, json, os, signal, sys
from pathlib import Path
from autoscaler.runtimes.process import ProcessRuntime, records, runtime
from autoscaler.spec.models import ServiceSpec
from tests.runtimes.process.conftest import WallClock

def die(*given, **named):
    os.kill(os.getpid(), signal.SIGKILL)

folder, spec, at = sys.argv[1:]
if at == "claim":
    runtime.ProcessRuntime._spawn = die
elif at == "spawn":
    spawn = runtime.spawn_apart
    runtime.spawn_apart = lambda *given, **named: (spawn(*given, **named), die())
elif at == "recorded":
    runtime.ProcessRuntime._tell = die
daemon = ProcessRuntime(Path(folder), WallClock(), dict(os.environ))
asyncio.run(daemon.start(ServiceSpec.model_validate_json(spec), "web-1", ""))
"""


def start_and_die(runtime: ProcessRuntime, spec_of: SpecOf, at: str) -> None:
    """A daemon that starts `web-1` and is killed at that point."""
    spec = spec_of("echo up; exec sleep 60", environment={"AFTER": at}).model_dump_json()
    daemon = subprocess.run([sys.executable, "-c", DAEMON, str(runtime.folder), spec, at], check=False)
    assert daemon.returncode == -signal.SIGKILL


@pytest.mark.parametrize("at", ["claim", "spawn", "recorded"])
async def test_a_daemon_killed_while_it_starts_one_leaks_none(runtime: ProcessRuntime, spec_of: SpecOf, at: str) -> None:
    start_and_die(runtime, spec_of, at)
    await runtime.start(spec_of("echo up; exec sleep 60"), "web-1", "")
    assert (await one(runtime)).phase is Phase.RUNNING
    await until_logged(runtime, "up")
    assert await runtime.logs("web-1", 10) == ["up"]
    await runtime.remove("web-1")
    async with asyncio.timeout(20):  # the killed daemon's keeper may only now find that it has nothing to keep
        while [pid for pid in processes_with(str(runtime.folder)) if alive(pid)]:
            await asyncio.sleep(0.02)


def run_keeper(place: Path) -> int:
    """A keeper's exit status."""
    return subprocess.run(
        [sys.executable, "-I", "-S", keeper.__file__, str(place), "/bin/sleep", "5"], check=False
    ).returncode


async def test_a_second_keeper_in_a_folder_starts_nothing(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    start_and_die(runtime, spec_of, "claim")
    place = runtime.folder / "web-1"
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert records.has_keeper(place)
        assert run_keeper(place) == 0
    assert not records.has_keeper(place)
    assert not records.was_started(place)


async def test_removing_one_whose_keeper_just_starts_leaves_nothing(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    start_and_die(runtime, spec_of, "spawn")
    await runtime.remove("web-1")
    async with asyncio.timeout(5):
        while [pid for pid in processes_with(str(runtime.folder)) if alive(pid)]:
            await asyncio.sleep(0.02)
    assert list(runtime.folder.iterdir()) == []


async def test_an_intent_alone_is_seen_as_created(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    start_and_die(runtime, spec_of, "claim")
    instance: Instance = await one(runtime)
    assert (instance.phase, instance.exit, instance.service) == (Phase.CREATED, None, "web")


async def test_exit_status_and_log_go_on_without_a_daemon(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    start_and_die(runtime, spec_of, "recorded")
    await until_logged(runtime, "up")
    os.kill(leader(runtime), signal.SIGTERM)
    assert (await ended(runtime)).exit == Exit(143)


async def test_a_record_that_cannot_be_read_can_be_removed(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    await runtime.start(spec_of(), "web-1", "")
    (runtime.folder / "web-1" / "record.json").write_bytes(b"\0\0")
    later = ProcessRuntime(runtime.folder, WallClock(), ENVIRON)
    instance = await one(later)
    assert (instance.service, instance.phase, instance.address) == ("web", Phase.RUNNING, None)
    await later.stop("web-1", grace_s=1)
    await later.remove("web-1")
    assert await later.observe() == []


def test_a_keeper_is_light() -> None:
    """It imports nothing of ours: twenty of them must not weigh more than the daemon."""
    script = f"import sys, runpy; runpy.run_path({keeper.__file__!r}); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"autoscaler", "asyncio", "pydantic", "subprocess", "site"} & set(loaded)
