"""How one Service judges an observation: does the host answer, and is it what the Service asks for?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from mooring.model.facts import Channel, Facts, Group
from mooring.model.probes import Observation
from mooring.model.reasons import Effect, Reason
from mooring.model.spec import Requirement, Role
from mooring.model.targets import Member
from mooring.model.verdicts import Judgement, Outcome, Verdict

_SHOWN = 80
"""Characters shown of an answer, before they are escaped."""
_MESSAGE = 256
"""Bytes of a message at most; it is ASCII by then."""
_BEHIND = frozenset({Reason.LAGGING, Reason.NOT_REPLICATING})
BACK_IN = 0.8
"""A replica that is out for its lag is fit again once its lag is within this part of the limit."""


@dataclass(frozen=True, slots=True)
class Topology:
    """The names by which a channel may show that its source is a host of the Service."""

    names: AbstractSet[str] = frozenset()
    """Names that other servers may use for these hosts: ``address:port``, or ``name:port``."""
    identities: AbstractSet[str] = frozenset()
    """Server identities that these hosts report of themselves."""

    def holds(self, channel: Channel) -> bool:
        """Whether the source of the channel is a host of the Service."""
        return channel.source in self.names or channel.source_identity in self.identities


NO_HOSTS = Topology()
OffsetOf = Callable[[str], int | None]


def _no_offset(_source: str) -> None:
    return None


def is_plain(seen: Observation) -> bool:
    """Whether the observation is a success for each Service with ``role: any`` that compares no answer."""
    return seen.reason is Reason.OK and not seen.message and not (seen.facts and seen.facts.offline)


def assess(
    seen: Observation,
    member: Member,
    topology: Topology = NO_HOSTS,
    state: Judgement | None = None,
    *,
    keeps: bool = False,
    offset_of: OffsetOf = _no_offset,
) -> Outcome:
    """The outcome for a Service. ``state`` is the judgement of the host before this observation.

    ``keeps``: the host refuses new logins, our held session answers, and the Service keeps such a host. A wrong role
    that the host reports over that session decides at once all the same, even beside another failure: the other one
    may need several probes to count, and Mooring never publishes a wrong role that long.
    ``offset_of``: the replication offset of a primary in bytes, by the ``address:port`` that a replica uses for it.
    None: unknown.
    """
    judged = Outcome(seen.reason, seen.message, stays=keeps)
    if seen.reason is Reason.OK and member.check.expect is not None and seen.answer != member.check.expect:
        judged = Outcome(Reason.OFFLINE, _mismatch_message(seen.answer, member.check.expect))
    well = judged.reason is Reason.OK
    if well and seen.facts is not None and seen.facts.offline:
        judged, well = Outcome(Reason.OFFLINE, seen.facts.offline), False
    if member.check.requirement.role is Role.ANY or not (well or seen.facts):
        return judged
    unfit = _find_fault(seen, member.check.requirement, topology, state or Judgement(), offset_of)
    return unfit if unfit and (well or unfit.effect is Effect.DECIDES) else judged


def _mismatch_message(answer: str | None, expect: str) -> str:
    said = "gave no answer" if answer is None else f"answered {answer[:_SHOWN]!a}"
    return f"{said}, expected {expect[:_SHOWN]!a}"[:_MESSAGE]


def _find_fault(
    seen: Observation, wanted: Requirement, topology: Topology, state: Judgement, offset_of: OffsetOf
) -> Outcome | None:
    if seen.unread is not None:
        return seen.unread
    if seen.facts is None:
        return Outcome(Reason.PROTOCOL, "reports no role")
    found = [Outcome(Reason.OFFLINE, seen.facts.offline)] if seen.facts.offline else []
    if wanted.role is Role.PRIMARY:
        found += _not_primary(seen.facts, wanted, topology)
    else:
        relaxed = state.verdict is Verdict.NOT_READY and state.fault in _BEHIND
        found += _not_replica(seen.facts, wanted, offset_of, BACK_IN if relaxed else 1.0)
    return next((one for one in found if one.effect is Effect.DECIDES), found[0] if found else None)


def _not_primary(facts: Facts, wanted: Requirement, topology: Topology) -> Iterator[Outcome]:
    if facts.group is not None and (outcome := _outside_group(facts.group, wanted)):
        yield outcome
    elif facts.group is not None and not facts.group.writer:
        yield Outcome(Reason.WRONG_ROLE, f"is {facts.group.state} in {facts.group.kind}")
    for channel in facts.channels:
        follows = facts.read_only or (topology.holds(channel) and not wanted.allow_replicating)
        if follows and not channel.stopped:
            yield Outcome(Reason.WRONG_ROLE, f"is a replica of {channel.source}")
    if facts.read_only:
        yield Outcome(Reason.READ_ONLY, f"takes no writes: {facts.read_only}")
    if facts.hindered:
        yield Outcome(Reason.OFFLINE, f"takes no writes: {facts.hindered}"[:_MESSAGE])


def _outside_group(group: Group, wanted: Requirement) -> Outcome | None:
    if group.member or (group.donor and wanted.allow_donor):
        return None
    return Outcome(Reason.NOT_SYNCED, f"is {group.state} in {group.kind}")


def _not_replica(facts: Facts, wanted: Requirement, offset_of: OffsetOf, part: float) -> Iterator[Outcome]:
    group, running = facts.group, [channel for channel in facts.channels if not channel.stopped]
    if group is not None:
        if outcome := _outside_group(group, wanted):
            yield outcome
        elif group.writer and not group.several:
            yield Outcome(Reason.WRONG_ROLE, f"is {group.state} in {group.kind}")
        return
    if not running and not facts.read_only:
        yield Outcome(Reason.WRONG_ROLE, "takes writes, and replicates from nobody")
    if not facts.channels:
        yield Outcome(Reason.NOT_REPLICATING, "replicates from nobody")
    for channel in facts.channels:
        yield from _behind(channel, wanted, part)
        if wanted.lag_bytes is not None:
            yield from _bytes_behind(channel, facts, offset_of(channel.source), wanted.lag_bytes, part)


def _behind(channel: Channel, wanted: Requirement, part: float) -> Iterator[Outcome]:
    if channel.syncing:
        yield Outcome(Reason.NOT_SYNCED, f"takes a whole copy of {channel.source}")
    if not channel.receiving or not channel.applying:
        half = "what it receives from" if channel.receiving else "the connection to"
        state = "is not applied" if channel.receiving else "is down"
        message = f"{half} {channel.source} {state}" + (f": {channel.problem}" if channel.problem else "")
        yield Outcome(Reason.NOT_REPLICATING, message[:_MESSAGE])
    if wanted.lag_seconds is None:
        return
    if channel.lag is None:
        yield Outcome(Reason.NOT_REPLICATING, f"does not report its lag behind {channel.source}")
    elif channel.lag > part * wanted.lag_seconds:
        lag, allowed = _seconds(channel.lag), _allowance_message(f"{_seconds(part * wanted.lag_seconds)} s", part)
        yield Outcome(Reason.LAGGING, f"is {lag} s behind {channel.source}; {allowed}")


def _bytes_behind(channel: Channel, facts: Facts, theirs: int | None, most: int, part: float) -> Iterator[Outcome]:
    """Mooring knows the offset of a primary only where it probes that primary; elsewhere the limit has no effect."""
    if theirs is not None and facts.offset is not None and theirs - facts.offset > part * most:
        behind, allowed = theirs - facts.offset, _allowance_message(f"{part * most:.0f}", part)
        yield Outcome(Reason.LAGGING, f"is {behind} bytes behind {channel.source}; {allowed}")


def _seconds(seconds: float) -> str:
    return f"{round(seconds, 2):.12g}"


def _allowance_message(amount: str, part: float) -> str:
    return f"{amount} are allowed" + ("" if part == 1 else ", to come back")
