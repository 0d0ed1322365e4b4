"""The log line of each event: level, name, facts, and what it means where the name does not say it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, NamedTuple

from mooring.model import events, host_events, lease_events, publish_events
from mooring.model.moments import rfc3339
from mooring.model.objects import Condition, EndpointsWrite, Write
from mooring.model.overrides import Pause
from mooring.model.reasons import MEANINGS
from mooring.model.spec import Port, ServiceKey
from mooring.model.targets import Member, Target
from mooring.model.verdicts import Outcome, Verdict

Facts = dict[str, Any]


class Line(NamedTuple):
    """One line of the log."""

    level: str
    name: str
    facts: Mapping[str, Any]


class Says(NamedTuple):
    """The line of an event whose facts are its own fields; ``means`` is one fact more."""

    level: str
    name: str
    means: str = ""


def log_line(event: object) -> Line:
    """The line of an event. Raises KeyError where the table below has none."""
    entry = LINES[type(event)]
    found: Says | Line = entry if isinstance(entry, Says) else entry(event)
    if isinstance(found, Line):
        return found
    facts = dict(_facts(event))
    return Line(found.level, found.name, {**facts, "means": found.means} if found.means else facts)


def _facts(value: object) -> Iterator[tuple[str, Any]]:
    """The fields of an event as values of JSON; those that say nothing (empty, None, False) are left out."""
    for field in fields(value):  # type: ignore[arg-type] # events are dataclasses
        fact = getattr(value, field.name)
        match fact:
            case Member():
                yield from _who(fact).items()
            case Target():
                yield from _where(fact).items()
            case Pause():
                yield from _facts(fact)
            case ServiceKey():
                yield field.name, str(fact)
            case Port():
                yield field.name, port_name(fact)
            case tuple():
                yield field.name, [port_name(one) if isinstance(one, Port) else one for one in fact]
            case float():
                yield field.name, round(fact, 3)
            case None | "" | False:
                continue
            case _:
                yield field.name, fact


def port_name(port: Port) -> str:
    """As people name ports: ``mysql:3306``, or the number where it has no name."""
    return f"{port.name}:{port.port}" if port.name else str(port.port)


def _who(member: Member) -> Facts:
    return {"service": str(member.service), "host": member.host.name, "address": member.address}


def _where(target: Target) -> Facts:
    return {"protocol": target.protocol, "address": target.address, "port": target.port}


def _outcome(outcome: Outcome | None) -> Facts:
    return {"reason": outcome.reason.value, "message": outcome.message} if outcome else {}


def _host_changed(event: events.HostChanged) -> Line:
    name = "host.ready" if event.state.verdict is Verdict.READY else "host.not_ready"
    said = {**_who(event.member), **_outcome(event.state.outcome)}
    return Line("info", name, {**said, "streak": event.streak, "before": event.before.value})


def _host_unknown(event: events.HostUnknown) -> Line:
    means = MEANINGS[event.outcome.reason].sentence
    return Line("warning", "host.unknown", {**_who(event.member), **_outcome(event.outcome), "means": means})


def _host_known(event: host_events.HostKnown) -> Line:
    reason = event.state.outcome.reason.value if event.state.outcome else ""
    return Line("info", "host.known", {**_who(event.member), "verdict": event.state.verdict.value, "reason": reason})


def _host_held(event: host_events.HostHeld) -> Line:
    hold = event.state.held
    facts = {"verdict": event.state.verdict.value, "by": hold.by.value if hold else ""}
    if hold and hold.until is not None:
        facts["until"] = rfc3339(hold.until)
    return Line("warning", "host.held", {**_who(event.member), **_outcome(event.state.outcome), **facts})


def _probed(event: events.Probed) -> Line:
    report, seen = event.report, event.report.observation
    said = {"reason": seen.reason.value, "message": seen.message, "latency_seconds": round(report.latency, 6)}
    return Line("debug", "probe", {**_where(report.target), **said, "witness": report.witness, "edge": report.edge})


def _published(event: events.Published) -> Line:
    name, said = _write_facts(event.change)
    seconds = {} if event.seconds is None else {"seconds": round(event.seconds, 6)}
    return Line("info", name, {"service": str(event.change.key), **said, **seconds})


def _write_facts(write: Write) -> tuple[str, Facts]:
    if isinstance(write, EndpointsWrite):
        ready = [address for subset in write.subsets for address in subset.ready]
        not_ready = [address for subset in write.subsets for address in subset.not_ready]
        return "endpoints.written", {"ready": ready, "not_ready": not_ready}
    if write.after is None:
        return "slice.deleted", {"slice": write.before.slice.name if write.before else ""}
    lists = {condition.value.replace("-", "_"): list(write.after.of(condition)) for condition in Condition}
    return "slice.written", {"slice": write.after.name, **{name: held for name, held in lists.items() if held}}


def _write_failed(event: events.WriteFailed) -> Line:
    kind = "endpoints" if isinstance(event.change, EndpointsWrite) else "slice"
    return Line("debug", f"{kind}.write_failed", {"service": str(event.change.key), "why": str(event.error)})


def _leader_changed(event: events.LeaderChanged) -> Says:
    if event.leading:
        return Says("info", "leader.acquired")
    if event.led:
        return Says("warning", "leader.lost", "this Mooring stands by, and writes nothing until it leads again")
    return Says("info", "leader.seen")


def _contested(event: publish_events.Contested) -> Line:
    said = {"service": str(event.service), "manager": event.rival}
    if event.mooring:
        means = "another Mooring keeps the same objects; let one of them leave the Service out of its file"
        return Line("error", "service.two_moorings", {**said, "means": means})
    means = "changes these objects again and again; Mooring repairs each edit. Take them out of its manifests"
    return Line("error", "service.contested", {**said, "means": means})


def _admission_changed(event: publish_events.AdmissionChanged) -> Says:
    why = "an admission step of the cluster changes what Mooring writes; "
    if event.again:
        return Says("error", "endpoints.admission_changed", f"{why}it is tried again")
    return Says("warning", "endpoints.admission_changed", f"{why}traffic goes where it should, so it stays")


def _blind_changed(event: events.BlindChanged) -> Says:
    if not event.blind:
        return Says("warning", "blind.end")
    means = "every ready host fell silent at once; the fault is taken to be ours, and nothing is moved"
    return Says("error", "blind.start", means)


def _addresses_held(event: publish_events.AddressesHeld) -> Says:
    if not event.addresses:
        return Says("info", "address.released")
    means = "no host has them; they stay, unprobed, because these names do not resolve and may stand for them"
    return Says("warning", "address.held", means)


def _pause_changed(event: publish_events.PauseChanged) -> Says:
    if event.pause is None:
        return Says("info", "service.resumed")
    return Says("warning", "service.paused", "its objects stay as they are until the pause ends; probes go on")


def _sessions_killed(event: events.SessionsKilled) -> Says:
    if not event.error:
        return Says("info", "sessions.killed")
    means = "applications may still be connected to a host that is no longer the primary"
    return Says("warning", "sessions.killed", means)


LINES: Mapping[type, Says | Callable[[Any], Says | Line]] = MappingProxyType(
    {
        events.HostChanged: _host_changed,
        events.HostUnknown: _host_unknown,
        host_events.HostKnown: _host_known,
        host_events.HostHeld: _host_held,
        events.Probed: _probed,
        events.Overrun: Says("warning", "probe.overrun", "a probe was left out, because the one before had not ended"),
        events.LoginAtRisk: Says("warning", "login.at_risk"),
        events.BlindChanged: _blind_changed,
        events.SplitBrain: Says(
            "error",
            "service.split_brain",
            "several hosts take writes for themselves; make all but one of them read-only",
        ),
        events.SplitBrainEnded: Says("info", "service.one_writer"),
        events.SessionsKilled: _sessions_killed,
        events.Published: _published,
        events.WriteFailed: _write_failed,
        events.NotPublished: lambda event: Says("error", "endpoints.refused" if event.refused else "endpoints.failed"),
        events.TrafficWarningFound: Says("error", "service.traffic_warning"),
        events.KeptLast: Says("error", "service.kept_last", "no host is fit; the last ready ones stay published"),
        events.AddressRemoved: Says("warning", "address.removed", "no host in the file has it"),
        publish_events.AddressesHeld: _addresses_held,
        events.AddressLeftOut: Says("warning", "address.left_out"),
        events.Repaired: Says("warning", "endpoints.repaired", "somebody else had changed or deleted what is stored"),
        publish_events.Contested: _contested,
        publish_events.AdmissionChanged: _admission_changed,
        publish_events.PauseChanged: _pause_changed,
        publish_events.PortsPending: Says(
            "warning",
            "service.ports_pending",
            "the old ports are probed and published until a host has answered at the new ones",
        ),
        publish_events.PortsChanged: Says("info", "service.ports_changed"),
        publish_events.ProbedPortGone: Says(
            "warning", "service.probed_port_gone", "the Service does not have the port any more that was probed"
        ),
        publish_events.Effective: Says("debug", "service.effective"),
        publish_events.Adopted: Says("info", "endpoints.adopted", "Mooring keeps it from now on"),
        publish_events.KeptByManifest: Says(
            "warning",
            "endpoints.kept_by_manifest",
            "each time it is applied again, a dead host is back until Mooring repairs it; take the object out of there",
        ),
        publish_events.TrustChanged: Says("warning", "service.trusted"),
        publish_events.TrustUnknown: Says(
            "warning",
            "trust.unknown",
            "the annotation mooring/trust names no host of this Service by it, or no end (HOST;until=TIME)",
        ),
        events.DrainChanged: Says("info", "service.drained"),
        publish_events.LastReadyDrained: Says("error", "drain.last_ready", "no ready host is left"),
        events.DrainEnded: Says("info", "drain.ended", "its time is over; it is ready again as soon as it is sound"),
        events.DrainUnknown: Says(
            "warning", "drain.unknown", "the annotation mooring/drain names no host of this Service by it"
        ),
        events.ServiceReleased: Says(
            "warning",
            "service.released",
            "the file no longer lists it; its Endpoints stay as they are, and nobody keeps them",
        ),
        events.ConfigReloaded: lambda event: Line("info", "config.reloaded", {"config": event.hash}),
        events.ConfigRefused: lambda event: Line(
            "error",
            "config.refused",
            {"problems": list(event.problems), "means": "the configuration before it stays in force"},
        ),
        events.ClockJumped: Says("warning", "clock.jumped"),
        events.LeaderChanged: _leader_changed,
        events.LeaseFailed: Says("error", "leader.failed"),
        lease_events.LeaseHandedOver: Says(
            "warning",
            "leader.handed_over",
            "another Mooring answers for the databases meanwhile; this one stands by",
        ),
        lease_events.LeaseAbsurd: Says(
            "error",
            "lease.absurd",
            "no Mooring writes such a duration; the Lease is believed for so many seconds after each change",
        ),
        lease_events.LeaseShared: Says(
            "error",
            "lease.shared",
            "two installations share one Lease, so the Services of one of them are not written; "
            "give each installation a --lease-name (MOORING_LEASE_NAME) of its own",
        ),
        lease_events.ClocksDisagree: Says(
            "warning",
            "leader.clocks_disagree",
            "a clock of this machine stood still or was set; Mooring renews the Lease before it writes again",
        ),
        lease_events.ObserverFailed: Says(
            "warning",
            "observer.failed",
            "a leader that is cut off from the databases keeps the Lease; grant the right as docs/operations.md shows",
        ),
        lease_events.ObserverSpare: Says(
            "warning",
            "observer.spare",
            "five daemons hold the observer Leases already; this one is not asked what it sees",
        ),
    }
)
"""The one table: a line for each event, and nothing else of Mooring names one."""
