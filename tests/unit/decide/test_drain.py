"""What the annotation means for the hosts of its Service."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ground.values import KEY, member
from mooring.decide.drain import MOST_CHARACTERS, MOST_TOLD, NOBODY, Drain, drain, entries, news, without_drained
from mooring.events import DrainChanged, DrainUnknown
from mooring.model import HostState
from mooring.spec import HostSpec

HOSTS = (
    HostSpec("db1", "10.20.0.11"),
    HostSpec("db2", "fd00::b"),
    HostSpec("db3", "db3.example.com"),
    HostSpec("db4", "db4.example.com"),
)
"""The third holds two addresses now, the fourth none."""
MEMBERS = tuple(
    (replace(member(address), host=host), HostState())
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
        (" db3 ,\n db1,db3", ("db3", "db1")),
        ("fd00:0:0::B", ("fd00::b",)),
        ("x" * 1000, ("x" * MOST_CHARACTERS,)),
    ],
)
def test_entries_stand_between_commas(annotation: str, found: tuple[str, ...]) -> None:
    """Spaces around an entry do not matter, nor does how an IPv6 address is written."""
    assert entries(annotation) == found


@pytest.mark.parametrize(
    ("wanted", "addresses", "hosts", "unknown"),
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
    wanted: str, addresses: list[str], hosts: list[str], unknown: list[str]
) -> None:
    """A name takes all its addresses out, an address of a name only itself; what names nobody is said."""
    found = drain(entries(wanted), HOSTS, MEMBERS)
    assert found == Drain(frozenset(addresses), tuple(hosts), tuple(unknown))


def test_a_further_address_of_a_host_takes_the_host_out() -> None:
    """They are one machine, with one verdict."""
    both = (replace(MEMBERS[0][0], also=("fd00::1",)), HostState())
    assert drain(("fd00::1",), HOSTS, (both,)) == Drain(frozenset({"10.20.0.11"}), ("db1",))


def test_an_annotation_of_nonsense_is_bounded() -> None:
    """However much stands in it, no more than a few entries are told."""
    found = drain(tuple(f"x{number}" for number in range(10_000)), HOSTS, MEMBERS)
    assert len(found.unknown) == MOST_TOLD


def test_a_drained_member_is_in_maintenance() -> None:
    """And no other is; the file's own maintenance stays."""
    resting = (replace(MEMBERS[1][0], maintenance=True), HostState())
    found = without_drained((MEMBERS[0], resting, MEMBERS[2]), Drain(frozenset({"10.20.0.13"})))
    assert [one.maintenance for one, _ in found] == [False, True, True]
    assert [one.maintenance for one, _ in MEMBERS] == [False] * 4


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (NOBODY, NOBODY, ()),
        (NOBODY, Drain(hosts=("db1",), unknown=("x",)), (DrainChanged(KEY, ("db1",)), DrainUnknown(KEY, "x"))),
        (Drain(hosts=("db1",), unknown=("x",)), Drain(hosts=("db1",), unknown=("x", "y")), (DrainUnknown(KEY, "y"),)),
        (Drain(hosts=("db1",), unknown=("x",)), NOBODY, (DrainChanged(KEY, ()),)),
    ],
)
def test_each_thing_is_told_once(before: Drain, after: Drain, told: tuple[DrainChanged | DrainUnknown, ...]) -> None:
    """What was told already is no news."""
    assert news(KEY, before, after) == told
