"""What a daemon finds in its state dir: state, orders, events, policies. Anything else than ours is as good as nothing."""

import json
from contextlib import suppress
from dataclasses import replace
from math import isfinite
from random import Random

from autoscaler.control.policies import restore
from autoscaler.control.saved import Saved, dump, load
from autoscaler.decide import decide
from autoscaler.decide.memory import Asked, Flaps, Forced, Memory, Point, Scaled, Turn
from autoscaler.model import Orders, Override, PauseKind
from autoscaler.reconcile.backoff import Backoff
from autoscaler.reconcile.plan import Book
from autoscaler.spec.load import load_document
from autoscaler.store.rows import orders_from_text, orders_to_text, to_events
from tests.decide.builders import concurrency, seen, service, step
from tests.fuzz.mutate import as_json, misshapen
from tests.fuzz.runs import Target, plain
from tests.support.policies import GOOD

NOW = 1_700_000_000.0
MEMORY = Memory(
    t=NOW - 1,
    desired=3,
    recent=(Asked(NOW - 9, 2), Asked(NOW - 1, 3)),
    latest=Asked(NOW - 1, 3),
    scaled=(Scaled(NOW - 9, 1),),
    forced=Forced(NOW - 99, 1),
    flaps=Flaps(2, NOW - 50, Turn(NOW - 9, up=True)),
    samples={"request_rate": (Point(NOW - 2, 40.0), Point(NOW - 1, 50.0))},
    policies={
        "0:concurrency": {"watched": 1.0, "renewed_at": NOW - 5, "highest": 4.0},
        "1:step": {"stepped_at": NOW - 5, "base": 2.0, "count": 4.0},
    },
)
SPEC = service(concurrency(), step({"above": 100, "add": 2}, metric="request_rate"), max=9)
SEEN = seen(NOW, ready=2, concurrency=30.0, request_rate=20.0)
STATE = Saved(
    memory=MEMORY,
    book=Book(7, Backoff(2, NOW - 3, NOW + 5, "it crashed")),
    images={"abc": "sha256:x"},
    ready_at={"web-1": NOW - 60},
)
ORDERS = Orders(override=Override(replicas=3, until=NOW + 60, reason="sale"), pause=PauseKind.IN)
EVENT_FACTS = {"start_seconds": 1.42}
STATE_DOCUMENT, ORDERS_DOCUMENT = json.loads(dump(STATE)), json.loads(orders_to_text(ORDERS))
POLICY_DOCUMENT = {"path": "/etc/p.yaml", "text": GOOD}


def make(random: Random) -> bytes:
    """One of the documents, mostly the state's, mostly changed."""
    good = random.choice((STATE_DOCUMENT, STATE_DOCUMENT, STATE_DOCUMENT, ORDERS_DOCUMENT, EVENT_FACTS, POLICY_DOCUMENT))
    return as_json(random, misshapen(random, good) if random.random() < 0.95 else good)


def check(case: bytes) -> None:
    text = case.decode("utf-8", "replace")
    check_state(text)
    with suppress(ValueError):
        orders = orders_from_text(text)
        assert orders_from_text(orders_to_text(orders)) == orders
    for _, event in to_events([(1, NOW, "web", "replica_ready", "web-1", "", text)]):
        assert isinstance(event.facts, dict)
    restore(text, lambda policy, path: load_document(policy, path, environ={}))


def check_state(text: str) -> None:
    """What is taken in can be written again, holds no time to come and no number that is none."""
    state, problem = load(text, {}, NOW)
    assert problem == "" or state == Saved()
    assert problem.isprintable(), f"not one line of text: {problem!r:.200}"
    assert len(problem) < 1000
    again, none = load(dump(state), {}, NOW)
    assert (again, none) == (replace(state, memory=again.memory), "")
    backoff = state.book.backoff
    assert state.book.next_number >= 1
    assert backoff.streak >= 0
    assert all(isfinite(at) and at <= NOW for at in (*state.ready_at.values(), backoff.failed_at))
    assert isfinite(backoff.until)
    decision, memory = decide(SPEC, SEEN, state.memory)
    assert 1 <= decision.desired <= SPEC.replicas.max
    assert Memory.from_json(memory.to_json(), NOW) == memory


TARGET = Target("saved_states", make, plain(check), 100_000)
