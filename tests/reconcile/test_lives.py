"""Whole lives: what is planned is done, in any order and with anything going wrong, and the promises hold at each step.

Runtime and proxy are a few sets here; a step is a tick, the end of an action, a crash, a request, a proxy or a daemon that
begins anew.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from autoscaler.model import Backend, Instance, Phase, Remove, Server, ServerState, Start, Step, Stop
from autoscaler.reconcile.lifecycle import Seen, Track, join, taken_back, told_to_drain
from autoscaler.reconcile.names import highest_number
from autoscaler.reconcile.plan import NEW_BOOK, Book, plan
from autoscaler.reconcile.transitions import account, transitions
from tests.reconcile.build import NOW, WEB, instance

CALM_TICKS = 25


@dataclass
class Behind:
    """A server in the proxy, with requests in flight."""

    draining: bool = False
    drained_at: float = 0.0
    busy: int = 0


@dataclass
class Lives:
    """A service, its proxy, and a daemon's loop without its waits."""

    desired: int = 1
    now: float = NOW
    instances: dict[str, Instance] = field(default_factory=dict)
    servers: dict[str, Behind] = field(default_factory=dict)
    tracks: dict[str, Track] = field(default_factory=dict)
    under_way: dict[str, Step] = field(default_factory=dict)
    signalled: set[str] = field(default_factory=set)
    was_stopping: frozenset[str] = frozenset()
    passed: set[str] = field(default_factory=set)
    serving: set[str] = field(default_factory=set)
    drained_at: dict[str, float] = field(default_factory=dict)
    wanted: tuple[Backend, ...] | None = None
    book: Book = NEW_BOOK
    blind: bool = False
    ever: set[str] = field(default_factory=set)

    # ------------------------------------------------------------ the daemon

    def tick(self) -> None:
        self.now += 1
        noted = {
            name: replace(
                track,
                passed=track.passed or name in self.passed,
                serving=track.serving or name in self.serving,
                drained_at=self.drained_at.get(name, track.drained_at) if track.cause else None,
            )
            for name, track in self.tracks.items()
        }
        servers = None if self.blind else tuple(self._server(name) for name in self.servers)
        under_way, was_stopping = dict(self.under_way), self.was_stopping
        seen = Seen(self.now, tuple(self.instances.values()), servers, self.now, under_way, was_stopping=was_stopping)
        replicas, after = join(seen, noted, 120)
        changes = transitions(self.tracks, after, replicas, self.now)
        self.tracks = after
        numbers = highest_number([*self.instances, *self.servers])
        backoff = account(self.book.backoff, changes, after, self.now)
        self.book = Book(max(self.book.next_number, numbers + 1), backoff)
        planned = plan(WEB, replicas, self.desired, self.now, self.book, blind=servers is None)
        if planned.backends is not None or planned.returns:
            self.wanted = planned.to_tell(self.wanted or ())
            again = {b.replica for b in self.wanted if not b.draining}
            self.drained_at = {name: t for name, t in self.drained_at.items() if name not in again}
        told_to_drain(self.tracks, planned.drains, self.now)
        taken_back(self.tracks, planned.returns)
        for backend in planned.backends or ():
            self.tracks[backend.replica] = replace(self.tracks[backend.replica], assigned=True)
        for action in planned.actions:
            self._begin(action)

    def _server(self, name: str) -> Server:
        behind = self.servers[name]
        running = name in self.instances and self.instances[name].phase is Phase.RUNNING
        state = ServerState.DRAIN if behind.draining else ServerState.UP if running else ServerState.DOWN
        return Server(name, state, behind.busy, 0, 0)

    def _begin(self, action: Start | Stop | Remove) -> None:
        name = action.replica
        assert name not in self.under_way, "one action a replica"
        match action:
            case Start():
                assert name in self.instances or name not in self.ever, "a name is used once"
                self.ever.add(name)
                self.book = replace(self.book, next_number=max(self.book.next_number, highest_number([name]) + 1))
                self.under_way[name] = Step.START
            case Stop():
                self._check_stop(name)
                self.tracks[name] = replace(self.tracks[name], stopping=True)
                self.signalled.add(name)
                self.under_way[name] = Step.STOP
            case Remove():
                assert self.instances[name].phase is not Phase.RUNNING
                self.tracks[name] = replace(self.tracks[name], removing=True)
                self.under_way[name] = Step.REMOVE

    def _check_stop(self, name: str) -> None:
        behind = self.servers.get(name)
        if behind is not None:
            assert behind.draining, "a stop signal while the proxy may send to it"
            assert not behind.busy or self.now - behind.drained_at >= WEB.route.drain_timeout, "with requests in flight"

    # ------------------------------------------------------------ what happens

    def assign(self) -> None:
        """The proxy takes in what it was last told; a replica that has its signal gets nothing new again."""
        if self.wanted is None or self.blind:
            return
        for backend in self.wanted:
            behind = self.servers.setdefault(backend.replica, Behind())
            assert backend.draining or backend.replica not in self.signalled, "taken back after its signal"
            if backend.draining and not behind.draining:
                behind.drained_at = self.now
            behind.draining = backend.draining
        names = {backend.replica for backend in self.wanted}
        self.servers = {name: behind for name, behind in self.servers.items() if name in names}
        draining = {backend.replica for backend in self.wanted if backend.draining}
        self.drained_at = {name: self.drained_at.get(name, self.now) for name in draining}
        self.serving = names - draining

    def finish(self, at: int = 0) -> None:
        """An action has ended."""
        if not self.under_way:
            return
        name = sorted(self.under_way)[at % len(self.under_way)]
        match self.under_way.pop(name):
            case Step.START:
                self.instances[name] = instance(name)
            case Step.STOP if name in self.instances:
                self.instances[name] = replace(self.instances[name], phase=Phase.EXITED)
            case Step.REMOVE:
                self.instances.pop(name, None)

    def fail(self, at: int) -> None:
        """An action came to nothing; a stop signal was sent all the same."""
        if self.under_way:
            del self.under_way[sorted(self.under_way)[at % len(self.under_way)]]

    def crash(self, at: int) -> None:
        running = sorted(name for name, i in self.instances.items() if i.phase is Phase.RUNNING)
        if running:
            name = running[at % len(running)]
            self.instances[name] = replace(self.instances[name], phase=Phase.EXITED)

    def boot(self) -> None:
        self.passed |= {name for name, i in self.instances.items() if i.phase is Phase.RUNNING}

    def request(self, at: int) -> None:
        choosable = sorted(name for name, behind in self.servers.items() if not behind.draining)
        if choosable:
            self.servers[choosable[at % len(choosable)]].busy += 1

    def answer(self) -> None:
        for behind in self.servers.values():
            behind.busy = 0

    def proxy_restarts(self) -> None:
        self.answer()
        self.blind = True

    def proxy_is_back(self) -> None:
        self.blind = False

    def daemon_restarts(self) -> None:
        """All that is only remembered is lost, save who was to be stopped: that was on the disk before its signal."""
        self.was_stopping |= {name for name, track in self.tracks.items() if track.stopping}
        for name, step in self.under_way.items():
            if step is Step.START and name not in self.instances:
                self.instances[name] = replace(instance(name, Phase.CREATED))
        self.tracks, self.under_way, self.wanted = {}, {}, None
        self.passed, self.serving, self.drained_at = set(), set(), {}

    def wait(self) -> None:
        self.now += 100

    def scale(self, count: int) -> None:
        self.desired = count % 5

    def go(self) -> None:
        """A tick that the proxy follows."""
        self.tick()
        self.assign()

    def calm(self) -> None:
        """Nothing goes wrong any more, and all is done at once."""
        self.blind = False
        for _ in range(CALM_TICKS):
            self.now += 30
            self.boot()
            self.answer()
            self.tick()
            self.assign()
            while self.under_way:
                self.finish()
            self.assign()


