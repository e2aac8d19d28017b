"""How long starts wait after failures."""

from autoscaler.reconcile.backoff import NO_BACKOFF, failed, proven


def test_waits_double_up_to_300_s() -> None:
    backoff, now, waits = NO_BACKOFF, 1000.0, []
    for _ in range(12):
        backoff = failed(backoff, "exit status 1", now, now + 0.5)
        waits.append(backoff.until - backoff.failed_at)
        now = backoff.until + 1
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_a_wave_counts_once() -> None:
    backoff = failed(NO_BACKOFF, "web-1", 1000, 1005)
    assert failed(backoff, "web-2", 1001, 1006).streak == 1
    assert failed(backoff, "web-3", 1006, 1007).streak == 2


def test_the_first_death_after_being_ready_waits_for_nothing_and_the_next_does() -> None:
    first = failed(NO_BACKOFF, "web-1", 1000, 1005, was_ready=True)
    assert (first.streak, first.until) == (1, 1005)
    assert failed(first, "web-2", 1006, 1010, was_ready=True).until == 1012


def test_only_a_replica_started_after_the_last_failure_proves_anything() -> None:
    backoff = failed(NO_BACKOFF, "web-1", 1000, 1005)
    assert proven(backoff, 1004) == backoff
    assert proven(backoff, 1006) == NO_BACKOFF


def test_a_registrys_word_lengthens_the_wait_and_never_shortens_it() -> None:
    assert failed(NO_BACKOFF, "429", 1000, 1000, wait_s=90).until == 1090
    backoff = failed(NO_BACKOFF, "429", 1000, 1000, wait_s=90)
    assert failed(backoff, "429", 1000, 1001).until == 1090


def test_one_more_of_a_wave_may_lengthen_the_wait_and_is_the_one_told_of() -> None:
    backoff = failed(NO_BACKOFF, "web-1: 429", 1000, 1005)
    again = failed(backoff, "web-2: 429", 1001, 1006, wait_s=90)
    assert (again.streak, again.failed_at, again.until, again.why) == (1, 1005, 1096, "web-2: 429")


def test_one_started_in_the_moment_of_the_last_failure_proves_nothing() -> None:
    backoff = failed(NO_BACKOFF, "web-1", 1000, 1005)
    assert proven(backoff, 1005) == backoff
