"""A session that is held, and the questions under way over it."""

from __future__ import annotations

import fcntl
import ssl
import termios
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import cast

from mooring.engine.loop import ANSWER, HANGUP, Loop
from mooring.model import Target
from mooring.protocols.exchange import Answer, Exchange, Session
from mooring.protocols.keepalive import sized
from mooring.protocols.text import cleaned

PIECE = 16 * 1024
Borrower = Callable[[Session | None], bool]
"""Gets a session that is its own from then on, or None where there is none; whether it takes it."""
_NONE = bytes(4)
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


@dataclass(slots=True, eq=False)
class Asked:
    """A question under way; ``started`` and ``deadline`` are monotonic seconds."""

    target: Target
    exchange: Exchange
    started: float
    deadline: float


class Peer:
    """What is logged in to as one; Services and targets that ask with the same credentials share it.

    ``on_lost`` is told when the session has ended otherwise than by ``leave``, and whether that was the other end's
    doing; questions that were under way have no answer then. ``on_late`` is told when late answers came.
    """

    def __init__(
        self, address: str, loop: Loop, on_lost: Callable[[Peer, bool], None], on_late: Callable[[Peer], None]
    ) -> None:
        self.address = address
        self._loop = loop
        self._on_lost = on_lost
        self._on_late = on_late
        self._session: Session | None = None
        self._asked: deque[Asked] = deque()
        self._borrowers: list[Borrower] = []
        self._attentive = False
        """An answer wakes us."""

    @property
    def held(self) -> bool:
        return self._session is not None

    @property
    def server(self) -> Hashable:
        """What the login over the held session learned of the server."""
        return self._session and self._session.server

    def offer(self, session: Session, period: float) -> None:
        """Holds this session from now on, unless a question is under way over another.

        ``period`` in seconds: how often questions come.
        """
        if self._asked:
            part(session)
            return
        self.leave()
        sized(session.sock, period)
        self._session = session
        self._loop.watch(session.sock, HANGUP, self._happened)

    def leave(self) -> None:
        session = self._session
        self._forget()
        if session is not None:
            part(session)

    def ask(self, asked: Asked) -> None:
        """Sends the question over the session that is held."""
        idle = not self._asked
        self._asked.append(asked)
        if self._session is None or (idle and self._unasked(self._session)):
            self._lose()  # it has ended, or says what nobody asked: that would be taken for the answer
            return
        request = asked.exchange.request
        try:
            whole = self._session.sock.send(request) == len(request)
        except OSError:
            whole = False
        if not whole:
            self._lose()

    def lend(self, borrower: Borrower) -> None:
        """Hands the session over as soon as no question is under way over it; then none is held any more."""
        self._borrowers.append(borrower)
        if not self._asked and self._session is not None and self._unasked(self._session):
            self._lose()
        elif not self._asked:
            self._hand_over()

    def _hand_over(self) -> None:
        while self._borrowers:
            session = self._session
            if session is not None:
                self._loop.forget(session.sock)
            if self._borrowers.pop(0)(session):
                self._session = None
            elif session is not None:
                self._loop.watch(session.sock, HANGUP, self._happened)

    def drop(self) -> None:
        """Closes the session without a word: it did not answer in time, and what it says now is no answer."""
        if self._session is not None:
            self._close(theirs=False)

    def attend(self) -> None:
        """From here on an answer wakes us: it was not there at once."""
        if self._session is not None and not self._attentive:
            self._attentive = True
            self._loop.watch(self._session.sock, ANSWER, self._happened)

    def answers(self) -> Iterator[tuple[Asked, Answer]]:
        """The answers that have come; their messages are cleaned. Ends without the session where that is lost."""
        while self._asked and self._session is not None:
            data = self._received(self._session)
            if data is None:
                return
            if not data:
                self._lose()
                return
            yield from self._told(self._session, data)

    def _told(self, session: Session, data: bytes) -> Iterator[tuple[Asked, Answer]]:
        while data:
            if not self._asked:  # more than was asked for: it would answer the next question
                self._close(theirs=False)
                return
            answer = self._asked[0].exchange.feed(data)
            if answer is None:
                return
            asked = self._asked.popleft()
            if answer.lost:
                self._lose()
                return
            yield asked, _cleaned(answer, session.secret.value)
            if not answer.keep:
                self._close(theirs=False)
                return
            data = answer.rest if self._session is session else b""
        if not self._asked and self._attentive:
            self._attentive = False
            self._loop.watch(session.sock, HANGUP, self._happened)
        if not self._asked:
            self._hand_over()

    def _received(self, session: Session) -> bytes | None:
        """None: nothing yet; empty: the end."""
        try:
            return session.sock.recv(PIECE)
        except _NOT_NOW:
            return None
        except OSError:
            return b""

    def _unasked(self, session: Session) -> bool:
        """Words have come. Under TLS, bytes may be the protocol's own: only reading tells."""
        encrypted = isinstance(session.sock, ssl.SSLSocket)
        waiting: bytes = fcntl.ioctl(session.sock.fileno(), termios.FIONREAD, _NONE)
        if waiting == _NONE:
            return encrypted and cast("ssl.SSLSocket", session.sock).pending() > 0
        return not encrypted or self._received(session) is not None

    def _happened(self, events: int) -> None:
        if self._session is None:
            return
        if events & ~ANSWER or events & HANGUP:
            self._lose()
        else:
            self._on_late(self)

    def _lose(self) -> None:
        self._close(theirs=True)

    def _close(self, *, theirs: bool) -> None:
        session = self._session
        self._forget()
        if session is not None:
            session.sock.close()
            self._on_lost(self, theirs)

    def _forget(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            self._loop.forget(session.sock)
        self._asked.clear()
        self._attentive = False
        self._hand_over()


def part(session: Session) -> None:
    """Says farewell, where that takes no time, and closes."""
    if session.farewell:
        with suppress(OSError):
            session.sock.send(session.farewell)
    session.sock.close()


def _cleaned(answer: Answer, secret: bytes) -> Answer:
    shown = cleaned(answer.observation, secret)
    return answer if shown is answer.observation else replace(answer, observation=shown)
