"""What one service keeps over a restart."""

import json
from dataclasses import replace

from autoscaler.control.saved import Saved, dump, load
from autoscaler.decide import Memory
from autoscaler.decide.history import told
from autoscaler.reconcile.backoff import Backoff
from autoscaler.reconcile.plan import Book
from tests.decide.builders import concurrency
from tests.decide.shadow.trials import tried

NOW = 1_800_000_000.0
TRIAL = tried(concurrency(2.0), concurrency(3.5))
TRIAL.t = NOW - 30
TRIAL.run(30, 100.0)
assert TRIAL.state is not None
HISTORY = TRIAL.state.memory.history
SHADOW = replace(TRIAL.state, memory=Memory.from_json(TRIAL.state.memory.to_json(), NOW))
SAVED = Saved(
    book=Book(7, Backoff(2, NOW - 10, NOW + 5, "web-6 exited")),
    images={"abc": "sha256:1"},
    ready_at={"web-5": NOW - 60},
    stopping=frozenset({"web-4", "web-6"}),
    shadows={"cheaper": SHADOW},
)


def test_it_comes_back_as_it_was_saved() -> None:
    assert load(dump(SAVED), {}, NOW) == (SAVED, "")


def test_a_shadow_is_given_the_minutes_that_were_kept_as_the_service_is() -> None:
    saved, _ = load(dump(SAVED), told(HISTORY), NOW)
    assert saved.shadows["cheaper"].memory.history == HISTORY


def test_a_document_of_a_daemon_that_kept_no_stops_and_no_shadows_is_as_good() -> None:
    fields = json.loads(dump(SAVED))
    del fields["stopping"], fields["shadows"]
    saved, problem = load(json.dumps(fields), {}, NOW)
    assert problem == ""
    assert saved.book == SAVED.book
    assert saved.stopping == frozenset()
    assert saved.shadows == {}


def test_a_shadow_that_cannot_be_read_begins_anew_and_the_service_goes_on() -> None:
    fields = json.loads(dump(SAVED))
    fields["shadows"]["broken"] = {"t": "soon"}
    saved, problem = load(json.dumps(fields), {}, NOW)
    assert saved == SAVED
    assert problem.startswith("what its shadow 'broken' kept can't be read (")
    assert problem.endswith("; its score begins anew")
