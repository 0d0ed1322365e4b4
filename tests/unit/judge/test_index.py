"""What a target stands for, over all Services."""

from __future__ import annotations

from dataclasses import replace

from lab.values import KEY, report, spec, target
from mooring.judge.index import TargetIndex
from mooring.judge.members import members
from mooring.judge.service import ServiceHealth
from mooring.model.facts import Channel, Facts
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.silence import Outlook
from mooring.model.spec import ServiceKey, ServiceSpec
from mooring.model.verdicts import Outcome, Verdict

A, B, C = "10.20.0.11", "10.20.0.12", "10.20.0.13"


def health(*addresses: str, key: ServiceKey = KEY, period: float = 2.0) -> ServiceHealth:
    listed: ServiceSpec = spec(*addresses, key=key, period=period)
    made = ServiceHealth(listed)
    made.set_members(listed, members(listed, {}, ()))
    return made


def test_a_target_is_found_for_every_service_that_lists_it() -> None:
    """Each member that it stands for, and the shortest period that any of them asks for."""
    index, one, two = TargetIndex(), health(A, B), health(B, C, key=ServiceKey("default", "two"), period=1.0)
    index.enter(one)
    index.enter(two)
    assert [found.spec.key for found, _ in index.trackers[target(B)]] == [one.spec.key, two.spec.key]
    assert {found.address: timings.period for found, timings in index.timings().items()} == {A: 2.0, B: 1.0, C: 1.0}
    assert len(list(index.every())) == 4


def test_a_target_is_ready_where_one_of_its_members_is() -> None:
    """A ready host in maintenance is a witness: its answer shows that the network works."""
    index, one = TargetIndex(), health(A, B)
    index.enter(one)
    assert index.ready == set()
    one.trackers[A].seed(Verdict.READY, None)
    index.note_verdicts(one)
    assert index.ready == {target(A)}
    index.leave(one)
    assert index.ready == set()


def test_a_target_goes_with_its_last_member_and_not_before() -> None:
    """A Service that takes its members anew leaves and enters: nothing is forgotten meanwhile."""
    index, one = TargetIndex(), health(A)
    index.enter(one)
    index.note_offset(replace(report(target(A)), observation=Observation(Reason.OK, facts=Facts(offset=7))))
    index.leave(one)
    index.enter(one)
    assert (index.purge(), index.offsets) == ([], {f"{A}:3306": 7})
    index.leave(one)
    assert (index.purge(), index.offsets, index.timings()) == ([target(A)], {}, {})


def test_only_a_primary_says_how_far_others_must_come() -> None:
    """A host that begins to follow another one has no offset of its own any more."""
    index = TargetIndex()
    for facts, offsets in (
        (Facts(offset=7), {f"{A}:3306": 7}),
        (Facts(), {f"{A}:3306": 7}),
        (Facts(offset=9, channels=(Channel(f"{B}:3306"),)), {}),
    ):
        index.note_offset(replace(report(target(A)), observation=Observation(Reason.OK, facts=facts)))
        assert index.offsets == offsets


def test_the_outlook_has_ready_hosts_of_services_that_ask_observers() -> None:
    """A host that is out, one of another Service, and one that answers are not what this daemon is outvoted on."""
    index, one, two = TargetIndex(), health(A, B, C), health(B, key=ServiceKey("default", "two"))
    one.spec = replace(one.spec, observers=True)
    for made in (one, two):
        index.enter(made)
    watched = [target(A), target(B), target(C)]
    assert index.outlook(watched) == Outlook()
    for made, address in ((one, A), (one, B), (two, B)):
        made.trackers[address].seed(Verdict.READY, None)
    for made, address in ((one, A), (one, C), (two, B)):
        tracker = made.trackers[address]
        tracker.judgement = replace(tracker.judgement, outcome=Outcome(Reason.OUTVOTED))
    assert index.outlook(watched) == Outlook(frozenset({f"{A}:3306", f"{B}:3306"}), frozenset({f"{A}:3306"}))
