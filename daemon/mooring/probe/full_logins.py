"""Full logins beside held sessions: when each is due, and which other targets what it found concerns."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

from mooring.judge.session import note_login
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.probe.account import Account
from mooring.probe.admission import RateLimiter
from mooring.probe.connects import PendingProbe
from mooring.probe.login_pace import MOST_A_SECOND, SPREAD
from mooring.probe.target_state import TargetProbe
from mooring.protocols.exchange import LoginResult

AGAIN = 0.25
"""Part of ``retry_base`` after which a full login that failed, and was not refused, is tried again."""


class FullLogins:
    """For the loop's thread only. ``sharing`` and ``neighbours`` are the engine's: targets by account, by address."""

    def __init__(
        self,
        now: Callable[[], float],
        sharing: Mapping[Account, list[TargetProbe]],
        neighbours: Mapping[str, list[TargetProbe]],
    ) -> None:
        self._now = now
        self._sharing = sharing
        self._neighbours = neighbours
        self._rate = RateLimiter(MOST_A_SECOND)

    def begin_if_due(self, probe: TargetProbe, now: float) -> None:
        """Begins a full login, which finds what the held session hides; its connection replaces the session."""
        account = probe.account
        if now < probe.login_at or probe.logs_in or not account.may_log_in(now):
            return
        if not account.make_room(now):
            self._note_hang(probe, now)
        elif self._rate.allows(now):
            probe.logs_in = True
            account.open(probe.target, lambda call, result: self._take(probe, call, result), urgent=False)

    def _note_hang(self, probe: TargetProbe, now: float) -> None:
        """A login of the account has not ended: it is one of this target, too, once it has hung for its timeout."""
        since = probe.account.login_hangs_since
        if since is None:
            return
        started = max(since, probe.login_at, probe.renewed_at)
        if now >= started + probe.target.timeout:
            hangs = Observation(Reason.TIMEOUT, "an earlier login has not ended")
            self.note(probe, started, probe.account.awaited_refusal(now) or hangs, first=False)

    def _take(self, probe: TargetProbe, call: PendingProbe, result: LoginResult) -> None:
        probe.logs_in = False
        self.note(probe, call.started, result.observation, first=False)

    def note(self, probe: TargetProbe, started: float, seen: Observation, *, first: bool) -> None:
        """A full login that began at ``started`` (monotonic seconds) has ended. ``first``: no session was held."""
        now, before = self._now(), probe.login
        probe.login = note_login(before, seen, started, now)
        probe.login_at = now + self._wait(probe, seen, first=first)
        if started < probe.renewed_at:
            probe.login_at = 0.0  # the login may have read the old files
            return
        if seen.reason is Reason.OK:
            self._share(probe, seen, now)
        if before is not None and _passed(before.observation) is not _passed(seen):
            self._hurry_others(probe, seen)

    def _wait(self, probe: TargetProbe, seen: Observation, *, first: bool) -> float:
        """Seconds until the next one."""
        pace = probe.pace
        if probe.account.backoff.refusal is not None:
            return 0.0  # the backoff alone decides
        if seen.reason is not Reason.OK:
            return AGAIN * pace.retry_base * _between(*SPREAD)
        # Many sessions may have been opened at the same moment: their next logins are spread.
        soonest = pace.retry_base if first else pace.interval
        return _between(SPREAD[0] * soonest, SPREAD[1] * pace.interval)

    def _share(self, probe: TargetProbe, seen: Observation, now: float) -> None:
        """It counts for all targets of the account that had passed one of their own; they log in by turns."""
        others = [one for one in self._sharing.get(probe.account, ()) if one is not probe and _shares(one)]
        for other in others:
            login = other.login
            assert login is not None  # noqa: S101 -- for the type checker; see _shares
            other.login = replace(
                login, completed_at=now, observation=replace(login.observation, not_after=seen.not_after)
            )
            other.login_at = probe.login_at
        if others:
            probe.login_at += probe.timings.period

    def _hurry_others(self, probe: TargetProbe, seen: Observation) -> None:
        """Targets at the same address whose last login ended otherwise log in at their next answer."""
        for other in self._neighbours.get(probe.target.address, ()):
            if other.login is not None and _passed(other.login.observation) is not _passed(seen):
                other.login_at = 0.0


def _passed(seen: Observation) -> bool:
    return seen.reason is Reason.OK


def _shares(probe: TargetProbe) -> bool:
    """A caution may be about the target's own question: only its own login lifts it."""
    login = probe.login
    return login is not None and _passed(login.observation) and not login.observation.caution and not probe.logs_in


def _between(least: float, most: float) -> float:
    return random.uniform(least, most)  # noqa: S311 -- no secret