def _alone(*names: str) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.sampled_from(names).map(lambda name: (name,))


STEPS = st.one_of(
    _alone("tick", "assign", "boot", "answer"),
    _alone("proxy_restarts", "proxy_is_back", "daemon_restarts", "wait"),
    st.tuples(st.sampled_from(["finish", "fail", "crash"]), st.integers(0, 4)),
    st.tuples(st.sampled_from(["request", "scale"]), st.integers(0, 4)),
    _alone("go"),
    _alone("go"),
)


STOPPING = [("scale", 1), *[("go",)] * 3]


@example([("scale", 1), ("tick",), ("tick",), *[("wait",)] * 4, ("tick",)])  # the proxy never takes the drain in
@example([*STOPPING, ("daemon_restarts",), ("scale", 4), ("go",), ("go",)])
@example([*STOPPING, ("fail", 0), ("fail", 0), ("scale", 4), ("go",), ("go",)])
@settings(max_examples=400, deadline=None)
@given(st.lists(STEPS, max_size=60))
def test_whatever_happens_no_promise_is_broken_and_calm_brings_what_is_wanted(steps: list[tuple[Any, ...]]) -> None:
    lives = Lives(desired=3)
    lives.calm()
    for name, *arguments in steps:
        getattr(lives, name)(*arguments)
    lives.calm()
    running = {name for name, i in lives.instances.items() if i.phase is Phase.RUNNING}
    assert len(running) == len(lives.instances) == lives.desired
    assert {name for name, behind in lives.servers.items() if not behind.draining} == running
    assert lives.tracks.keys() == lives.instances.keys()
