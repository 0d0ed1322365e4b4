"""Which hosts are silent to this daemon, of the Services that ask other observers before silence counts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from mooring.model.facts import place
from mooring.model.probes import Report
from mooring.model.reasons import MEANINGS, Reason
from mooring.model.silence import Sight, Votes
from mooring.model.targets import Target
from mooring.model.verdicts import Outcome

VOTE_SECONDS = 2.0
"""How long an observer may take beyond the timeout of its own probe: two writes of a Lease, and two looks."""
_OURS = frozenset({Reason.LOCAL, Reason.DNS})


CountVotes = Callable[[str, int], Votes]
"""The votes on our silence of that number at ``address:port``."""


@dataclass(frozen=True, slots=True)
class Poll:
    """What other observers say of a host that is silent. ``awaited``: some have had no time to say it yet."""

    votes: Votes
    awaited: bool

    def weigh(self, outcome: Outcome) -> Outcome:
        """The outcome; ``outvoted`` for a silence that most observers do not share."""
        if self.votes.majority or not MEANINGS[outcome.reason].silent:
            return outcome
        return Outcome(Reason.OUTVOTED, str(self.votes))


@dataclass(slots=True)
class Silences:
    """The sight of each watched target."""

    count_votes: CountVotes
    sights: dict[Target, Sight] = field(default_factory=dict)
    count: int = 0
    """Numbers that were given."""
    _by_place: dict[str, set[Target]] = field(default_factory=dict)
    """The watched targets at each ``address:port``: Services may ask one host with different timeouts or accounts."""

    def watch(self, target: Target, *, watched: bool = True) -> None:
        """Watches the target from now on, or no more: then what is known of it is forgotten."""
        at = place(target.address, target.port)
        if watched:
            self.sights.setdefault(target, Sight())
            self._by_place.setdefault(at, set()).add(target)
        elif self.sights.pop(target, None) is not None:
            self._by_place[at].discard(target)
            if not self._by_place[at]:
                del self._by_place[at]

    def note(self, report: Report) -> None:
        """Takes any report, also one that does not count and that of a witness."""
        sight = self.sights.get(report.target)
        reason = report.observation.reason
        if sight is None or reason in _OURS:
            return
        if not MEANINGS[reason].silent:
            self.sights[report.target] = Sight(answered=max(sight.answered, report.started))
        elif not sight.silence and report.started >= sight.answered:
            number, since = self._silence_at(report.target) or (self.count + 1, report.ended)
            self.count = max(self.count, number)
            self.sights[report.target] = replace(sight, silence=number, fell_silent=since)

    def _silence_at(self, target: Target) -> tuple[int, float] | None:
        """The silence that another target has at the same place: its number, and since when. None: there is none.

        A statement has one number for a place, and others answer that one: a second number would have no votes.
        """
        silent = [self.sights[one] for one in self._by_place[place(target.address, target.port)] if one != target]
        return next(((one.silence, one.fell_silent) for one in silent if one.silence), None)

    def poll(self, report: Report) -> Poll | None:
        """What observers say of a silence of a watched target; None: the report is none."""
        sight, target = self.sights.get(report.target), report.target
        if sight is None or not sight.silence or not MEANINGS[report.observation.reason].silent:
            return None
        votes = self.count_votes(place(target.address, target.port), sight.silence)
        return Poll(votes, awaits(votes, sight, target.timeout, report.ended))

    def at(self, places: Collection[str]) -> tuple[Target, ...]:
        """The watched targets at these ``address:port``."""
        return tuple(target for target in self.sights if place(target.address, target.port) in places)

    def by_place(self) -> Mapping[str, Sight]:
        """The sights by ``address:port``. Of several targets there, one that is silent stands for all."""
        found: dict[str, Sight] = {}
        for target, sight in self.sights.items():
            at = place(target.address, target.port)
            if at not in found or sight.silence:
                found[at] = sight
        return found


def awaits(votes: Votes, sight: Sight, timeout: float, now: float) -> bool:
    """Whether silence must not take a host out yet: observers have not said, and have had no time for it.

    ``timeout``: of a probe, in seconds.
    """
    if now < votes.nobody_before:
        return True
    return votes.awaited > 0 and now < sight.fell_silent + timeout + VOTE_SECONDS
