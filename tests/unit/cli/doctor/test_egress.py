"""Which NetworkPolicies keep Mooring's pods from what it probes."""

from __future__ import annotations

from typing import Any

import pytest

from mooring.cli.doctor.egress import Place, findings

LABELS = {"app": "mooring", "tier": "daemon"}
DB = Place("db1", "10.20.0.11", 3306)
SIX = Place("db6", "fd00::11", 3306)
OURS: dict[str, Any] = {"matchLabels": {"app": "mooring"}}


def policy(*egress: dict[str, Any], selector: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    spec = {"podSelector": OURS if selector is None else selector, "policyTypes": ["Egress"], "egress": list(egress)}
    return {"metadata": {"name": "out"}, "spec": {**spec, **more}}


def cut(*policies: dict[str, Any], places: tuple[Place, ...] = (DB,)) -> bool:
    return bool(findings("mooring", LABELS, policies, places))


def block(cidr: str, *but: str) -> dict[str, Any]:
    return {"to": [{"ipBlock": {"cidr": cidr, "except": list(but)}}]}


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ((), False),
        ((policy(),), True),
        ((policy({}),), False),
        ((policy(block("10.20.0.0/16")),), False),
        ((policy(block("10.20.0.0/16", "10.20.0.11/32")),), True),
        ((policy(block("10.21.0.0/16")),), True),
        ((policy(block("fd00::/64")),), True),
        ((policy({"ports": [{"port": 3306}]}),), False),
        ((policy({"ports": [{"port": 3306, "protocol": "UDP"}]}),), True),
        ((policy({"ports": [{"port": 3000, "endPort": 4000}]}),), False),
        ((policy({"ports": [{"port": 3000, "endPort": 3100}]}),), True),
        ((policy({"ports": [{"port": "mysql"}]}),), True),
        ((policy({"ports": [{"protocol": "TCP"}]}),), False),
        ((policy({"ports": [{"port": 6379}]}), policy({"ports": [{"port": 3306}]})), False),
        ((policy({"to": [{"podSelector": {}}]}),), True),
        ((policy({"ports": [{"port": 53}]}, **block("10.20.0.0/16")),), True),
        ((policy(selector={"matchLabels": {"app": "other"}}),), False),
        ((policy(selector={}),), True),
        ((policy(selector={"matchExpressions": [{"key": "tier", "operator": "In", "values": ["daemon"]}]}),), True),
        ((policy(selector={"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["daemon"]}]}),), False),
        ((policy(selector={"matchExpressions": [{"key": "x", "operator": "Exists"}]}),), False),
        ((policy(selector={"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}),), True),
        ((policy(policyTypes=["Ingress"]),), False),
        ((policy(policyTypes=None),), False),
        ((policy(block("10.21.0.0/16"), policyTypes=None),), True),
    ],
)
def test_a_host_is_cut_off_where_no_policy_that_selects_the_pods_allows_it(
    policies: tuple[dict[str, Any], ...],
    expected: bool,  # noqa: FBT001 -- a column of the table
) -> None:
    """As Kubernetes defines it: policies with egress add up, and without one all is allowed."""
    assert cut(*policies) is expected


def test_the_finding_names_the_hosts_the_policies_and_the_rules_to_add() -> None:
    """One finding, however many hosts."""
    (found,) = findings("mooring", LABELS, [policy({"ports": [{"port": 53}]})], [DB, SIX])
    assert (
        "lets Mooring's pods out to db1 (10.20.0.11:3306), db6 ([fd00::11]:3306); what selects them: out" in found.what
    )
    assert "- {to: [{ipBlock: {cidr: 10.20.0.11/32}}], ports: [{protocol: TCP, port: 3306}]}" in found.mend
    assert "cidr: fd00::11/128" in found.mend
