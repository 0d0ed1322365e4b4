"""From what is known of a Service to what should be stored."""

from __future__ import annotations

from dataclasses import replace

from lab.values import KEY, member, spec, stored, with_host
from mooring.judge.ports import FoundPorts
from mooring.judge.result import VerdictChange
from mooring.judge.view import ServiceView
from mooring.model.objects import PublishTarget, Refusal, StoredObjects
from mooring.model.overrides import Drained, Pause, Trusted
from mooring.model.reasons import Reason
from mooring.model.spec import HostSpec
from mooring.model.verdicts import HostState, Outcome, Verdict
from mooring.plan.drain import Drain
from mooring.plan.overrides import Trust
from mooring.plan.repairs import Edit, note_repair
from mooring.publish.decision import active_pause, intent, overridden, stand_by, waiting
from mooring.publish.state import PublishState

A, B = "10.20.0.11", "10.20.0.12"
UP = HostState(Verdict.READY, outcome=Outcome(Reason.OK))
UNKNOWN = HostState(Verdict.NOT_READY, outcome=Outcome(Reason.AUTH))
SPEC = spec(A, B)
VIEW = ServiceView(SPEC, ((member(A), UP), (member(B), UNKNOWN)), (), seeded=True)


def verdicts(view: ServiceView, publication: PublishState) -> dict[str, Verdict]:
    return {one.address: state.verdict for one, state in overridden(view, publication)}


def test_without_annotations_the_hosts_are_as_judged() -> None:
    """Nobody overrules the probes by accident."""
    assert verdicts(VIEW, PublishState()) == {A: Verdict.READY, B: Verdict.NOT_READY}


def test_a_trusted_host_is_ready_while_it_is_only_unknown() -> None:
    """The annotation mooring/trust."""
    assert verdicts(VIEW, PublishState(trust=Trust((B,))))[B] is Verdict.READY


def test_a_drained_host_is_not_ready_though_it_is_trusted() -> None:
    """Whoever takes a host out outweighs who vouches for it."""
    drained = PublishState(drain=Drain(frozenset({B}), (B,)), trust=Trust((B,)))
    assert verdicts(VIEW, drained)[B] is Verdict.NOT_READY


def test_a_host_that_leaves_stays_for_a_moment_unless_it_is_in_maintenance() -> None:
    """Make before break, and never against the word of people."""
    gone = member("10.20.0.99")
    assert "10.20.0.99" in verdicts(replace(VIEW, leaving=((gone, UP),)), PublishState())
    resting = with_host(gone, maintenance=True)
    assert "10.20.0.99" not in verdicts(replace(VIEW, leaving=((resting, UP),)), PublishState())


def test_only_names_of_hosts_in_use_hold_addresses() -> None:
    """What stands stored for a name in maintenance, or of a drained host, is not held."""
    names = (HostSpec("db1", "db1.test"), HostSpec("db2", "db2.test", maintenance=True), HostSpec("db3", "db3.test"))
    drained = PublishState(drain=Drain(hosts=("db3",)))
    assert waiting(replace(VIEW, waiting=names), drained) == {"db1.test"}


def test_a_decision_notes_the_evidence_of_what_is_not_published_yet() -> None:
    """kube-proxy reckons from it; a change that is stored already is no news."""
    old, new = VerdictChange(1.0, 100.0), VerdictChange(2.0, 200.0)
    view, serving = replace(VIEW, changes=(old, new)), PublishTarget(SPEC.ports)
    found = FoundPorts(SPEC.ports)
    assert intent(SPEC, view, serving, PublishState(), found).desired.evidence == 100.0
    assert intent(SPEC, view, serving, PublishState(changes=(old,)), found).desired.evidence == 200.0
    assert intent(SPEC, view, serving, PublishState(changes=(old, new)), found).desired.evidence is None


def test_a_pause_is_active_until_its_end() -> None:
    """In Unix seconds; without an end, until somebody takes it away."""
    until = PublishTarget((), pause=Pause(100.0))
    assert active_pause(until, 99.0) == Pause(100.0)
    assert active_pause(until, 100.0) is None
    assert active_pause(PublishTarget((), pause=Pause()), 1e12) == Pause()


def test_a_standby_shows_what_people_asked_for_and_no_error() -> None:
    """The leader reports what hinders it; a refusal leaves the drained hosts as they were last seen."""
    before = PublishState(StoredObjects(stored(ready=(A,))), error="no answer", failures=3)
    serving = PublishTarget(SPEC.ports, drain=(Drained(B),), pause=Pause(), trust=(Trusted(B, 200.0, B),))
    after = stand_by(SPEC, VIEW, serving, before, 100.0)
    assert (after.error, after.failures, after.stored) == (None, 0, before.stored)
    assert (after.drain.hosts, after.pause, after.trust.hosts) == ((B,), Pause(), (B,))
    refused = stand_by(SPEC, VIEW, Refusal("it has a selector"), after, 100.0)
    assert (refused.drain, refused.pause) == (after.drain, None)
    assert refused.error is None
    assert SPEC.key == KEY


def test_a_standby_remembers_what_it_repaired_as_the_leader() -> None:
    """Who gets the Lease back goes on with the same count of repairs."""
    repairs = note_repair(PublishState().repairs, Edit("orders", "b-2", mooring=True), 5.0)
    assert stand_by(SPEC, VIEW, PublishTarget(SPEC.ports), PublishState(repairs=repairs), 100.0).repairs == repairs
