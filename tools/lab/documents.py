"""Status documents for tests, with everything that a test does not care about filled in."""

from __future__ import annotations

from typing import Any

NOW = 1_764_152_300.0
"""2025-11-26 10:18:20 UTC."""
SINCE = "2025-11-26T10:16:01.250Z"
ADDRESS = "10.20.0.12"
PROBED = "10.20.0.12:3306"


def host(**changed: Any) -> dict[str, Any]:
    """A ready host; ``changed`` are its other fields."""
    plain = {
        "name": "db2",
        "address": ADDRESS,
        "probed": PROBED,
        "backup": False,
        "verdict": "ready",
        "published": "ready",
        "reason": "ok",
        "message": "",
        "since": SINCE,
        "consecutive": 0,
        "threshold": 3,
        "loginSeconds": 10.0,
        "lastProbeAt": "2025-11-26T10:18:19.000Z",
        "latencySeconds": 0.0004,
        "role": None,
        "lagSeconds": None,
        "maintenance": False,
        "maintenanceSource": None,
    }
    return plain | changed


def out(**changed: Any) -> dict[str, Any]:
    """A host that three refused connections took out."""
    return host(
        **{
            "verdict": "not-ready",
            "published": "not-ready",
            "reason": "refused",
            "message": "connection refused",
            "threshold": 2,
            "transitions": [transition()],
        }
        | changed
    )


def transition(**changed: Any) -> dict[str, Any]:
    """By three refused connections."""
    plain = {
        "at": SINCE,
        "evidenceAt": "2025-11-26T10:15:57.125Z",
        "from": "ready",
        "to": "not-ready",
        "reason": "refused",
        "message": "connection refused",
        "counts": True,
        "probed": PROBED,
        "streak": 3,
        "stored": {"at": "2025-11-26T10:16:01.280Z", "object": "Endpoints", "version": "4711"},
    }
    return plain | changed


def outcome(**changed: Any) -> dict[str, Any]:
    """A run of successes."""
    plain = {
        "reason": "ok",
        "message": "",
        "counts": True,
        "probed": PROBED,
        "count": 30,
        "firstAt": "2025-11-26T10:15:01.000Z",
        "lastAt": "2025-11-26T10:15:59.000Z",
        "fastestSeconds": 0.0003,
        "slowestSeconds": 0.0009,
    }
    return plain | changed


def service(*hosts: dict[str, Any], **changed: Any) -> dict[str, Any]:
    ready = sum(one["published"] == "ready" for one in hosts)
    plain = {
        "namespace": "default",
        "name": "mysql-external",
        "ready": ready,
        "total": len(hosts),
        "appliedAt": SINCE,
        "error": None,
        "splitBrain": False,
        "keptLast": False,
        "held": [],
        "portsPending": [],
        "leaving": [],
        "paused": None,
        "trusted": [],
        "contested": [],
        "hosts": list(hosts),
    }
    return plain | changed


def status(*services: dict[str, Any], **changed: Any) -> dict[str, Any]:
    plain = {
        "version": "1.0.0",
        "leader": True,
        "holder": "db-a-1",
        "blind": False,
        "apiUnheardSince": None,
        "identity": "db-a-1",
        "config": {"hash": "ab", "loadedAt": SINCE, "error": None},
        "overruns": 0,
        "services": list(services),
    }
    return plain | changed
