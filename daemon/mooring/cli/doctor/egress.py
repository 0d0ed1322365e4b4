"""NetworkPolicies that would keep Mooring's pods from a host or a Sentinel. Pure.

A pod that a policy with egress selects reaches what one of these policies allows, and nothing else (API reference,
networking.k8s.io/v1).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mooring.cli.doctor.causes import MOST_NAMED, named
from mooring.cli.doctor.finding import Finding
from mooring.model.facts import place

Policy = Mapping[str, Any]
WHY = "where the network enforces policies, such a host looks silent, and Mooring takes it out"
TCP = "TCP"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something is probed; ``name`` is what people call it."""

    name: str
    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.name} ({place(self.address, self.port)})"


def findings(
    namespace: str, labels: Mapping[str, str], policies: Iterable[Policy], places: Iterable[Place]
) -> list[Finding]:
    """``labels`` are those of Mooring's pods in this namespace, whose ``policies`` these are."""
    selecting = [one for one in policies if _is_egress(one) and selects(one["spec"].get("podSelector") or {}, labels)]
    cut = sorted({one for one in places if selecting and not any(allows(policy, one) for policy in selecting)})
    if not cut:
        return []
    names = ", ".join(sorted(str(one["metadata"]["name"]) for one in selecting))
    shown = named(map(str, cut))
    what = (
        f"no NetworkPolicy of the namespace {namespace} lets Mooring's pods out to {shown}; what selects them: {names}"
    )
    return [Finding(what, WHY, _mend(names, cut))]


def _mend(names: str, cut: Sequence[Place]) -> str:
    rules = [
        f"- {{to: [{{ipBlock: {{cidr: {one.address}/{ipaddress.ip_address(one.address).max_prefixlen}}}}}], "
        f"ports: [{{protocol: {TCP}, port: {one.port}}}]}}"
        for one in cut[:MOST_NAMED]
    ]
    return "\n".join([f"the chart: networkPolicy.databases; else add to egress of {names}:", *rules])


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches; an empty one matches all."""
    wanted = (selector.get("matchLabels") or {}).items() <= labels.items()
    return wanted and all(_matches(one, labels) for one in selector.get("matchExpressions") or ())


def _matches(one: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    held, values = labels.get(one["key"]), one.get("values") or ()
    return {
        "In": held in values,
        "NotIn": held not in values,
        "Exists": held is not None,
        "DoesNotExist": held is None,
    }.get(one["operator"], False)


def allows(policy: Policy, wanted: Place) -> bool:
    """Whether a rule of the policy lets a connection out to there. Rules for pods match no host outside."""
    return any(
        _to(rule.get("to") or (), wanted.address) and _ports(rule.get("ports") or (), wanted.port)
        for rule in policy["spec"].get("egress") or ()
    )


def _to(peers: Sequence[Mapping[str, Any]], address: str) -> bool:
    blocks = [one["ipBlock"] for one in peers if "ipBlock" in one]
    return not peers or any(_is_in(block, address) for block in blocks)


def _is_in(block: Mapping[str, Any], address: str) -> bool:
    asked = ipaddress.ip_address(address)
    excluded = any(asked in ipaddress.ip_network(one, strict=False) for one in block.get("except") or ())
    return asked in ipaddress.ip_network(block["cidr"], strict=False) and not excluded


def _ports(ports: Sequence[Mapping[str, Any]], wanted: int) -> bool:
    """A port by its name is one of a pod."""
    return not ports or any(
        one.get("protocol", TCP) == TCP
        and (
            "port" not in one
            or (isinstance(one["port"], int) and one["port"] <= wanted <= one.get("endPort", one["port"]))
        )
        for one in ports
    )


def _is_egress(policy: Policy) -> bool:
    spec = policy["spec"]
    return "Egress" in (spec.get("policyTypes") or (["Egress"] if spec.get("egress") else []))
