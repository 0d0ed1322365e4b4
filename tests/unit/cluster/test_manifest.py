"""Endpoints and Services as Kubernetes writes them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from lab.values import KEY, PORTS
from mooring.cluster.manifest import MANAGED_BY, facts, merged, parse, subsets
from mooring.model.errors import Rejected
from mooring.model.objects import EndpointsWrite, ServicePort, StoredEndpoints, Subset
from mooring.model.overrides import Drained
from mooring.model.spec import Port

A, B = "10.20.0.11", "10.20.0.12"
NAMED = {"name": KEY.name, "namespace": KEY.namespace}


def endpoints(**more: Any) -> dict[str, Any]:
    return {"kind": "Endpoints", "metadata": dict(NAMED), **more}


@pytest.mark.parametrize(
    "document",
    [endpoints(), endpoints(subsets=None), endpoints(subsets=[]), endpoints(subsets=[{"addresses": None}])],
)
def test_absent_and_null_lists_are_empty(document: dict[str, Any]) -> None:
    """The API gives empty lists back as null, or not at all."""
    found = parse(KEY, document, "7")
    assert [subset for subset in found.subsets if subset.ready or subset.not_ready or subset.ports] == []
    assert (found.version, found.managed, found.manager) == ("7", False, "")


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "Secret", "metadata": NAMED},
        {"kind": "Endpoints", "metadata": {"name": "other"}},
        {"kind": "Endpoints", "metadata": []},
        {"metadata": NAMED},
        endpoints(subsets=7),
        endpoints(subsets=["text"]),
        endpoints(subsets=[{"addresses": [{}]}]),
        endpoints(subsets=[{"ports": [{"name": "mysql"}]}]),
    ],
)
def test_what_is_no_endpoints_of_this_name_is_refused(document: dict[str, Any]) -> None:
    """Nothing is read out of something else."""
    with pytest.raises(Rejected, match="default/mysql-external"):
        parse(KEY, document, "7")


def test_the_last_who_wrote_the_subsets_is_the_manager() -> None:
    """Whoever touched only labels since then did not do it."""
    fields = [
        {"manager": "kubectl-edit", "time": "2026-01-02T00:00:00Z", "fieldsV1": {"f:subsets": {}}},
        {"manager": "mooring", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:subsets": {}}},
        {"manager": "labeller", "time": "2026-01-03T00:00:00Z", "fieldsV1": {"f:metadata": {}}},
    ]
    found = parse(KEY, endpoints(metadata={**NAMED, "managedFields": fields}), "7")
    assert found.manager == "kubectl-edit"


def test_addresses_are_read_in_the_file_s_own_form() -> None:
    """Somebody else may write an IPv6 address otherwise."""
    found = parse(KEY, endpoints(subsets=[{"addresses": [{"ip": "fd00:0::B"}]}]), "7")
    assert found.subsets[0].ready == ("fd00::b",)


def test_what_others_wrote_stays() -> None:
    """Our label and the subsets change, all else stays, and what was handed in is not touched."""
    before = endpoints(
        metadata={**NAMED, "labels": {"team": "sails"}, "annotations": {"note": "kept"}}, subsets=[{"addresses": []}]
    )
    kept = copy.deepcopy(before)
    change = EndpointsWrite(KEY, StoredEndpoints(KEY, "7", managed=False, subsets=()), (Subset((A,), (B,), PORTS),))
    after = merged(before, change)
    assert before == kept
    assert after["metadata"]["labels"] == {"team": "sails", MANAGED_BY: "mooring"}
    assert after["metadata"]["annotations"] == {"note": "kept"}
    assert parse(KEY, after, "8").subsets == change.subsets


@pytest.mark.parametrize("port", [Port("", 3306, "TCP"), Port("mysql", 3306, "UDP")])
def test_empty_lists_and_names_are_left_out(port: Port) -> None:
    """The API wants no empty name, and a manifest shows no empty list."""
    [written] = subsets(EndpointsWrite(KEY, None, (Subset((), (A,), (port,)),)))
    assert written.keys() == {"notReadyAddresses", "ports"}
    assert ("name" in written["ports"][0]) == bool(port.name)
    assert "subsets" not in merged({}, EndpointsWrite(KEY, None, ()))


def test_a_service_says_what_decides_whether_it_is_served() -> None:
    """Type, selector, owner, families and ports, with Kubernetes' defaults where it says nothing."""
    plain = facts({"metadata": {}, "spec": {"ports": [{"port": 3306}]}})
    assert (plain.type, plain.selector, plain.owner, plain.families) == ("ClusterIP", False, "", ("IPv4",))
    assert plain.ports == (ServicePort("", 3306, None, "TCP"),)
    owners = [{"kind": "Pod", "name": "a"}, {"kind": "Operator", "name": "b", "controller": True}]
    spec = {"type": "LoadBalancer", "selector": {"app": "db"}, "ipFamilies": ["IPv6", "IPv4"]}
    full = facts({"metadata": {"ownerReferences": owners}, "spec": spec})
    assert (full.type, full.selector, full.owner) == ("LoadBalancer", True, "Operator/b")
    assert full.families == ("IPv6", "IPv4")
    assert facts({}).ports == ()


@pytest.mark.parametrize(
    ("spec", "addresses"),
    [
        ({}, ()),
        ({"clusterIP": "None", "clusterIPs": ["None"]}, ()),
        ({"clusterIP": ""}, ()),
        ({"clusterIP": "10.96.0.7"}, ("10.96.0.7",)),
        ({"clusterIP": "10.96.0.7", "clusterIPs": ["10.96.0.7", "fd96::7"]}, ("10.96.0.7", "fd96::7")),
    ],
)
def test_a_service_has_the_addresses_that_are_its_own(spec: dict[str, object], addresses: tuple[str, ...]) -> None:
    """A headless one has none."""
    assert facts({"spec": spec}).cluster_ips == addresses


@pytest.mark.parametrize(
    ("annotations", "entries"),
    [(None, ()), ({"note": "x"}, ()), ({"mooring/drain": "db2, 10.20.0.12"}, ("db2", "10.20.0.12"))],
)
def test_a_service_says_which_hosts_are_out(annotations: dict[str, str] | None, entries: tuple[str, ...]) -> None:
    """By its annotation mooring/drain."""
    assert facts({"metadata": {"annotations": annotations}}).drain == tuple(map(Drained, entries))
