"""Replicas as containers of a Docker engine on this host: the port's methods, each a call into one module of this folder."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from docker import APIClient
from docker.errors import NotFound

from autoscaler.drivers.docker import LOOK_TIMEOUT_S, Engine
from autoscaler.drivers.docker_answers import mapping
from autoscaler.errors import AutoscalerError, EngineError
from autoscaler.model import Change, Exit, Instance, Phase, Usage
from autoscaler.ports import Clock, Progress
from autoscaler.runtimes.docker import labels
from autoscaler.runtimes.docker.body import create_body
from autoscaler.runtimes.docker.changes import SILENCE_S, EventFeed, to_change
from autoscaler.runtimes.docker.deaths import Deaths
from autoscaler.runtimes.docker.diagnose import diagnose_engine
from autoscaler.runtimes.docker.diagnose_service import diagnose_service
from autoscaler.runtimes.docker.end import STOP_MARGIN_S, remove_replica, stop_replica
from autoscaler.runtimes.docker.environment import inline_profiles, redact, resolve_environment
from autoscaler.runtimes.docker.images import find_image, image_id, image_name, prepare_image
from autoscaler.runtimes.docker.listing import Entry, exit_from_state, exit_from_status, phase_of, read_list, to_instance
from autoscaler.runtimes.docker.logs import LOGS_TIMEOUT_S, LineCutter, last_lines, open_log
from autoscaler.runtimes.docker.start import knows_start_interval, start_replica
from autoscaler.runtimes.docker.support import ask_facts, check_is_supported
from autoscaler.runtimes.docker.usage import from_stats, read_usage
from autoscaler.spec.models import ServiceSpec
from autoscaler.status import Finding


class DockerReader:
    """Looks at the replicas of one controller's instance, by a client that refuses to change anything."""

    read_only = True

    def __init__(self, instance: str, environ: Mapping[str, str], clock: Clock) -> None:
        self.instance = instance
        self.clock = clock
        self._environ = environ
        self._engine = Engine(environ, read_only=self.read_only)
        self._feed = EventFeed()
        self._exits: dict[str, Exit] = {}
        self._deaths = Deaths()
        self._known: dict[str, tuple[str, str]] = {}

    async def observe(self) -> Sequence[Instance]:
        """Every replica of this instance, whatever its phase: one list, and a look at those that ended since the last and of
        which no event told."""
        filters = labels.ours(self.instance)
        listed = await self._engine.get(
            "list replicas",
            "/containers/json",
            {"all": "1", "filters": json.dumps(filters)},
            lambda client: client.containers(all=True, filters=filters),
        )
        entries = read_list(listed)
        self._deaths.keep_only([entry["Id"] for entry in entries])
        await self._learn_exits(entries)
        seen = tuple(self._to_instance(entry) for entry in entries)
        self._known = {instance.id: (instance.service, instance.replica) for instance in seen}
        return seen

    async def image_now(self, spec: ServiceSpec) -> str:
        """What the image's name stands for on this host at present."""
        name = image_name(spec)
        found = await find_image(self._engine, name) if name else None
        return image_id(found) if found else ""

    async def usage(self, ids: Sequence[str]) -> Mapping[str, Usage]:
        """What each has used; the kernel's files where they can be seen, else the engine's word."""
        read = await asyncio.to_thread(lambda: {id: read_usage(id) for id in ids})
        unseen = [id for id, usage in read.items() if usage is None]
        read.update(zip(unseen, await asyncio.gather(*map(self._stats, unseen)), strict=True))
        return {id: usage for id, usage in read.items() if usage is not None}

    async def changes(self) -> AsyncIterator[Change]:
        """Changes as they happen. A silent connection is made anew by itself; a cut one raises EngineUnavailable, and
        asking again goes on where it ended."""
        while True:
            async for event in self._engine.stream("follow events", self._feed.open, SILENCE_S):
                if not self._feed.is_new(event):
                    continue
                self._deaths.note(event, self.clock.now())
                change = to_change(event, self.instance, self._known)
                if change is not None:
                    yield change

    async def logs(self, id: str, lines: int) -> Sequence[str]:
        """The last lines that a replica wrote, oldest first."""
        return await self._engine.look("read logs", lambda client: last_lines(client, id, lines), LOGS_TIMEOUT_S)

    async def follow(self, id: str, lines: int) -> AsyncIterator[str]:
        """The last lines of a replica and then each new one, until it ends."""
        cutter = LineCutter()
        async for piece in self._engine.stream("follow logs", lambda client: open_log(client, id, lines), LOGS_TIMEOUT_S):
            for line in cutter.feed(piece):
                yield line
        for line in cutter.rest():
            yield line

    async def check_supported(self) -> None:
        """EngineError where this engine is of a kind that we can't use yet; EngineUnavailable where it doesn't answer."""
        check_is_supported(await ask_facts(self._engine), self._engine.where)

    async def diagnose(self, specs: Sequence[ServiceSpec] = ()) -> Sequence[Finding]:
        """What is wrong with the engine and with these services, or could be better."""
        findings = [*await diagnose_engine(self._engine)]
        if all(finding.ok for finding in findings[:1]):
            seen = await self.observe()
            for spec in specs:
                instances = [instance for instance in seen if instance.service == spec.service]
                findings += await diagnose_service(self._engine, spec, instances)
        return findings

    async def close(self) -> None:
        """Let go of connections and threads."""
        await self._engine.close()

    async def _learn_exits(self, entries: Sequence[Entry]) -> None:
        """Know of each ended one how it ended; one that was started again is asked anew when it ends again."""
        ended = {entry["Id"]: entry for entry in entries if phase_of(entry) is Phase.EXITED}
        self._exits = {id: exit for id, exit in self._exits.items() if id in ended}
        told_by_events = {id: exit for id in ended if (exit := self._deaths.of(id, self.clock.now())) is not None}
        self._exits = told_by_events | self._exits
        new = [id for id in ended if id not in self._exits]
        told = await asyncio.gather(*(self._engine.look("look at an ended replica", _state_of(id)) for id in new))
        for id, state in zip(new, told, strict=True):
            exit = exit_from_state(state) if state is not None else exit_from_status(ended[id])
            if exit is not None:
                self._exits[id] = exit

    def _to_instance(self, entry: Entry) -> Instance:
        instance = to_instance(entry, self._exits.get(entry["Id"]))
        exit = self._deaths.of(instance.id, self.clock.now())
        if exit is None or instance.phase is Phase.EXITED:
            return instance
        return replace(instance, phase=Phase.EXITED, address=None, healthy=None, exit=exit)

    async def _stats(self, id: str) -> Usage | None:
        try:
            return from_stats(
                await self._engine.look(
                    "read usage", lambda client: client.stats(id, stream=False, one_shot=True), LOOK_TIMEOUT_S
                )
            )
        except EngineError:
            return None


