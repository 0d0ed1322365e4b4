"""One fresh probe of a target: connect, wait for the first word, log in.

The loop connects and waits, so that a silent host costs no thread. Once the host has sent something, a thread of the
pool logs in.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from mooring.model.clocks import Clocks
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from mooring.probe.loop import ANSWER, CONNECTED, Loop, Timer
from mooring.probe.session import close
from mooring.probe.unfinished import KEEPALIVE_PERIOD
from mooring.protocols.exchange import LoginResult
from mooring.protocols.protocol import LoginAndEnd
from mooring.protocols.registry import PROTOCOLS
from mooring.protocols.transport.dial import check_connected, connecting
from mooring.protocols.transport.failure import Failure, overdue
from mooring.protocols.transport.keepalive import set_keepalive
from mooring.protocols.transport.line import failure_of
from mooring.protocols.transport.secret import Secret
from mooring.protocols.transport.workers import Workers

Login = Callable[[Target, socket.socket, float], LoginResult]


class FreshProbe:
    """``on_begin`` and ``on_end`` are called once, in the loop; ``on_end`` after ``begin`` has returned.

    ``abandoned``: ids of connections that the login ends on the server, where the protocol allows that.
    """

    def __init__(
        self,
        target: Target,
        loop: Loop,
        logins: Workers,
        clocks: Clocks,
        *,
        on_begin: Callable[[], None],
        on_end: Callable[[FreshProbe, LoginResult], None],
        abandoned: tuple[int, ...] = (),
    ) -> None:
        self.target = target
        self.started = 0.0
        self.greeted = False
        """The host has sent something: a login is under way."""
        self._protocol = PROTOCOLS[target.protocol]
        self._abandoned = abandoned
        self._loop = loop
        self._logins = logins
        self._clocks = clocks
        self._on_begin = on_begin
        self._on_end = on_end
        self._sock: socket.socket | None = None
        self._opened = 0.0
        self._listens = False
        """Connected, and the protocol's opening is sent: only the host's first bytes are missing."""
        self._resumed = False
        """The connection is an earlier probe's: its end is no evidence about the host now."""
        self._timer: Timer | None = None
        self._ended = False
        self._cancelled = False

    def begin(self, waiting: WaitingConnection | None = None) -> None:
        """``waiting``: an earlier probe's connection, on which the host has sent nothing."""
        self.started = self._clocks.monotonic()
        self._on_begin()
        self._timer = self._loop.at(self.started + self.target.timeout, self._on_deadline)
        if waiting is None or not self._takes_over(waiting):
            self._open()

    def _open(self) -> None:
        self._resumed = self._listens = False
        self._opened = self._clocks.monotonic()
        try:
            self._sock = connecting(self.target.address, self.target.port)
        except Failure as failure:
            self._end(failure)
        else:
            self._loop.watch(self._sock, CONNECTED, self._on_writable)

    def cancel(self) -> None:
        """Nobody needs the result any more. A login that is under way ends by itself."""
        self._ended = self._cancelled = True
        self._let_go()

    def park(self) -> WaitingConnection | None:
        """The connection that stands but on which the host has sent nothing, for the next probe."""
        if self._sock is None:
            return None
        if not self._listens:  # not connected yet, or the opening is not sent
            self._drop()
            return None
        sock, self._sock = self._sock, None
        self._loop.forget(sock)
        set_keepalive(sock, KEEPALIVE_PERIOD)
        return WaitingConnection(sock, self._opened)

    def _takes_over(self, waiting: WaitingConnection) -> bool:
        """Goes on waiting on that connection; False where it was never connected, or has ended meanwhile.

        A new connection for each probe would be one more session on a host that hangs, and one more broken login for a
        MySQL server to count (``max_connect_errors``).
        """
        if not waiting.stands():
            waiting.close()
            return False
        self._sock, self._opened = waiting.sock, waiting.opened
        self._resumed = self._listens = True
        self._loop.watch(self._sock, ANSWER, self._first_bytes_came)
        return True

    def _on_writable(self, _events: int) -> None:
        if self._ended or self._sock is None:
            return
        try:
            check_connected(self._sock)
            if self._awaits_first_bytes():
                self._loop.watch(self._sock, ANSWER, self._first_bytes_came)
                if opening := self._protocol.opening(self.target.options):
                    self._sock.send(opening)
                self._listens = True
                return
        except Failure as failure:
            self._end(failure)
        except OSError as error:
            self._end(failure_of(error, "sending"))
        else:
            self._log_in()

    def _awaits_first_bytes(self) -> bool:
        """Whether the server must send something before the login. Under TLS only a server that speaks first does."""
        return self._protocol.speaks_first or bool(self._protocol.opening(self.target.options))

    def _first_bytes_came(self, _events: int) -> None:
        if self._ended or self._sock is None:
            return
        try:
            first = self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError as error:
            self._close(failure_of(error, "waiting for the server"))
        else:
            if first:
                self._log_in()
            else:
                self._close(Failure(Reason.RESET, "closed the connection without a word"))

    def _close(self, failure: Failure) -> None:
        """The host has hung up: that ends the probe, unless the connection was an earlier probe's."""
        if not self._resumed:
            self._end(failure)
            return
        self._drop()
        self._open()

    def _log_in(self) -> None:
        sock, self._sock = self._sock, None
        login = self._login()
        if sock is None:
            return
        self._loop.forget(sock)
        if login is None:
            self._sock = sock  # the probe's own until its end is reported: who cancels it closes it
            self._end_with(LoginResult(Observation(Reason.OK), None, greeted=True, secret=Secret(), opened=sock))
            return
        self.greeted = True
        if self._timer is not None:
            self._timer.cancel()  # from here on the login keeps the deadline itself
        try:
            self._logins.submit(lambda: self._run_login(login, sock))
        except RuntimeError:
            sock.close()
            seen = Observation(Reason.LOCAL, "no thread is free for the login, and the process may have no more")
            self._end_with(LoginResult(seen, None, greeted=True, secret=Secret()))

    def _login(self) -> Login | None:
        login_and_end = self._protocol.client.login_and_end
        if not self._abandoned or login_and_end is None:
            return self._protocol.client.login
        return partial(_ending, login_and_end, self._abandoned)

    def _run_login(self, login: Login, sock: socket.socket) -> None:
        """In a thread of the pool."""
        login_result = login(self.target, sock, self.started)
        self._loop.call(lambda: self._on_login_result(login_result))

    def _on_login_result(self, login_result: LoginResult) -> None:
        if self._cancelled:
            self._finish(login_result)
        else:
            self._end_with(login_result)

    def _on_deadline(self) -> None:
        doing = "connecting" if self._sock is not None and not stands(self._sock) else "waiting for the server"
        self._end(overdue(doing, self._clocks.monotonic() - self.started - self.target.timeout))

    def _end(self, failure: Failure) -> None:
        if self._ended:
            return  # its end is on its way, and a connection with it
        if failure.reason is not Reason.TIMEOUT:
            self._let_go()
        self._end_with(LoginResult(Observation(failure.reason, failure.message), None, greeted=False, secret=Secret()))

    def _end_with(self, login_result: LoginResult) -> None:
        """Calls ``on_end`` in a later step of the loop, when the caller of ``begin`` holds this probe already."""
        if self._ended:
            return
        self._ended = True
        latency = self._clocks.monotonic() - self.started
        if login_result.observation.latency is None:
            login_result = replace(login_result, observation=replace(login_result.observation, latency=latency))
        self._loop.soon(lambda: self._finish(login_result))

    def _finish(self, login_result: LoginResult) -> None:
        if not self._cancelled:
            self._sock = None if login_result.opened is not None else self._sock
            self._on_end(self, login_result)
        elif login_result.session is not None:
            close(login_result.session)
        elif login_result.unfinished is not None:
            login_result.unfinished.sock.close()
        elif login_result.opened is not None:
            login_result.opened.close()
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


def _ending(
    login: LoginAndEnd, abandoned: tuple[int, ...], target: Target, sock: socket.socket, started: float
) -> LoginResult:
    return login(target, sock, started, abandoned)


class WaitingConnection:
    """A connection on which the host has sent nothing yet; ``opened`` in monotonic seconds."""

    __slots__ = ("opened", "sock")

    def __init__(self, sock: socket.socket, opened: float) -> None:
        self.sock = sock
        self.opened = opened

    def stands(self) -> bool:
        return stands(self.sock)

    def close(self) -> None:
        self.sock.close()


def stands(sock: socket.socket) -> bool:
    """Whether it is connected, and the host has not closed it, whatever it said before."""
    try:
        sock.getpeername()
        poller = select.epoll()
    except OSError:
        return False
    try:
        poller.register(sock.fileno(), select.EPOLLRDHUP)
        return not poller.poll(0)
    finally:
        poller.close()
