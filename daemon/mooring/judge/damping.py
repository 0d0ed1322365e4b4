"""Which rule holds back the verdict that an outcome would bring a host."""

from __future__ import annotations

from collections.abc import Callable, Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from mooring.judge.flap import went_out
from mooring.judge.host import HostTracker
from mooring.judge.silence import SilentDemotions, stays_for_floor
from mooring.judge.verdict import turns
from mooring.model.damping import Damper, Hold
from mooring.model.events import HostChanged
from mooring.model.probes import Report
from mooring.model.reasons import MEANINGS, Effect
from mooring.model.spec import ServiceSpec
from mooring.model.verdicts import Outcome, Verdict


@dataclass(slots=True)
class Everywhere:
    """What the rules must know of all Services."""

    demotions: SilentDemotions = field(default_factory=SilentDemotions)
    ready: Callable[[], AbstractSet[str]] = frozenset
    """The probed addresses of all ready hosts."""


@dataclass(frozen=True, slots=True)
class Damping:
    """The rules at one report of a host of a Service. ``every``: the hosts of the Service.

    ``serves``: whether a host is ready, and nobody has taken it out by hand.
    """

    spec: ServiceSpec
    every: Collection[HostTracker]
    serves: Callable[[HostTracker], bool]
    everywhere: Everywhere

    def hold(self, tracker: HostTracker, report: Report, outcome: Outcome) -> Hold | None:
        """What holds back the verdict of the host; None: nothing does, or the outcome changes none."""
        verdict = turns(tracker.judgement, outcome, tracker.member.check.thresholds)
        if tracker.judgement.verdict is Verdict.NOT_READY and verdict is Verdict.READY:
            return self._flapping(tracker, report)
        if tracker.ready and verdict is Verdict.NOT_READY and _is_silent(tracker, outcome):
            return self._silent(tracker, report)
        return None

    def _flapping(self, tracker: HostTracker, report: Report) -> Hold | None:
        until = tracker.flaps.held_until if self.spec.flap else None
        if until is None or report.ended >= until or not any(map(self.serves, self.every)):
            return None
        return Hold(Damper.FLAP, report.at + until - report.ended)

    def _silent(self, tracker: HostTracker, report: Report) -> Hold | None:
        serving = sum(map(self.serves, self.every))
        listed = sum(not one.member.host.maintenance for one in self.every)
        if self.serves(tracker) and stays_for_floor(self.spec.keep_on_silence, serving, listed):
            return Hold(Damper.KEEP_ON_SILENCE)
        demotions, address = self.everywhere.demotions, tracker.member.target.address
        if demotions.limit is None:
            return None
        if not demotions.holds(address, self.everywhere.ready(), tracker.held_since, report.ended):
            return None
        since = report.ended if tracker.held_since is None else tracker.held_since
        return Hold(Damper.MAX_DEMOTIONS, report.at + since + demotions.limit.window - report.ended)

    def note_out(self, tracker: HostTracker, report: Report, outcome: Outcome) -> list[HostChanged]:
        """The host has just gone out. Makes those ready that are only held out, where no other host serves any more."""
        if self.spec.flap is not None and outcome.effect is Effect.FAILURE:
            tracker.flaps = went_out(tracker.flaps, self.spec.flap, report.ended)
        if any(map(self.serves, self.every)):
            return []
        flapping = [one for one in self.every if not one.ready and one.hold is not None and one.judgement.streak]
        return [one.release(report.at) for one in flapping]


def _is_silent(tracker: HostTracker, outcome: Outcome) -> bool:
    """All that speaks against the host is silence."""
    return MEANINGS[outcome.reason].silent and not tracker.spoke
