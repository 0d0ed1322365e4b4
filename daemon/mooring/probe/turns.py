"""The turns of targets, one under way each: asked, answered, late, held back, or asked anew after a loss.

A turn is asked over the held session, or by a fresh connection where no session is held or its last question has no
answer yet. While the last login was refused and no session is held, the turns between two logins are skipped. While
the account may open no connection, a turn waits for one to end, and is a ``timeout`` at its deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from mooring.judge import session as held
from mooring.model.clocks import Clocks
from mooring.model.probes import Observation, Report
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from mooring.probe.account import Account
from mooring.probe.confirm import Losses, confirms
from mooring.probe.connects import PendingProbe
from mooring.probe.full_logins import FullLogins
from mooring.probe.loop import Loop
from mooring.probe.session import PendingQuestion
from mooring.probe.target_state import ProbePurpose, TargetProbe
from mooring.protocols.exchange import Answer, LoginResult
from mooring.protocols.transport.failure import overdue

COLLECT_DELAY = 0.003
"""Seconds from sending a slot's questions to reading the answers: one look for all, instead of one wake-up for each."""


class Turns:
    """For the loop's thread only. ``probes``, ``sharing`` and ``neighbours`` are the engine's: all targets, those of
    each account, and those of each address.

    ``ask_again`` gets a target whose next turn is due already.
    """

    def __init__(
        self,
        loop: Loop,
        clocks: Clocks,
        probes: Mapping[Target, TargetProbe],
        sharing: Mapping[Account, list[TargetProbe]],
        neighbours: Mapping[str, list[TargetProbe]],
        *,
        on_reports: Callable[[list[Report]], None],
        ask_again: Callable[[tuple[Target, ...]], None],
    ) -> None:
        self._loop = loop
        self._clocks = clocks
        self._now = clocks.monotonic
        self._probes = probes
        self._sharing = sharing
        self._on_reports = on_reports
        self._ask_again = ask_again
        self._full_logins = FullLogins(clocks.monotonic, sharing, neighbours)
        self._losses = Losses()
        self._reports: list[Report] = []

    def ask_besides(self, probe: TargetProbe, purpose: ProbePurpose) -> None:
        """Probes out of turn. A probe under way serves as well."""
        if probe.rests:
            probe.purpose = purpose
            self.begin(probe)
            self.collect_later([probe])

    def begin(self, probe: TargetProbe, *, looked: bool = False) -> None:
        """``looked``: the loop has just looked which sessions have unread bytes."""
        now = self._now()
        self._ask_within(probe, now, now + probe.target.timeout, looked=looked)

    def _ask_within(self, probe: TargetProbe, started: float, deadline: float, *, looked: bool = False) -> None:
        exchange, target, session = probe.exchange, probe.target, probe.session
        if exchange is None or not session.ready:
            self._probe_fresh(probe)
            return
        probe.question = PendingQuestion(target, exchange(target.options, session.server), started, deadline)
        session.ask(probe.question, looked=looked)

    def _probe_fresh(self, probe: TargetProbe) -> None:
        """Asks by a fresh connection, unless the account holds it back."""
        now, account = self._now(), probe.account
        if not account.may_log_in(now) and probe.purpose is not ProbePurpose.WITNESS:
            self._hold_back(probe)
        elif account.make_room(now):
            probe.visits, edge = True, probe.confirmations > 0
            account.open(
                probe.target, lambda call, result: self._take_fresh_result(probe, call, result, edge=edge), urgent=True
            )
        else:
            self._wait(probe, now)

    def _hold_back(self, probe: TargetProbe) -> None:
        """The backoff allows no login now. A turn that waited until one was refused has that refusal as its outcome."""
        probe.confirmations = 0
        refusal = probe.account.backoff.refusal
        if probe.waits_since is not None and refusal is not None:
            self._finish(probe, refusal, probe.waits_since, self._now())
        else:
            self._end_turn(probe)

    def _wait(self, probe: TargetProbe, now: float) -> None:
        """Waits until a connection of the account ends, within the deadline of this turn.

        The deadline counts from when that connection got its place: Mooring's own queue is no silence of the host.
        """
        if probe.account.hurry_if_queued():
            probe.waits_since = None
        probe.waits_since = now if probe.waits_since is None else probe.waits_since
        probe.waiting = self._loop.at(probe.waits_since + probe.target.timeout, partial(self._end_wait, probe))

    def _end_wait(self, probe: TargetProbe) -> None:
        """The deadline has passed, and no connection of the account has ended."""
        now, probe.waiting = self._now(), None
        if probe.account.hurry_if_queued():
            self._wait(probe, now)
            return
        probe.confirmations = 0
        since = now if probe.waits_since is None else probe.waits_since
        failure = overdue("an earlier login or question has not ended", now - since - probe.target.timeout)
        seen = probe.account.awaited_refusal(now) or Observation(failure.reason, failure.message)
        self._finish(probe, seen, since, now)

    def freed(self, account: Account, late: bool) -> None:  # noqa: FBT001 -- one fact of the one event
        """A connection of the account has ended. ``late``: it had passed its deadline, so the host may be back."""
        self._loop.soon(lambda: self._resume(account, late=late))

    def _resume(self, account: Account, *, late: bool) -> None:
        for probe in self._sharing.get(account, ()):
            if probe.waiting is not None:
                probe.waiting.cancel()
                probe.waiting = None
                self.begin(probe)
                self.collect_later([probe])
            elif late and probe.timed_out and probe.takes_loss():
                self.begin(probe)
                self.collect_later([probe])

    def collect_later(self, probes: list[TargetProbe]) -> None:
        waiting = [(probe, probe.question) for probe in probes if probe.question is not None]
        if waiting:
            self._loop.at(self._now() + COLLECT_DELAY, lambda: self._collect_answers(waiting))

    def _collect_answers(self, waiting: list[tuple[TargetProbe, PendingQuestion]]) -> None:
        """Reads the answers that are there; where there is none, the answer or the deadline wakes the loop."""
        for probe, question in waiting:
            if probe.question is not question:
                continue
            self.hear(probe.account)
            if probe.question is question:
                probe.session.attend()
                self._loop.at(question.deadline, partial(self._on_deadline, probe, question))

    def hear(self, account: Account) -> None:
        stalled = account.session.stalled_at is not None
        for question, answer in account.session.answers():
            self._take_answer(question, answer)
        if stalled and account.session.ready:
            self.freed(account, late=True)

    def _take_answer(self, question: PendingQuestion, answer: Answer) -> None:
        probe = self._probes.get(question.target)
        if probe is None or probe.question is not question:
            return
        probe.question = None
        now = self._now()
        seen = answer.observation
        if probe.login is not None:
            seen = held.weigh(seen, probe.login, now, probe.pace.patience_after(probe.login.observation))
        if probe.timed_out and not probe.login_timed_out:
            probe.login_at = 0.0  # the host was silent before: it may let nobody in now
        self._finish(probe, seen, question.started, now)
        self._full_logins.begin_if_due(probe, now)

    def _on_deadline(self, probe: TargetProbe, question: PendingQuestion) -> None:
        """The deadline has passed. An answer that is there already counts all the same: only Mooring was late."""
        if probe.question is question:
            self.hear(probe.account)
        if probe.question is not question:
            return
        probe.question = None
        now = self._now()
        probe.account.stall(question, now)
        failure = overdue("session held", now - question.deadline)
        self._finish(probe, Observation(failure.reason, failure.message), question.started, now)

    def _take_fresh_result(self, probe: TargetProbe, call: PendingProbe, result: LoginResult, *, edge: bool) -> None:
        probe.visits = False
        if self._probes.get(probe.target) is not probe:
            return
        self._full_logins.note(probe, call.started, result.observation, first=True)
        if result.session is None:
            probe.login_at = 0.0  # once a target that shares the account has opened a session, this one logs in at once
        if edge:
            self._confirm(probe, result)
        self._finish(probe, result.observation, call.started, self._now(), edge=edge)

    def lost(self, account: Account, theirs: bool) -> None:  # noqa: FBT001 -- one fact of the one event
        """The session has ended: asks questions under way anew; where the host ended it (``theirs``), all targets."""
        if theirs:
            self._losses.note(self._now(), account.address, account)
        storm = self._storm()
        for probe in self._sharing.get(account, ()):
            if theirs and not storm and not probe.visits:
                probe.confirm()
            if probe.question is not None:
                probe.question = None
                self._probe_fresh(probe)
            elif theirs and probe.takes_loss():
                self._probe_fresh(probe)
        self.freed(account, late=True)

    def replaced(self, account: Account) -> None:
        """Asks over the new session what the old one did not answer; the deadlines stay as they were."""
        for probe in self._sharing.get(account, ()):
            question, probe.question = probe.question, None
            if question is not None:
                self._ask_within(probe, question.started, question.deadline)
                self.collect_later([probe])

    def _storm(self) -> bool:
        return self._losses.storm(self._now(), lambda: sum(account.session.held for account in self._sharing))

    def _confirm(self, probe: TargetProbe, result: LoginResult) -> None:
        """Another probe has looked into the loss: the next follows soon, while the host may still be at fault."""
        probe.confirmations -= 1
        if not confirms(result.observation, greeted=result.greeted) or self._storm():
            probe.confirmations = 0
        if probe.confirmations:
            probe.confirming = self._loop.at(self._now() + probe.timings.edge, lambda: self._confirm_again(probe))

    def _confirm_again(self, probe: TargetProbe) -> None:
        probe.confirming = None
        if self._storm():
            probe.confirmations = 0  # this probe is asked all the same: a turn may be due, and it counts for that
        probe.purpose = ProbePurpose.EVIDENCE
        self._probe_fresh(probe)

    def _finish(
        self, probe: TargetProbe, seen: Observation, started: float, ended: float, *, edge: bool = False
    ) -> None:
        purpose = probe.purpose
        if not self._reports:
            self._loop.soon(self._flush)
        report = Report(probe.target, seen, started, ended, self._clocks.wall(), purpose is ProbePurpose.WITNESS, edge)
        self._reports.append(replace(report, expedited=True) if purpose is ProbePurpose.EXPEDITED else report)
        probe.timed_out = seen.reason is Reason.TIMEOUT
        self._end_turn(probe)

    def _end_turn(self, probe: TargetProbe) -> None:
        purpose, probe.purpose, probe.waits_since = probe.purpose, None, None
        if purpose is ProbePurpose.TURN_AND_NEXT:
            # In a later step: bytes behind the answer would be taken for the answer to a question asked now.
            self._loop.soon(lambda: self._ask_again((probe.target,)))

    def _flush(self) -> None:
        reports, self._reports = self._reports, []
        self._on_reports(reports)
