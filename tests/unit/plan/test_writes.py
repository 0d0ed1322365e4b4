"""Each way from one ``publish`` to another, with a mirroring controller that acts at any moment."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from lab.values import KEY, PORTS
from mooring.model.objects import (
    MANAGER,
    MIRROR,
    Condition,
    DesiredObjects,
    Endpoint,
    EndpointsWrite,
    Refusal,
    Slice,
    SliceWrite,
    StoredEndpoints,
    StoredObjects,
    StoredSlice,
    Subset,
    Write,
    addresses,
    family,
)
from mooring.model.spec import Adopt, Publish
from mooring.plan.plan import plan
from mooring.plan.writes import is_mirrored, skip_mirror, writes

A, B, C = "10.20.0.11", "10.20.0.12", "fd00::11"
READY, NOT_READY = Condition.READY, Condition.NOT_READY
EACH = tuple(Publish)
WAYS = [(one, other) for one in EACH for other in EACH if one is not other]


def want(publish: Publish, *ready: str) -> DesiredObjects:
    """A, B and C are listed; those that are named are ready."""
    down = tuple(address for address in (A, B, C) if address not in ready)
    endpoints = tuple(Endpoint(one, READY if one in ready else NOT_READY) for one in (A, B, C))
    subsets = () if publish is Publish.SLICES else (Subset(ready, down, PORTS),)
    return DesiredObjects(publish, subsets, endpoints, PORTS)


def needed(objects: StoredObjects, desired: DesiredObjects, *, mirrored: bool = True) -> tuple[Write, ...]:
    """The writes as the reconciler decides them."""
    stored = objects.endpoints
    if stored is None and desired.publish is Publish.SLICES:
        return writes(KEY, objects, desired, None, mirrored=mirrored)
    label = skip_mirror(desired.publish, stored)
    change = plan(KEY, frozenset({A, B, C}), Adopt.IF_LISTED, stored, desired.subsets, skip_mirror=label)
    assert not isinstance(change, Refusal)
    return writes(KEY, objects, desired, change, mirrored=mirrored)


def after(objects: StoredObjects, step: Write) -> StoredObjects:
    if isinstance(step, EndpointsWrite):
        assert step.before == objects.endpoints
        by = "mooring" if step.skip_mirror else ""
        stored = StoredEndpoints(
            KEY, "2", managed=True, subsets=step.subsets, skip_mirror=step.skip_mirror, skip_mirror_by=by
        )
        return replace(objects, endpoints=stored)
    rest = tuple(one for one in objects.slices if one != step.before)
    assert step.before is None or len(rest) == len(objects.slices) - 1
    return replace(objects, slices=rest if step.after is None else (*rest, StoredSlice("2", MANAGER, step.after)))


def mirror(objects: StoredObjects) -> StoredObjects:
    """What the mirroring controller makes of the Endpoints as it is now (its code: one slice a family)."""
    stored = objects.endpoints
    rest = tuple(one for one in objects.slices if one.managed_by != MIRROR)
    if stored is None or stored.skip_mirror or not stored.subsets:
        return replace(objects, slices=rest)
    conditions = dict.fromkeys(stored.not_ready, NOT_READY) | dict.fromkeys(stored.ready, READY)
    made = []
    for name in ("IPv4", "IPv6"):
        endpoints = tuple(Endpoint(one, condition) for one, condition in conditions.items() if family(one) == name)
        made += [StoredSlice("m", MIRROR, Slice(f"db-{name}", name, endpoints, PORTS))] if endpoints else []
    return replace(objects, slices=(*rest, *made))


def settled(objects: StoredObjects, desired: DesiredObjects) -> StoredObjects:
    for _ in range(20):
        objects = mirror(objects)
        if not (found := needed(objects, desired)):
            return objects
        objects = after(objects, found[0])
    raise AssertionError("it never ends")


def traffic(objects: StoredObjects) -> frozenset[str]:
    """Where kube-proxy sends new connections: it reads slices only."""
    return addresses(objects.slices, READY)


@dataclass
class Walk:
    """Every order in which the mirroring controller and we may act, as far as it makes a difference."""

    desired: DesiredObjects
    ends: set[StoredObjects]

    def run(self, objects: StoredObjects) -> Iterator[StoredObjects]:
        seen: set[StoredObjects] = set()
        waiting = [objects]
        while waiting:
            now = waiting.pop()
            if now in seen:
                continue
            seen.add(now)
            yield now
            found = needed(now, self.desired)
            nexts = [mirror(now), *(after(now, step) for step in found[:1])]
            if all(one == now for one in nexts):
                self.ends.add(now)
            waiting += nexts


@pytest.mark.parametrize(("before", "to"), WAYS)
def test_no_order_of_events_opens_a_gap(before: Publish, to: Publish) -> None:
    """While ``publish`` changes, traffic goes to the ready hosts at each moment, whenever the mirroring acts."""
    walk = Walk(want(to, A, C), set())
    begun = settled(StoredObjects(), want(before, A, C))
    for objects in walk.run(begun):
        assert traffic(objects) == {A, C}
    [end] = walk.ends
    assert bool(end.mirrored) != bool(end.own), "two sources, or none"
    assert bool(end.own) == (to is not Publish.ENDPOINTS)
    assert end == settled(begun, want(to, A, C))


@pytest.mark.parametrize(("before", "to"), WAYS)
def test_a_host_that_dies_on_the_way_ends_dead(before: Publish, to: Publish) -> None:
    """A verdict that changes in the middle of the way is published by whatever is in the traffic's path then."""
    on_the_way = list(Walk(want(to, A, C), set()).run(settled(StoredObjects(), want(before, A, C))))
    for begun in on_the_way:
        assert traffic(settled(begun, want(to, C))) == {C}


