"""The Kubernetes Events of what Mooring reports: reason and sentence for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mooring.model.damping import Damper, Hold
from mooring.model.events import (
    AddressRemoved,
    BlindChanged,
    ConfigRefused,
    DrainEnded,
    DrainUnknown,
    Event,
    HostChanged,
    HostUnknown,
    KeptLast,
    LoginAtRisk,
    NotPublished,
    Repaired,
    ServiceReleased,
    SessionsKilled,
    SplitBrain,
    TrafficWarningFound,
)
from mooring.model.facts import place
from mooring.model.host_events import HostHeld
from mooring.model.moments import rfc3339
from mooring.model.publish_events import (
    AddressesHeld,
    AdmissionChanged,
    Adopted,
    Contested,
    KeptByManifest,
    LastReadyDrained,
    PauseChanged,
    PortsPending,
    TrustUnknown,
)
from mooring.model.spec import ServiceKey
from mooring.model.targets import Member
from mooring.model.verdicts import HostState, Outcome, Verdict
from mooring.observe.lines import port_name

Words = tuple[ServiceKey | None, str, str]
"""Service (None: the Event is about Mooring itself), reason, message."""
NORMAL = frozenset({"Released", "SessionsEnded", "DrainEnded", "Resumed", "HostReady", "Adopted"})
"""Reasons of what went as it should, or as people asked for."""


class Entry(NamedTuple):
    """One Event. ``subject``: whom it is about; with the Service and the reason it tells one object from another."""

    service: ServiceKey | None
    reason: str
    message: str
    subject: str
    leader_only: bool = False
    """It reports how a host is: each replica finds that out, and only the leader posts it."""


def entries(event: Event) -> Iterator[Entry]:
    """The Events of what was reported."""
    match event:
        case HostChanged():
            yield from _of_change(event)
        case HostUnknown():
            said = f"{_who(event.member)} cannot be judged: {_why(event.outcome)}; it stays as it is"
            yield Entry(event.member.service, "HostUnknown", said, event.member.host.name, leader_only=True)
        case HostHeld():
            said = f"{_who(event.member)} {_held(event.state)}"
            yield Entry(event.member.service, "HostHeld", said, event.member.host.name, leader_only=True)
        case LoginAtRisk():
            for member in event.members:
                said = f"{_who(member)}: {event.message}"
                yield Entry(member.service, "LoginAtRisk", said, member.host.name, leader_only=True)
        case BlindChanged() if event.blind:
            said = f"all {event.targets} ready hosts fell silent at once: Mooring itself is cut off, and nothing moves"
            yield Entry(None, "Blind", said, "", leader_only=True)
        case _:
            if words := _entry(event):
                yield Entry(*words, subject=words[2])


def _of_change(event: HostChanged) -> Iterator[Entry]:
    member, state = event.member, event.state
    ready, total = event.counts or (0, 0)
    counted = f"; {ready} of {total} ready" if total else ""
    if state.verdict is Verdict.READY:
        if event.before is Verdict.NOT_READY:
            said = f"{_who(member)} is ready again{counted}"
            yield Entry(member.service, "HostReady", said, member.host.name, leader_only=True)
        return
    said = f"{_who(member)} is out: {_why(state.outcome)}{counted}"
    yield Entry(member.service, "HostNotReady", said, member.host.name, leader_only=True)
    if total and not ready:
        said = f"none of {total} hosts is ready; the last one: {said}"
        yield Entry(member.service, "ServiceEmpty", said, "", leader_only=True)


def _held(state: HostState) -> str:
    if state.verdict is not Verdict.READY:
        return f"answers, and stays out: it went out again and again{_until(state.held)}"
    rule = "--max-demotions" if state.held and state.held.by is Damper.MAX_DEMOTIONS else "keepOnSilence"
    return f"is out of reach, and stays ready: {rule} lets silence take no more hosts out{_until(state.held)}"


def _until(hold: Hold | None) -> str:
    return f"; until {rfc3339(hold.until)}" if hold and hold.until is not None else ""


def _who(member: Member) -> str:
    place_of = place(member.target.address, member.target.port)
    return place_of if member.host.name == member.target.address else f"{member.host.name} ({place_of})"


def _why(outcome: Outcome | None) -> str:
    if outcome is None:
        return "no outcome is known"
    return f"{outcome.reason.value}: {outcome.message}" if outcome.message else outcome.reason.value


def _entry(event: Event) -> Words | None:
    match event:
        case ConfigRefused():
            said = "\n".join(("the changed file is not taken up, the one before stays in force", *event.problems))
            return None, "ConfigRefused", said
        case ServiceReleased():
            return event.service, "Released", "the file no longer lists it; its Endpoints stay, and nobody keeps them"
        case SplitBrain():
            return event.service, "SplitBrain", f"several hosts say that they are the primary: {', '.join(event.hosts)}"
        case SessionsKilled():
            return event.member.service, *_entry_for_sessions(event)
        case DrainEnded() | DrainUnknown() | LastReadyDrained():
            return _entry_for_drain(event)
        case _:
            return _entry_for_writes(event) or _entry_for_hindrances(event)


def _entry_for_drain(event: DrainEnded | DrainUnknown | LastReadyDrained) -> Words:
    if isinstance(event, LastReadyDrained):
        said = f"the annotation mooring/drain took out {', '.join(event.hosts)}, and no ready host is left"
        return event.service, "LastReadyDrained", said
    if isinstance(event, DrainEnded):
        return event.service, "DrainEnded", f"the time for which {event.host} was taken out is over"
    return event.service, "DrainUnknown", f"the annotation mooring/drain names no host by {event.entry!r}"


def _entry_for_sessions(event: SessionsKilled) -> tuple[str, str]:
    done = f"ended {event.count} sessions of {', '.join(event.users)} on {event.member.host.name}, which was demoted"
    return ("SessionsNotEnded", f"{done}: {event.error}") if event.error else ("SessionsEnded", done)


def _entry_for_writes(event: Event) -> Words | None:
    match event:
        case AddressRemoved() | AddressesHeld():
            return _entry_for_unlisted(event)
        case Contested() | AdmissionChanged() | KeptByManifest() | Adopted():
            return _entry_for_rivals(event)
        case PauseChanged() | PortsPending() | TrustUnknown():
            return _entry_for_overrides(event)
        case Repaired():
            return event.service, "Repaired", f"put right what {event.manager or 'somebody'} had changed"
        case KeptLast():
            kept = ", ".join(event.addresses)
            return event.service, "KeptLast", f"no host is fit; the last ready ones stay published: {kept}"
        case _:
            return None


def _entry_for_hindrances(event: Event) -> Words | None:
    match event:
        case NotPublished():
            return event.service, "Refused" if event.refused else "NotPublished", event.why
        case TrafficWarningFound():
            return event.service, event.kind, event.why
        case _:
            return None


def _entry_for_unlisted(event: AddressRemoved | AddressesHeld) -> Words | None:
    if isinstance(event, AddressRemoved):
        by = f", put there by {event.manager}" if event.manager else ""
        return event.service, "AddressRemoved", f"removed {event.address}, which no host in the file has{by}"
    if not event.addresses:
        return None
    names = ", ".join(event.names)
    why = f"no host has them, but {names} may stand for them and do not resolve"
    return event.service, "AddressesHeld", f"{', '.join(event.addresses)} stay published, unprobed: {why}"


def _entry_for_rivals(event: Contested | AdmissionChanged | KeptByManifest | Adopted) -> Words:
    if isinstance(event, Adopted):
        return event.service, "Adopted", "Mooring keeps these Endpoints from now on; somebody else had made them"
    if isinstance(event, KeptByManifest):
        why = f"{event.keeper} keeps these Endpoints too; take them out of its manifests, or each sync undoes Mooring's"
        return event.service, "KeptByManifest", why
    if isinstance(event, AdmissionChanged):
        then = "Mooring tries again" if event.again else "traffic goes where it should"
        return event.service, "AdmissionChanged", f"the cluster changed {', '.join(event.changed)} of a write: {then}"
    if event.mooring:
        return event.service, "TwoMoorings", f"another Mooring, {event.rival}, keeps the same objects"
    who = event.rival or "somebody"
    return event.service, "Contested", f"{who} changes these objects again and again; Mooring repairs each edit"


def _entry_for_overrides(event: PauseChanged | PortsPending | TrustUnknown) -> Words:
    if isinstance(event, PortsPending):
        before, after = (", ".join(map(port_name, ports)) for ports in (event.published, event.wanted))
        why = f"{before} stay published until a host has answered at {after}"
        return event.service, "PortsPending", why
    if isinstance(event, TrustUnknown):
        why = f"the annotation mooring/trust names no host by {event.entry!r}, or no end"
        return event.service, "TrustUnknown", why
    if event.pause is None:
        return event.service, "Resumed", "Mooring keeps the objects of this Service again"
    by, why = event.pause.by or "somebody", event.pause.reason or "no reason given"
    return event.service, "Paused", f"paused by {by} ({why}): the objects stay as they are"
