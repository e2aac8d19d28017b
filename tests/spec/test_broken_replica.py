"""Broken policies, `replica:` with values of the wrong kind, and with what would hand a replica the host.

Each gives one line with file, line, column, key and fix, in well under a second. The texts are what people read.
"""

from pathlib import Path

import pytest

from tests.support.policies import told, with_replica

BROKEN = [
    pytest.param(
        with_replica('healthcheck: {http: "/h\\r\\nHost: x"}'),
        "5:17: replica.healthcheck.http: found '/h\\r\\nHost: x'",
        "write it like /healthz or /healthz?full=1",
        id="health path",
    ),
    pytest.param(
        with_replica("healthcheck: {http: healthz}"),
        "5:17: replica.healthcheck.http: found 'healthz'",
        "write it like /healthz or /healthz?full=1",
        id="health path relative",
    ),
    pytest.param(
        with_replica("healthcheck: {http: /healthz, tcp: true}"),
        "5:33: replica.healthcheck.tcp: given beside `http`",
        "choose one of http, tcp, docker, test",
        id="health two",
    ),
    pytest.param(
        with_replica("healthcheck: {disable: true}"),
        "5:17: replica.healthcheck.disable: not available yet",
        "write `tcp: true` to ask no more than a connection",
        id="health disable",
    ),
    pytest.param(
        with_replica("healthcheck: {test: [curl, x]}"),
        "5:23: replica.healthcheck.test: found 'curl'",
        "start it with CMD or CMD-SHELL, or write `tcp: true`",
        id="health test",
    ),
    pytest.param(
        with_replica("stop_grace_period: 10 seconds"),
        "5:3: replica.stop_grace_period: '10 seconds' is no duration",
        "write it like 250ms, 10s, 5m or 24h",
        id="bad duration",
    ),
    pytest.param(
        with_replica("stop_grace_period: 10"),
        "5:3: replica.stop_grace_period: 10 has no unit",
        "write it like 250ms, 10s, 5m or 24h",
        id="no unit",
    ),
    pytest.param(
        with_replica("stop_grace_period: true"),
        "5:3: replica.stop_grace_period: no duration",
        "write it like 250ms, 10s, 5m or 24h",
        id="bool for duration",
    ),
    pytest.param(
        with_replica("mem_limit: lots"),
        "5:3: replica.mem_limit: 'lots' is no size",
        "write it like 512k, 256m or 1g",
        id="bad size",
    ),
    pytest.param(with_replica("cpus: many"), "5:3: replica.cpus: 'many' is no number", "write it like 0.5", id="cpus"),
    pytest.param(with_replica("cpus: 0"), "5:3: replica.cpus: found 0", "write more than 0", id="cpus 0"),
    pytest.param(with_replica("cpus: .inf"), "5:3: replica.cpus: found .inf", "write a finite number", id="cpus inf"),
    pytest.param(
        with_replica("zzz: 1"),
        "5:3: replica.zzz: unknown key",
        "allowed: build, cap_add, cap_drop, command, cpus, dns, entrypoint, env_file, environment, "
        "extra_hosts, healthcheck, image, init, labels, logging, mem_limit, networks, pids_limit, platform, "
        "port, pull_policy, read_only, security_opt, shm_size, stop_grace_period, stop_signal, sysctls, "
        "tmpfs, ulimits, user, volumes, working_dir",
        id="unknown far",
    ),
    pytest.param(
        with_replica("restart: always"),
        "5:3: replica.restart: refused: a replica that ends is replaced by the autoscaler",
        "remove it",
        id="restart: always",
    ),
    pytest.param(
        with_replica("container_name: x"),
        "5:3: replica.container_name: refused: replicas are named by the autoscaler",
        "remove it",
        id="container_name: x",
    ),
    pytest.param(
        with_replica("ports: ['8080:80']"),
        "5:3: replica.ports: refused: clients come through the proxy, replicas have no ports on the host",
        "write `port:` and `route.bind:`",
        id="ports: ['8080:80']",
    ),
    pytest.param(
        with_replica("depends_on: [db]"), "5:3: replica.depends_on: not available yet", "remove it", id="depends_on: [db]"
    ),
    pytest.param(
        with_replica("pre_stop: {http: /drain}"),
        "5:3: replica.pre_stop: not available yet",
        "remove it",
        id="pre_stop: {http: /drain}",
    ),
    pytest.param(
        with_replica("labels: {io.autoscaler.managed: 'true'}"),
        "5:12: replica.labels.io.autoscaler.managed: refused: labels io.autoscaler.* are the autoscaler's own",
        "remove it",
        id="labels: {io.autoscaler.managed: 'true'}",
    ),
    pytest.param(
        with_replica("privileged: true"),
        "5:3: replica.privileged: refused: a privileged replica owns the host",
        "remove it, or start with --allow-privileged web",
        id="privileged: true",
    ),
    pytest.param(
        with_replica("network_mode: host"),
        "5:3: replica.network_mode: refused: the host's namespaces, or another container's, are not a replica's",
        "remove it, or start with --allow-privileged web",
        id="network_mode: host",
    ),
    pytest.param(
        with_replica("pid: host"),
        "5:3: replica.pid: refused: the host's namespaces, or another container's, are not a replica's",
        "remove it, or start with --allow-privileged web",
        id="pid: host",
    ),
    pytest.param(
        with_replica("ipc: host"),
        "5:3: replica.ipc: refused: the host's namespaces, or another container's, are not a replica's",
        "remove it, or start with --allow-privileged web",
        id="ipc: host",
    ),
    pytest.param(
        with_replica("userns_mode: host"),
        "5:3: replica.userns_mode: refused: the host's namespaces, or another container's, are not a replica's",
        "remove it, or start with --allow-privileged web",
        id="userns_mode: host",
    ),
    pytest.param(
        with_replica("cap_add: [sys_admin]"),
        "5:13: replica.cap_add[0]: refused: capability SYS_ADMIN gives power over the host",
        "remove it, or start with --allow-privileged web",
        id="cap_add: [sys_admin]",
    ),
    pytest.param(
        with_replica("cap_add: [ALL]"),
        "5:13: replica.cap_add[0]: refused: capability ALL gives power over the host",
        "remove it, or start with --allow-privileged web",
        id="cap_add: [ALL]",
    ),
    pytest.param(
        with_replica("devices: [/dev/fuse]"),
        "5:3: replica.devices: refused: devices of the host",
        "remove it, or start with --allow-privileged web",
        id="devices: [/dev/fuse]",
    ),
    pytest.param(
        with_replica("security_opt: ['seccomp:unconfined']"),
        "5:18: replica.security_opt[0]: refused: 'seccomp:unconfined' takes the engine's protection away",
        "remove it, or start with --allow-privileged web",
        id="security_opt: ['seccomp:unconfined']",
    ),
    pytest.param(
        with_replica("networks: [host]"),
        "5:14: replica.networks[0]: refused: network 'host' is not a replica's own",
        "remove it, or start with --allow-privileged web",
        id="networks: [host]",
    ),
    pytest.param(
        with_replica("volumes: ['/:/host:ro']"),
        "5:13: replica.volumes[0]: refused: '/' is the host's own",
        "remove it, or start with --allow-privileged web",
        id="volumes: ['/:/host:ro']",
    ),
    pytest.param(
        with_replica("volumes: ['/var/run/docker.sock:/s:ro']"),
        "5:13: replica.volumes[0]: refused: '/run/docker.sock' is an engine's socket, and who has it owns the host",
        "remove it, or start with --allow-privileged web",
        id="volumes: ['/var/run/docker.sock:/s:ro']",
    ),
    pytest.param(
        with_replica("volumes: ['/etc:/e:ro']"),
        "5:13: replica.volumes[0]: refused: '/etc' is the host's own",
        "remove it, or start with --allow-privileged web",
        id="volumes: ['/etc:/e:ro']",
    ),
    pytest.param(
        with_replica("volumes: ['/etc/ssl:/e']"),
        "5:13: replica.volumes[0]: refused: '/etc/ssl' is the host's own, and writable",
        "remove it, or start with --allow-privileged web",
        id="volumes: ['/etc/ssl:/e']",
    ),
    pytest.param(
        with_replica("volumes: ['/tmp/../etc:/e:ro']"),
        "5:13: replica.volumes[0]: refused: '/etc' is the host's own",
        "remove it, or start with --allow-privileged web",
        id="volumes: ['/tmp/../etc:/e:ro']",
    ),
    pytest.param(
        with_replica("volumes: ['/var:/v:ro']"),
        "5:13: replica.volumes[0]: refused: '/var' is the host's own",
        "remove it, or start with --allow-privileged web",
        id="volumes: ['/var:/v:ro']",
    ),
    pytest.param(
        with_replica("volumes: [{type: bind, source: /proc, target: /p}]"),
        "5:13: replica.volumes[0]: refused: '/proc' is the host's own",
        "remove it, or start with --allow-privileged web",
        id="volumes: [{type: bind, source: /proc, target: /p}]",
    ),
    pytest.param(
        with_replica("volumes: ['data:relative']"),
        "5:13: replica.volumes[0]: found 'data:relative'",
        "write SOURCE:TARGET or SOURCE:TARGET:ro, with an absolute TARGET",
        id="volumes: ['data:relative']",
    ),
    pytest.param(
        with_replica("volumes: ['./a:/b:z']"),
        "5:13: replica.volumes[0]: mode 'z' is not available yet",
        "allowed: ro, rw",
        id="volumes: ['./a:/b:z']",
    ),
    pytest.param(
        with_replica("volumes: [{type: npipe, target: /a}]"),
        "5:14: replica.volumes[0].type: found 'npipe'",
        "allowed: bind, volume, tmpfs",
        id="volumes: [{type: npipe, target: /a}]",
    ),
    pytest.param(
        with_replica('command: "sh -c \'x"'),
        "5:12: replica.command: can't be split into words: No closing quotation",
        "close the quote, or write a list",
        id='command: "sh -c \'x"',
    ),
    pytest.param(
        with_replica("environment: [=x]"),
        "5:17: replica.environment[0]: found '=x'",
        "write NAME=value",
        id="environment: [=x]",
    ),
    pytest.param(
        with_replica("environment: {A: [1]}"),
        "5:20: replica.environment.A: found a list",
        "write a text, {env: NAME} or {file: PATH}",
        id="environment: {A: [1]}",
    ),
    pytest.param(
        with_replica("environment: {A: {env: X, file: y}}"),
        "5:20: replica.environment.A: not a secret",
        "write {env: NAME} or {file: PATH}",
        id="environment: {A: {env: X, file: y}}",
    ),
    pytest.param(
        with_replica("env_file: missing.env"),
        "5:13: replica.env_file: 'missing.env' can't be read: No such file or directory",
        "paths are relative to the policy file",
        id="env_file: missing.env",
    ),
    pytest.param(
        with_replica("extra_hosts: [nohost]"),
        "5:17: replica.extra_hosts[0]: found 'nohost'",
        'write "somehost:203.0.113.7"',
        id="extra_hosts: [nohost]",
    ),
    pytest.param(
        with_replica("ulimits: {nofile: many}"),
        "5:13: replica.ulimits.nofile: found 'many'",
        "write a whole number",
        id="ulimits: {nofile: many}",
    ),
    pytest.param(with_replica("logging: {}"), "5:3: replica.logging.driver: is missing", "add it", id="logging: {}"),
    pytest.param(
        with_replica("stop_signal: kill me"),
        "5:3: replica.stop_signal: 'kill me' is no signal",
        "write it like SIGTERM",
        id="stop_signal: kill me",
    ),
    pytest.param(
        with_replica("build: https://example.com/x.git"),
        "5:10: replica.build.context: a remote context is not available yet",
        "name a folder",
        id="build: https://example.com/x.git",
    ),
    pytest.param(
        with_replica("pull_policy: weekly"),
        "5:16: replica.pull_policy: 'weekly' is not available yet",
        "allowed: always, build, missing, never",
        id="pull_policy: weekly",
    ),
    pytest.param(
        with_replica("cap_add: NET_RAW\ncap_drop: {a: 1}"),
        "6:3: replica.cap_drop: found a mapping",
        "write a list",
        id="list as a mapping",
    ),
    pytest.param(
        with_replica("command: {a: 1}"), "5:3: replica.command: found a mapping", "write a list", id="command: {a: 1}"
    ),
]


@pytest.mark.parametrize(("text", "problem", "fix"), BROKEN)
def test_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | bytes, problem: str, fix: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert told(text) == [f"p.yaml:{problem}; {fix}"]
