"""The status document: the one behind ``/status``, ``mooring status``, its JSON and the live table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mooring import __version__
from mooring.judge.store import HealthStore
from mooring.judge.view import ServiceView
from mooring.model.addresses import parse
from mooring.model.damping import Hold
from mooring.model.facts import place
from mooring.model.moments import rfc3339
from mooring.model.objects import Condition, StoredObjects
from mooring.model.overrides import Drained, Pause
from mooring.model.reasons import Reason
from mooring.model.spec import Config, HostSpec
from mooring.model.targets import Member, Target
from mooring.model.verdicts import HostState, Verdict
from mooring.observe.summary import Document
from mooring.publish.state import PublishState

MOST_PROBLEMS = 20
"""The most errors of a refused file that are shown; the log has them all."""


@dataclass(frozen=True, slots=True)
class Process:
    """What is true of the daemon as a whole; ``loaded_at`` in Unix seconds."""

    identity: str
    loaded_at: float
    overruns: int = 0
    problems: tuple[str, ...] = ()
    """The errors of a changed file that was refused."""
    leader: bool = True
    holder: str = ""
    """Who holds the Lease; empty where nobody is known to."""
    unheard_since: float | None = None
    """Since when, in Unix seconds, Mooring has not heard the API server."""
    login_seconds: Mapping[Target, float] = field(default_factory=dict)
    """Between the full logins of each target beside its held session, as it is in force."""


def document(
    config: Config, store: HealthStore, publications: Mapping[Any, PublishState], process: Process
) -> Document:
    """The contract's ``/status`` document, ready for JSON."""
    seen = {view.spec.key: view for view in store.snapshot()}
    views = [seen[spec.key] for spec in config.services if spec.key in seen]
    return {
        "version": __version__,
        "leader": process.leader,
        "holder": process.holder or None,
        "blind": store.blind(),
        "apiUnheardSince": moment(process.unheard_since),
        "identity": process.identity,
        "config": {"hash": config.hash, "loadedAt": moment(process.loaded_at), "error": _shortened(process.problems)},
        "overruns": process.overruns,
        "services": [
            _service(view, publications.get(view.spec.key, PublishState()), process.login_seconds) for view in views
        ],
    }


def _shortened(problems: tuple[str, ...]) -> str | None:
    more = len(problems) - MOST_PROBLEMS
    rest = (f"and {more} problems more",) if more > 0 else ()
    return "\n".join((*problems[:MOST_PROBLEMS], *rest)) or None


def _service(view: ServiceView, publication: PublishState, login_seconds: Mapping[Target, float]) -> Document:
    hosts = [_host(member, state, publication, login_seconds.get(member.target)) for member, state in view.hosts]
    hosts += [_unresolved(view, host, publication) for host in view.unresolved]
    return {
        "namespace": view.spec.key.namespace,
        "name": view.spec.key.name,
        "ready": sum(host["published"] == Verdict.READY for host in hosts),
        "total": len(hosts),
        "appliedAt": moment(publication.applied_at),
        "error": publication.error,
        "splitBrain": view.split,
        "keptLast": bool(publication.kept),
        "held": list(publication.held),
        "portsPending": [port.port for port in view.pending],
        "leaving": [member.address for member, _ in view.leaving],
        "paused": _asked(publication.pause),
        "trusted": list(publication.trust.hosts),
        "contested": [{"manager": one.name, "mooring": one.mooring} for one in publication.contested],
        "hosts": hosts,
    }


def _asked(one: Pause | Drained | None) -> Document | None:
    """Until when somebody asks for it, who, and why."""
    return None if one is None else {"until": moment(one.until), "by": one.by, "reason": one.reason}


def _host(member: Member, state: HostState, publication: PublishState, login_seconds: float | None) -> Document:
    outcome = state.outcome
    needed = member.check.thresholds.failure if state.verdict is Verdict.READY else member.check.thresholds.success
    return {
        "name": member.host.name,
        "address": member.address,
        "probed": place(member.target.address, member.target.port),
        "backup": member.host.backup,
        "verdict": state.verdict.value,
        "published": _published(member.address, publication.stored),
        "reason": outcome.reason.value if outcome else None,
        "message": _message(state),
        "since": moment(state.since),
        "consecutive": min(state.streak, needed),
        "threshold": needed,
        "lastProbeAt": moment(state.probed_at),
        "latencySeconds": _rounded(state.latency),
        "role": state.facts.role if state.facts else None,
        "lagSeconds": _rounded(state.facts.lag) if state.facts else None,
        "loginSeconds": _rounded(login_seconds),
        "held": _held(state.held),
        **_maintenance(
            member.host, publication, member.addresses, drained=member.address in publication.drain.addresses
        ),
    }


def _message(state: HostState) -> str:
    """What its outcome says; where the check passes and says nothing, its caution."""
    if state.outcome is None:
        return ""
    return state.outcome.message or (state.caution if state.outcome.reason is Reason.OK else "")


def _held(hold: Hold | None) -> Document | None:
    return None if hold is None else {"by": hold.by.value, "until": moment(hold.until)}


def _maintenance(
    host: HostSpec, publication: PublishState, addresses: tuple[str, ...] = (), *, drained: bool
) -> Document:
    source = "file" if host.maintenance else "annotation" if drained else None
    entry = publication.drain.entry(host, addresses) if source == "annotation" else None
    return {"maintenance": source is not None, "maintenanceSource": source, "drain": _asked(entry)}


def _unresolved(view: ServiceView, host: HostSpec, publication: PublishState) -> Document:
    literal = parse(host.address) is not None
    why = dict(view.name_problems).get(host.address, "the name has no address to publish")
    nothing = dict.fromkeys(("since", "lastProbeAt", "latencySeconds", "role", "lagSeconds", "loginSeconds", "held"))
    return {
        "name": host.name,
        "address": host.address,
        "probed": None,
        "backup": host.backup,
        "verdict": Verdict.UNJUDGED.value,
        "published": "none",
        "reason": None if literal else Reason.DNS.value,
        "message": "the Service's ports are not known yet" if literal else why,
        "consecutive": 0,
        "threshold": view.spec.check.thresholds.success,
        **_maintenance(host, publication, drained=host.name in publication.drain.hosts),
        **nothing,
    }


def _published(address: str, stored: StoredObjects) -> str:
    if address in stored.last_resort:
        return Condition.LAST_RESORT.value
    if address in stored.ready:
        return Verdict.READY.value
    return Verdict.NOT_READY.value if address in stored.not_ready else "none"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None or not math.isfinite(seconds) else round(seconds, 6)


def moment(at: float | None) -> str | None:
    """Unix seconds as RFC 3339 in UTC."""
    return None if at is None else rfc3339(at, 3)
