"""What one Service makes of an observation: does the host answer, and is it what the Service asks for?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from mooring.facts import Channel, Facts, Group
from mooring.model import HostState, Member, Observation, Outcome, Verdict
from mooring.reasons import Effect, Reason
from mooring.spec import Requirement, Role

_SHOWN = 80
"""Characters shown of an answer, before they are escaped."""
_MESSAGE = 256
"""Bytes of a message at most; it is ASCII by then."""
_BEHIND = frozenset({Reason.LAGGING, Reason.NOT_REPLICATING})
BACK_IN = 0.8
"""A replica that was out because it lagged, or stood still, is fit again within this part of the limit."""


@dataclass(frozen=True, slots=True)
class Around:
    """What is known of other hosts."""

    names: AbstractSet[str] = frozenset()
    """Of the hosts of the Service: ``address:port``, and names in place of the address."""
    identities: AbstractSet[str] = frozenset()
    """What they call themselves."""
    offsets: Mapping[str, int] = field(default_factory=dict)
    """How far each primary that is probed has come, in bytes, by ``address:port``."""

    def holds(self, channel: Channel) -> bool:
        """Its source is a host of the Service."""
        return channel.source in self.names or channel.source_identity in self.identities


NOBODY = Around()


def assess(
    seen: Observation, member: Member, around: Around = NOBODY, state: HostState | None = None, *, keeps: bool = False
) -> Outcome:
    """The outcome for a Service. ``state`` is what is held of the host so far.

    ``keeps``: the host is saturated under a session that answers, and the Service keeps such hosts; what it says of
    its role over that session decides all the same. So it does where the host is unfit for another reason: that may
    take several probes to count, and a wrong role is never published that long.
    """
    judged = Outcome(seen.reason, seen.message, stays=keeps)
    if seen.reason is Reason.OK and member.expect is not None and seen.answer != member.expect:
        judged = Outcome(Reason.OFFLINE, _unexpected(seen.answer, member.expect))
    well = judged.reason is Reason.OK
    if member.requirement.role is Role.ANY or not (well or seen.facts):
        return judged
    unfit = _unfit(seen, member.requirement, around, state or HostState())
    return unfit if unfit and (well or unfit.effect is Effect.DECIDES) else judged


def _unexpected(answer: str | None, expect: str) -> str:
    said = "gave no answer" if answer is None else f"answered {answer[:_SHOWN]!a}"
    return f"{said}, expected {expect[:_SHOWN]!a}"[:_MESSAGE]


def _unfit(seen: Observation, wanted: Requirement, around: Around, state: HostState) -> Outcome | None:
    if seen.unread is not None:
        return seen.unread
    if seen.facts is None:
        return Outcome(Reason.PROTOCOL, "says nothing of its role")
    found = [Outcome(Reason.OFFLINE, seen.facts.offline)] if seen.facts.offline else []
    if wanted.role is Role.PRIMARY:
        found += _not_primary(seen.facts, wanted, around)
    else:
        relaxed = state.verdict is Verdict.NOT_READY and state.fault in _BEHIND
        found += _not_replica(seen.facts, wanted, around, BACK_IN if relaxed else 1.0)
    return next((one for one in found if one.effect is Effect.DECIDES), found[0] if found else None)


def _not_primary(facts: Facts, wanted: Requirement, around: Around) -> Iterator[Outcome]:
    if facts.group is not None and (outcome := _outside(facts.group, wanted)):
        yield outcome
    elif facts.group is not None and not facts.group.writer:
        yield Outcome(Reason.WRONG_ROLE, f"is {facts.group.state} in {facts.group.kind}")
    for channel in facts.channels:
        follows = facts.read_only or (around.holds(channel) and not wanted.allow_replicating)
        if follows and not channel.stopped:
            yield Outcome(Reason.WRONG_ROLE, f"is a replica of {channel.source}")
    if facts.read_only:
        yield Outcome(Reason.READ_ONLY, f"takes no writes: {facts.read_only}")
    if facts.hindered:
        yield Outcome(Reason.OFFLINE, f"takes no writes: {facts.hindered}"[:_MESSAGE])


def _outside(group: Group, wanted: Requirement) -> Outcome | None:
    if group.member or (group.donor and wanted.allow_donor):
        return None
    return Outcome(Reason.NOT_SYNCED, f"is {group.state} in {group.kind}")


def _not_replica(facts: Facts, wanted: Requirement, around: Around, part: float) -> Iterator[Outcome]:
    group, running = facts.group, [channel for channel in facts.channels if not channel.stopped]
    if group is not None:
        if outcome := _outside(group, wanted):
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
            yield from _bytes_behind(channel, facts, around, wanted.lag_bytes, part)


def _behind(channel: Channel, wanted: Requirement, part: float) -> Iterator[Outcome]:
    if channel.syncing:
        yield Outcome(Reason.NOT_SYNCED, f"takes a whole copy of {channel.source}")
    if not channel.receiving or not channel.applying:
        half = "what it receives from" if channel.receiving else "the connection to"
        state = "is not applied" if channel.receiving else "is down"
        told = f"{half} {channel.source} {state}" + (f": {channel.problem}" if channel.problem else "")
        yield Outcome(Reason.NOT_REPLICATING, told[:_MESSAGE])
    if wanted.lag_seconds is None:
        return
    if channel.lag is None:
        yield Outcome(Reason.NOT_REPLICATING, f"cannot tell how far it is behind {channel.source}")
    elif channel.lag > part * wanted.lag_seconds:
        lag, allowed = _seconds(channel.lag), _allowed(f"{_seconds(part * wanted.lag_seconds)} s", part)
        yield Outcome(Reason.LAGGING, f"is {lag} s behind {channel.source}; {allowed}")


def _bytes_behind(channel: Channel, facts: Facts, around: Around, most: int, part: float) -> Iterator[Outcome]:
    """Where the primary is not probed, nobody knows its offset, and the limit cannot be judged."""
    theirs = around.offsets.get(channel.source)
    if theirs is not None and facts.offset is not None and theirs - facts.offset > part * most:
        behind, allowed = theirs - facts.offset, _allowed(f"{part * most:.0f}", part)
        yield Outcome(Reason.LAGGING, f"is {behind} bytes behind {channel.source}; {allowed}")


def _seconds(seconds: float) -> str:
    return f"{round(seconds, 2):.12g}"


def _allowed(amount: str, part: float) -> str:
    return f"{amount} are allowed" + ("" if part == 1 else ", to come back")
