"""A status with states of every kind and a banner, and the record of an hour behind it, for who looks at the page."""

from __future__ import annotations

from typing import Any

from lab.documents import host, out, service, status
from lab.health_stores import probe, store_of
from lab.health_stores import service as spec_of
from lab.values import stored
from mooring.judge.store import HealthStore
from mooring.model.moments import rfc3339
from mooring.model.reasons import Reason
from mooring.model.spec import ServiceKey

BEGAN = 1_700_000_000.0
"""Unix seconds at which reports of ``lab.values`` begin."""
EVERY, COUNT = 20.0, 180
"""Probes in an hour, and the seconds between them."""
LONG = "db-eu-central-1b-prod-01.internal.example.com"
ORDERS, SESSIONS, REPORTS = ServiceKey("shop", "orders"), ServiceKey("shop", "sessions"), ServiceKey("bi", "reports")
HOSTS = {"db1": ORDERS, "db2": ORDERS, "db3": ORDERS, LONG: SESSIONS, "cache2": SESSIONS, "r1": REPORTS, "r2": REPORTS}
ADDRESSES = {name: f"10.20.0.{number}" for number, name in enumerate(HOSTS, 11)}
STATES = ["not-ready", "ready, unchecked", "ready", "ready", "maintenance (annotation)", "ready", "ready"]
"""As the page shows them, trouble first."""


def sample(now: float) -> tuple[dict[str, Any], HealthStore]:
    """The document, and the store; ``now`` in Unix seconds."""
    since, until = rfc3339(now - 90_000.0, 3), rfc3339(now + 7200.0)
    plain = {"since": since, "lastProbeAt": rfc3339(now - 1.0, 3)}

    def named(name: str, **more: Any) -> dict[str, Any]:
        return {**plain, "name": name, "address": ADDRESSES[name], "probed": f"{ADDRESSES[name]}:3306", **more}

    refused = "1045: Access denied for user 'mooring'"
    drained = {"maintenance": True, "maintenanceSource": "annotation", "published": "not-ready"}
    entry = {"by": "ada", "until": until, "reason": "new disk"}
    orders = [
        host(**named("db1", role="primary")),
        out(**named("db2", since=rfc3339(now - 780.0, 3), consecutive=1)),
        host(**named("db3", reason="auth", message=refused)),
    ]
    sessions = [host(**named(LONG, latencySeconds=0.0011)), host(**named("cache2", drain=entry, **drained))]
    reports = [host(**named("r1")), host(**named("r2", role="replica", lagSeconds=1.5))]
    paused = {"until": until, "by": "ada", "reason": "moving the rack"}
    services = [
        service(*orders, namespace=ORDERS.namespace, name=ORDERS.name),
        service(*sessions, namespace=SESSIONS.namespace, name=SESSIONS.name),
        service(*reports, namespace=REPORTS.namespace, name=REPORTS.name, paused=paused),
    ]
    return status(*services, identity="mooring-5f7c9-x2k4p-0a1b2c3d"), _store(now)


def _store(now: float) -> HealthStore:
    listed = [
        spec_of(*(ADDRESSES[one] for one in HOSTS if HOSTS[one] is key), key=key)
        for key in dict.fromkeys(HOSTS.values())
    ]
    store = store_of(*listed, of=stored(ready=tuple(ADDRESSES.values())))
    hour = dict.fromkeys(HOSTS, [Reason.OK] * COUNT)
    hour["db2"] = [*[Reason.OK] * 60, *[Reason.TIMEOUT] * 2, *[Reason.OK] * 78, *[Reason.REFUSED] * 40]
    hour["db3"] = [*[Reason.OK] * 100, *[Reason.AUTH] * 80]
    for name, reasons in hour.items():
        probe(store, ADDRESSES[name], *reasons, at=now - BEGAN - COUNT * EVERY, every=EVERY)
    return store
