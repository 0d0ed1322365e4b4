"""The view of a Service: a frozen value that shows one moment."""

from __future__ import annotations

from dataclasses import replace

from lab.values import report, spec
from mooring.judge.leaving import Departure, Leaving
from mooring.judge.members import members
from mooring.judge.service import ServiceHealth
from mooring.judge.trial import trial_of
from mooring.judge.view import view_of
from mooring.model.reasons import Reason
from mooring.model.spec import HostSpec, Port, ServiceSpec
from mooring.model.verdicts import Verdict

A, B, NAME = "10.20.0.11", "10.20.0.12", "db.example.com"
LISTED = spec(A, B)


def health_of(listed: ServiceSpec) -> ServiceHealth:
    health = ServiceHealth(listed, seeded=True)
    health.set_members(listed, members(listed, {}, ()))
    return health


def hear(health: ServiceHealth, address: str, reason: Reason, started: float) -> None:
    tracker = health.trackers[address]
    made = report(tracker.member.target, reason, started=started)
    health.note_changes(health.take(tracker, made, {}, None).moved, made)


def test_hosts_stand_in_the_order_of_the_file() -> None:
    """Each with its present verdict; nothing else is shown where nothing else is the case."""
    health = health_of(LISTED)
    hear(health, B, Reason.OK, 0.0)
    view = view_of(health, None, None)
    shown = [(member.address, state.verdict) for member, state in view.hosts]
    assert shown == [(A, Verdict.UNJUDGED), (B, Verdict.READY)]
    assert (view.split, view.waiting, view.leaving, view.pending, view.leaving_until) == (False, (), (), (), None)


def test_a_view_stays_as_it_was() -> None:
    """What happens after it was made does not change it."""
    health = health_of(LISTED)
    view = view_of(health, None, None)
    hear(health, A, Reason.OK, 0.0)
    assert [state.verdict for _, state in view.hosts] == [Verdict.UNJUDGED, Verdict.UNJUDGED]
    assert view != view_of(health, None, None)


def test_the_times_are_those_of_the_last_change() -> None:
    """None before the first change; then monotonic seconds of the change, and Unix seconds of its evidence."""
    health = health_of(LISTED)
    before = view_of(health, None, None)
    assert (before.changed_at, before.evidence) == (None, None)
    hear(health, A, Reason.OK, 1.0)
    hear(health, B, Reason.REFUSED, 5.0)
    first, last = report(health.trackers[A].member.target, started=1.0), view_of(health, None, None)
    assert [one.changed_at for one in last.changes] == [first.ended, last.changed_at]
    assert (last.changed_at, last.evidence) == (5.01, 1_700_000_005.0)


def test_a_name_that_was_never_resolved_waits() -> None:
    """It is a host without an address, of which nothing is known yet."""
    host = HostSpec("db", NAME)
    view = view_of(health_of(replace(LISTED, hosts=(*LISTED.hosts, host))), None, None)
    assert (view.waiting, view.unresolved) == ((host,), (host,))


def test_an_address_that_stays_for_a_moment_is_shown_apart() -> None:
    """It is none of the hosts of the file, and the view says until when it stays."""
    main, gone = health_of(spec(B)), health_of(spec(A))
    hear(gone, A, Reason.OK, 0.0)
    view = view_of(main, Leaving(gone, {A: Departure(103.0)}), None)
    assert [member.address for member, _ in view.hosts] == [B]
    assert [member.address for member, _ in view.leaving] == [A]
    assert view.leaving_until == 103.0


def test_ports_on_trial_are_pending() -> None:
    """The view shows the ports that are published beside those that follow once a host has answered there."""
    new = replace(LISTED, ports=(Port("mysql", 3307),))
    trial = trial_of(new, members(new, {}, ()), members(LISTED, {}, ()), None)
    view = view_of(health_of(LISTED), None, trial)
    assert (view.spec.ports, view.pending) == (LISTED.ports, new.ports)
