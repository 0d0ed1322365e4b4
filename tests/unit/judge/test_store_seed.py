"""The store at a start: stored verdicts, standbys, and names that resolve late."""

from __future__ import annotations

from lab.health_stores import kinds, place, probe, service, states, store_of, verdicts
from lab.values import KEY, stored
from mooring.judge.store import HealthStore
from mooring.model.reasons import Reason
from mooring.model.spec import HostSpec, ServiceKey, Thresholds
from mooring.model.verdicts import Outcome, Verdict

UNJUDGED, READY, NOT_READY = Verdict.UNJUDGED, Verdict.READY, Verdict.NOT_READY
A, B, C = "10.20.0.11", "10.20.0.12", "10.20.0.13"
OTHER = ServiceKey("default", "other")
FIRST_WORD = Thresholds(1, 1)
NAME = "db.example.com"


def test_what_is_stored_is_the_verdict_and_the_rest_was_never_judged() -> None:
    """A restart takes over both stored lists; only an address in neither has to be judged for the first time."""
    store = store_of(service(A, B, C), of=stored((A,), (B,)))
    assert verdicts(store) == {A: READY, B: NOT_READY, C: UNJUDGED}


def test_it_is_seeded_once() -> None:
    """Only the first seed counts: later stored objects change no verdict."""
    store = store_of(service(A), of=stored((A,)))
    store.seed(KEY, stored((), (A,)))
    assert verdicts(store) == {A: READY}


def test_a_standby_follows_the_stored_verdicts_until_its_own_probes_confirm_one() -> None:
    """A standby follows the stored verdicts, so that it does not publish old ones when it takes over."""
    store = store_of(service(A, B), of=stored((B,), (A,)))
    probe(store, A, Reason.OK)
    probe(store, B, Reason.OK)
    store.follow(KEY, stored((A,), (B,)))
    assert verdicts(store) == {A: READY, B: READY}
    probe(store, A, Reason.OK, at=2.0)
    store.follow(KEY, stored((), (A, B)))
    assert verdicts(store) == {A: READY, B: READY}


def test_unknown_outcomes_confirm_no_verdict() -> None:
    """A standby to which a host is unknown keeps following the stored verdict."""
    store = store_of(service(A), of=stored((), (A,)))
    for at in (0.0, 2.0, 4.0, 6.0):
        probe(store, A, Reason.AUTH, at=at)
    store.follow(KEY, stored((A,)))
    assert verdicts(store) == {A: READY}


def test_before_the_seed_outcomes_are_shown_but_move_no_verdict() -> None:
    """While the cluster cannot be read, status shows outcomes, but no verdict moves."""
    store = HealthStore()
    place(store, service(A))
    (taken,) = probe(store, A, Reason.REFUSED)
    assert (kinds(taken), taken.changed) == ([], frozenset())
    assert states(store)[A].outcome == Outcome(Reason.REFUSED)
    store.seed(KEY, stored((A,)))
    assert verdicts(store) == {A: READY}
    probe(store, A, Reason.REFUSED, at=0.1)
    assert states(store)[A].streak == 1


def test_an_own_word_before_the_seeding_is_not_forgotten() -> None:
    """A host that said it has the wrong role is not ready, though it is stored as ready."""
    store = HealthStore()
    place(store, service(A))
    probe(store, A, Reason.WRONG_ROLE)
    store.seed(KEY, stored((A,)))
    assert verdicts(store) == {A: NOT_READY}


def test_a_crash_loop_admits_no_flapper() -> None:
    """A daemon that dies after every first success never makes a host ready by that."""
    for _ in range(5):
        store = store_of(service(A), of=stored((), (A,)))
        probe(store, A, Reason.OK)
        assert verdicts(store) == {A: NOT_READY}


def test_a_name_resolved_late_finds_its_stored_verdict() -> None:
    """When names cannot be looked up at a start, their addresses take their stored verdict over once they can."""
    store = store_of(service(A, NAME), of=stored((A, B)))
    assert store.service(KEY).unresolved == (HostSpec(NAME, NAME),)
    place(store, service(A, NAME), {NAME: (B,)})
    assert verdicts(store) == {A: READY, B: READY}
    assert store.service(KEY).unresolved == ()


def test_an_address_that_comes_later_is_judged_for_the_first_time() -> None:
    """Once every name was resolved, what was stored at the start says nothing about new addresses."""
    store = store_of(service(A), of=stored((A, B)))
    place(store, service(A, B))
    assert verdicts(store) == {A: READY, B: UNJUDGED}
