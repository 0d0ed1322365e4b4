"""One fresh probe of a target: connect, wait for the first word, log in.

The loop connects and waits, so that a silent host costs no thread; only who has spoken is logged in to, in the pool.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from mooring.clocks import Clocks
from mooring.engine.loop import ANSWER, CONNECTED, Loop, Timer
from mooring.engine.peer import part
from mooring.engine.workers import Workers
from mooring.model import Observation, Target
from mooring.protocols.dial import connected, connecting
from mooring.protocols.exchange import Entered
from mooring.protocols.failure import Failure
from mooring.protocols.line import failure_of
from mooring.protocols.options import Options
from mooring.protocols.registry import PROTOCOLS
from mooring.protocols.secret import Secret
from mooring.reasons import Reason

PARKED_SECONDS = 5.0
"""How long a connection to a silent host is waited for, over several probes. A new one for each would be so many broken
logins in the books of a MySQL server that only stood still for a while (``max_connect_errors``)."""


OURS_SECONDS = 0.25
"""By how much the loop may be late, as it is for moments on a busy machine, before that is the fault of this side."""

Login = Callable[[Target, socket.socket, float], Entered]


class Visit:
    """``on_begin`` and ``on_end`` are called once, in the loop; the end later than ``begin`` returns."""

    def __init__(
        self,
        target: Target,
        loop: Loop,
        logins: Workers,
        clocks: Clocks,
        *,
        on_begin: Callable[[], None],
        on_end: Callable[[Visit, Entered], None],
    ) -> None:
        self.target = target
        self.started = 0.0
        self.greeted = False
        """The peer has spoken: a login is under way."""
        self._protocol = PROTOCOLS[target.protocol]
        self._loop = loop
        self._logins = logins
        self._clocks = clocks
        self._on_begin = on_begin
        self._on_end = on_end
        self._sock: socket.socket | None = None
        self._opened = 0.0
        self._resumed = False
        """The connection is an earlier visit's: that it ends says nothing of now."""
        self._timer: Timer | None = None
        self._ended = False
        self._cancelled = False

    def begin(self, parked: Parked | None = None) -> None:
        """``parked``: a connection of an earlier visit that had not spoken yet."""
        self.started = self._clocks.monotonic()
        self._on_begin()
        self._timer = self._loop.at(self.started + self.target.timeout, self._late)
        if parked is None or not self._takes_over(parked):
            self._open()

    def _open(self) -> None:
        self._resumed = False
        self._opened = self._clocks.monotonic()
        try:
            self._sock = connecting(self.target.address, self.target.port)
        except Failure as failure:
            self._end(failure)
        else:
            self._loop.watch(self._sock, CONNECTED, self._connected)

    def cancel(self) -> None:
        """Nobody wants to know any more. A login that is under way ends by itself."""
        self._ended = self._cancelled = True
        self._let_go()

    def park(self) -> Parked | None:
        """The connection that stands but has not spoken, for the next visit."""
        if self._sock is None or self._protocol.login is None:
            return None
        sock, self._sock = self._sock, None
        self._loop.forget(sock)
        return Parked(sock, self._opened)

    def _takes_over(self, parked: Parked) -> bool:
        """Goes on waiting on that connection, unless it is too old, was never connected, or has ended meanwhile."""
        if self.started - parked.opened > PARKED_SECONDS or not parked.stands():
            parked.close()
            return False
        self._sock, self._opened, self._resumed = parked.sock, parked.opened, True
        self._loop.watch(self._sock, ANSWER, self._spoken)
        return True

    def _connected(self, _events: int) -> None:
        if self._ended or self._sock is None:
            return
        try:
            connected(self._sock)
            if self._waits():
                self._loop.watch(self._sock, ANSWER, self._spoken)
                if self._protocol.knock:
                    self._sock.send(self._protocol.knock)
                return
        except Failure as failure:
            self._end(failure)
        except OSError as error:
            self._end(failure_of(error, "sending"))
        else:
            self._log_in()

    def _waits(self) -> bool:
        """The server is to speak before we log in: under TLS only where it does so unasked."""
        knocks = bool(self._protocol.knock) and not cast("Options", self.target.options).encrypted()
        return self._protocol.speaks_first or knocks

    def _spoken(self, _events: int) -> None:
        if self._ended or self._sock is None:
            return
        try:
            word = self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError as error:
            self._close(failure_of(error, "waiting for the server"))
        else:
            if word:
                self._log_in()
            else:
                self._close(Failure(Reason.RESET, "closed the connection without a word"))

    def _close(self, failure: Failure) -> None:
        """The other end has hung up: news, unless it is of an older connection."""
        if not self._resumed:
            self._end(failure)
            return
        self._drop()
        self._open()

    def _log_in(self) -> None:
        sock, self._sock = self._sock, None
        login = self._protocol.login
        if sock is None:
            return
        self._loop.forget(sock)
        if login is None:
            sock.close()
            self._tell(Entered(Observation(Reason.OK), None, greeted=True, secret=Secret()))
            return
        self.greeted = True
        if self._timer is not None:
            self._timer.cancel()  # from here on the login keeps the deadline itself
        self._logins.submit(lambda: self._enter(login, sock))

    def _enter(self, login: Login, sock: socket.socket) -> None:
        """In the pool."""
        entered = login(self.target, sock, self.started)
        self._loop.call(lambda: self._logged_in(entered))

    def _logged_in(self, entered: Entered) -> None:
        if self._cancelled:
            self._finish(entered)
        else:
            self._tell(entered)

    def _late(self) -> None:
        doing = "connecting" if self._sock is not None and not stands(self._sock) else "waiting for the server"
        self._end(overdue(doing, self._clocks.monotonic() - self.started - self.target.timeout))

    def _end(self, failure: Failure) -> None:
        if failure.reason is not Reason.TIMEOUT:
            self._let_go()
        self._tell(Entered(Observation(failure.reason, failure.message), None, greeted=False, secret=Secret()))

    def _tell(self, entered: Entered) -> None:
        """In a later step of the loop, so that whoever began this visit knows of it already."""
        if self._ended:
            return
        self._ended = True
        latency = self._clocks.monotonic() - self.started
        if entered.observation.latency is None:
            entered = replace(entered, observation=replace(entered.observation, latency=latency))
        self._loop.soon(lambda: self._finish(entered))

    def _finish(self, entered: Entered) -> None:
        if not self._cancelled:
            self._on_end(self, entered)
        elif entered.session is not None:
            part(entered.session)
        self._let_go()

    def _let_go(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._drop()

    def _drop(self) -> None:
        sock, self._sock = self._sock, None
        if sock is not None:
            self._loop.forget(sock)
            sock.close()


def overdue(doing: str, late: float) -> Failure:
    """The host has missed its deadline; where we look ``late`` seconds after that, who knows what it did meanwhile."""
    if late > OURS_SECONDS:
        return Failure(
            Reason.LOCAL, f"had no time to look for the answer until {late:.2f} s after the deadline ({doing})"
        )
    return Failure(Reason.TIMEOUT, f"no whole answer in time ({doing})")


class Parked:
    """A connection without a first word yet; ``opened`` in monotonic seconds."""

    __slots__ = ("opened", "sock")

    def __init__(self, sock: socket.socket, opened: float) -> None:
        self.sock = sock
        self.opened = opened

    def stands(self) -> bool:
        return stands(self.sock)

    def close(self) -> None:
        self.sock.close()


def stands(sock: socket.socket) -> bool:
    """It is connected, and the other end has not closed it."""
    try:
        sock.getpeername()
        return bool(sock.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return True
    except OSError:
        return False
