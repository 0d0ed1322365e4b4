"""A Service with one primary: which of the hosts that claim to be the primary does Mooring publish?

Decided for a host that says that it is the primary and is fit for it. The first row and line that holds counts:

the quorum          | it is published already | another is published        | nobody is published
--------------------+-------------------------+-----------------------------+------------------------------------------
names another       | OTHER_NAMED             | OTHER_NAMED                 | OTHER_NAMED
names it            | ADMITTED                | ADMITTED, the other yields  | ADMITTED
has no majority     | as without              | NO_MAJORITY                 | NO_MAJORITY
there is none       | ADMITTED, or, with      | its own other address:      | its own other address comes before it:
                    | ``publishNone`` and a   | SAME_SERVER                 | SAME_SERVER
                    | rival where only one    | refuses us for long, and no | a host was not heard yet: WAITS
                    | may write, RIVALS       | rival: ADMITTED, it yields, | STALE, if it is
                    |                         | unless this one is stale    | a rival: RIVALS; where several may write,
                    |                         | several may write: STANDBY  | the first of the file is ADMITTED, others
                    |                         | it says so as well: RIVALS  | STANDBY
                    |                         | else: WAITS until it falls  | else ADMITTED

A claimant that is stale is no rival. One that has left its group, of which another claimant is the primary, is none
either: its own claim is LEFT_GROUP, and where it is published it yields to that other one.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mooring.model.spec import OnSplitBrain


class Candidacy(enum.Enum):
    """The decision on a claim."""

    ADMITTED = enum.auto()
    WAITS = enum.auto()
    """It counts neither for nor against the host: Mooring must hear another host first."""
    NO_MAJORITY = enum.auto()
    """It counts neither for nor against the host: the quorum must agree first."""
    RIVALS = enum.auto()
    STANDBY = enum.auto()
    SAME_SERVER = enum.auto()
    """Another listed address leads to the same server, and is published for it."""
    STALE = enum.auto()
    """It was the primary once, and lacks all that the last primary wrote."""
    OTHER_NAMED = enum.auto()
    LEFT_GROUP = enum.auto()
    """The primary of its group sees it there no more."""


@dataclass(frozen=True, slots=True)
class Claimant:
    """A host of the Service, in the order of the file."""

    name: str
    ready: bool
    claims_primary: bool
    """It claims to be the primary; the claim outlasts ``failureThreshold - 1`` probes without it."""
    claimed_in_last_probe: bool
    """Its last probe claims that."""
    heard: bool
    refuses_us: bool = False
    """It has refused our account for ``failureThreshold`` probes (``auth``, ``quota``)."""
    stale: bool = False
    """It was the primary once, and lacks all that the last primary wrote."""
    left: bool = False
    """Another claimant is the primary of its group, and sees it there no more."""

    @property
    def rivals(self) -> bool:
        """Whether its claim can stand against another."""
        return not (self.stale or self.left)


@dataclass(frozen=True, slots=True)
class PrimaryDecision:
    """``other`` is the other host that decides it; ``yields``: that host leaves when this one is admitted."""

    candidacy: Candidacy
    other: str = ""
    yields: bool = False


UNDECIDED = frozenset({Candidacy.WAITS, Candidacy.NO_MAJORITY})
"""With these the claim decides nothing yet."""


def decide_primary(
    mine: Claimant,
    others: Sequence[Claimant],
    *,
    first: bool,
    several: bool,
    policy: OnSplitBrain,
    quorum_choice: str | None = None,
    is_quorum_choice: bool = False,
    twin: str = "",
) -> PrimaryDecision:
    """Decides the claim of ``mine`` by the table above.

    ``first``: the file lists no rival before it. ``quorum_choice``: the host that the quorum names; empty: it has no
    majority, None: there is no quorum. ``is_quorum_choice``: the quorum names this host. ``twin``: another address of
    this server that is published for it.
    """
    incumbent = next((one for one in others if one.ready), None)
    if quorum_choice:
        named_else = PrimaryDecision(Candidacy.OTHER_NAMED, quorum_choice)
        return _follow_quorum(incumbent) if is_quorum_choice else named_else
    if mine.ready:
        return _published_already(others, policy, several=several)
    if quorum_choice == "":
        return PrimaryDecision(Candidacy.NO_MAJORITY)
    if twin:
        return PrimaryDecision(Candidacy.SAME_SERVER, twin)
    if incumbent is not None:
        return _beside_another(mine, incumbent, others, several=several)
    return _nobody_published(mine, others, first=first, several=several)


def _follow_quorum(incumbent: Claimant | None) -> PrimaryDecision:
    return PrimaryDecision(Candidacy.ADMITTED, incumbent.name if incumbent else "", yields=incumbent is not None)


def _published_already(others: Sequence[Claimant], policy: OnSplitBrain, *, several: bool) -> PrimaryDecision:
    rival = next((one for one in others if one.claimed_in_last_probe and one.rivals), None)
    if rival is None or several or policy is not OnSplitBrain.PUBLISH_NONE:
        return PrimaryDecision(Candidacy.ADMITTED)
    return PrimaryDecision(Candidacy.RIVALS, rival.name)


def _beside_another(
    mine: Claimant, incumbent: Claimant, others: Sequence[Claimant], *, several: bool
) -> PrimaryDecision:
    gone = incumbent.left or incumbent.refuses_us
    if gone and not mine.stale and not _rivals(one for one in others if one is not incumbent):
        return PrimaryDecision(Candidacy.ADMITTED, incumbent.name, yields=True)
    if several:
        return PrimaryDecision(Candidacy.STANDBY, incumbent.name)
    return PrimaryDecision(Candidacy.RIVALS if incumbent.claimed_in_last_probe else Candidacy.WAITS, incumbent.name)


def _nobody_published(mine: Claimant, others: Sequence[Claimant], *, first: bool, several: bool) -> PrimaryDecision:
    unheard = next((one for one in others if not one.heard), None)
    if unheard is not None:
        return PrimaryDecision(Candidacy.WAITS, unheard.name)
    if mine.stale:
        return PrimaryDecision(Candidacy.STALE)
    rivals = _rivals(others)
    if rivals and several:
        return PrimaryDecision(Candidacy.ADMITTED) if first else PrimaryDecision(Candidacy.STANDBY, rivals[0].name)
    return PrimaryDecision(Candidacy.RIVALS, rivals[0].name) if rivals else PrimaryDecision(Candidacy.ADMITTED)


def _rivals(others: Iterable[Claimant]) -> list[Claimant]:
    return [one for one in others if one.claims_primary and one.rivals]


def is_stale(now: Mapping[str, int], lost: Mapping[str, int], latest: Mapping[str, int]) -> bool:
    """Whether a former primary lacks all writes after its own time.

    Each argument is a position by stream of changes: ``now`` its present one, ``lost`` its last one as the primary,
    ``latest`` that of the last primary.
    """
    new = [stream for stream, position in latest.items() if position > lost.get(stream, -1)]
    return bool(new) and not any(now.get(stream, -1) > lost.get(stream, -1) for stream in new)


def majority(votes: Sequence[str | None]) -> str:
    """The host that more than half of the listed servers name; empty: none. A vote of None names nobody."""
    named = [vote for vote in votes if vote]
    best = max(set(named), key=named.count, default="")
    return best if 2 * named.count(best) > len(votes) else ""
