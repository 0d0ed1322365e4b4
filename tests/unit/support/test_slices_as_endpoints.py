"""Slices as an oracle reads them, and Endpoints beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from lab.history import Version
from support.slices_as_endpoints import Said, apart

A, B = "10.77.0.11", "10.77.0.12"


class Known:
    """Versions of slices that a test made up."""

    def __init__(self, *versions: Version) -> None:
        self.versions = versions

    def all(self) -> list[Version]:
        return list(self.versions)


def slice_of(
    revision: int, states: dict[str, bool] | None, *, name: str = "db-0", keeper: str = "mooring", at: str = ""
) -> Version:
    labels = {"kubernetes.io/service-name": "db", "endpointslice.kubernetes.io/managed-by": keeper}
    endpoints = [{"addresses": [one], "conditions": {"ready": ready}} for one, ready in (states or {}).items()]
    text = json.dumps({"metadata": {"labels": labels, "annotations": {"at": at}}, "endpoints": endpoints})
    return Version(f"default/{name}", float(revision), None if states is None else text, revision)


def said(*versions: Version) -> list[tuple[str, list[str], list[str]]]:
    return [(one.service, one.ready, one.not_ready) for one in Said(Known(*versions)).all()]


def test_a_service_is_told_as_all_its_slices_have_it() -> None:
    """Each write is one version, of all families and hundreds together; a slice that was deleted says nothing."""
    found = said(slice_of(1, {A: True}), slice_of(2, {B: False}, name="db-1"), slice_of(3, None))
    assert found == [("default/db", [A], []), ("default/db", [A], [B]), ("default/db", [], [B])]


def test_slices_of_others_are_not_ours() -> None:
    """What the mirroring controller makes is no word of Mooring's, also when it goes."""
    assert said(slice_of(1, {A: True}, keeper="somebody"), slice_of(2, None)) == []


def test_the_time_of_a_write_is_no_change() -> None:
    """A write that says the same again is found out."""
    first, second = Said(Known(slice_of(1, {A: True}, at="1"), slice_of(2, {A: True}, at="2"))).all()
    assert first.text == second.text


def told(source: str, revision: int, *ready: str) -> tuple[str, Version]:
    text = json.dumps({"subsets": [{"addresses": [{"ip": address} for address in ready]}]})
    return source, Version("default/db", float(revision), text, revision)


@pytest.mark.parametrize(
    ("writes", "found"),
    [
        pytest.param([("s", A, B), ("e", A, B), ("s", A), ("e", A)], [], id="one-after-the-other"),
        pytest.param([("e", A), ("s", A)], [], id="whichever-first"),
        pytest.param([("s", A), ("s", A, B), ("e", A, B)], [A], id="one-was-written-twice"),
        pytest.param([("s", A), ("s",), ("s", A), ("e", A)], [], id="back-and-forth"),
        pytest.param([("s", A, B), ("e", A), ("e", A, B)], [B], id="the-other-forgot-one"),
        pytest.param([("s", A, B), ("e", A, B), ("s", B), ("s",), ("e", A), ("e",)], [A, A], id="for-long"),
    ],
)
def test_two_objects_differ_for_one_write(writes: Sequence[tuple[str, ...]], found: list[str]) -> None:
    """An address that is ready in one alone must not be so any more after the next write."""
    versions = [told(source, revision, *ready) for revision, (source, *ready) in enumerate(writes)]
    endpoints, slices = ([one for source, one in versions if source == kind] for kind in "es")
    assert [violation.address for violation in apart(endpoints, slices)] == found
