"""What the annotation means for the hosts of its Service."""

from __future__ import annotations

import pytest

from lab.values import KEY, member, with_host
from mooring.model.events import DrainChanged, DrainEnded, DrainUnknown
from mooring.model.overrides import Drained
from mooring.model.spec import HostSpec
from mooring.model.verdicts import HostState, Verdict
from mooring.plan.annotation import MOST_CHARACTERS
from mooring.plan.drain import (
    MOST_UNKNOWN,
    NO_DRAIN,
    Drain,
    drain,
    drain_news,
    last_ready,
    parse_drain,
    without_drained,
    write_drain,
)

NOW = 1_800_000_000.0

HOSTS = (
    HostSpec("db1", "10.20.0.11"),
    HostSpec("db2", "fd00::b"),
    HostSpec("db3", "db3.example.com"),
    HostSpec("db4", "db4.example.com"),
)
"""The third holds two addresses now, the fourth none."""
MEMBERS = tuple(
    (with_host(member(address), name=host), HostState())
    for host, address in (
        ("db1", "10.20.0.11"),
        ("db2", "fd00::b"),
        ("db3", "10.20.0.13"),
        ("db3", "10.20.0.14"),
    )
)


@pytest.mark.parametrize(
    ("annotation", "found"),
    [
        ("", ()),
        (" , ,", ()),
        ("10.20.0.12,db3", ("10.20.0.12", "db3")),
        ("db%2C1;until=x;by=ada", ("db,1",)),
        (" db3 ,\n db1,db3", ("db3", "db1")),
        ("fd00:0:0::B", ("fd00::b",)),
        ("x" * 1000, ("x" * MOST_CHARACTERS,)),
    ],
)
def test_entries_stand_between_commas(annotation: str, found: tuple[str, ...]) -> None:
    """Spaces around an entry do not matter, nor does how an IPv6 address is written."""
    assert tuple(one.host for one in parse_drain(annotation)) == found


@pytest.mark.parametrize(
    ("desired", "addresses", "hosts", "unknown"),
    [
        ("", [], [], []),
        ("db1", ["10.20.0.11"], ["db1"], []),
        ("10.20.0.11", ["10.20.0.11"], ["db1"], []),
        ("fd00:0::b", ["fd00::b"], ["db2"], []),
        ("db3", ["10.20.0.13", "10.20.0.14"], ["db3"], []),
        ("db3.example.com", ["10.20.0.13", "10.20.0.14"], ["db3"], []),
        ("10.20.0.14", ["10.20.0.14"], ["db3"], []),
        ("db4,db4.example.com", [], ["db4"], []),
        ("db9,db1,10.20.0.99", ["10.20.0.11"], ["db1"], ["db9", "10.20.0.99"]),
        ("DB1", [], [], ["DB1"]),
    ],
)
def test_an_entry_is_a_name_or_an_address_of_the_file(
    desired: str, addresses: list[str], hosts: list[str], unknown: list[str]
) -> None:
    """A host name drains all its addresses, an address only itself; entries without a host are reported."""
    found = drain(parse_drain(desired), HOSTS, MEMBERS, NOW)
    assert found == Drain(frozenset(addresses), tuple(hosts), tuple(unknown))


def test_a_further_address_of_a_host_takes_the_host_out() -> None:
    """They are one machine, with one verdict."""
    both = (with_host(MEMBERS[0][0], also=("fd00::1",)), HostState())
    assert drain(parse_drain("fd00::1"), HOSTS, (both,), NOW) == Drain(frozenset({"10.20.0.11"}), ("db1",))


def test_an_annotation_of_nonsense_is_bounded() -> None:
    """However long the annotation is, only a few unknown entries are reported."""
    found = drain(parse_drain(",".join(f"x{number}" for number in range(10_000))), HOSTS, MEMBERS, NOW)
    assert len(found.unknown) == MOST_UNKNOWN


def test_a_drained_member_is_in_maintenance() -> None:
    """No other host is drained; the maintenance of the file stays."""
    resting = (with_host(MEMBERS[1][0], maintenance=True), HostState())
    found = without_drained((MEMBERS[0], resting, MEMBERS[2]), Drain(frozenset({"10.20.0.13"})))
    assert [one.host.maintenance for one, _ in found] == [False, True, True]
    assert [one.host.maintenance for one, _ in MEMBERS] == [False] * 4


ENTRIES = (
    Drained("db1", NOW + 60, "ada", "moves the disk; back at 3, perhaps"),
    Drained("db3", NOW - 1),
    Drained("fd00::b"),
)


def test_an_entry_may_end_and_says_who_wants_it() -> None:
    """What is written is what is read, whatever stands in a reason; an entry whose time is over drains nobody."""
    assert parse_drain(write_drain(ENTRIES)) == ENTRIES
    found = drain(ENTRIES, HOSTS, MEMBERS, NOW)
    assert (found.hosts, found.ended, found.ends_at) == (("db1", "db2"), ("db3",), NOW + 60)
    assert (found.entry(HOSTS[0]), found.entry(HOSTS[2])) == (ENTRIES[0], None)
    later = drain(ENTRIES, HOSTS, MEMBERS, NOW + 60)
    assert (later.hosts, later.ended, later.ends_at) == (("db2",), ("db1", "db3"), None)
    assert drain_news(KEY, MEMBERS, found, later, served=True) == (DrainChanged(KEY, ("db2",)), DrainEnded(KEY, "db1"))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (NO_DRAIN, NO_DRAIN, ()),
        (NO_DRAIN, Drain(hosts=("db1",), unknown=("x",)), (DrainChanged(KEY, ("db1",)), DrainUnknown(KEY, "x"))),
        (Drain(hosts=("db1",), unknown=("x",)), Drain(hosts=("db1",), unknown=("x", "y")), (DrainUnknown(KEY, "y"),)),
        (Drain(hosts=("db1",), unknown=("x",)), NO_DRAIN, (DrainChanged(KEY, ()),)),
    ],
)
def test_a_change_is_reported_once(before: Drain, after: Drain, told: tuple[DrainChanged | DrainUnknown, ...]) -> None:
    """Each change of hosts, and each unknown entry, is reported once."""
    assert drain_news(KEY, MEMBERS, before, after, served=True) == told


READY, OUT = HostState(Verdict.READY), HostState(Verdict.NOT_READY)


@pytest.mark.parametrize(
    ("states", "before", "after", "last"),
    [
        ((READY, OUT), (), ("10.20.0.11",), ("db1",)),
        ((READY, READY), (), ("10.20.0.11",), ()),
        ((READY, READY), (), ("10.20.0.11", "fd00::b"), ("db1", "db2")),
        ((READY, READY), ("fd00::b",), ("10.20.0.11", "fd00::b"), ("db1",)),
        ((READY, OUT), ("10.20.0.11",), ("10.20.0.11",), ()),
        ((OUT, OUT), (), ("10.20.0.11",), ()),
        ((OUT, READY), (), ("10.20.0.11",), ()),
    ],
)
def test_who_drains_the_last_ready_host_is_told(
    states: tuple[HostState, ...], before: tuple[str, ...], after: tuple[str, ...], last: tuple[str, ...]
) -> None:
    """The hosts by whose drain the Service became empty; none where another one serves, or none served before."""
    view = [(one, state) for (one, _), state in zip(MEMBERS, states, strict=False)]
    assert last_ready(view, Drain(frozenset(before)), Drain(frozenset(after))) == last
