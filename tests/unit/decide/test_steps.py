"""steps: every way from one ``publish`` to another, with a mirroring controller that acts whenever it likes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from ground.values import KEY, PORTS
from mooring.decide.plan import Refusal, plan
from mooring.decide.steps import is_mirrored, steps, unmirrored
from mooring.model import Change, Stored, Subset
from mooring.picture import (
    MIRROR,
    US,
    Condition,
    Endpoint,
    Picture,
    Slice,
    SliceChange,
    Step,
    StoredSlice,
    Wanted,
    addresses,
    family,
)
from mooring.spec import Adopt, Publish

A, B, C = "10.20.0.11", "10.20.0.12", "fd00::11"
READY, NOT_READY = Condition.READY, Condition.NOT_READY
EACH = tuple(Publish)
WAYS = [(one, other) for one in EACH for other in EACH if one is not other]


def want(publish: Publish, *ready: str) -> Wanted:
    """A, B and C are listed; those that are named are ready."""
    down = tuple(address for address in (A, B, C) if address not in ready)
    endpoints = tuple(Endpoint(one, READY if one in ready else NOT_READY) for one in (A, B, C))
    subsets = () if publish is Publish.SLICES else (Subset(ready, down, PORTS),)
    return Wanted(publish, subsets, endpoints, PORTS)


def needed(picture: Picture, wanted: Wanted, *, mirrored: bool = True) -> tuple[Step, ...]:
    """As the reconciler decides."""
    stored = picture.endpoints
    if stored is None and wanted.publish is Publish.SLICES:
        return steps(KEY, picture, wanted, None, mirrored=mirrored)
    label = unmirrored(wanted.publish, stored)
    change = plan(KEY, frozenset({A, B, C}), Adopt.IF_LISTED, stored, wanted.subsets, unmirrored=label)
    assert not isinstance(change, Refusal)
    return steps(KEY, picture, wanted, change, mirrored=mirrored)


def after(picture: Picture, step: Step) -> Picture:
    if isinstance(step, Change):
        assert step.before == picture.endpoints
        by = "mooring" if step.unmirrored else ""
        stored = Stored(KEY, "2", managed=True, subsets=step.subsets, unmirrored=step.unmirrored, unmirrored_by=by)
        return replace(picture, endpoints=stored)
    rest = tuple(one for one in picture.slices if one != step.before)
    assert step.before is None or len(rest) == len(picture.slices) - 1
    return replace(picture, slices=rest if step.after is None else (*rest, StoredSlice("2", US, step.after)))


def mirror(picture: Picture) -> Picture:
    """What the mirroring controller makes of the Endpoints as it is now (its code: one slice a family)."""
    stored = picture.endpoints
    rest = tuple(one for one in picture.slices if one.keeper != MIRROR)
    if stored is None or stored.unmirrored or not stored.subsets:
        return replace(picture, slices=rest)
    conditions = dict.fromkeys(stored.not_ready, NOT_READY) | dict.fromkeys(stored.ready, READY)
    made = []
    for name in ("IPv4", "IPv6"):
        endpoints = tuple(Endpoint(one, condition) for one, condition in conditions.items() if family(one) == name)
        made += [StoredSlice("m", MIRROR, Slice(f"db-{name}", name, endpoints, PORTS))] if endpoints else []
    return replace(picture, slices=(*rest, *made))


def settled(picture: Picture, wanted: Wanted) -> Picture:
    for _ in range(20):
        picture = mirror(picture)
        if not (found := needed(picture, wanted)):
            return picture
        picture = after(picture, found[0])
    raise AssertionError("it never ends")


def traffic(picture: Picture) -> frozenset[str]:
    """Where kube-proxy sends new connections: it reads slices only."""
    return addresses(picture.slices, READY)


@dataclass
class Walk:
    """Every order in which the mirroring controller and we may act, as far as it makes a difference."""

    wanted: Wanted
    ends: set[Picture]

    def run(self, picture: Picture) -> Iterator[Picture]:
        seen: set[Picture] = set()
        waiting = [picture]
        while waiting:
            now = waiting.pop()
            if now in seen:
                continue
            seen.add(now)
            yield now
            found = needed(now, self.wanted)
            nexts = [mirror(now), *(after(now, step) for step in found[:1])]
            if all(one == now for one in nexts):
                self.ends.add(now)
            waiting += nexts


@pytest.mark.parametrize(("before", "to"), WAYS)
def test_no_order_of_events_opens_a_gap(before: Publish, to: Publish) -> None:
    """While ``publish`` changes, traffic goes to the ready hosts at each moment, whenever the mirroring acts."""
    walk = Walk(want(to, A, C), set())
    begun = settled(Picture(), want(before, A, C))
    for picture in walk.run(begun):
        assert traffic(picture) == {A, C}
    [end] = walk.ends
    assert bool(end.mirrored) != bool(end.own), "two sources, or none"
    assert bool(end.own) == (to is not Publish.ENDPOINTS)
    assert end == settled(begun, want(to, A, C))


@pytest.mark.parametrize(("before", "to"), WAYS)
def test_a_host_that_dies_on_the_way_ends_dead(before: Publish, to: Publish) -> None:
    """A verdict that changes in the middle of the way is published by whatever is in the traffic's path then."""
    on_the_way = list(Walk(want(to, A, C), set()).run(settled(Picture(), want(before, A, C))))
    for begun in on_the_way:
        assert traffic(settled(begun, want(to, C))) == {C}


