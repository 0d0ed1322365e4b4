"""The group ``lease``: whether somebody leads."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from mooring.cli.doctor.finding import Finding, Level
from mooring.cluster.client import Api
from mooring.cluster.lease import HANDED_OVER, parse_lease
from mooring.cluster.status import Missing
from mooring.leader.election import Lease

WHY = "only the holder of the Lease writes: without one, what is published stays as it is"
AGAIN_SECONDS = 6.0
"""A leader renews every two seconds."""


@dataclass(frozen=True, slots=True)
class LeaseFacts:
    """``age``: seconds since its renewal, by the holder's clock and the API server's; ``renewed``: it changed since."""

    namespace: str
    name: str
    lease: Lease | None = None
    age: float = 0.0
    renewed: bool = True


def findings(facts: LeaseFacts) -> list[Finding]:
    where, lease = f"{facts.namespace}/{facts.name}", facts.lease
    pods = f"kubectl -n {facts.namespace} get pods; kubectl -n {facts.namespace} logs deploy/mooring"
    if lease is None:
        return [Finding(f"the Lease {where} does not exist: no Mooring has led yet", WHY, pods)]
    if not lease.holder:
        return [Finding(f"nobody holds the Lease {where}: the last leader gave it back", WHY, pods)]
    if not facts.renewed:
        return [Finding(f"nobody renews the Lease {where}: {lease.holder} did at {lease.renewed}", WHY, pods)]
    if is_odd(facts):
        off = f"{abs(facts.age):.0f} s off the API server's"
        what = f"the clock of {lease.holder}, which holds the Lease {where}, is {off}"
        why = "times in its log, its Events and the ends of drains and pauses go by it"
        return [Finding(what, why, "start an NTP client on its node, and see timedatectl there", Level.WARNING)]
    return []


def is_odd(facts: LeaseFacts) -> bool:
    """Whether the time of its renewal alone does not show that somebody renews it."""
    return facts.lease is not None and bool(facts.lease.holder) and abs(facts.age) > (facts.lease.seconds or 0.0)


def lease_facts(api: Api, namespace: str, name: str, wait: Callable[[float], None] = time.sleep) -> LeaseFacts:
    """Reads the Lease, and once more where it looks forgotten. Raises ClusterError."""
    facts = _read(api, namespace, name)
    if not is_odd(facts):
        return facts
    wait(AGAIN_SECONDS)
    again = _read(api, namespace, name)
    return LeaseFacts(namespace, name, again.lease, again.age, renewed=_moment(again) != _moment(facts))


def _moment(facts: LeaseFacts) -> str:
    return facts.lease.renewed if facts.lease else ""


def _read(api: Api, namespace: str, name: str) -> LeaseFacts:
    try:
        found = api.get(f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}")
    except Missing:
        return LeaseFacts(namespace, name)
    lease = parse_lease(found, HANDED_OVER, f"{namespace}/{name}")
    now = time.time() if api.date is None else api.date
    return LeaseFacts(namespace, name, lease, now - _seconds(lease.renewed, now))


def _seconds(text: str, default: float) -> float:
    with suppress(ValueError):
        return datetime.fromisoformat(text).timestamp()
    return default
