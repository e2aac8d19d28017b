"""What one service keeps over a restart."""

import json

from autoscaler.control.saved import Saved, dump, load
from autoscaler.reconcile.backoff import Backoff
from autoscaler.reconcile.plan import Book

NOW = 1_800_000_000.0
SAVED = Saved(
    book=Book(7, Backoff(2, NOW - 10, NOW + 5, "web-6 exited")),
    images={"abc": "sha256:1"},
    ready_at={"web-5": NOW - 60},
    stopping=frozenset({"web-4", "web-6"}),
)


def test_it_comes_back_as_it_was_saved() -> None:
    assert load(dump(SAVED), {}, NOW) == (SAVED, "")


def test_a_document_of_a_daemon_that_kept_no_stops_is_as_good() -> None:
    fields = json.loads(dump(SAVED))
    del fields["stopping"]
    saved, problem = load(json.dumps(fields), {}, NOW)
    assert problem == ""
    assert saved.book == SAVED.book
    assert saved.stopping == frozenset()
