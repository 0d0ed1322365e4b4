"""EndpointSlices as Kubernetes writes them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from lab.values import KEY, PORTS
from mooring.cluster.slice_manifest import CONDITIONS, merged_slice, parse_slice, service_of, slice_patch
from mooring.model.errors import Rejected
from mooring.model.objects import Condition, Endpoint, Slice, SliceWrite
from mooring.model.spec import Port

A, B = "10.20.0.11", "10.20.0.12"
NAME = "mysql-external-mooring-ipv4-0"


def document(*endpoints: dict[str, Any], **more: Any) -> dict[str, Any]:
    labels = {"kubernetes.io/service-name": KEY.name, "endpointslice.kubernetes.io/managed-by": "mooring"}
    return {"metadata": {"name": NAME, "labels": labels}, "addressType": "IPv4", "endpoints": list(endpoints), **more}


@pytest.mark.parametrize(
    ("conditions", "means"),
    [
        *((dict(said), condition) for condition, said in CONDITIONS.items()),
        ({}, Condition.READY),
        (None, Condition.READY),
        ({"ready": None}, Condition.READY),
        ({"ready": False}, Condition.NOT_READY),
        ({"ready": False, "terminating": True}, Condition.LAST_RESORT),
        ({"ready": False, "serving": False, "terminating": True}, Condition.NOT_READY),
    ],
)
def test_what_is_not_said_is_taken_as_kube_proxy_takes_it(conditions: dict[str, Any], means: Condition) -> None:
    """Ready and serving unless told otherwise: what is read is what traffic does."""
    entry = {"addresses": [A]} | ({} if conditions is None else {"conditions": conditions})
    assert parse_slice(document(entry), "1").slice.endpoints == (Endpoint(A, means),)


@pytest.mark.parametrize("condition", Condition)
def test_conditions_are_always_written_out(condition: Condition) -> None:
    """All three, each true or false, and one address an endpoint."""
    after = Slice(NAME, "IPv4", (Endpoint(A, condition, "eu-1a", ("eu-1a",)),), PORTS)
    [written] = slice_patch(SliceWrite(KEY, None, after), after)["endpoints"]
    assert written["conditions"].keys() == {"ready", "serving", "terminating"}
    assert written["addresses"] == [A]
    assert (written["zone"], written["hints"]) == ("eu-1a", {"forZones": [{"name": "eu-1a"}]})
    assert (
        parse_slice(document(written, ports=[{"name": "mysql", "port": 3306, "protocol": "TCP"}]), "1").slice == after
    )


def test_a_new_slice_is_a_whole_manifest() -> None:
    """It says which Service it is of, who keeps it, and when what it tells was noticed."""
    after = Slice(NAME, "IPv4", (Endpoint(A, Condition.READY),), (Port("", 53, "UDP"),))
    assert merged_slice({}, SliceWrite(KEY, None, after, 1_700_000_000.25), after) == {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "addressType": "IPv4",
        "metadata": {
            "name": NAME,
            "namespace": "default",
            "labels": {
                "kubernetes.io/service-name": "mysql-external",
                "endpointslice.kubernetes.io/managed-by": "mooring",
                "app.kubernetes.io/managed-by": "mooring",
            },
            "annotations": {"endpoints.kubernetes.io/last-change-trigger-time": "2023-11-14T22:13:20.250000000Z"},
        },
        "endpoints": [{"addresses": [A], "conditions": dict(CONDITIONS[Condition.READY])}],
        "ports": [{"port": 53, "protocol": "UDP"}],
    }


def test_what_others_put_on_a_slice_stays() -> None:
    """Labels, annotations and the address type are kept; the document that was read is not touched."""
    before = document({"addresses": [A]}, ports=None)
    before["metadata"] |= {"annotations": {"note": "kept"}, "labels": before["metadata"]["labels"] | {"team": "sails"}}
    was = copy.deepcopy(before)
    after = Slice(NAME, "IPv4", (Endpoint(B, Condition.READY),), PORTS)
    merged = merged_slice(before, SliceWrite(KEY, parse_slice(before, "1"), after), after)
    assert merged["metadata"]["annotations"] == {"note": "kept"}
    assert merged["metadata"]["labels"]["team"] == "sails"
    assert before == was
    assert parse_slice(merged, "2").slice == after


def test_who_keeps_a_slice_and_wrote_it_is_read() -> None:
    """Service, keeper and last manager of the endpoints; each may be missing."""
    fields = [{"manager": "kubectl-edit", "time": "2", "fieldsV1": {"f:endpoints": {}}}]
    found = document(endpoints=None)
    found["metadata"]["managedFields"] = fields
    held = parse_slice(found, "7")
    assert (service_of(found), held.managed_by, held.manager, held.version) == (
        KEY.name,
        "mooring",
        "kubectl-edit",
        "7",
    )
    assert held.slice.endpoints == ()
    bare = {"metadata": {"name": "x"}, "addressType": "IPv4"}
    assert (service_of(bare), parse_slice(bare, "1").managed_by) == ("", "")


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"metadata": None},
        {"metadata": {"name": "x"}},
        {"metadata": {"name": "x"}, "addressType": "IPv4", "endpoints": [{}]},
        {"metadata": {"name": "x"}, "addressType": "IPv4", "endpoints": ["a"]},
        {"metadata": {"name": "x"}, "addressType": "IPv4", "ports": [{"port": None}]},
    ],
)
def test_something_else_is_no_slice(wrong: dict[str, Any]) -> None:
    """What is not of the shape of an EndpointSlice is refused, not guessed at."""
    with pytest.raises(Rejected, match="not of the shape"):
        parse_slice(wrong, "1")
