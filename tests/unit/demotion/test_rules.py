"""When the sessions of a demoted primary are ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.values import KEY, PORTS, member, spec, stored, with_check, with_host
from mooring.demotion.rules import (
    PATIENCE_SECONDS,
    SETTLE_SECONDS,
    Demotion,
    Demotions,
    find_demoted,
    withdrawn_addresses,
)
from mooring.model.events import HostChanged
from mooring.model.facts import Channel, Facts, Group
from mooring.model.objects import Condition, Endpoint, EndpointsWrite, Slice, SliceWrite, StoredSlice, Subset
from mooring.model.reasons import Reason
from mooring.model.spec import Requirement, Role, ServiceSpec
from mooring.model.targets import Member
from mooring.model.verdicts import HostState, Outcome, Verdict

A, B = "10.20.0.11", "10.20.0.12"
PRIMARY = Requirement(Role.PRIMARY)
DB = with_check(member(A), requirement=PRIMARY)
SAID = 100.0
REPLICA = Facts(read_only="read_only=1", channels=(Channel("10.20.0.12:3306"),))
WITHDRAWN = EndpointsWrite(KEY, stored(ready=(A,)), (Subset((B,), (A,), PORTS),))


def _state(reason: Reason = Reason.READ_ONLY, facts: Facts | None = REPLICA) -> HostState:
    return HostState(
        Verdict.NOT_READY, outcome=Outcome(reason), counted_at=SAID, facts=facts, self_disqualified=True, fault=reason
    )


def _demoted(of: Member = DB, state: HostState | None = None, before: Verdict = Verdict.READY) -> HostChanged:
    return HostChanged(of, state or _state(), before, 1)


def _heard(*events: HostChanged, leads: bool = True) -> Demotions:
    demotions = Demotions()
    for event in events:
        demotions.note_verdict(event, SAID + 0.01, leads=leads)
    return demotions


def test_it_is_due_a_second_after_the_write_and_only_once() -> None:
    """A demotion is due once, two seconds after its write: kube-proxy may be that late."""
    demotions = _heard(_demoted())
    assert demotions.take_due(SAID + 20) == []
    demotions.note_write(WITHDRAWN, SAID + 21)
    assert demotions.next_at == SAID + 21 + SETTLE_SECONDS
    assert demotions.take_due(SAID + 21 + SETTLE_SECONDS - 0.01) == []
    assert demotions.take_due(SAID + 21 + SETTLE_SECONDS) == [Demotion(DB, SAID, SAID + 21)]
    assert demotions.take_due(SAID + 99) == []


def test_the_event_of_the_write_may_come_first() -> None:
    """The event of the write may come before that of the verdict."""
    demotions = Demotions()
    demotions.note_write(WITHDRAWN, SAID + 0.005)
    demotions.note_verdict(_demoted(), SAID + 0.01, leads=True)
    assert demotions.next_at == SAID + 0.005 + SETTLE_SECONDS


def test_a_write_before_the_hosts_word_was_for_something_else() -> None:
    """A write before the demotion does not count, for example that of a drain."""
    demotions = Demotions()
    demotions.note_write(WITHDRAWN, SAID - 1)
    demotions.note_verdict(_demoted(), SAID + 0.01, leads=True)
    assert demotions.take_due(SAID + 10) == []


def test_the_last_of_several_writes_counts() -> None:
    """Where slices and Endpoints are published, the second follows the first."""
    demotions = _heard(_demoted())
    demotions.note_write(WITHDRAWN, SAID + 1)
    demotions.note_write(WITHDRAWN, SAID + 1.5)
    assert demotions.next_at == SAID + 1.5 + SETTLE_SECONDS


def test_without_a_write_it_is_late_once() -> None:
    """After half a minute it is late; a write after that ends no session."""
    demotions = _heard(_demoted())
    assert demotions.next_at == SAID + PATIENCE_SECONDS
    assert demotions.take_due(SAID + PATIENCE_SECONDS) == [Demotion(DB, SAID, None)]
    demotions.note_write(WITHDRAWN, SAID + 31)
    assert demotions.next_at is None


def test_other_writes_are_no_matter() -> None:
    """Of another Service, and of another address."""
    demotions = _heard(_demoted())
    demotions.note_write(replace(WITHDRAWN, key=replace(KEY, name="other")), SAID + 1)
    demotions.note_write(EndpointsWrite(KEY, stored(ready=(A, B)), (Subset((A,), (B,), PORTS),)), SAID + 1)
    assert demotions.next_at == SAID + PATIENCE_SECONDS


def test_it_lapses_when_the_host_is_ready_again() -> None:
    """A host that is the primary again keeps its sessions."""
    ready = HostChanged(DB, HostState(Verdict.READY, outcome=Outcome(Reason.OK)), Verdict.NOT_READY, 2)
    demotions = _heard(_demoted(), ready)
    assert demotions.next_at is None


def test_it_lapses_when_we_lead_no_more() -> None:
    """A daemon that no longer leads drops its demotions."""
    demotions = _heard(_demoted())
    demotions.drop_all()
    assert demotions.next_at is None


def test_writes_are_remembered_for_a_while() -> None:
    """A thousand Services do not fill the memory with what they once took out."""
    demotions = Demotions()
    for number in range(100):
        demotions.note_write(EndpointsWrite(KEY, stored(ready=(f"10.20.1.{number}",)), ()), SAID + number)
    assert len(demotions._withdrawn) == PATIENCE_SECONDS + 1


GROUP = Facts(group=Group("Group Replication", "ONLINE, SECONDARY", member=True, writer=False))


@pytest.mark.parametrize(
    ("event", "begins"),
    [
        pytest.param(_demoted(), True, id="takes-no-writes"),
        pytest.param(_demoted(state=_state(Reason.WRONG_ROLE)), True, id="is-a-replica"),
        pytest.param(_demoted(state=_state(Reason.WRONG_ROLE, GROUP)), True, id="is-a-secondary"),
        pytest.param(_demoted(state=_state(Reason.WRONG_ROLE, Facts())), False, id="others-say-that-it-is-not"),
        pytest.param(_demoted(state=_state(Reason.SECOND_WRITER, Facts())), False, id="our-ruling"),
        pytest.param(_demoted(state=_state(Reason.TIMEOUT, None)), False, id="silence"),
        pytest.param(_demoted(state=_state(Reason.REFUSED, None)), False, id="crash"),
        pytest.param(_demoted(state=_state(Reason.OFFLINE)), False, id="offline"),
        pytest.param(_demoted(before=Verdict.UNJUDGED), False, id="was-never-ready"),
        pytest.param(_demoted(with_host(DB, maintenance=True)), False, id="maintenance"),
        pytest.param(_demoted(with_check(DB, requirement=Requirement(Role.REPLICA))), False, id="wants-a-replica"),
        pytest.param(_demoted(member(A)), False, id="wants-no-role"),
    ],
)
def test_only_the_hosts_own_word_begins_it(event: HostChanged, begins: bool) -> None:  # noqa: FBT001 -- a table's column
    """A ready host of a Service of primaries that says itself that it is the primary no more."""
    assert (_heard(event).next_at is not None) is begins
    assert _heard(event, leads=False).next_at is None, "only the leader"


def _slice(*ready: str, resting: tuple[str, ...] = ()) -> Slice:
    serving = tuple(Endpoint(address, Condition.READY) for address in ready)
    others = tuple(Endpoint(address, Condition.LAST_RESORT) for address in resting)
    return Slice("db-mooring-ipv4-0", "IPv4", serving + others, PORTS)


@pytest.mark.parametrize(
    ("step", "out"),
    [
        (WITHDRAWN, {A}),
        (EndpointsWrite(KEY, None, (Subset((), (A,), PORTS),)), set()),
        (EndpointsWrite(KEY, stored(not_ready=(A,)), (Subset((B,), (A,), PORTS),)), set()),
        (SliceWrite(KEY, StoredSlice("1", "mooring", _slice(A, B)), _slice(B, resting=(A,))), {A}),
        (SliceWrite(KEY, StoredSlice("1", "mooring", _slice(A)), None), {A}),
        (SliceWrite(KEY, None, _slice(A)), set()),
    ],
    ids=["endpoints", "created", "was-out", "slice", "slice-deleted", "slice-created"],
)
def test_what_a_write_takes_out(step: EndpointsWrite | SliceWrite, out: set[str]) -> None:
    """The addresses that are ready before the write, and not after it."""
    assert withdrawn_addresses(step) == out


KILLS = replace(spec(A, B), kill_users=("app",))
KILLS = replace(KILLS, check=replace(KILLS.check, requirement=PRIMARY))
SILENT = replace(_state(), outcome=Outcome(Reason.TIMEOUT), facts=None)


@pytest.mark.parametrize(
    ("listed", "now", "state", "still"),
    [
        pytest.param(KILLS, DB, _state(), True, id="as-it-was"),
        pytest.param(KILLS, with_host(DB, name="renamed"), _state(), True, id="renamed"),
        pytest.param(KILLS, DB, SILENT, True, id="says-nothing-since"),
        pytest.param(replace(KILLS, kill_users=()), DB, _state(), False, id="no-killSessions"),
        pytest.param(replace(spec(A), kill_users=("app",)), DB, _state(), False, id="no-role"),
        pytest.param(KILLS, with_check(member(B), requirement=PRIMARY), _state(), False, id="not-listed"),
        pytest.param(KILLS, with_host(DB, maintenance=True), _state(), False, id="maintenance"),
        pytest.param(KILLS, DB, replace(_state(), self_disqualified=False), False, id="takes-it-back"),
        pytest.param(KILLS, DB, replace(_state(), verdict=Verdict.READY), False, id="ready"),
        pytest.param(KILLS, DB, _state(Reason.SECOND_WRITER, Facts()), False, id="calls-itself-primary-again"),
    ],
)
def test_it_is_done_only_where_it_is_still_so(
    listed: ServiceSpec,
    now: Member,
    state: HostState,
    still: bool,  # noqa: FBT001 -- a table's column
) -> None:
    """The file and the host are asked once more, and the host is the one that is listed now."""
    found = find_demoted(Demotion(DB, SAID, SAID), listed, [(now, state)])
    assert found == (now if still else None)
