"""One address, port and credentials: every connection that Mooring has there, and when it may open one more.

Beside the held session at most one login or question is under way, whatever hangs. Mooring waits for one that has
passed its deadline: it ends when the server answers or closes, or when its keepalives go unanswered. Until then Mooring
opens nothing else here. After ``patience`` it closes the oldest and tries one more, so that a middlebox that keeps dead
flows alive cannot keep a sound host out.

A session that is lent counts as the held one until another is held, and from then on as what is under way beside it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import inf

from mooring.model.clocks import Clocks
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from mooring.probe.backoff import MOST_SECONDS, Backoff, after, hurried
from mooring.probe.connect import WaitingConnection
from mooring.probe.connects import FreshProbes, OnEnd, PendingProbe
from mooring.probe.greeting import GreetingWatch
from mooring.probe.loop import Loop
from mooring.probe.session import HeldSession, PendingQuestion, close
from mooring.probe.unfinished import UnfinishedConnections
from mooring.protocols.exchange import Loan, LoginResult, Session, Unfinished
from mooring.protocols.registry import PROTOCOLS
from mooring.protocols.transport.text import cleaned

PATIENCE_SECONDS = 600.0
"""How long Mooring waits for a connection that has passed its deadline before it tries one more. Where no end can be
seen, that is six connections an hour. The next login ends it on the server, where the protocol allows that."""


class Account:
    """For the loop's thread only. ``on_lost`` is called as the session's; ``on_answers`` when late answers can be read.

    ``on_replaced`` is called when a new session took the place of a silent one: what was asked there has no answer.
    ``on_free`` is called when a connection has ended here; its second argument: it had passed its deadline.
    """

    def __init__(
        self,
        target: Target,
        loop: Loop,
        fresh_probes: FreshProbes,
        clocks: Clocks,
        *,
        on_lost: Callable[[Account, bool], None],
        on_replaced: Callable[[Account], None],
        on_answers: Callable[[Account], None],
        on_free: Callable[[Account, bool], None],
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.address = target.address
        self.period = inf
        """Seconds between two turns of the target that Mooring asks most often here."""
        self.backoff = Backoff()
        self._protocol = PROTOCOLS[target.protocol]
        self._fresh_probes = fresh_probes
        self._loop = loop
        self._clocks = clocks
        self._now = clocks.monotonic
        self._on_free = on_free
        self._on_replaced = on_replaced
        self._patience = patience
        self.session = HeldSession(
            target.address,
            loop,
            lambda _, theirs: self._on_session_lost(on_lost, theirs=theirs),
            lambda _: on_answers(self),
        )
        self._greeting: GreetingWatch | None = None
        """Reads what a server of a protocol without a login sends first."""
        self._caution: str | None = None
        """What that greeting warns of; None: the server has sent none yet."""
        self._opening: PendingProbe | None = None
        self._lent_at = -inf
        """When the session was lent, in monotonic seconds; -inf: it is not lent."""
        self._parked: WaitingConnection | None = None
        """A connection on which the server has sent nothing yet: the next login goes on with it."""
        self._unfinished = UnfinishedConnections(loop, self._on_unfinished_end)
        self._left: set[int] = set()
        """Ids on the server of connections that Mooring closed while their questions had no answer."""
        self._tried_at = -inf
        """When Mooring last tried one more though others had not ended, in monotonic seconds."""
        self._hurried_at = -inf
        """When the silence of the session last ended the wait after a refused login, in monotonic seconds."""

    def may_log_in(self, now: float) -> bool:
        """Whether the backoff of the last logins allows the next one."""
        return now >= self.backoff.next_at

    def lent(self, now: float) -> bool:
        """The session is lent. For ``patience`` at most: a borrower that never gives it back keeps no host out."""
        return now < self._lent_at + self._patience

    @property
    def login_hangs_since(self) -> float | None:
        """Since when, in monotonic seconds, Mooring waits for a login here past its deadline; None: for none."""
        return self._unfinished.login_since

    def stall(self, question: PendingQuestion, now: float) -> None:
        """The session has not answered in time. The next login may begin at once: it shows whether the host hangs.

        Once a minute at most: a session that is late again and again must not make a refused login at each turn.
        """
        first = self.session.stalled_at is None
        if first and not self.may_log_in(now) and now >= self._hurried_at + MOST_SECONDS:
            self._hurried_at = now
            self.backoff = hurried(self.backoff)
        self.session.stall(question, now)

    def lend(self, hand: Callable[[Loan], bool]) -> None:
        """Hands the held session over as soon as all questions over it are answered; no loan where none is held then.

        ``hand`` returns whether the borrower takes it; ``take_back`` ends the loan.
        """
        self.session.lend(partial(self._hand, hand))

    def take_back(self, session: Session | None, unfinished: Unfinished | None) -> None:
        """Ends a loan. ``session`` is fit for questions; for the end of what is ``unfinished`` the account waits."""
        self._lent_at = -inf
        if session is not None and self.session.held:
            close(session)
        elif session is not None:
            self.session.offer(session, self.period)
        if unfinished is not None:
            self._unfinished.add(unfinished, self._now())
        self._on_free(self, False)

    def make_room(self, now: float) -> bool:
        """Whether one more connection may be opened now. Closes the oldest one where ``patience`` has passed."""
        if self._opening is not None or (self.session.held and self.lent(now)):
            return False
        since = self._unfinished.oldest_since
        if since is None:
            return True
        stalled_at = self.session.stalled_at
        oldest = since if stalled_at is None else min(since, stalled_at)
        if now < max(oldest, self._tried_at) + self._patience:
            return False
        self._tried_at = now
        self._left.add(self.session.connection_id if oldest == stalled_at else self._unfinished.oldest_id)
        if oldest == stalled_at:
            self.session.drop()
        else:
            self._unfinished.close_oldest()
        return True

    def open(self, target: Target, on_end: OnEnd, *, urgent: bool) -> None:
        """Begins a fresh probe; ``on_end`` gets its result later, once its session is held."""
        parked, self._parked = self._parked, None
        if parked is not None and self._now() > parked.opened + self._patience:
            parked.close()
            parked = None
        self._opening = self._fresh_probes.begin(
            target, partial(self._on_result, on_end), urgent=urgent, waiting=parked, abandoned=self._abandoned()
        )

    def _abandoned(self) -> tuple[int, ...]:
        """Ids on the server of the connections whose questions have no answer."""
        stalled = () if self.session.stalled_at is None else (self.session.connection_id,)
        return tuple(sorted({*self._left, *self._unfinished.asked, *stalled} - {0}))

    def hurry_if_queued(self) -> bool:
        """Whether the fresh probe still waits for a place among the logins of all hosts; if so, puts it in front."""
        if self._opening is None or self._opening.started:
            return False
        self._fresh_probes.hurry(self._opening)
        return True

    def awaited_refusal(self, now: float) -> Observation | None:
        """The last refusal, where the server has greeted and then keeps silent: some servers delay their refusals.

        None where the held session is silent too, and for a protocol whose server does not greet.
        """
        awaited = self._protocol.speaks_first and self._unfinished.logging_in and self.session.stalled_at is None
        refusal = self.backoff.refused_lately(now) if awaited else None
        return refusal and replace(refusal, message=f"{refusal.message} (the next login has no answer yet)")

    def retry(self) -> None:
        """Forgets the backoff, as a file that the login reads has changed: the next login may begin at once."""
        self.backoff = Backoff()

    def close(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
        if self._parked is not None:
            self._parked.close()
        if self._greeting is not None:
            self._greeting.close()
        self._unfinished.close()
        self.session.leave()

    def _on_result(self, on_end: OnEnd, call: PendingProbe, result: LoginResult) -> None:
        now, self._opening = self._now(), None
        self._parked, call.waiting = call.waiting, None
        if result.logged_in:
            self._left.clear()
        if result.unfinished is not None:
            self._unfinished.add(result.unfinished, now)
        if result.session is not None:
            self._hold(result.session, now)
        if result.opened is not None:
            self._read_greeting(result.opened)
            result = replace(result, observation=replace(result.observation, caution=self._caution or ""))
        refusal = self.awaited_refusal(now) if result.unfinished and not result.logged_in else None
        if refusal is not None:
            result = replace(result, observation=replace(refusal, latency=result.observation.latency))
        else:
            self.backoff = after(self.backoff, result.observation, now, logged_in=result.logged_in)
        on_end(call, result)
        self._on_free(self, False)

    def _hand(self, hand: Callable[[Loan], bool], session: Session | None) -> bool:
        taken = hand(Loan(session))
        if session is not None and taken:
            self._lent_at = self._now()
        return taken

    def _read_greeting(self, sock: socket.socket) -> None:
        """Closes the connection, where no greeting is known yet only after a look at what the server sends first."""
        caution = self._protocol.client.caution
        looks = self._greeting is not None and self._greeting.is_open
        if caution is None or self._caution is not None or looks:
            sock.close()
        else:
            self._greeting = GreetingWatch(sock, self._loop, self._clocks, partial(self._note_greeting, caution))

    def _note_greeting(self, caution: Callable[[bytes], str], greeting: bytes) -> None:
        self._caution = caution(greeting)

    def _hold(self, session: Session, now: float) -> None:
        since = self.session.stalled_at
        stalled = self.session.offer(session, self.period)
        if stalled is not None:
            old = Unfinished(stalled.sock, stalled.farewell, stalled.secret, True, stalled.connection_id)
            self._unfinished.add(old, now if since is None else since)
            self._on_replaced(self)

    def _on_unfinished_end(self, unfinished: Unfinished, said: bytes) -> None:
        """A connection that had passed its deadline has ended. A late refusal counts for the backoff all the same."""
        late_word = None if unfinished.logged_in else self._protocol.client.late_word
        word = Observation(Reason.OK) if late_word is None or not said else late_word(said)
        self.backoff = after(self.backoff, cleaned(word, unfinished.secret.value), self._now(), logged_in=False)
        self._on_free(self, True)

    def _on_session_lost(self, on_lost: Callable[[Account, bool], None], *, theirs: bool) -> None:
        if theirs:
            self.backoff = hurried(self.backoff)
        on_lost(self, theirs)
