"""What is to be done next: actions on replicas, and the servers that the proxy shall have."""

from dataclasses import dataclass, replace

from autoscaler.model.instances import Address


@dataclass(frozen=True, slots=True)
class Backend:
    """A server that the proxy shall have. A draining one gets no new requests and finishes those in flight; one that is not
    `checked` gets requests whatever its health check would say."""

    replica: str
    address: Address
    draining: bool
    cause: str
    checked: bool = True


@dataclass(frozen=True, slots=True)
class Start:
    """Make and start a replica of this name."""

    replica: str
    cause: str

    def __str__(self) -> str:
        return f"start {self.replica}: {self.cause}"


@dataclass(frozen=True, slots=True)
class Stop:
    """Send a replica its stop signal, and kill it after `grace_s`."""

    replica: str
    grace_s: float
    cause: str

    def __str__(self) -> str:
        return f"stop {self.replica}: {self.cause}"


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove a replica that has ended; `keep_words` keeps the last lines that it wrote."""

    replica: str
    cause: str
    keep_words: bool = False

    def __str__(self) -> str:
        return f"remove {self.replica}: {self.cause}"


Action = Start | Stop | Remove


@dataclass(frozen=True, slots=True)
class Plan:
    """The next legal step of each replica, and the servers that the proxy shall have.

    `drains` and `returns` are what is new in `backends`: replica and cause. `backends` is None where the proxy can't be seen
    and shall have what it was told last, but for those that return. `waits` says why something is put off.
    """

    backends: tuple[Backend, ...] | None
    actions: tuple[Action, ...]
    drains: tuple[tuple[str, str], ...] = ()
    returns: tuple[tuple[str, str], ...] = ()
    waits: str = ""

    def to_tell(self, told: tuple[Backend, ...]) -> tuple[Backend, ...]:
        """The servers that the proxy shall have after it was `told` of those."""
        if self.backends is not None:
            return self.backends
        causes = dict(self.returns)
        return tuple(replace(b, draining=False, cause=causes[b.replica]) if b.replica in causes else b for b in told)

    def __str__(self) -> str:
        returns = [f"take back {replica}: {cause}" for replica, cause in self.returns]
        drains = [f"drain {replica}: {cause}" for replica, cause in self.drains]
        return "\n".join([*map(str, self.actions), *returns, *drains])
