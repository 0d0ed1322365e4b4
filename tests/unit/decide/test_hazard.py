"""hazard: what is in the way of a Service's traffic and not ours to remove."""

from __future__ import annotations

import pytest

from ground.values import KEY, PORTS
from mooring.decide.hazard import Kind, hazard
from mooring.model import Stored, Subset
from mooring.picture import MIRROR, US, Condition, Endpoint, Picture, Slice, StoredSlice, Wanted
from mooring.spec import Publish

A, B = "10.20.0.11", "10.20.0.12"
SUBSETS = (Subset((A,), (), PORTS),)
STORED = Stored(KEY, "1", managed=True, subsets=SUBSETS)
SKIPPED = Stored(KEY, "1", managed=True, subsets=SUBSETS, unmirrored=True, unmirrored_by="kubectl-label")


def held(keeper: str, *addresses: str, name: str = "db-x7k2p") -> StoredSlice:
    endpoints = tuple(Endpoint(one, Condition.READY) for one in addresses)
    return StoredSlice("1", keeper, Slice(name, "IPv4", endpoints, PORTS))


OWN, MIRRORED, OLD = held(US, A), held(MIRROR, A), held(MIRROR, B)
POD = held("endpointslice-controller.k8s.io", "10.244.0.7")


def found(publish: Publish, *slices: StoredSlice, stored: Stored | None = STORED) -> tuple[Kind, bool] | None:
    subsets = () if publish is Publish.SLICES else SUBSETS
    told = hazard(Picture(stored, slices), Wanted(publish, subsets))
    return (told.kind, told.patient) if told else None


@pytest.mark.parametrize(
    ("publish", "slices", "expected"),
    [
        pytest.param(Publish.ENDPOINTS, (MIRRORED,), None, id="mirrored"),
        pytest.param(Publish.ENDPOINTS, (), (Kind.NOT_MIRRORED, True), id="nobody mirrors"),
        pytest.param(Publish.ENDPOINTS, (OLD,), (Kind.NOT_MIRRORED, True), id="mirrored once, not now"),
        pytest.param(Publish.ENDPOINTS, (OWN,), (Kind.NOT_MIRRORED, True), id="own slices still serve"),
        pytest.param(Publish.BOTH, (OWN,), None, id="own"),
        pytest.param(Publish.SLICES, (OWN, OLD), (Kind.STILL_MIRRORED, True), id="mirrored ones stay"),
        pytest.param(Publish.SLICES, (OWN, held(MIRROR)), None, id="an empty one carries no traffic"),
        pytest.param(Publish.BOTH, (OWN, POD), (Kind.FOREIGN_SLICES, False), id="a former selector's"),
        pytest.param(Publish.ENDPOINTS, (MIRRORED, POD), (Kind.FOREIGN_SLICES, False), id="the same beside mirrored"),
        pytest.param(Publish.ENDPOINTS, (MIRRORED, held("")), None, id="an empty one of nobody"),
    ],
)
def test_what_carries_traffic_beside_us_or_keeps_it_from_us(
    publish: Publish, slices: tuple[StoredSlice, ...], expected: tuple[Kind, bool] | None
) -> None:
    """A second source of traffic is told, and that nobody gets to see what is published."""
    assert found(publish, *slices) == expected


def test_without_a_host_there_is_nothing_to_mirror() -> None:
    """An Endpoints without addresses reaches nobody, as it should."""
    empty = Stored(KEY, "1", managed=True, subsets=())
    assert hazard(Picture(empty), Wanted(Publish.ENDPOINTS, ())) is None


def test_a_label_of_somebody_else_is_named() -> None:
    """Where a person has forbidden the mirroring, the sentence says who."""
    told = hazard(Picture(SKIPPED), Wanted(Publish.ENDPOINTS, SUBSETS))
    assert told is not None
    assert told.why.startswith("kubectl-label put the label skip-mirror on the Endpoints")


def test_leftovers_are_named_and_counted() -> None:
    """The sentence names slices and who kept them, and stays short over a hundred."""
    many = [held("endpointslice-controller.k8s.io", B, name=f"db-{n:02}") for n in range(20)]
    told = hazard(Picture(STORED, (OWN, *many)), Wanted(Publish.BOTH, SUBSETS))
    assert told is not None
    assert "db-07 and 12 more (kept by endpointslice-controller.k8s.io)" in told.why
