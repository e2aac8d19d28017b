"""The servers that HAProxy shall not check from its start on, in the words of its server-state file.

A server line may say `no-check`, but then `enable health` is refused as long as that HAProxy runs. The state file is made
for this: the server is told to be checked, and its line here says that it is up and that the check was switched off.

    be_id be_name srv_id srv_name srv_addr op admin uweight iweight since check_status result health check_state …

2 as op is running, 1 as check_status "not asked yet" (with 0 it is never asked once it may be), 2 as check_state
"configured" without "enabled"; ids count for nothing beside names.
Source: HAProxy management guide, 9.3 "show servers state"; that "disable health" is kept so was tried on 2.6.12 and 2.8.25.
"""

from autoscaler.model import Backend
from autoscaler.proxies.haproxy.files import Files, write_atomic
from autoscaler.proxies.haproxy.render import read_servers

VERSION = "1\n"


def states(config: str) -> str:
    """The file's text for this config; HAProxy takes an empty one as no states."""
    lines = [
        _line(service, backend)
        for service, backends in read_servers(config).items()
        for backend in backends
        if not (backend.checked or backend.draining)
    ]
    return VERSION + "".join(lines) if lines else ""


def _line(service: str, backend: Backend) -> str:
    address = backend.address
    return f"0 {service} 0 {backend.replica} {address.host} 2 0 1 1 0 1 0 2 2 0 0 0 - {address.port} - 0 0 - - 0\n"


def write_states(files: Files, config: str) -> None:
    """Have the file say what goes with this config, before that is written. Raises OSError."""
    text = states(config)
    if not files.states.exists() or files.states.read_text() != text:
        write_atomic(files.states, text)


def write_config(files: Files, config: str) -> None:
    """Replace the config that a HAProxy would start from, with the states that go with it. Raises OSError."""
    write_states(files, config)
    write_atomic(files.config, config)
