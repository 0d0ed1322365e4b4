"""A Service of one writer: which of the hosts that call themselves primary is it?

Each row is decided when a host has said that it is the primary and is fit for it; the first that holds counts:

the Electors (Sentinels)    | it is published already | another is published        | nobody is published
----------------------------+-------------------------+-----------------------------+----------------------------------
name another                | NAMED_ELSE              | NAMED_ELSE                  | NAMED_ELSE
have no majority            | as without              | WAITS                       | WAITS
name it                     | ADMITTED                | ADMITTED, the other yields  | ADMITTED
there are none              | ADMITTED, or, with      | unknown for long, and no    | a host was not heard yet: WAITS
                            | ``publishNone`` and a   | rival: ADMITTED, it yields, | a rival: RIVALS; where several
                            | rival where only one    | unless this one is stale    | may write, the first of the file
                            | may write, RIVALS       | several may write: STANDBY  | is ADMITTED, others STANDBY
                            |                         | it says so as well: RIVALS  | else ADMITTED, unless STALE
                            |                         | else: WAITS until it falls  |
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mooring.spec import OnSplitBrain


class Ruling(enum.Enum):
    """What becomes of a claim."""

    ADMITTED = enum.auto()
    WAITS = enum.auto()
    """It is neither for nor against the host: something is to be known first."""
    RIVALS = enum.auto()
    STANDBY = enum.auto()
    STALE = enum.auto()
    """It was the writer once, and has seen nothing of what the last one wrote."""
    NAMED_ELSE = enum.auto()


@dataclass(frozen=True, slots=True)
class Claimant:
    """A host of the Service, in the order of the file."""

    name: str
    ready: bool
    claims: bool
    """It says that it is the primary, or said so before a few probes that told nothing."""
    claiming: bool
    """It said so with its last probe."""
    heard: bool
    lost: bool
    """Nothing could be known of it for ``failureThreshold`` probes."""


@dataclass(frozen=True, slots=True)
class Ruled:
    """``other`` is whom the ruling is about besides; ``yields``: it leaves when the host is admitted."""

    ruling: Ruling
    other: str = ""
    yields: bool = False


def rule(
    mine: Claimant,
    others: Sequence[Claimant],
    *,
    first: bool,
    several: bool,
    stale: bool,
    policy: OnSplitBrain,
    named: str | None = None,
    elected: bool = False,
) -> Ruled:
    """``first``: no rival stands before it in the file. ``named`` is whom the Electors name, empty where they have no
    majority, None where there are none; ``elected``: that is this host.
    """
    incumbent = next((one for one in others if one.ready), None)
    if named and not elected:
        return Ruled(Ruling.NAMED_ELSE, named)
    if elected:
        return Ruled(Ruling.ADMITTED, incumbent.name if incumbent else "", yields=incumbent is not None)
    if mine.ready:
        rival = next((one for one in others if one.claiming), None)
        split = policy is OnSplitBrain.PUBLISH_NONE and rival is not None and not several
        return Ruled(Ruling.RIVALS, rival.name) if split and rival else Ruled(Ruling.ADMITTED)
    if named == "":
        return Ruled(Ruling.WAITS, "the majority of the Sentinels")
    if incumbent is not None:
        return _beside(incumbent, others, several=several, stale=stale)
    return _vacant(others, first=first, several=several, stale=stale)


def _beside(incumbent: Claimant, others: Sequence[Claimant], *, several: bool, stale: bool) -> Ruled:
    rivals = any(one.claims for one in others if one is not incumbent)
    if incumbent.lost and not rivals and not stale:
        return Ruled(Ruling.ADMITTED, incumbent.name, yields=True)
    if several:
        return Ruled(Ruling.STANDBY, incumbent.name)
    return Ruled(Ruling.RIVALS if incumbent.claiming else Ruling.WAITS, incumbent.name)


def _vacant(others: Sequence[Claimant], *, first: bool, several: bool, stale: bool) -> Ruled:
    unheard = next((one for one in others if not one.heard), None)
    if unheard is not None:
        return Ruled(Ruling.WAITS, unheard.name)
    rival = next((one for one in others if one.claims), None)
    if rival is not None and several:
        return Ruled(Ruling.ADMITTED) if first else Ruled(Ruling.STANDBY, rival.name)
    if rival is not None:
        return Ruled(Ruling.RIVALS, rival.name)
    return Ruled(Ruling.STALE if stale else Ruling.ADMITTED)


def is_stale(now: Mapping[str, int], lost: Mapping[str, int], latest: Mapping[str, int]) -> bool:
    """A former writer has taken in nothing of what came after it: ``lost`` is what it had when it was last the writer,
    ``latest`` what the last writer had. Each is how far it came, by the stream of changes.
    """
    new = [stream for stream, position in latest.items() if position > lost.get(stream, -1)]
    return bool(new) and not any(now.get(stream, -1) > lost.get(stream, -1) for stream in new)


def elected(words: Sequence[str | None]) -> str:
    """Whom the majority of all that were listed names; empty: there is none. None: it says nothing."""
    named = [word for word in words if word]
    best = max(set(named), key=named.count, default="")
    return best if 2 * named.count(best) > len(words) else ""
