"""The group `mirroring`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lab.values import spec
from mooring.cli.doctor.mirroring import finding, warning
from mooring.cluster.manifest import facts, parse
from mooring.cluster.slice_manifest import parse_slice
from mooring.model.objects import MIRROR, StoredObjects
from mooring.model.spec import Publish, ServiceKey, ServiceSpec
from support.cluster_objects import Object, endpoint_slice, endpoints, service, subset

KEY = ServiceKey("shop", "db")
DB = replace(spec("10.20.0.11", key=KEY), ports=())
SLICES = replace(DB, publish=Publish.SLICES)
HELD = endpoints("db", subset("10.20.0.11"))
MIRRORED = endpoint_slice("db-1", "db", "10.20.0.11", keeper=MIRROR)
MINE = endpoint_slice("db-m", "db", "10.20.0.11", keeper="mooring")
SKIPPED = endpoints("db", subset("10.20.0.11"), labels={"endpointslice.kubernetes.io/skip-mirror": "true"})


def look(of: ServiceSpec, *objects: Object, held: Object | None = None, hidden: bool = False) -> list[Any]:
    stored = [parse(KEY, one, "7") for one in objects if one["kind"] == "Endpoints"]
    slices = tuple(parse_slice(one, "7") for one in objects if one["kind"] == "EndpointSlice")
    objects_of = StoredObjects(stored[0] if stored else None, slices, hidden=hidden)
    found = warning(of, facts(held or service()), objects_of)
    return [finding(of, found)] if found else []


@pytest.mark.parametrize(
    ("of", "objects"),
    [
        (DB, ()),
        (DB, (HELD, MIRRORED)),
        (SLICES, (MINE,)),
        (SLICES, (HELD, MIRRORED)),
        (replace(DB, publish=Publish.BOTH), (SKIPPED, MINE)),
    ],
    ids=["nothing-yet", "mirrored", "own", "before-mooring", "both"],
)
def test_where_traffic_follows_nothing_is_found(of: ServiceSpec, objects: tuple[Object, ...]) -> None:
    """Also before Mooring has written anything."""
    assert look(of, *objects) == []


@pytest.mark.parametrize(
    ("of", "objects", "what", "mend"),
    [
        (DB, (HELD,), "no EndpointSlice mirrors", "publish: endpointSlices"),
        (DB, (HELD, endpoint_slice("db-1", "db", "10.20.0.12", keeper=MIRROR)), "no EndpointSlice mirrors", "publish"),
        (DB, (SKIPPED,), "skip-mirror", "label endpoints db endpointslice.kubernetes.io/skip-mirror-"),
        (
            DB,
            (HELD, MIRRORED, endpoint_slice("x", "db", "10.20.0.9", keeper="me")),
            "kept by me",
            "delete endpointslice",
        ),
        (SLICES, (HELD, MIRRORED, MINE), "are still there", MIRROR),
    ],
    ids=["not-mirrored", "another-content", "label", "foreign", "still-mirrored"],
)
def test_where_it_does_not_there_is_one_finding(
    of: ServiceSpec, objects: tuple[Object, ...], what: str, mend: str
) -> None:
    """By comparing the object with the slices that kube-proxy reads."""
    (found,) = look(of, *objects)
    assert what in found.what
    assert mend in found.mend


def test_what_is_refused_or_hidden_is_reported_elsewhere() -> None:
    """By the groups `services` and `rights`."""
    assert look(DB, HELD, held=service(selector={"app": "db"})) == []
    assert look(DB, HELD, hidden=True) == []
