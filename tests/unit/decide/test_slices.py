"""slices: endpoints over EndpointSlices, few writes, stable names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.values import KEY, PORTS
from mooring.decide.slices import MOST, changes
from mooring.picture import US, Condition, Endpoint, Picture, Slice, SliceChange, StoredSlice, Wanted, family
from mooring.spec import Port, Publish

READY, NOT_READY, LAST = Condition
V4, V6 = [f"10.20.{n // 200}.{n % 200 + 1}" for n in range(450)], [f"fd00::{n + 1:x}" for n in range(250)]


def wanted(addresses: Iterable[str], condition: Condition = READY, ports: tuple[Port, ...] = PORTS) -> Wanted:
    endpoints = tuple(Endpoint(address, condition) for address in addresses)
    return Wanted(Publish.SLICES, (), endpoints, ports, evidence=7.0)


def applied(picture: Picture, found: Sequence[SliceChange]) -> Picture:
    """The picture after the writes, each of which must name what is stored."""
    held = {one.slice.name: one for one in picture.slices}
    for change in found:
        if change.before is None:
            assert change.after is not None
            assert change.after.name not in held
        else:
            assert held.pop(change.before.slice.name) == change.before
        if change.after is not None:
            held[change.after.name] = StoredSlice("2", US, change.after)
    return Picture(slices=tuple(held.values()))


def stored(addresses: Iterable[str]) -> Picture:
    return applied(Picture(), changes(KEY, Picture(), wanted(addresses)))


def said(picture: Picture) -> list[tuple[str, Condition]]:
    return sorted((one.address, one.condition) for held in picture.own for one in held.slice.endpoints)


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
    picture = stored(addresses)
    assert {one.slice.name: len(one.slice.endpoints) for one in picture.own} == names
    assert all(family(one.address) == held.slice.family for held in picture.own for one in held.slice.endpoints)


def test_a_flip_touches_one_slice() -> None:
    """Of a thousand addresses one changes: one write, with the moment of the evidence, and the others stay in place."""
    picture = stored(V4)
    after = wanted(V4).endpoints
    flipped = tuple(Endpoint(one.address, NOT_READY) if one.address == V4[123] else one for one in after)
    [change] = changes(KEY, picture, Wanted(Publish.SLICES, (), flipped, PORTS, 7.0))
    assert change.before is not None
    assert change.after is not None
    assert change.evidence == 7.0
    pairs = zip(change.before.slice.endpoints, change.after.endpoints, strict=True)
    assert [one.address for old, one in pairs if old != one] == [V4[123]]


def test_new_addresses_go_where_there_is_room() -> None:
    """An address that left makes room for the next one; a full slice is not touched."""
    picture = stored(V4[:150])
    [change] = changes(KEY, picture, wanted([*V4[:120], *V4[300:330]]))
    assert change.after is not None
    assert change.after.name.endswith("ipv4-1")
    assert changes(KEY, applied(picture, [change]), wanted([*V4[:120], *V4[300:330]])) == ()


def test_a_slice_that_nobody_needs_goes_last() -> None:
    """First what is to be served is stored, then what is not is deleted; an empty slice is not kept."""
    picture = stored([*V4[:101], *V6[:1]])
    found = changes(KEY, picture, wanted([*V4[:99], V4[400]]))
    assert [change.after is None for change in found] == [False, True, True]


def test_a_name_that_is_taken_is_left_alone() -> None:
    """A slice of somebody else under our name stays as it is; ours gets the next number."""
    theirs = StoredSlice("1", "", Slice("mysql-external-mooring-ipv4-0", "IPv4", (), PORTS))
    [change] = changes(KEY, Picture(slices=(theirs,)), wanted(V4[:1]))
    assert change.after is not None
    assert (change.before, change.after.name) == (None, "mysql-external-mooring-ipv4-1")


def test_a_family_that_is_none_is_deleted() -> None:
    """What bears our label but holds DNS names is of no use to anybody."""
    odd = StoredSlice("1", US, Slice("odd", "FQDN", (Endpoint("db.example.com", READY),), PORTS))
    assert changes(KEY, Picture(slices=(odd,)), wanted([])) == (SliceChange(KEY, odd, None),)


def test_ports_change_in_place() -> None:
    """Other ports are one write a slice."""
    [change] = changes(KEY, stored(V4[:2]), wanted(V4[:2], ports=(Port("mysql", 3307),)))
    assert change.after is not None
    assert change.after.ports == (Port("mysql", 3307),)


SETS = st.lists(st.sampled_from([*V4[:230], *V6[:120]]), unique=True, max_size=350)


@given(SETS, SETS, st.sampled_from(Condition))
def test_whatever_was_stored_the_result_says_what_is_wanted(
    before: list[str], after: list[str], condition: Condition
) -> None:
    """Each address stands once, in a slice of its family that is not overfull, and then nothing is left to write."""
    picture = stored(before)
    want = wanted(after, condition)
    result = applied(picture, changes(KEY, picture, want))
    assert said(result) == sorted((one.address, one.condition) for one in want.endpoints)
    assert all(0 < len(one.slice.endpoints) <= MOST for one in result.own)
    assert changes(KEY, result, want) == ()
    kept = {one.address: held.slice.name for held in picture.own for one in held.slice.endpoints}
    now = {one.address: held.slice.name for held in result.own for one in held.slice.endpoints}
    assert all(now[address] == name for address, name in kept.items() if address in now)
