"""Broken policies of the types beside target_tracking: each gives one line with file, line, column, key and fix."""

from pathlib import Path

import pytest

from tests.support.policies import GOOD, told

HEAD = GOOD.split("  - type")[0]
CRON_FIX = 'write five fields such as "0 8 * * 1-5" (minute, hour, day of month, month, day of week)'
CONCURRENCY_KEYS = (
    "activation_scale, max_scale_down_rate, max_scale_up_rate, panic_threshold, panic_window, stable_window, target, type,"
    " utilization"
)

BROKEN = [
    (
        "{type: concurrency}",
        "8:5: policies[0].target: is missing",
        "write what one replica bears, such as `target: 10`",
    ),
    ("{type: concurrency, target: 0}", "8:25: policies[0].target: found 0", "write more than 0"),
    ("{type: concurrency, target: 9, metric: cpu}", "8:36: policies[0].metric: unknown key", f"allowed: {CONCURRENCY_KEYS}"),
    ("{type: concurrency, target: 9, utilization: 120%}", "8:36: policies[0].utilization: found '120%'", "write at most 1"),
    (
        "{type: concurrency, target: 9, panic_threshold: 90%}",
        "8:36: policies[0].panic_threshold: found '90%'",
        "write more than 1",
    ),
    (
        "{type: concurrency, target: 9, panic_window: 2m}",
        "8:36: policies[0].panic_window: is longer than stable_window",
        "write a shorter one, such as a tenth of it",
    ),
    ("{type: concurrency, target: 9, stable_window: 2h}", "8:36: policies[0].stable_window: found '2h'", "write at most 1h"),
    (
        "{type: concurrency, target: 9, max_scale_down_rate: 1}",
        "8:36: policies[0].max_scale_down_rate: found 1",
        "write more than 1",
    ),
    ("auto", "8:5: policies[0]: found 'auto'", "write a mapping, such as {type: auto}"),
    ("{type: concurency, target: 9}", "8:6: policies[0].type: found 'concurency'", "did you mean `concurrency`?"),
    ("{type: step, metric: queue_length}", "8:5: policies[0].steps: is missing", "write one, such as {above: 100, add: 2}"),
    (
        "{type: step, metric: queue_length, steps: []}",
        "8:40: policies[0].steps: is empty",
        "write one, such as {above: 100, add: 2}",
    ),
    (
        "{type: step, metric: queue_length, steps: [{add: 1}]}",
        "8:48: policies[0].steps[0]: a step has one bound",
        "write {above: 100, add: 2} or {below: 20, remove: 1}",
    ),
    (
        "{type: step, metric: queue_length, steps: [{above: 1, below: 2, add: 1}]}",
        "8:48: policies[0].steps[0]: a step has one bound",
        "write {above: 100, add: 2} or {below: 20, remove: 1}",
    ),
    (
        "{type: step, metric: queue_length, steps: [{above: 9, remove: 1}]}",
        "8:59: policies[0].steps[0].remove: can't go with `above`",
        "write `add`",
    ),
    (
        "{type: step, metric: queue_length, steps: [{below: 9}]}",
        "8:48: policies[0].steps[0].remove: is missing beside `below`",
        "write `remove: 1`",
    ),
    (
        "{type: step, metric: queue_length, steps: [{above: 9, add: many}]}",
        "8:59: policies[0].steps[0].add: found 'many'",
        "write so many replicas, such as 2, or a percentage, such as 50%",
    ),
    (
        "{type: step, metric: queue_length, steps: [{above: 9, add: 0}]}",
        "8:59: policies[0].steps[0].add: found 0",
        "write 1 or more",
    ),
    (
        "{type: step, metric: queue_length, steps: [{above: 250ms, add: 1}]}",
        "8:40: policies[0].steps: found '250ms'",
        "queue_length takes a plain number such as 50",
    ),
    (
        "{type: predictive, target: 50}",
        "8:5: policies[0].metric: is missing",
        "allowed: request_rate, concurrency, queue_length, latency_p50, latency_p90, latency_p95, latency_p99, error_ratio,"
        " cpu, memory, or a mapping with `source`",
    ),
    (
        "{type: predictive, metric: request_rate}",
        "8:5: policies[0].target: is missing",
        "write what one replica bears, such as `target: 10`",
    ),
    ("{type: predictive, metric: request_rate, target: 0}", "8:46: policies[0].target: found 0", "write more than 0"),
    (
        "{type: predictive, metric: cpu, target: 70%}",
        "8:24: policies[0].metric: cpu hangs on how many replicas there are, so it is no load",
        "allowed: request_rate, concurrency, queue_length, or a mapping with `source`",
    ),
    (
        "{type: predictive, metric: latency_p95, target: 250ms}",
        "8:24: policies[0].metric: latency_p95 hangs on how many replicas there are, so it is no load",
        "allowed: request_rate, concurrency, queue_length, or a mapping with `source`",
    ),
    (
        "{type: predictive, metric: request_rate, target: 50, season: 30m}",
        "8:58: policies[0].season: found '30m'",
        "write at least 1h",
    ),
    (
        "{type: predictive, metric: request_rate, target: 50, season: 8d}",
        "8:58: policies[0].season: found '8d'",
        "write at most 7d",
    ),
    (
        "{type: predictive, metric: request_rate, target: 50, season: 24h1s}",
        "8:58: policies[0].season: is no whole number of minutes",
        "write it like 24h",
    ),
    (
        "{type: predictive, metric: request_rate, target: 50, horizon: 30s}",
        "8:58: policies[0].horizon: found '30s'",
        "write at least 1m",
    ),
    (
        "{type: predictive, metric: request_rate, target: 50, horizon: 3h}",
        "8:58: policies[0].horizon: found '3h'",
        "write at most 2h",
    ),
    (
        "{type: predictive, metric: request_rate, target: 50, season: 1h, horizon: 31m}",
        "8:70: policies[0].horizon: is more than half of a season",
        "write a shorter one, or a longer `season`",
    ),
    (
        "{type: predictive, metric: request_rate, target: 50, seasons: 24h}",
        "8:58: policies[0].seasons: unknown key",
        "did you mean `season`?",
    ),
    ("{type: schedule}", "8:5: policies[0].rules: is missing", 'write one, such as {cron: "0 8 * * 1-5", for: 10h, min: 4}'),
    (
        '{type: schedule, timezone: Berlin, rules: [{cron: "0 8 * * *", for: 1h, min: 2}]}',
        "8:22: policies[0].timezone: 'Berlin' is no time zone",
        "write one like Europe/Berlin or UTC",
    ),
    (
        '{type: schedule, timezone: ../UTC, rules: [{cron: "0 8 * * *", for: 1h, min: 2}]}',
        "8:22: policies[0].timezone: '../UTC' is no time zone",
        "write one like Europe/Berlin or UTC",
    ),
    (
        '{type: schedule, rules: [{cron: "0 0 8 * * *", for: 1h, min: 2}]}',
        "8:31: policies[0].rules[0].cron: '0 0 8 * * *' has 6 fields",
        CRON_FIX,
    ),
    (
        '{type: schedule, rules: [{cron: "0 8 * * MON", for: 1h, min: 2}]}',
        "8:31: policies[0].rules[0].cron: 'MON' is no plain field (names, L, # and the like are none)",
        CRON_FIX,
    ),
    (
        '{type: schedule, rules: [{cron: "0 8 L * *", for: 1h, min: 2}]}',
        "8:31: policies[0].rules[0].cron: 'L' is no plain field (names, L, # and the like are none)",
        CRON_FIX,
    ),
    (
        '{type: schedule, rules: [{cron: "0 8 * * 1#2", for: 1h, min: 2}]}',
        "8:31: policies[0].rules[0].cron: '1#2' is no plain field (names, L, # and the like are none)",
        CRON_FIX,
    ),
    (
        '{type: schedule, rules: [{cron: "@daily", for: 1h, min: 2}]}',
        "8:31: policies[0].rules[0].cron: '@daily' has 1 fields",
        CRON_FIX,
    ),
    (
        '{type: schedule, rules: [{cron: "0 25 * * *", for: 1h, min: 2}]}',
        "8:31: policies[0].rules[0].cron: '0 25 * * *': bad hour",
        CRON_FIX,
    ),
    (
        '{type: schedule, rules: [{cron: "0 0 31 2 *", for: 1h, min: 2}]}',
        "8:31: policies[0].rules[0].cron: '0 0 31 2 *': bad day-of-month",
        CRON_FIX,
    ),
    (
        '{type: schedule, rules: [{cron: "0 8 * * *", min: 2}]}',
        "8:30: policies[0].rules[0].for: is missing",
        "say for how long: `for: 10h`",
    ),
    (
        '{type: schedule, rules: [{cron: "0 8 * * *", for: 0s, min: 2}]}',
        "8:50: policies[0].rules[0].for: found '0s'",
        "write more than 0s",
    ),
    (
        '{type: schedule, rules: [{cron: "0 8 * * *", for_s: 1h, min: 2}]}',
        "8:50: policies[0].rules[0].for_s: unknown key",
        "did you mean `for`?",
    ),
    (
        '{type: schedule, rules: [{cron: "0 8 * * *", for: 1h}]}',
        "8:30: policies[0].rules[0]: bounds nothing",
        "give it a `min`, a `max`, or both",
    ),
    (
        '{type: schedule, rules: [{cron: "0 8 * * *", for: 1h, min: 9, max: 8}]}',
        "8:30: policies[0].rules[0]: min 9 is above its max 8",
        "lower min or raise max",
    ),
    (
        '{type: schedule, rules: [{cron: "0 8 * * *", for: 1h, min: 11}]}',
        "8:59: policies[0].rules[0].min: 11 is above replicas.max 10",
        "lower it, or give the rule a max: `max: 11`",
    ),
]


@pytest.mark.parametrize(("policy", "problem", "fix"), BROKEN, ids=[policy for policy, _, _ in BROKEN])
def test_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str, problem: str, fix: str) -> None:
    monkeypatch.chdir(tmp_path)
    found = [line for line in told(f"{HEAD}  - {policy}\n") if "for: is missing" not in line or "for_s" not in policy]
    assert found == [f"p.yaml:{problem}; {fix}"]
