"""From the servers that HAProxy has to those it shall have: the commands of its runtime socket, in their order.

    not there                 add server, enable health (where checked), set server state drain, then ready
    another address           set server addr
    to drain                  set server state drain; maint for one that is DOWN, which HAProxy never shows as DRAIN
    not to drain any more     set server state ready
    not to be asked           disable health, set server health up
    to be asked again         enable health
    not wanted any more       set server state maint; deleted later, by `deletable`, as `del server` may be refused

One that leaves maintenance while requests wait in the backend takes `maxconn` of them and, in HAProxy 2.6, as many again. In
drain it takes only the first, so all come in by way of that.

Asked again with what the commands led to, it answers nothing. Source: HAProxy management guide, 9.3.
"""

from collections.abc import Mapping, Sequence

from autoscaler.model import Backend
from autoscaler.proxies.haproxy import words
from autoscaler.proxies.haproxy.routes import ServerOptions
from autoscaler.proxies.haproxy.stats import ServerRow

Commands = tuple[str, ...]


def difference(
    service: str, options: ServerOptions, wanted: Sequence[Backend], rows: Sequence[ServerRow]
) -> tuple[Commands, ...]:
    """What to tell HAProxy, one group a server: a group's later commands make sense only after its earlier ones."""
    there = {row.name: row for row in rows}
    groups = [_toward(service, options, backend, there.get(backend.replica)) for backend in wanted]
    kept = {backend.replica for backend in wanted}
    groups += [
        (f"set server {service}/{row.name} state maint",) for row in rows if row.name not in kept and not row.in_maintenance
    ]
    return tuple(group for group in groups if group)


def deletable(service: str, wanted: Mapping[str, Backend], rows: Sequence[ServerRow]) -> tuple[str, ...]:
    """The commands that delete the servers which are wanted no more and have nothing in flight."""
    return tuple(
        f"del server {service}/{row.name}"
        for row in rows
        if row.in_maintenance and row.name not in wanted and row.in_flight == 0
    )


def _toward(service: str, options: ServerOptions, backend: Backend, row: ServerRow | None) -> Commands:
    server = f"{service}/{words.name(backend.replica)}"
    endpoint = words.endpoint(backend.address)
    if row is None:
        return _add(server, endpoint, options, backend)
    commands = []
    if row.address != endpoint:
        host, _, port = endpoint.rpartition(":")
        commands.append(f"set server {server} addr {host.strip('[]')} port {port}")
    if backend.draining and not (row.drains or row.in_maintenance):
        commands.append(f"set server {server} state {'maint' if row.is_down else 'drain'}")
    if not backend.draining and (row.drains or row.in_maintenance):
        commands += _come_in(server) if row.in_maintenance else [f"set server {server} state ready"]
    if options.check and not backend.draining:
        commands += _asking(server, backend, row)
    return tuple(commands)


def _asking(server: str, backend: Backend, row: ServerRow) -> list[str]:
    if backend.checked:
        return [] if row.is_checked else [f"enable health {server}"]
    if row.is_checked or row.is_down:
        return [f"disable health {server}", f"set server {server} health up"]
    return []


def _add(server: str, endpoint: str, options: ServerOptions, backend: Backend) -> Commands:
    commands = [f"add server {server} {endpoint} {options}"]
    if options.check and backend.checked:
        commands.append(f"enable health {server}")
    if not backend.draining:
        commands += _come_in(server)  # one that drains stays as it was added: in maintenance
    return tuple(commands)


def _come_in(server: str) -> list[str]:
    return [f"set server {server} state drain", f"set server {server} state ready"]
