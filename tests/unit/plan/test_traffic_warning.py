"""Warnings where a published Service does not get its traffic, for a cause that Mooring must not remove."""

from __future__ import annotations

import pytest

from lab.values import KEY, PORTS
from mooring.model.objects import (
    MANAGER,
    MIRROR,
    Condition,
    DesiredObjects,
    Endpoint,
    Slice,
    StoredEndpoints,
    StoredObjects,
    StoredSlice,
    Subset,
)
from mooring.model.spec import Publish
from mooring.plan.traffic_warning import Alarm, WarningKind, find_warning, update_alarm

A, B = "10.20.0.11", "10.20.0.12"
SUBSETS = (Subset((A,), (), PORTS),)
STORED = StoredEndpoints(KEY, "1", managed=True, subsets=SUBSETS)
SKIPPED = StoredEndpoints(KEY, "1", managed=True, subsets=SUBSETS, skip_mirror=True, skip_mirror_by="kubectl-label")


def held(managed_by: str, *addresses: str, name: str = "db-x7k2p") -> StoredSlice:
    endpoints = tuple(Endpoint(one, Condition.READY) for one in addresses)
    return StoredSlice("1", managed_by, Slice(name, "IPv4", endpoints, PORTS))


OWN, MIRRORED, OLD = held(MANAGER, A), held(MIRROR, A), held(MIRROR, B)
POD = held("endpointslice-controller.k8s.io", "10.244.0.7")


def found(
    publish: Publish, *slices: StoredSlice, stored: StoredEndpoints | None = STORED
) -> tuple[WarningKind, bool] | None:
    subsets = () if publish is Publish.SLICES else SUBSETS
    told = find_warning(StoredObjects(stored, slices), DesiredObjects(publish, subsets))
    return (told.kind, told.patient) if told else None


@pytest.mark.parametrize(
    ("publish", "slices", "expected"),
    [
        pytest.param(Publish.ENDPOINTS, (MIRRORED,), None, id="mirrored"),
        pytest.param(Publish.ENDPOINTS, (), (WarningKind.NOT_MIRRORED, True), id="nobody mirrors"),
        pytest.param(Publish.ENDPOINTS, (OLD,), (WarningKind.NOT_MIRRORED, True), id="mirrored once, not now"),
        pytest.param(Publish.ENDPOINTS, (OWN,), (WarningKind.NOT_MIRRORED, True), id="own slices still serve"),
        pytest.param(Publish.BOTH, (OWN,), None, id="own"),
        pytest.param(Publish.SLICES, (OWN, OLD), (WarningKind.STILL_MIRRORED, True), id="mirrored ones stay"),
        pytest.param(Publish.SLICES, (OWN, held(MIRROR)), None, id="an empty one carries no traffic"),
        pytest.param(Publish.BOTH, (OWN, POD), (WarningKind.FOREIGN_SLICES, False), id="a former selector's"),
        pytest.param(
            Publish.ENDPOINTS, (MIRRORED, POD), (WarningKind.FOREIGN_SLICES, False), id="the same beside mirrored"
        ),
        pytest.param(Publish.ENDPOINTS, (MIRRORED, held("")), None, id="an empty one of nobody"),
    ],
)
def test_what_carries_traffic_beside_us_or_keeps_it_from_us(
    publish: Publish, slices: tuple[StoredSlice, ...], expected: tuple[WarningKind, bool] | None
) -> None:
    """Mooring warns of a second source of traffic, and where no traffic follows its objects."""
    assert found(publish, *slices) == expected


def test_without_a_host_there_is_nothing_to_mirror() -> None:
    """An Endpoints without addresses needs no mirrored slice."""
    empty = StoredEndpoints(KEY, "1", managed=True, subsets=())
    assert find_warning(StoredObjects(empty), DesiredObjects(Publish.ENDPOINTS, ())) is None


def test_a_label_of_somebody_else_is_named() -> None:
    """Where somebody has forbidden the mirroring, the warning names the manager."""
    told = find_warning(StoredObjects(SKIPPED), DesiredObjects(Publish.ENDPOINTS, SUBSETS))
    assert told is not None
    assert told.why.startswith("kubectl-label put the label skip-mirror on the Endpoints")


def test_leftovers_are_named_and_counted() -> None:
    """The sentence names slices and who kept them, and stays short over a hundred."""
    many = [held("endpointslice-controller.k8s.io", B, name=f"db-{n:02}") for n in range(20)]
    told = find_warning(StoredObjects(STORED, (OWN, *many)), DesiredObjects(Publish.BOTH, SUBSETS))
    assert told is not None
    assert "db-07 and 12 more (kept by endpointslice-controller.k8s.io)" in told.why


def test_an_alarm_is_active_at_the_moment_that_it_asked_for() -> None:
    """Otherwise the publisher looks again and again until the clock has moved on by the rounding of one number."""
    told = find_warning(StoredObjects(STORED, ()), DesiredObjects(Publish.ENDPOINTS, SUBSETS))
    for tenths in range(1, 20_000, 7):
        first = update_alarm(Alarm(), told, tenths / 10)
        assert first.look_at is not None
        assert update_alarm(first, told, first.look_at).active, tenths
