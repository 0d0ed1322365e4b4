"""EndpointSlices before a fake API server: what is sent, and what its answers mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lab.values import KEY, PORTS
from mooring.cluster.client import ABSENT, Api, client_factory
from mooring.cluster.slices import Slices, stored_object
from mooring.model.errors import Unavailable
from mooring.model.objects import Slice, SliceWrite, StoredSlice
from mooring.model.spec import ServiceKey
from support.fake_api import FakeApi, says

NAME = "mysql-external-mooring-ipv4-0"
AFTER = Slice(NAME, "IPv4", (), PORTS)
ANSWER = {"metadata": {"name": NAME, "resourceVersion": "8"}, "addressType": "IPv4", "endpoints": [], "ports": []}


def slices_of(server: FakeApi, folder: Path) -> Slices:
    def service(_key: ServiceKey, _until: float) -> Mapping[str, Any]:
        return {"metadata": {"uid": "1b2c"}}

    api = Api(client_factory("kubeconfig", server.kubeconfig(folder / "kubeconfig", {}), None))
    return Slices(api, KEY.namespace, lambda _names: None, service)


def test_a_new_slice_belongs_to_its_service_and_replaces_none(tmp_path: Path) -> None:
    """Kubernetes deletes it with the Service; an object that is there already is a conflict."""
    with FakeApi(says(200, ANSWER)) as server:
        after = slices_of(server, tmp_path).apply(SliceWrite(KEY, None, AFTER))
        (asked,) = server.asked
    metadata = json.loads(asked.body)["metadata"]
    assert asked.headers["content-type"] == "application/apply-patch+yaml"
    assert metadata["resourceVersion"] == ABSENT
    assert metadata["ownerReferences"] == [{"apiVersion": "v1", "kind": "Service", "name": KEY.name, "uid": "1b2c"}]
    assert after is not None
    assert (after.version, after.slice.name) == ("8", NAME)


@pytest.mark.parametrize("after", [AFTER, None], ids=["update", "delete"])
def test_a_slice_that_is_there_is_changed_only_as_it_was_read(tmp_path: Path, after: Slice | None) -> None:
    """The write names the version that it was decided on."""
    with FakeApi(says(200, ANSWER)) as server:
        slices_of(server, tmp_path).apply(SliceWrite(KEY, StoredSlice("7", "mooring", AFTER), after))
        (asked,) = server.asked
    body = json.loads(asked.body)
    named = body["metadata"] if after else body["preconditions"]
    assert asked.line.split()[0] == ("PATCH" if after else "DELETE")
    assert named["resourceVersion"] == "7"


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({}, "no stored object"),
        ({"metadata": {"name": NAME}}, "no stored object"),
        ({"metadata": {"name": NAME, "resourceVersion": 8}}, "no stored object"),
        ({"metadata": {"name": "other", "resourceVersion": "8"}}, "was asked for"),
    ],
    ids=str,
)
def test_an_answer_must_be_the_object_that_was_asked_for(answer: dict[str, Any], sentence: str) -> None:
    """Otherwise it is not known what is stored."""
    with pytest.raises(Unavailable, match=sentence):
        stored_object(answer, NAME)
