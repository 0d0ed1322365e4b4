"""What a status document says as a whole. Imports little, for the command that only asks a daemon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mooring.model.reasons import Reason
from mooring.model.verdicts import Verdict

Document = Mapping[str, Any]


def all_well(document: Document) -> bool:
    """Every host serves, or stands by; and the last file was taken up."""
    return all_ready(document["services"]) and not document["config"]["error"]


def all_ready(services: Sequence[Document]) -> bool:
    """Every host serves, or stands by because another host of its Service has the role."""
    return all(_serves(service) for service in services)


def _serves(service: Document) -> bool:
    serving = [host for host in service["hosts"] if host["verdict"] == Verdict.READY and not host["maintenance"]]
    others = [host for host in service["hosts"] if host not in serving]
    return not others or (bool(serving) and all(_stands_by(host) for host in others))


def _stands_by(host: Document) -> bool:
    return host["reason"] == Reason.WRONG_ROLE and not host["maintenance"]
