"""select: which addresses of one Service are ready, and what is kept when none is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.values import member, stored, with_host
from mooring.model.objects import StoredEndpoints
from mooring.model.reasons import Reason
from mooring.model.spec import WhenAllFail
from mooring.model.targets import Member
from mooring.model.verdicts import HostState, Verdict
from mooring.plan.select import Selection, select, with_last_resort, without

A, B, C = "10.20.0.9", "10.20.0.11", "2001:db8::1"
NONE, KEEP = WhenAllFail.PUBLISH_NONE, WhenAllFail.KEEP_LAST
READY, DOWN, NEW = HostState(Verdict.READY), HostState(Verdict.NOT_READY), HostState()
BARRED = HostState(Verdict.NOT_READY, self_disqualified=True)

Entry = tuple[Member, HostState]


def host(address: str, state: HostState, *, maintenance: bool = False) -> Entry:
    return member(address, maintenance=maintenance), state


@pytest.mark.parametrize(
    ("members", "ready", "not_ready"),
    [
        pytest.param([host(A, READY), host(B, DOWN)], (A,), (B,), id="by verdict"),
        pytest.param([host(A, NEW)], (), (A,), id="never judged is not ready"),
        pytest.param([host(A, READY, maintenance=True), host(B, READY)], (B,), (A,), id="maintenance is never ready"),
        pytest.param([host(C, READY), host(B, READY), host(A, READY)], (A, B, C), (), id="sorted as numbers"),
        pytest.param([host(A, READY), host(A, DOWN)], (), (A,), id="listed twice, both must be fit"),
        pytest.param([host(A, READY), host(A, READY)], (A,), (), id="listed twice, published once"),
        pytest.param([], (), (), id="nobody"),
    ],
)
def test_ready_is_who_was_judged_ready(
    members: list[Entry], ready: tuple[str, ...], not_ready: tuple[str, ...]
) -> None:
    """Only hosts that are judged ready and not in maintenance get traffic; each is listed once, in a steady order."""
    assert select(members, None, NONE) == Selection(ready, not_ready)


@pytest.mark.parametrize(
    ("members", "last", "kept"),
    [
        pytest.param([host(A, DOWN), host(B, DOWN)], (A, B), (A, B), id="all"),
        pytest.param([host(A, DOWN), host(B, DOWN)], (B,), (B,), id="only who was ready last"),
        pytest.param([host(A, DOWN), host(B, READY)], (A,), (), id="not while one is fit"),
        pytest.param([host(A, DOWN)], (A, B), (A,), id="never one that is not listed"),
        pytest.param([host(A, DOWN, maintenance=True), host(B, DOWN)], (A, B), (B,), id="never one in maintenance"),
        pytest.param([host(A, READY, maintenance=True)], (A,), (), id="all in maintenance publishes none"),
        pytest.param([host(A, BARRED), host(B, DOWN)], (A, B), (B,), id="never one of a wrong role"),
        pytest.param([host(A, DOWN), host(A, BARRED)], (A,), (), id="listed twice, neither may be barred"),
        pytest.param([host(A, NEW)], (A,), (A,), id="a host that could not be judged yet"),
        pytest.param([host(A, DOWN)], (), (), id="nothing to keep"),
    ],
)
def test_keep_last_keeps_what_was_published_last(
    members: list[Entry], last: tuple[str, ...], kept: tuple[str, ...]
) -> None:
    """With keepLast an outage of all hosts leaves the last ready set in place, save hosts that must not serve."""
    plain, selection = select(members, stored(last), NONE), select(members, stored(last), KEEP)
    assert plain.kept == ()
    assert selection.kept == kept
    assert selection.ready == (kept or plain.ready)
    assert selection.not_ready == tuple(address for address in plain.not_ready if address not in kept)


def test_keep_last_has_nothing_to_keep_where_nothing_is_stored() -> None:
    """A new Service whose hosts are all down starts without ready addresses under any policy."""
    assert select([host(A, DOWN)], None, KEEP) == Selection((), (A,))


STATES = st.builds(
    lambda verdict, self_disqualified: HostState(
        verdict, self_disqualified=self_disqualified and verdict is not Verdict.READY
    ),
    st.sampled_from(Verdict),
    st.booleans(),
)
ENTRIES = st.lists(st.builds(host, st.sampled_from([A, B, C]), STATES, maintenance=st.booleans()), max_size=5)
LAST = st.none() | st.sets(st.sampled_from([A, B, C])).map(lambda last: stored(tuple(sorted(last))))


@given(ENTRIES, LAST, st.sampled_from(WhenAllFail))
def test_every_listed_address_is_in_exactly_one_list(
    members: list[Entry], last: StoredEndpoints | None, policy: WhenAllFail
) -> None:
    """An address never stands in both lists, none is lost, none is invented, and the unfit are never ready."""
    before = [(replace(one), replace(state)) for one, state in members]
    selection = select(members, last, policy)
    assert members == before
    assert set(selection.ready).isdisjoint(selection.not_ready)
    assert sorted((*selection.ready, *selection.not_ready)) == sorted({one.address for one, _ in members})
    for one, state in members:
        if one.host.maintenance or state.self_disqualified:
            assert one.address not in selection.ready
        if state.verdict is not Verdict.READY and one.address in selection.ready:
            assert one.address in selection.kept


def backup(address: str, state: HostState = READY) -> Entry:
    return with_host(member(address), backup=True), state


@pytest.mark.parametrize(
    ("members", "min_ready", "ready"),
    [
        pytest.param([host(A, READY), backup(B)], 1, (A,), id="held back"),
        pytest.param([host(A, DOWN), backup(B)], 1, (B,), id="needed"),
        pytest.param([backup(A), host(B, DOWN), backup(C)], 1, (A,), id="the first of two"),
        pytest.param([backup(A, DOWN), host(B, DOWN), backup(C)], 1, (C,), id="the first that is fit"),
        pytest.param([host(A, READY), backup(B), backup(C)], 2, (A, B), id="one short of two"),
        pytest.param([host(A, READY), backup(B), backup(C)], 9, (A, B, C), id="more wanted than there are"),
        pytest.param([host(A, READY, maintenance=True), backup(B)], 1, (B,), id="maintenance does not count"),
        pytest.param([backup(A)], 1, (A,), id="alone"),
    ],
)
def test_a_backup_is_ready_only_where_others_are_missing(
    members: list[Entry], min_ready: int, ready: tuple[str, ...]
) -> None:
    """A backup fills up to minReady, in the order of the file, and steps back when the others return."""
    assert select(members, None, NONE, min_ready).ready == ready


def test_all_addresses_of_a_host_share_its_verdict() -> None:
    """A host of both families is published twice by one verdict, and counts once toward minReady."""
    both = (with_host(member(A), also=(C,)), READY)
    assert select([both, host(B, DOWN)], None, NONE) == Selection((A, C), (B,))
    assert select([both, backup(B)], None, NONE, 2).ready == (A, B, C)


LAGGING = HostState(Verdict.NOT_READY, fault=Reason.LAGGING)
LAST_RESORT = frozenset({Reason.LAGGING, Reason.SATURATED, Reason.NOT_SYNCED})


@pytest.mark.parametrize(
    ("entry", "before", "last"),
    [
        pytest.param(host(A, LAGGING), (), (A,), id="for a named reason"),
        pytest.param(host(A, replace(LAGGING, streak=1)), (), (A,), id="half way back"),
        pytest.param(host(A, replace(LAGGING, fault=Reason.REFUSED)), (A,), (), id="dead since"),
        pytest.param(host(A, replace(LAGGING, fault=Reason.TIMEOUT)), (), (), id="silent"),
        pytest.param(host(A, replace(LAGGING, self_disqualified=True)), (A,), (), id="of a wrong role"),
        pytest.param(host(A, LAGGING, maintenance=True), (A,), (), id="in maintenance"),
        pytest.param(host(A, replace(LAGGING, verdict=Verdict.READY)), (), (), id="still ready"),
        pytest.param(host(A, DOWN), (A,), (A,), id="stored as one, not seen yet"),
        pytest.param(host(A, DOWN), (), (), id="unfit for a reason nobody knows"),
    ],
)
def test_a_last_resort_is_unfit_for_a_named_reason_only(
    entry: Entry, before: tuple[str, ...], last: tuple[str, ...]
) -> None:
    """Only hosts with a listed reason are one, never one in maintenance or of a wrong role; a restart keeps them."""
    chosen = select([entry, host(B, READY)], None, NONE)
    found = with_last_resort(chosen, [entry, host(B, READY)], LAST_RESORT, frozenset(before))
    assert found == replace(chosen, last_resort=last)
    assert with_last_resort(chosen, [entry], frozenset(), frozenset(before)) == chosen
    assert without(found, frozenset({A})).last_resort == ()


def test_a_host_that_is_kept_is_no_last_resort() -> None:
    """A host that keepLast keeps ready is no last resort."""
    chosen = select([host(A, LAGGING)], stored((A,)), KEEP)
    assert with_last_resort(chosen, [host(A, LAGGING)], LAST_RESORT, frozenset()).last_resort == ()
