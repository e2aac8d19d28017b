"""Reads a config strictly: every line must be one that the template can write, with values that can't hide another.

What is read is compared with the services that it was made for; so it knows nothing of the template but HAProxy's words.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

NAME = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
TIME = r"(\d+(?:s|ms))"
ENDPOINT = r"((?:[0-9.]+|\[[0-9a-f:.]+\]):\d+)"
POOL = " pool-max-conn -1 pool-purge-delay 100ms"
UNLESS_TRUSTED = r"(?: unless trusted { req\.hdr\(X-Forwarded-(?:Proto|Host|Port)\) -m found })?"
FILE = r"[A-Za-z0-9_./-]+"
HEAD = re.compile(rf"(frontend|backend|global|defaults)(?: ((?:[0-9a-f:.]+:\d+)|no_route|{NAME}))?")

GLOBAL = rf"""
master-worker
nbthread \d+
fd-hard-limit \d+
stats socket {FILE} mode 600 level admin expose-fd listeners
stats timeout 1h
server-state-file {FILE}
log 127\.0\.0\.1:\d+ len 1024 format raw local0 info info
hard-stop-after {TIME}
tune\.bufsize 20480
description [0-9a-f]*
"""
DEFAULTS = r"""
mode http
log global
log-format "%b %ST %ts %Tw %Tc %Tr %\[fe_req_rate\]"
option dontlognull
option idle-close-on-response
timeout connect 1s
timeout client 60s
timeout server 60s
timeout http-request 10s
timeout http-keep-alive 60s
option redispatch 1
load-server-state-from-file global
"""
FRONTEND = rf"""
bind {ENDPOINT}
timeout client {TIME}
timeout http-request {TIME}
http-request del-header Connection unless {{ req\.hdr\(Connection\) -i upgrade }}
http-request set-header Connection upgrade if {{ req\.hdr\(Connection\) -i upgrade }}
http-request deny deny_status 400 if {{ req\.hdrs -m reg \\\\x00 }}
http-request set-header X-Request-Id %\[uuid\] unless {{ req\.hdr\(X-Request-Id\) -m found }}
http-response set-log-level silent if {{ fe_req_rate gt \d+ }} !{{ rand\(\d+\) eq 0 }}
default_backend ({NAME})
http-request set-var-fmt\(txn\.by_path\) "([0-9a-f:.]+)\|\*%\[path\]/"
http-request set-var-fmt\(txn\.by_host\) "([0-9a-f:.]+)\|%\[req\.hdr\(host\),host_only,lower\]%\[path\]/"
use_backend %\[var\(txn\.by_host\),map_beg\({FILE}\)\] if {{ var\(txn\.by_host\),map_beg\({FILE}\) -m found }}
use_backend %\[var\(txn\.by_(?:host|path)\),map_beg\({FILE},no_route\)\]
"""
NO_ROUTE = r"""
http-request return status 404 content-type text/plain string "No service has this host and path\.\\n"
"""
BACKEND = rf"""
balance (leastconn|roundrobin|random)
timeout queue {TIME}
timeout server {TIME}
timeout tunnel {TIME}
http-error status 503 content-type text/plain string "Busy or not there; please try again\.\\n" hdr Retry-After (\d+)
retries (\d)
retry-on (conn-failure(?: empty-response response-timeout)?)
http-request disable-l7-retry unless {{ method GET HEAD OPTIONS }}
acl trusted src ([0-9a-f:./ ]+)
http-request del-header X-Forwarded-For unless trusted
http-request (?:add|set)-header X-Forwarded-For %\[src\]
http-request set-header X-Forwarded-Proto http{UNLESS_TRUSTED}
http-request set-header X-Forwarded-Host %\[req\.hdr\(host\)\]{UNLESS_TRUSTED}
http-request set-header X-Forwarded-Port %\[dst_port\]{UNLESS_TRUSTED}
timeout check {TIME}
option httpchk
http-check send meth GET uri (/[A-Za-z0-9/._~%+@:,=&!*()?-]*) ver HTTP/1\.1 hdr Host ([a-z0-9_.-]+)
http-check expect status 200-399
default-server maxconn (\d+)(?: check inter (\d+ms) fall (\d+) rise 1(?: fastinter \d+ms)?)?(?: slowstart (\d+ms))?{POOL}
server ({NAME}) {ENDPOINT}( disabled)?(?: # not checked)?
"""
SECTIONS = {
    name: [re.compile(line) for line in lines.strip().splitlines()]
    for name, lines in {
        "global": GLOBAL, "defaults": DEFAULTS, "frontend": FRONTEND, "backend": BACKEND, "no_route": NO_ROUTE,
    }.items()
}  # fmt: skip
REPEATED = "server "


@dataclass
class Section:
    """One section: by the words that a line starts with, the values in it."""

    kind: str
    name: str
    said: dict[str, tuple[str, ...]] = field(default_factory=dict)
    servers: list[tuple[str, ...]] = field(default_factory=list)

    def values(self, words: str) -> tuple[str, ...] | None:
        """The values of the one line that starts like this, None where there is none."""
        found = [values for line, values in self.said.items() if line.startswith(words)]
        assert len(found) <= 1, f"{words} given twice"
        return found[0] if found else None


def read_config(text: str) -> Sequence[Section]:
    """The sections of a config. AssertionError for a line that the template doesn't know, or knows once."""
    sections: list[Section] = []
    assert text.isascii()
    assert "\0" not in text
    for number, line in enumerate(text.split("\n"), 1):
        where = f"line {number}: {line[:120]!r}"
        if not line or line.startswith(("# ", "    # ", ".if ", ".endif")):
            assert line in ("", ".if !version_atleast(2.8)", ".endif") or line.isprintable(), where
            assert sections or line == "" or line.startswith("# "), where
        elif head := HEAD.fullmatch(line):
            sections.append(Section(head[1], head[2] or ""))
        else:
            assert line.startswith("    "), f"the template has no such line, {where}"
            _take(sections[-1], line.removeprefix("    "), where)
    names = [(section.kind, section.name) for section in sections]
    assert len(set(names)) == len(names), f"a section twice: {names}"
    return sections


def _take(section: Section, line: str, where: str) -> None:
    known = SECTIONS["no_route" if section.name == "no_route" else section.kind]
    match = next((match for pattern in known if (match := pattern.fullmatch(line))), None)
    assert match, f"the template has no such line in a {section.kind}, {where}"
    values = tuple(value or "" for value in match.groups())
    if line.startswith(REPEATED):
        section.servers.append(values)
    else:
        assert line not in section.said, f"twice, {where}"
        section.said[line] = values


def read_map(text: str) -> Mapping[str, str]:
    """A map's lines: what is looked for, and the service it leads to."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = re.fullmatch(rf"([0-9a-f:.]+\|(?:\*|[a-z0-9_.-]+)/[A-Za-z0-9/._~%+@:,=&!*()-]*) ({NAME})", line)
        assert match, f"no line of a map: {line!r}"
        assert match[1] not in found, f"twice: {line!r}"
        found[match[1]] = match[2]
    return found
