"""Annotations of a Service by which people overrule Mooring for a time: it writes nothing (pause), or it takes a host
that is only unknown for ready (trust).

``mooring/paused: until=2026-11-26T03:00:00Z;by=ada;reason=moving%20the%20disk``, ``mooring/trust: db1;until=…,db2;…``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mooring.model.overrides import Pause, Trusted
from mooring.model.publish_events import PauseChanged, TrustChanged, TrustUnknown
from mooring.model.reasons import Effect, Reason
from mooring.model.spec import HostSpec, ServiceKey
from mooring.model.targets import Member
from mooring.model.verdicts import HostState, Verdict
from mooring.plan.annotation import entries, fields, head, moment, until_text, written

PAUSED = "mooring/paused"
TRUST = "mooring/trust"
MOST_ENTRIES = 100
_CLAIMS = frozenset({Reason.OK, Reason.SECOND_WRITER})
View = Sequence[tuple[Member, HostState]]


@dataclass(frozen=True, slots=True)
class Trust:
    """The annotation, applied at one moment: names of trusted hosts in the file, and entries without effect.

    ``ends_at``: when the trust in the first of the hosts ends, in Unix seconds.
    """

    hosts: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    ends_at: float | None = None


NO_TRUST = Trust()


def parse_pause(annotation: str | None) -> Pause | None:
    """The pause; None: there is no annotation. Any text pauses, without an end where it has no valid ``until``."""
    if annotation is None:
        return None
    found = fields(annotation.split(";"))
    return Pause(moment(found.get("until", "")), found.get("by", ""), found.get("reason", ""))


def write_pause(pause: Pause) -> str:
    """The annotation's text."""
    return written({"until": until_text(pause.until), "by": pause.by, "reason": pause.reason})


def is_active(pause: Pause | None, now: float) -> bool:
    """``now`` in Unix seconds."""
    return pause is not None and (pause.until is None or now < pause.until)


def parse_trust(annotation: str | None) -> tuple[Trusted, ...]:
    """The entries of the annotation."""
    return tuple(_parse_entry(entry) for entry in entries(annotation, MOST_ENTRIES))


def trust(asked: Iterable[Trusted], hosts: Sequence[HostSpec], now: float) -> Trust:
    """Applies the entries; one without an end, or without a host, has no effect."""
    names = {text: host.name for host in hosts for text in (host.address, host.name)}
    asked = tuple(asked)
    unknown = tuple(one.text for one in asked if one.until is None or one.host not in names)
    valid = {names[one.host]: one.until for one in asked if one.until and one.until > now and one.host in names}
    return Trust(tuple(sorted(valid)), unknown, min(valid.values(), default=None))


def override_news(
    key: ServiceKey, paused: Pause | None, pause: Pause | None, trusted: Trust, found: Trust
) -> tuple[PauseChanged | TrustChanged | TrustUnknown, ...]:
    """The events of a change; each is emitted once."""
    changes: list[PauseChanged | TrustChanged | TrustUnknown] = []
    if pause != paused:
        changes.append(PauseChanged(key, pause))
    if found.hosts != trusted.hosts:
        changes.append(TrustChanged(key, found.hosts))
    return (*changes, *(TrustUnknown(key, entry) for entry in found.unknown if entry not in trusted.unknown))


def with_trusted(view: View, found: Trust, *, single: bool, split: bool) -> tuple[tuple[Member, HostState], ...]:
    """The members; those that are trusted and only *unknown* count as ready.

    host                                                  | trusted
    ------------------------------------------------------+---------
    its last probe was unknown                            | ready
    its last probe failed, or it disqualified itself      | as judged
    in maintenance or drained                             | as judged
    of a Service with one primary, and another is ready,  | as judged
    claims to be it, or is trusted as well                |
    """
    chosen = [member for member, state in view if member.host.name in found.hosts and _is_only_unknown(member, state)]
    if single and (split or len(chosen) > 1 or any(_rivals(one, chosen) for one in view)):
        chosen = []
    return tuple((one, replace(state, verdict=Verdict.READY) if one in chosen else state) for one, state in view)


def _is_only_unknown(member: Member, state: HostState) -> bool:
    unknown = state.outcome is not None and state.outcome.effect is Effect.UNKNOWN
    return unknown and not member.host.maintenance and not state.self_disqualified


def _rivals(one: tuple[Member, HostState], chosen: list[Member]) -> bool:
    member, state = one
    claims = state.outcome is not None and state.outcome.reason in _CLAIMS
    return member not in chosen and (state.verdict is Verdict.READY or claims)


def _parse_entry(entry: str) -> Trusted:
    return Trusted(head(entry), moment(fields(entry.split(";")[1:]).get("until", "")), entry)
