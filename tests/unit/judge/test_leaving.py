"""Which addresses stay for a moment when another file is taken up: a truth table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.values import report, spec
from mooring.judge.leaving import MOST_SECONDS, Departure, Leaving, departures
from mooring.judge.members import members
from mooring.judge.service import ServiceHealth
from mooring.model.reasons import Reason
from mooring.model.spec import HostSpec, ServiceSpec

A, B, NEW = "10.20.0.11", "10.20.0.12", "10.20.0.21"
DB1, DB2, MOVED = HostSpec("db1", A), HostSpec("db2", B), HostSpec("db1", NEW)
BARE, OTHER = HostSpec(A, A), HostSpec(NEW, NEW)


def service(*hosts: HostSpec) -> ServiceSpec:
    return replace(spec(A), hosts=hosts)


def judged(*hosts: HostSpec, reasons: tuple[Reason, ...] = (Reason.OK,)) -> ServiceHealth:
    """A Service whose hosts all had these outcomes."""
    one = service(*hosts)
    health = ServiceHealth(one, seeded=True)
    health.set_members(one, members(one, {}, ()))
    for number, reason in enumerate(reasons):
        for tracker in health.trackers.values():
            health.take(tracker, report(tracker.member.target, reason, started=10.0 * number), {}, None)
    return health


@pytest.mark.parametrize(
    ("before", "after", "stays"),
    [
        ((DB1,), (MOVED,), {A: "db1"}),
        ((DB1, DB2), (MOVED, DB2), {A: "db1"}),
        ((DB1, DB2), (DB2,), {}),
        ((DB1,), (OTHER,), {A: ""}),
        ((BARE,), (OTHER,), {A: ""}),
        ((BARE, DB2), (OTHER, DB2), {}),
        ((BARE, DB2), (OTHER, replace(DB2, maintenance=True)), {A: ""}),
        ((DB1,), (replace(MOVED, maintenance=True),), {}),
        ((replace(DB1, maintenance=True),), (MOVED,), {}),
        ((DB1,), (DB1,), {}),
        ((DB1, DB2), (replace(DB1, address=B), replace(DB2, address=A)), {}),
    ],
)
def test_who_stays(before: tuple[HostSpec, ...], after: tuple[HostSpec, ...], stays: dict[str, str]) -> None:
    """A host with a name waits for its own new address, the last ready ones for any; nobody in maintenance."""
    found = departures(judged(*before), service(*after), members(service(*after), {}, ()), 100.0)
    assert found == {address: Departure(103.0, host) for address, host in stays.items()}


@pytest.mark.parametrize("reasons", [(Reason.OK, Reason.REFUSED), (Reason.REFUSED,), (Reason.WRONG_ROLE,), ()], ids=str)
def test_only_a_sound_one_stays(reasons: tuple[Reason, ...]) -> None:
    """Only a ready host without a failure against it stays."""
    assert departures(judged(DB1, reasons=reasons), service(MOVED), members(service(MOVED), {}, ()), 100.0) == {}


def moved(before: HostSpec, after: HostSpec) -> tuple[ServiceHealth, Leaving]:
    """The Service and the address that stays, after a reload at 100 s by which 103 s is the usual end."""
    main, new = judged(before), service(after)
    leaving = Leaving(ServiceHealth(main.spec, seeded=True))
    leaving = leaving.after_reload(main, new, members(new, {}, ()), 100.0)
    main.set_members(new, members(new, {}, ()))
    return main, leaving


def hear(main: ServiceHealth, reason: Reason) -> None:
    (tracker,) = main.trackers.values()
    main.take(tracker, report(tracker.member.target, reason, started=105.0), {}, None)


@pytest.mark.parametrize(("before", "after"), [(DB1, MOVED), (BARE, OTHER)], ids=["named", "bare"])
def test_a_daemon_that_stood_still_asks_the_new_address_first(before: HostSpec, after: HostSpec) -> None:
    """The old one stays beyond the usual time while no probe of the new one has ended, ten seconds at most."""
    main, leaving = moved(before, after)
    leaving.end(main, 104.0)
    assert [one.member.address for one in leaving.staying(main)] == [A]
    assert leaving.until(main) == 100.0 + MOST_SECONDS
    hear(main, Reason.OK)
    assert leaving.staying(main) == ()
    main, leaving = moved(before, after)
    leaving.end(main, 104.0)
    assert leaving.end(main, 100.0 + MOST_SECONDS)
    assert leaving.staying(main) == ()


def test_a_new_address_that_does_not_serve_ends_the_longer_stay() -> None:
    """Its first outcome was waited for, and no longer."""
    for heard_first in (True, False):
        main, leaving = moved(DB1, MOVED)
        if heard_first:
            hear(main, Reason.REFUSED)
        else:
            leaving.end(main, 104.0)
            hear(main, Reason.REFUSED)
        assert leaving.end(main, 105.5)
        assert leaving.staying(main) == ()


def test_the_stay_is_bounded() -> None:
    """One period and timeout, ten seconds at most."""
    slow = judged(DB1)
    (tracker,) = slow.trackers.values()
    tracker.member = replace(tracker.member, check=replace(tracker.member.check, period=60.0))
    (departure,) = departures(slow, service(MOVED), members(service(MOVED), {}, ()), 100.0).values()
    assert departure.until == 100.0 + MOST_SECONDS