class DockerRuntime(DockerReader):
    """Starts and ends the replicas of one controller's instance."""

    read_only = False

    async def prepare(self, spec: ServiceSpec, progress: Progress) -> str:
        """Have the image at hand and tell its id."""
        return await prepare_image(self._engine, spec, progress)

    async def start(self, spec: ServiceSpec, replica: str, image: str) -> None:
        """Create and start a replica, unless it is there already."""
        environment: dict[str, str | None] = {}

        def ask(client: APIClient) -> None:
            environment.update(resolve_environment(spec, self._environ))
            body = create_body(
                spec,
                replica,
                image=image,
                instance=self.instance,
                environment=environment,
                security_opt=inline_profiles(spec),
                start_interval=knows_start_interval(client),
            )
            start_replica(
                client,
                body,
                name=labels.container_name(self.instance, replica),
                replica=replica,
                instance=self.instance,
                networks=spec.replica.networks,
                platform=spec.replica.platform,
            )

        try:
            await self._engine.act(f"start {replica}", ask)
        except AutoscalerError as error:
            error.what = redact(error.what, spec, environment)
            raise error from None

    async def stop(self, id: str, grace_s: float) -> None:
        """Stop signal, then kill; returns when it has ended."""
        await self._engine.alone(
            f"stop {id[:12]}", lambda client: stop_replica(client, id, grace_s), grace_s + STOP_MARGIN_S
        )

    async def remove(self, id: str) -> None:
        """Remove a replica, killing it where it still runs."""
        await self._engine.act(f"remove {id[:12]}", lambda client: remove_replica(client, id))


def _state_of(id: str) -> Callable[[APIClient], Mapping[str, Any] | None]:
    def ask(client: APIClient) -> Mapping[str, Any] | None:
        try:
            found = client.inspect_container(id)
        except NotFound:
            return None
        return mapping(mapping(found, "a container").get("State"), "State")

    return ask
