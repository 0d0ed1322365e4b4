"""Asks targets over sessions that are held, and says what it heard: one report for each turn of a target.

A turn is asked over the held session, or by a fresh visit where none is held. All of it happens in one thread, but for
logins. Reports go to ``on_reports`` in that thread, many at a time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, cast

from mooring.clocks import Clocks
from mooring.decide import held
from mooring.engine.confirm import Losses, confirms
from mooring.engine.gate import FULL_LOGINS_A_SECOND, Pace
from mooring.engine.lending import Lending
from mooring.engine.loop import Loop
from mooring.engine.peer import Asked, Peer
from mooring.engine.seat import Seat, Way
from mooring.engine.visit import overdue
from mooring.engine.visits import Call, Visits
from mooring.model import Observation, Report, Target, Terms
from mooring.protocols.exchange import Answer, Entered
from mooring.reasons import Reason

SWEEP_SECONDS = 0.003
"""After a slot's questions were sent: when to look for the answers, without being woken for each."""
AGAIN = 0.25
"""Part of the interval after which a full login that failed is tried again."""
SPREAD = (0.9, 1.1)


class Engine:
    """``assign``, ``ask``, ``ask_witness``, ``renew`` and ``stop`` may be called from any thread, and do not wait."""

    def __init__(
        self, on_reports: Callable[[list[Report]], None], on_overrun: Callable[[Target], None], clocks: Clocks
    ) -> None:
        self._on_reports = on_reports
        self._on_overrun = on_overrun
        self._clocks = clocks
        self._now = clocks.monotonic
        self._loop = Loop(clocks)
        self._visits = Visits(self._loop, clocks)
        self._pace = Pace()
        self._losses = Losses()
        self._seats: dict[Target, Seat] = {}
        self.lending = Lending(self._loop, self._seats)
        self._peers: dict[object, Peer] = {}
        self._sharing: dict[Peer, list[Seat]] = {}
        self._reports: list[Report] = []

    @property
    def turned_at(self) -> float:
        return self._loop.turned_at

    def start(self) -> None:
        self._loop.start()

    def stop(self, seconds: float) -> None:
        """Leaves every session politely, within so many seconds."""
        self._loop.call(lambda: self._assign({}))
        self._loop.stop(seconds)

    def assign(self, terms: Mapping[Target, Terms]) -> None:
        """From now on only these targets are known; what is held and under way for others ends."""
        self._loop.call(lambda: self._assign(terms))

    def ask(self, targets: Iterable[Target]) -> None:
        """It is the turn of these targets. A turn that comes while another waits already is left out and told."""
        wanted = tuple(targets)
        self._loop.call(lambda: self._ask(wanted))

    def ask_witness(self, target: Target) -> None:
        """Asks only to learn whether anything answers; a probe on its way will tell as well."""
        self._loop.call(lambda: self._witness(target))

    def hasten(self, targets: Iterable[Target]) -> None:
        """Asks these before their turn, an edge from now: somebody waits for what they say."""
        wanted = tuple(targets)
        self._loop.call(lambda: self._hasten(wanted))

    def renew(self, files: frozenset[str]) -> None:
        """These files have changed: who logs in with them does so anew at the next turn."""
        self._loop.call(lambda: self._renew(files))

    def _assign(self, terms: Mapping[Target, Terms]) -> None:
        for target in self._seats.keys() - terms.keys():
            self._seats.pop(target).dismiss()
        for target, one in terms.items():
            if target in self._seats:
                self._seats[target].terms = one
            else:
                self._seats[target] = Seat(target, one, self._peer(target))
        self._sharing = {}
        for seat in self._seats.values():
            self._sharing.setdefault(seat.peer, []).append(seat)
        for key in [key for key, peer in self._peers.items() if peer not in self._sharing]:
            self._peers.pop(key).leave()

    def _peer(self, target: Target) -> Peer:
        key = (target.protocol, target.address, target.port, cast("Any", target.options).login_key())
        if key not in self._peers:
            self._peers[key] = Peer(target.address, self._loop, self._lost, self._hear)
        return self._peers[key]

    def _renew(self, files: frozenset[str]) -> None:
        for seat in self._seats.values():
            if files.intersection(cast("Any", seat.target.options).files()):
                seat.login_at = 0.0
                seat.renewed_at = self._now()

    def _ask(self, targets: tuple[Target, ...]) -> None:
        asked = []
        for target in targets:
            seat = self._seats.get(target)
            if seat is None:
                continue
            seat.losses = 0
            if seat.takes_turn():
                self._probe(seat)
                asked.append(seat)
            elif seat.overruns():
                self._on_overrun(target)
        self._sweep_later(asked)

    def _witness(self, target: Target) -> None:
        if seat := self._seats.get(target):
            self._ask_besides(seat, Way.WITNESS)

    def _hasten(self, targets: tuple[Target, ...]) -> None:
        for target in targets:
            seat = self._seats.get(target)
            if seat is not None and seat.hastening is None:
                seat.hastening = self._loop.at(self._now() + seat.terms.edge, partial(self._ask_early, seat))

    def _ask_early(self, seat: Seat) -> None:
        seat.hastening = None
        self._ask_besides(seat, Way.HASTENED)

    def _ask_besides(self, seat: Seat, way: Way) -> None:
        """Out of turn. Where a probe is on its way already, it tells as well."""
        if seat.rests:
            seat.way = way
            self._probe(seat)
            self._sweep_later([seat])

    def _probe(self, seat: Seat) -> None:
        exchange, target = seat.exchange, seat.target
        if exchange is None or not seat.peer.held:
            self._visit(seat)
            return
        now = self._now()
        seat.asked = Asked(target, exchange(target.options, seat.peer.server), now, now + target.timeout)
        seat.peer.ask(seat.asked)

    def _log_in_anew(self, seat: Seat) -> None:
        """Beside the held session, for what that hides; it takes the place of that, for nothing is under way there."""
        parked, seat.parked = seat.parked, None
        seat.login_call = self._visits.begin(
            seat.target,
            lambda call, entered: self._logged_in(seat, call, entered),
            urgent=False,
            parked=parked,
        )

    def _visit(self, seat: Seat) -> None:
        """The turn by a fresh connection."""
        parked, seat.parked = seat.parked, None
        edge = seat.confirmations > 0
        seat.visit = self._visits.begin(
            seat.target,
            lambda call, entered: self._visited(seat, call, entered, edge=edge),
            urgent=True,
            parked=parked,
        )

    def _sweep_later(self, seats: list[Seat]) -> None:
        waiting = [(seat, seat.asked) for seat in seats if seat.asked is not None]
        if waiting:
            self._loop.at(self._now() + SWEEP_SECONDS, lambda: self._sweep(waiting))

    def _sweep(self, waiting: list[tuple[Seat, Asked]]) -> None:
        """Takes the answers that are there; where none is, the answer is to wake us, or the deadline."""
        for seat, asked in waiting:
            if seat.asked is not asked:
                continue
            self._hear(seat.peer)
            if seat.asked is asked:
                seat.peer.attend()
                self._loop.at(asked.deadline, partial(self._late, seat, asked))

    def _hear(self, peer: Peer) -> None:
        for asked, answer in peer.answers():
            self._answered(asked, answer)

    def _answered(self, asked: Asked, answer: Answer) -> None:
        seat = self._seats.get(asked.target)
        if seat is None or seat.asked is not asked:
            return
        seat.asked = None
        now = self._now()
        seen = answer.observation
        if seat.login is not None:
            seen = held.weigh(seen, seat.login, now, self._interval(seat))
        self._finish(seat, seen, asked.started, now)
        if now >= seat.login_at and seat.login_call is None and self._pace.allows(now):
            self._log_in_anew(seat)

    def _late(self, seat: Seat, asked: Asked) -> None:
        """The deadline has passed. What has come meanwhile is an answer all the same: only we had no time to look."""
        if seat.asked is asked:
            self._hear(seat.peer)
        if seat.asked is not asked:
            return
        seat.asked = None
        seat.peer.drop()
        now = self._now()
        failure = overdue("session held", now - asked.deadline)
        self._finish(seat, Observation(failure.reason, failure.message), asked.started, now)

    def _logged_in(self, seat: Seat, call: Call, entered: Entered) -> None:
        """A full login beside the held session has ended."""
        seat.login_call = None
        if call.parked is not None:
            call.parked.close()
        self._note_login(seat, call, entered)

    def _visited(self, seat: Seat, call: Call, entered: Entered, *, edge: bool) -> None:
        seat.visit, seat.parked = None, call.parked
        self._note_login(seat, call, entered)
        if entered.session is None:
            seat.login_at = 0.0  # should another's login open a session to ask over, this one follows at once
        if edge:
            self._confirm(seat, entered)
        self._finish(seat, entered.observation, call.started, self._now(), edge=edge)

    def _note_login(self, seat: Seat, call: Call, entered: Entered) -> None:
        now = self._now()
        seat.login = held.after(seat.login, entered.observation, call.started, now)
        done = entered.observation.reason is Reason.OK
        seat.login_at = now + self._interval(seat) * random.uniform(*SPREAD) * (1.0 if done else AGAIN)  # noqa: S311 -- no secret
        if call.started < seat.renewed_at:
            seat.login_at = 0.0  # it may have read what has changed since
        if entered.session is not None:
            seat.peer.offer(entered.session, seat.terms.period)

    def _interval(self, seat: Seat) -> float:
        """Between full logins; where there are more targets than may log in, it is their turn less often."""
        return max(seat.terms.login, len(self._seats) / FULL_LOGINS_A_SECOND)

    def _lost(self, peer: Peer, theirs: bool) -> None:  # noqa: FBT001 -- one fact of the one event
        """The session has ended. Questions that were under way are asked anew; if it was not us, so are all others."""
        if theirs:
            self._losses.note(self._now(), peer.address, peer)
        storm = self._storm()
        for seat in self._sharing.get(peer, ()):
            if theirs and not storm and seat.visit is None:
                seat.confirm()
            if seat.asked is not None:
                seat.asked = None
                self._visit(seat)
            elif theirs and seat.takes_loss():
                self._visit(seat)

    def _storm(self) -> bool:
        return self._losses.storm(self._now(), lambda: sum(peer.held for peer in self._peers.values()))

    def _confirm(self, seat: Seat, entered: Entered) -> None:
        """One probe more has seen the loss: the next follows soon, while it may still be the host."""
        seat.confirmations -= 1
        if not confirms(entered.observation, greeted=entered.greeted) or self._storm():
            seat.confirmations = 0
        if seat.confirmations:
            seat.confirming = self._loop.at(self._now() + seat.terms.edge, lambda: self._confirm_again(seat))

    def _confirm_again(self, seat: Seat) -> None:
        seat.confirming = None
        if self._storm():
            seat.confirmations = 0  # this one is asked all the same, for a turn may have come: it counts if it is due
        seat.way = Way.EVIDENCE
        self._visit(seat)

    def _finish(self, seat: Seat, seen: Observation, started: float, ended: float, *, edge: bool = False) -> None:
        way, seat.way = seat.way, None
        if not self._reports:
            self._loop.soon(self._flush)
        report = Report(seat.target, seen, started, ended, self._clocks.wall(), way is Way.WITNESS, edge)
        self._reports.append(replace(report, hastened=True) if way is Way.HASTENED else report)
        if way is Way.TURN_AND_NEXT:
            # Not here: what came behind the answer would be taken for the answer to a question asked now.
            self._loop.soon(lambda: self._ask((seat.target,)))

    def _flush(self) -> None:
        reports, self._reports = self._reports, []
        self._on_reports(reports)
