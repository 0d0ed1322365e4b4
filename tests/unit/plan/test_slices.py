"""slices: endpoints over EndpointSlices, few writes, stable names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.values import KEY, PORTS
from mooring.model.objects import (
    MANAGER,
    Condition,
    DesiredObjects,
    Endpoint,
    Slice,
    SliceWrite,
    StoredObjects,
    StoredSlice,
    family,
)
from mooring.model.spec import Port, Publish
from mooring.plan.slices import MOST, slice_writes

READY, NOT_READY, LAST = Condition
V4, V6 = [f"10.20.{n // 200}.{n % 200 + 1}" for n in range(450)], [f"fd00::{n + 1:x}" for n in range(250)]


def desired(addresses: Iterable[str], condition: Condition = READY, ports: tuple[Port, ...] = PORTS) -> DesiredObjects:
    endpoints = tuple(Endpoint(address, condition) for address in addresses)
    return DesiredObjects(Publish.SLICES, (), endpoints, ports, evidence=7.0)


def applied(objects: StoredObjects, found: Sequence[SliceWrite]) -> StoredObjects:
    """The objects after the writes, each of which must name what is stored."""
    held = {one.slice.name: one for one in objects.slices}
    for change in found:
        if change.before is None:
            assert change.after is not None
            assert change.after.name not in held
        else:
            assert held.pop(change.before.slice.name) == change.before
        if change.after is not None:
            held[change.after.name] = StoredSlice("2", MANAGER, change.after)
    return StoredObjects(slices=tuple(held.values()))


def stored(addresses: Iterable[str]) -> StoredObjects:
    return applied(StoredObjects(), slice_writes(KEY, StoredObjects(), desired(addresses)))


def said(objects: StoredObjects) -> list[tuple[str, Condition]]:
    return sorted((one.address, one.condition) for held in objects.own for one in held.slice.endpoints)


@pytest.mark.parametrize(
    ("addresses", "names"),
    [
        pytest.param([], {}, id="nobody"),
        pytest.param(V4[:3], {"mysql-external-mooring-ipv4-0": 3}, id="one slice"),
        pytest.param(V6[:1], {"mysql-external-mooring-ipv6-0": 1}, id="IPv6 only"),
        pytest.param(
            [*V6[:2], *V4[:1]], {"mysql-external-mooring-ipv4-0": 1, "mysql-external-mooring-ipv6-0": 2}, id="both"
        ),
        pytest.param(
            V4[:201], {f"mysql-external-mooring-ipv4-{n}": size for n, size in enumerate((100, 100, 1))}, id="many"
        ),
    ],
)
def test_a_slice_a_family_and_a_hundred_endpoints(addresses: list[str], names: dict[str, int]) -> None:
    """Names follow from the Service's name, the family and a number; each slice holds one family and 100 at most."""
    objects = stored(addresses)
    assert {one.slice.name: len(one.slice.endpoints) for one in objects.own} == names
    assert all(family(one.address) == held.slice.family for held in objects.own for one in held.slice.endpoints)


def test_a_flip_touches_one_slice() -> None:
    """Of a thousand addresses one changes: one write, with the moment of the evidence, and the others stay in place."""
    objects = stored(V4)
    after = desired(V4).endpoints
    flipped = tuple(Endpoint(one.address, NOT_READY) if one.address == V4[123] else one for one in after)
    [change] = slice_writes(KEY, objects, DesiredObjects(Publish.SLICES, (), flipped, PORTS, evidence=7.0))
    assert change.before is not None
    assert change.after is not None
    assert change.evidence == 7.0
    pairs = zip(change.before.slice.endpoints, change.after.endpoints, strict=True)
    assert [one.address for old, one in pairs if old != one] == [V4[123]]


def test_new_addresses_go_where_there_is_room() -> None:
    """An address that left makes room for the next one; a full slice is not touched."""
    objects = stored(V4[:150])
    [change] = slice_writes(KEY, objects, desired([*V4[:120], *V4[300:330]]))
    assert change.after is not None
    assert change.after.name.endswith("ipv4-1")
    assert slice_writes(KEY, applied(objects, [change]), desired([*V4[:120], *V4[300:330]])) == ()


def test_a_slice_that_nobody_needs_goes_last() -> None:
    """Updates come before deletions; an empty slice is deleted."""
    objects = stored([*V4[:101], *V6[:1]])
    found = slice_writes(KEY, objects, desired([*V4[:99], V4[400]]))
    assert [change.after is None for change in found] == [False, True, True]


def test_a_name_that_is_taken_is_left_alone() -> None:
    """A slice of somebody else under our name stays as it is; ours gets the next number."""
    theirs = StoredSlice("1", "", Slice("mysql-external-mooring-ipv4-0", "IPv4", (), PORTS))
    [change] = slice_writes(KEY, StoredObjects(slices=(theirs,)), desired(V4[:1]))
    assert change.after is not None
    assert (change.before, change.after.name) == (None, "mysql-external-mooring-ipv4-1")


def test_a_family_that_is_none_is_deleted() -> None:
    """A slice of ours with DNS names is deleted."""
    odd = StoredSlice("1", MANAGER, Slice("odd", "FQDN", (Endpoint("db.example.com", READY),), PORTS))
    assert slice_writes(KEY, StoredObjects(slices=(odd,)), desired([])) == (SliceWrite(KEY, odd, None),)


def test_ports_change_in_place() -> None:
    """Other ports are one write a slice."""
    [change] = slice_writes(KEY, stored(V4[:2]), desired(V4[:2], ports=(Port("mysql", 3307),)))
    assert change.after is not None
    assert change.after.ports == (Port("mysql", 3307),)


SETS = st.lists(st.sampled_from([*V4[:230], *V6[:120]]), unique=True, max_size=350)


@given(SETS, SETS, st.sampled_from(Condition))
def test_whatever_was_stored_the_result_says_what_is_wanted(
    before: list[str], after: list[str], condition: Condition
) -> None:
    """Each address stands once, in a slice of its family that is not overfull, and then nothing is left to write."""
    objects = stored(before)
    want = desired(after, condition)
    result = applied(objects, slice_writes(KEY, objects, want))
    assert said(result) == sorted((one.address, one.condition) for one in want.endpoints)
    assert all(0 < len(one.slice.endpoints) <= MOST for one in result.own)
    assert slice_writes(KEY, result, want) == ()
    kept = {one.address: held.slice.name for held in objects.own for one in held.slice.endpoints}
    now = {one.address: held.slice.name for held in result.own for one in held.slice.endpoints}
    assert all(now[address] == name for address, name in kept.items() if address in now)
