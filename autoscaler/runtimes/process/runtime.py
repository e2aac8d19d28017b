"""ports.ReplicaRuntime over local processes.

A start is three steps, and a daemon that dies between two leaves nothing that the next one doesn't find: the folder with
its record appears (an intent), a keeper is started in it, the keeper records the replica and lets it go. A replica that
has a folder but was never started is CREATED, and starting it again starts it.

The stop signal goes to a replica's first process, as in a container, and to what is left of its session once that has
ended: a shell that ran the server dies at once, and the server shall end by itself too.
"""

import asyncio
import random
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from autoscaler.drivers.children import POLL_S, ProcessId, is_alive, send, spawn_apart, wait_gone
from autoscaler.errors import EngineError
from autoscaler.faultpoints import hit_async
from autoscaler.ports import Clock, Progress
from autoscaler.runtimes.process import command, keeper, records, sessions
from autoscaler.runtimes.process.loopback import free_port
from autoscaler.runtimes.process.reader import NOTE_S, ProcessReader
from autoscaler.runtimes.process.records import Record
from autoscaler.spec.models import ServiceSpec

START_S = 30.0  # a keeper needs some 50 ms on an idle machine
KILL_S = 5.0  # a process that SIGKILL doesn't end by then hangs in the kernel


class ProcessRuntime(ProcessReader):
    """Starts, stops and removes replicas below `folder` (STATE_DIR/process); `environ` is the daemon's environment."""

    def __init__(self, folder: Path, clock: Clock, environ: Mapping[str, str]) -> None:
        super().__init__(folder)
        self._clock = clock
        self._environ = environ
        self._chance = random.Random()

    async def prepare(self, spec: ServiceSpec, progress: Progress) -> str:
        """There is no image: see that the command can be found. Raises ImageError."""
        command.check(spec, self._environ)
        return ""

    async def start(self, spec: ServiceSpec, replica: str, image: str) -> None:
        """Start a replica on a port of its own, unless it was started already. Raises EngineError."""
        argv = command.command_line(spec)
        given = command.environment(spec, self._environ)
        await hit_async("process.claim.before")
        try:
            await self._clear_left_behind()
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            ours = records.claim(self.folder, self._intent(spec, replica))
        except OSError as error:
            raise self._unavailable(error) from error
        await hit_async("process.claim.after")
        record = self._record(replica)
        if record is None or (not ours and records.was_started(self._place(replica))):
            return
        env = given | {"PORT": str(record.port), "AUTOSCALER_REPLICA": replica}
        try:
            await self._spawn(replica, argv, env, command.working_dir(spec))
        except EngineError:
            await self.remove(replica)
            raise
        await hit_async("process.start.after")
        self._tell()

    async def stop(self, id: str, grace_s: float) -> None:
        """Send the stop signal, kill what is left of it after `grace_s`, and return when all of it has ended."""
        running, record = self._processes(id), self._record(id)
        if running is None or record is None:
            return
        leader, deadline = running.leader, asyncio.get_running_loop().time() + grace_s
        await hit_async("process.stop.before")
        send(leader, record.stop_signal)
        sessions.signal_all(leader, signal.SIGCONT)  # one that was stopped hears nothing else
        await hit_async("process.stop.signalled")
        if await wait_gone(leader, grace_s):
            sessions.signal_all(leader, record.stop_signal)
            await sessions.wait_all_gone(leader, deadline - asyncio.get_running_loop().time())
        await self._kill(id, leader)
        await wait_gone(running.keeper, NOTE_S)
        await hit_async("process.stop.after")
        self._tell()

    async def remove(self, id: str) -> None:
        """Kill what still runs and delete its folder and log."""
        await hit_async("process.remove.before")
        await self._end(id, self._place(id))
        try:
            aside = records.set_aside(self.folder, id)
        except OSError as error:
            raise self._unavailable(error) from error
        await hit_async("process.remove.aside")
        if aside is not None:
            await self._clear(id, aside)
        await hit_async("process.remove.after")
        self._records.pop(id, None)
        self._running.pop(id, None)
        self._tell()

    # ------------------------------------------------------------ steps of these

    def _intent(self, spec: ServiceSpec, replica: str) -> Record:
        taken = {record.port for name in self._names() if (record := self._record(name))}
        port = free_port(taken, chance=self._chance)
        if port is None:
            raise EngineError("no port is free on loopback", where=replica, fix="see what listens: ss -ltn")
        user = command.user_and_group(spec.replica)
        return Record(
            service=spec.service,
            replica=replica,
            spec_hash=spec.spec_hash,
            created_at=self._clock.now(),
            port=port,
            stop_signal=command.stop_signal(spec.replica.stop_signal),
            ulimits={name: (limit.soft, limit.hard) for name, limit in spec.replica.ulimits.items()},
            uid=user[0] if user else None,
            gid=user[1] if user else None,
        )

    async def _spawn(self, replica: str, argv: Sequence[str], env: Mapping[str, str], folder: Path) -> None:
        """Start the keeper and wait until it has recorded the replica."""
        place = self._place(replica)
        program = [sys.executable, "-I", "-S", keeper.__file__, str(place), *argv]
        try:
            its_keeper = spawn_apart(program, env=env, cwd=folder, stdout=place / "log")
            await hit_async("process.spawn.after")
            async with asyncio.timeout(START_S):
                while not records.was_started(place):
                    if not (is_alive(its_keeper) or records.has_keeper(place) or records.was_started(place)):
                        raise EngineError("\n".join(await self.logs(replica, 5)) or "its keeper ended", where=replica)
                    await asyncio.sleep(POLL_S / 4)
        except TimeoutError:
            send(its_keeper, signal.SIGKILL)
            raise EngineError(f"not started within {START_S:g} s", where=replica, fix="is the machine overloaded?") from None
        except OSError as error:
            raise EngineError(str(error), where=replica, fix=f"is {folder} there, and memory left?") from error

    async def _end(self, id: str, place: Path) -> None:
        """Kill the replica's processes and its keeper, by what that folder tells."""
        running = records.read_running(place)
        if running is None:
            return
        await self._kill(id, running.leader)
        if not await wait_gone(running.keeper, NOTE_S):
            send(running.keeper, signal.SIGKILL)
            await wait_gone(running.keeper, KILL_S)

    async def _kill(self, id: str, leader: ProcessId) -> None:
        if not await sessions.kill_all(leader, KILL_S):
            raise EngineError(f"still runs {KILL_S:g} s after SIGKILL", where=id, fix=f"see /proc/{leader.pid}/stack")

    async def _clear(self, id: str, aside: Path) -> None:
        """Delete a folder that was set aside; a keeper may have started in it just before."""
        await self._end(id, aside)
        shutil.rmtree(aside, ignore_errors=True)

    async def _clear_left_behind(self) -> None:
        """Finish what an earlier daemon died over."""
        for aside in records.left_behind(self.folder):
            await self._clear(aside.name, aside)

    def _tell(self) -> None:
        """Have `changes` look at once."""
        for stirred in self._stirred:
            stirred.set()