def test_own_slices_tell_the_truth_until_they_are_deleted() -> None:
    """While nothing mirrors the Endpoints, own slices stay up to date: no traffic is lost, and a failed host leaves."""
    begun = settled(StoredObjects(), want(Publish.SLICES, A, B))
    objects, desired = begun, want(Publish.ENDPOINTS, A)
    while found := needed(objects, desired):
        objects = after(objects, found[0])
    assert traffic(objects) == {A}
    assert not is_mirrored(objects, desired)
    assert objects.endpoints is not None
    assert not objects.endpoints.skip_mirror


def test_where_nothing_mirrors_own_slices_go_at_once() -> None:
    """Without a mirroring controller there is nothing to wait for."""
    objects, desired = settled(StoredObjects(), want(Publish.SLICES, A)), want(Publish.ENDPOINTS, A)
    while found := needed(objects, desired, mirrored=False):
        objects = after(objects, found[0])
    assert objects.slices == ()


def test_an_endpoints_beside_slices_only_has_no_addresses() -> None:
    """With publish: endpointSlices, an Endpoints that is there bears no address; none is made."""
    assert settled(StoredObjects(), want(Publish.SLICES, A)).endpoints is None
    end = settled(settled(StoredObjects(), want(Publish.ENDPOINTS, A)), want(Publish.SLICES, A)).endpoints
    assert end is not None
    assert (end.subsets, end.skip_mirror) == ((), True)


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
    objects, unequal = settled(StoredObjects(), want(Publish.BOTH, *hosts.values())), dict.fromkeys(hosts.values(), 0)
    for ready, count in zip(flips, (cut, 9), strict=True):
        for _ in range(count):
            for step in needed(objects, want(Publish.BOTH, *(hosts[name] for name in ready)))[:1]:
                objects = after(objects, step)
                stored = objects.endpoints
                assert stored is not None
                differ = addresses(objects.own, READY) ^ stored.ready
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
    stored = StoredEndpoints(KEY, "1", managed=True, subsets=(), skip_mirror=by is not None, skip_mirror_by=by or "")
    assert skip_mirror(publish, stored) is label


def test_what_is_in_place_needs_no_step() -> None:
    """Equal content is never written, whichever objects hold it."""
    for publish in EACH:
        assert needed(settled(StoredObjects(), want(publish, A, C)), want(publish, A, C)) == ()


def test_steps_name_what_they_were_decided_on() -> None:
    """Each write has its precondition: the version that is stored."""
    begun = settled(StoredObjects(), want(Publish.SLICES, A, C))
    for step in needed(begun, want(Publish.SLICES, B)):
        assert isinstance(step, SliceWrite)
        assert step.before in begun.own
