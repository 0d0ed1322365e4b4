"""The status document: the one behind ``/status``, ``mooring status``, its JSON and the live table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mooring import __version__
from mooring.board import Board, ServiceView
from mooring.decide.addresses import parse
from mooring.model import HostState, Member, Verdict
from mooring.picture import Condition, Picture
from mooring.reasons import Reason
from mooring.spec import Config, HostSpec, ServiceSpec
from mooring.standing import Standing

Document = Mapping[str, Any]
MOST_PROBLEMS = 20
"""Of a file that was refused; the log has them all."""


@dataclass(frozen=True, slots=True)
class Process:
    """What is true of the daemon as a whole; ``loaded_at`` in Unix seconds."""

    identity: str
    loaded_at: float
    overruns: int = 0
    problems: tuple[str, ...] = ()
    """Of a changed file that was refused."""
    leader: bool = True


def document(config: Config, board: Board, standings: Mapping[Any, Standing], process: Process) -> Document:
    """The contract's ``/status`` document, ready for JSON."""
    seen = {view.spec.key: view for view in board.snapshot()}
    views = [seen[spec.key] for spec in config.services if spec.key in seen]
    return {
        "version": __version__,
        "leader": process.leader,
        "identity": process.identity,
        "config": {"hash": config.hash, "loadedAt": moment(process.loaded_at), "error": _told(process.problems)},
        "overruns": process.overruns,
        "services": [_service(view, standings.get(view.spec.key, Standing())) for view in views],
    }


def _told(problems: tuple[str, ...]) -> str | None:
    more = len(problems) - MOST_PROBLEMS
    rest = (f"and {more} problems more",) if more > 0 else ()
    return "\n".join((*problems[:MOST_PROBLEMS], *rest)) or None


def _service(view: ServiceView, standing: Standing) -> Document:
    hosts = [_host(member, state, standing) for member, state in view.hosts]
    hosts += [_unresolved(view.spec, host, standing) for host in view.unresolved]
    return {
        "namespace": view.spec.key.namespace,
        "name": view.spec.key.name,
        "ready": sum(host["published"] == Verdict.READY for host in hosts),
        "total": len(hosts),
        "appliedAt": moment(standing.applied_at),
        "error": standing.error,
        "keptLast": bool(standing.kept),
        "hosts": hosts,
    }


def _host(member: Member, state: HostState, standing: Standing) -> Document:
    outcome = state.outcome
    failure, success = member.thresholds.failure, member.thresholds.success
    return {
        "name": member.host,
        "address": member.address,
        "verdict": state.verdict.value,
        "published": _published(member.address, standing.stored),
        "reason": outcome.reason.value if outcome else None,
        "message": outcome.message if outcome else "",
        "since": moment(state.since),
        "consecutive": state.streak,
        "threshold": failure if state.verdict is Verdict.READY else success,
        "lastProbeAt": moment(state.probed_at),
        "latencySeconds": _rounded(state.latency),
        "role": state.facts.role if state.facts else None,
        "lagSeconds": _rounded(state.facts.lag) if state.facts else None,
        **_maintenance(in_file=member.maintenance, drained=member.address in standing.drain.addresses),
    }


def _maintenance(*, in_file: bool, drained: bool) -> Document:
    source = "file" if in_file else "annotation" if drained else None
    return {"maintenance": source is not None, "maintenanceSource": source}


def _unresolved(spec: ServiceSpec, host: HostSpec, standing: Standing) -> Document:
    literal = parse(host.address) is not None
    nothing = dict.fromkeys(("since", "lastProbeAt", "latencySeconds", "role", "lagSeconds"))
    return {
        "name": host.name,
        "address": host.address,
        "verdict": Verdict.UNJUDGED.value,
        "published": "none",
        "reason": None if literal else Reason.DNS.value,
        "message": "the Service's ports are not known yet" if literal else "the name has no address to publish",
        "consecutive": 0,
        "threshold": spec.check.thresholds.success,
        **_maintenance(in_file=host.maintenance, drained=host.name in standing.drain.hosts),
        **nothing,
    }


def _published(address: str, stored: Picture) -> str:
    if address in stored.last_resort:
        return Condition.LAST_RESORT.value
    if address in stored.ready:
        return Verdict.READY.value
    return Verdict.NOT_READY.value if address in stored.not_ready else "none"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None or not math.isfinite(seconds) else round(seconds, 6)


def moment(at: float | None) -> str | None:
    """Unix seconds as RFC 3339 in UTC."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def all_ready(services: Sequence[Document]) -> bool:
    """Every host serves, or stands by because another host of its Service has the role."""
    return all(_serves(service) for service in services)


def _serves(service: Document) -> bool:
    serving = [host for host in service["hosts"] if host["verdict"] == Verdict.READY and not host["maintenance"]]
    others = [host for host in service["hosts"] if host not in serving]
    return not others or (bool(serving) and all(_stands_by(host) for host in others))


def _stands_by(host: Document) -> bool:
    return host["reason"] == Reason.WRONG_ROLE and not host["maintenance"]
