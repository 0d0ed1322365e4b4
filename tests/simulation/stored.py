"""Stored Endpoints and EndpointSlices, as judges read them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from simulation.api_store import Change

OF_SERVICE = "kubernetes.io/service-name"
PEOPLE = frozenset({"somebody", "kubectl"})
Lists = tuple[set[str], set[str]]
"""Addresses that are ready, and those that are not."""


def is_published(change: Change) -> bool:
    """Whether a daemon changed what traffic follows."""
    return change.collection.endswith(("/endpoints", "/endpointslices")) and change.by not in PEOPLE


def service_of(change: Change) -> str:
    labels = change.stored["metadata"].get("labels") or {}
    return str(labels.get(OF_SERVICE)) if change.collection.endswith("/endpointslices") else change.name


def lists(stored: dict[str, Any]) -> Lists:
    if "endpoints" in stored:
        found: Lists = (set(), set())
        for one in stored["endpoints"] or []:
            found[(one.get("conditions") or {}).get("ready") is False].update(one["addresses"])
        return found
    subsets = stored.get("subsets") or []
    ready, not_ready = (
        {one["ip"] for subset in subsets for one in subset.get(field) or []}
        for field in ("addresses", "notReadyAddresses")
    )
    return ready, not_ready


def lists_after(change: Change) -> Lists:
    return (set(), set()) if change.type == "DELETED" else lists(change.stored)


def together(found: Iterable[dict[str, Any]]) -> Lists:
    ready: set[str] = set()
    not_ready: set[str] = set()
    for one in found:
        more = lists(one)
        ready, not_ready = ready | more[0], not_ready | more[1]
    return ready, not_ready


def kept_by_mooring(stored: dict[str, Any] | None) -> bool:
    """Nobody else has changed its addresses since Mooring did."""
    entries: list[Any] = (stored["metadata"].get("managedFields") or []) if stored else []
    return bool(entries) and entries[-1]["manager"] == "mooring"


def writer_of(stored: dict[str, Any] | None) -> str:
    """The identity of the Mooring that wrote it last; empty: none did."""
    notes = (stored["metadata"].get("annotations") or {}) if stored else {}
    return str(notes.get("mooring/writer") or "")
