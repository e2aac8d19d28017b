"""All that is fuzzed."""

from tests.fuzz import (
    api_requests,
    configs,
    docker_answers,
    docker_gets,
    log_lines,
    policies,
    process_records,
    replays,
    runtime_sockets,
    saved_states,
    source_answers,
    stats_pages,
)

TARGETS = {
    target.name: target
    for target in (
        policies.TARGET,
        configs.TARGET,
        configs.HOSTILE,
        replays.TARGET,
        stats_pages.TARGET,
        log_lines.TARGET,
        process_records.TARGET,
        saved_states.TARGET,
        source_answers.TARGET,
        docker_answers.TARGET,
        docker_gets.TARGET,
        runtime_sockets.TARGET,
        api_requests.TARGET,
    )
}
