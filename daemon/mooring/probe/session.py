"""A held session, and the questions under way over it."""

from __future__ import annotations

import fcntl
import ssl
import termios
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import cast

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from mooring.probe.loop import ANSWER, HANGUP, Loop
from mooring.protocols.exchange import Answer, HeldQuestion, Session
from mooring.protocols.transport.keepalive import set_keepalive
from mooring.protocols.transport.line import NOT_NOW
from mooring.protocols.transport.text import cleaned

PIECE = 16 * 1024
Borrower = Callable[[Session | None], bool]
"""Gets a session, or None where there is none; returns whether it takes it, and then owns it."""
_NONE = bytes(4)


@dataclass(slots=True, eq=False)
class PendingQuestion:
    """A question under way; ``started`` and ``deadline`` are monotonic seconds."""

    target: Target
    exchange: HeldQuestion
    started: float
    deadline: float


class HeldSession:
    """One session with a host; all targets that ask with the same credentials share it.

    ``on_lost`` is called when the session has ended otherwise than by ``leave``; its second argument: the host ended it
    while it still answered. Questions under way have no answer then. ``on_late`` is called when answers come after
    ``attend``.
    """

    def __init__(
        self,
        address: str,
        loop: Loop,
        on_lost: Callable[[HeldSession, bool], None],
        on_late: Callable[[HeldSession], None],
    ) -> None:
        self.address = address
        self._loop = loop
        self._on_lost = on_lost
        self._on_late = on_late
        self._session: Session | None = None
        self._questions: deque[PendingQuestion] = deque()
        self._borrowers: list[Borrower] = []
        self._attentive = False
        """An answer wakes the loop."""
        self.stalled_at: float | None = None
        """When a question first passed its deadline without an answer, in monotonic seconds; None: none has."""

    @property
    def held(self) -> bool:
        return self._session is not None

    @property
    def ready(self) -> bool:
        """A question may be asked over it."""
        return self._session is not None and self.stalled_at is None

    @property
    def connection_id(self) -> int:
        """The server's id of the session; 0: none is held, or it is not known."""
        return self._session.connection_id if self._session else 0

    @property
    def server(self) -> Hashable:
        """What the login learned of the server; see ``exchange.Session``."""
        return self._session and self._session.server

    def offer(self, session: Session, period: float) -> Session | None:
        """Holds this session from now on, and closes it where a question is under way over another.

        ``period``: seconds between questions. Returns the session that was held before where a question is stalled over
        it: the caller owns it, and waits for its end.
        """
        stalled = self._session if self.stalled_at is not None else None
        if stalled is not None:
            self._forget()
        elif self._questions:
            close(session)
            return None
        else:
            self.leave()
        set_keepalive(session.sock, period)
        self._session = session
        self._loop.watch(session.sock, HANGUP, self._on_event)
        self._loop.unread.watch(session.sock)
        return stalled

    def stall(self, question: PendingQuestion, now: float) -> None:
        """The question has passed its deadline: no other is asked until the server has answered all questions."""
        if question in self._questions and self.stalled_at is None:
            self.stalled_at = now
            self._send_away()
            self.attend()

    def leave(self) -> None:
        session = self._session
        self._forget()
        if session is not None:
            close(session)

    def ask(self, question: PendingQuestion, *, looked: bool = False) -> None:
        """Sends the question over the session that is held. ``looked``: ``loop.unread`` has just looked at all."""
        idle = not self._questions
        self._questions.append(question)
        if self._session is None or (idle and self._has_unread(self._session, looked=looked)):
            self._lose()  # it has ended, or holds unread bytes, which would be taken for the answer
            return
        request = question.exchange.request
        try:
            whole = self._session.sock.send(request) == len(request)
        except OSError:
            whole = False
        if not whole:
            self._lose()

    def lend(self, borrower: Borrower) -> None:
        """Hands the session over as soon as no question is under way over it; then no session is held.

        The borrower gets None once a question is stalled over it: nobody knows when that ends.
        """
        self._borrowers.append(borrower)
        if self.stalled_at is not None:
            self._send_away()
        elif not self._questions and self._session is not None and self._has_unread(self._session):
            self._lose()
        elif not self._questions:
            self._hand_over()

    def _hand_over(self) -> None:
        while self._borrowers:
            session = self._session
            if session is not None:
                self._loop.forget(session.sock)
                self._loop.unread.forget(session.sock)
            if self._borrowers.pop(0)(session):
                self._session = None
            elif session is not None:
                self._loop.watch(session.sock, HANGUP, self._on_event)
                self._loop.unread.watch(session.sock)

    def _send_away(self) -> None:
        while self._borrowers:
            self._borrowers.pop(0)(None)

    def drop(self) -> None:
        """Closes the session without a farewell: the server has not answered, and would read nothing."""
        if self._session is not None:
            self._close(theirs=False)

    def attend(self) -> None:
        """From now on an answer wakes the loop, as it was not there at the first look."""
        if self._session is not None and not self._attentive:
            self._attentive = True
            self._loop.watch(self._session.sock, ANSWER, self._on_event)

    def answers(self) -> Iterator[tuple[PendingQuestion, Answer]]:
        """The answers that have come, their messages cleaned. Loses the session where its end has come instead."""
        while self._questions and self._session is not None:
            data = self._receive(self._session)
            if data is None:
                return
            if not data:
                self._lose()
                return
            yield from self._answers_in(self._session, data)

    def _answers_in(self, session: Session, data: bytes) -> Iterator[tuple[PendingQuestion, Answer]]:
        while data:
            if not self._questions:  # bytes that nobody asked for: they would answer the next question
                self._close(theirs=False)
                return
            answer = _feed(self._questions[0].exchange, data)
            if answer is None:
                return
            question = self._questions.popleft()
            if answer.lost:
                self._lose()
                return
            yield question, _clean(answer, session.secret.value)
            if not answer.keep:
                self._close(theirs=False)
                return
            data = answer.rest if self._session is session else b""
        if not self._questions and self._attentive:
            self._attentive = False
            self._loop.watch(session.sock, HANGUP, self._on_event)
        if not self._questions:
            self.stalled_at = None
            self._hand_over()

    def _receive(self, session: Session) -> bytes | None:
        """None: nothing yet; empty: the end."""
        try:
            return session.sock.recv(PIECE)
        except NOT_NOW:
            return None
        except OSError:
            return b""

    def _has_unread(self, session: Session, *, looked: bool = False) -> bool:
        """Whether unread bytes are there. Under TLS they may be TLS's own, so only reading shows that."""
        encrypted = isinstance(session.sock, ssl.SSLSocket)
        if looked and not encrypted and not self._loop.unread.may_have(session.sock):
            return False
        waiting: bytes = fcntl.ioctl(session.sock.fileno(), termios.FIONREAD, _NONE)
        if waiting == _NONE:
            return encrypted and cast("ssl.SSLSocket", session.sock).pending() > 0
        return not encrypted or self._receive(session) is not None

    def _on_event(self, events: int) -> None:
        if self._session is None:
            return
        if events & ~ANSWER or events & HANGUP:
            self._lose()
        else:
            self._on_late(self)

    def _lose(self) -> None:
        self._close(theirs=True)

    def _close(self, *, theirs: bool) -> None:
        session, stalled = self._session, self.stalled_at is not None
        self._forget()
        if session is not None:
            session.sock.close()
            self._on_lost(self, theirs and not stalled)

    def _forget(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            self._loop.forget(session.sock)
            self._loop.unread.forget(session.sock)
        self._questions.clear()
        self._attentive = False
        self.stalled_at = None
        self._hand_over()


def close(session: Session) -> None:
    """Sends the farewell, if that takes no time, and closes."""
    if session.farewell:
        with suppress(OSError):
            session.sock.send(session.farewell)
    session.sock.close()


def _feed(exchange: HeldQuestion, data: bytes) -> Answer | None:
    try:
        return exchange.feed(data)
    except Exception as error:  # noqa: BLE001 -- what a peer sent ends its session, and never the daemon
        return Answer(Observation(Reason.PROTOCOL, f"{type(error).__name__}: {error}"), keep=False)


def _clean(answer: Answer, secret: bytes) -> Answer:
    shown = cleaned(answer.observation, secret)
    return answer if shown is answer.observation else replace(answer, observation=shown)
