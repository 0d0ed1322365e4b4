"""Judges I4: what others have in the cluster stays as it is, whatever Mooring writes beside it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from simulation.api_store import Change
from simulation.stored import OF_SERVICE, service_of

KEEPER = "endpointslice.kubernetes.io/managed-by"
OUR_LABELS = frozenset({"app.kubernetes.io/managed-by", OF_SERVICE, KEEPER, "endpointslice.kubernetes.io/skip-mirror"})
OUR_NOTES = frozenset({"mooring/state", "mooring/writer", "endpoints.kubernetes.io/last-change-trigger-time"})
OUR_FIELDS = frozenset({"subsets", "endpoints", "ports", "addressType", "metadata", "kind", "apiVersion"})
OF_THE_SERVER = frozenset({"resourceVersion", "managedFields", "labels", "annotations", "uid", "ownerReferences"})


def problems(change: Change, services: Collection[str], lease: str) -> Iterator[str]:
    """What one change of a daemon, whose file has these Services, did to what is not Mooring's."""
    kind = change.collection.rpartition("/")[2]
    if kind == "events":
        return
    if kind == "leases":
        if not change.name.startswith(lease):
            yield f"wrote the Lease {change.name}"
        return
    if kind not in {"endpoints", "endpointslices"} or service_of(change) not in services:
        yield f"wrote {kind}/{change.name}, which is of no Service of its file"
        return
    before = change.before or {"metadata": {}}
    if kind == "endpointslices" and change.before and _labels(before).get(KEEPER) != "mooring":
        yield f"wrote the slice {change.name}, which another keeps"
    if change.type == "DELETED":
        if kind == "endpoints":
            yield f"deleted the Endpoints {change.name}"
        return
    yield from _differences(before, change.stored, created=change.before is None)


def _differences(before: Mapping[str, Any], after: Mapping[str, Any], *, created: bool) -> Iterator[str]:
    for what, ours in (("labels", OUR_LABELS), ("annotations", OUR_NOTES)):
        was, now = _theirs(before, what, ours), _theirs(after, what, ours)
        if was != now:
            yield f"changed {what} of others from {was} to {now}"
    if created:
        return
    for name in sorted((before.keys() | after.keys()) - OUR_FIELDS):
        if before.get(name) != after.get(name):
            yield f"changed the field {name}"
    fields = before["metadata"].keys() | after["metadata"].keys()
    for name in sorted(fields - OF_THE_SERVER):
        if before["metadata"].get(name) != after["metadata"].get(name):
            yield f"changed the metadata's {name}"


def _labels(stored: Mapping[str, Any]) -> Mapping[str, Any]:
    return stored["metadata"].get("labels") or {}


def _theirs(stored: Mapping[str, Any], what: str, ours: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in (stored["metadata"].get(what) or {}).items() if name not in ours}