def test_own_slices_tell_the_truth_until_they_are_deleted() -> None:
    """With nobody to mirror, own slices go on: no traffic is lost, and a dead host leaves them."""
    begun = settled(Picture(), want(Publish.SLICES, A, B))
    picture, wanted = begun, want(Publish.ENDPOINTS, A)
    while found := needed(picture, wanted):
        picture = after(picture, found[0])
    assert traffic(picture) == {A}
    assert not is_mirrored(picture, wanted)
    assert picture.endpoints is not None
    assert not picture.endpoints.unmirrored


def test_where_nothing_mirrors_own_slices_go_at_once() -> None:
    """A folder has no mirroring controller to wait for."""
    picture, wanted = settled(Picture(), want(Publish.SLICES, A)), want(Publish.ENDPOINTS, A)
    while found := needed(picture, wanted, mirrored=False):
        picture = after(picture, found[0])
    assert picture.slices == ()


def test_an_endpoints_that_nobody_keeps_says_nothing() -> None:
    """With publish: endpointSlices, an Endpoints that is there bears no address; none is made."""
    assert settled(Picture(), want(Publish.SLICES, A)).endpoints is None
    end = settled(settled(Picture(), want(Publish.ENDPOINTS, A)), want(Publish.SLICES, A)).endpoints
    assert end is not None
    assert (end.subsets, end.unmirrored) == ((), True)


@pytest.mark.parametrize("cut", [0, 1, 2, 3])
@pytest.mark.parametrize("second", [B, C], ids=["one family", "two families"])
@pytest.mark.parametrize("flips", list(itertools.product(["A", "B", "AB", ""], repeat=2)), ids=" then ".join)
def test_the_two_objects_differ_for_no_longer_than_they_must(flips: tuple[str, ...], second: str, cut: int) -> None:
    """With both, what one object calls ready and the other does not is put right by the next write.

    It is the next but one where there are slices of two families, and where a write was cut off and the next verdict
    takes half of it back. Here the writes of the first verdict are cut off after any number of them.
    """
    most = 1 if second == B and cut != 1 else 2
    hosts = {"A": A, "B": second}
    picture, unequal = settled(Picture(), want(Publish.BOTH, *hosts.values())), dict.fromkeys(hosts.values(), 0)
    for ready, writes in zip(flips, (cut, 9), strict=True):
        for _ in range(writes):
            for step in needed(picture, want(Publish.BOTH, *(hosts[name] for name in ready)))[:1]:
                picture = after(picture, step)
                stored = picture.endpoints
                assert stored is not None
                differ = addresses(picture.own, READY) ^ stored.ready
                unequal = {one: unequal[one] + 1 if one in differ else 0 for one in unequal}
                assert max(unequal.values()) <= most
    assert max(unequal.values()) == 0


@pytest.mark.parametrize(
    ("publish", "by", "label"),
    [
        (Publish.ENDPOINTS, None, False),
        (Publish.ENDPOINTS, "mooring", False),
        (Publish.ENDPOINTS, "", False),
        (Publish.ENDPOINTS, "kubectl-label", True),
        (Publish.SLICES, "kubectl-label", True),
        (Publish.BOTH, None, True),
    ],
)
def test_somebody_elses_label_is_theirs(publish: Publish, by: str | None, label: bool) -> None:  # noqa: FBT001 -- table
    """The label that forbids mirroring is set where own slices serve, and taken back only where we had set it."""
    stored = Stored(KEY, "1", managed=True, subsets=(), unmirrored=by is not None, unmirrored_by=by or "")
    assert unmirrored(publish, stored) is label


def test_what_is_in_place_needs_no_step() -> None:
    """Equal content is never written, whichever objects hold it."""
    for publish in EACH:
        assert needed(settled(Picture(), want(publish, A, C)), want(publish, A, C)) == ()


def test_steps_name_what_they_were_decided_on() -> None:
    """Each write has its precondition: the version that is stored."""
    begun = settled(Picture(), want(Publish.SLICES, A, C))
    for step in needed(begun, want(Publish.SLICES, B)):
        assert isinstance(step, SliceChange)
        assert step.before in begun.own
