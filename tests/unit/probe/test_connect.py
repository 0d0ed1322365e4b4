"""One fresh probe: what is waited for, what is parked, and what a cancelled one leaves."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from lab.waiting import wait_until
from mooring.model.clocks import Clocks
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from mooring.probe.connect import FreshProbe, WaitingConnection, stands
from mooring.probe.loop import Loop
from mooring.protocols.exchange import LoginResult, Session
from mooring.protocols.transport.secret import Secret
from mooring.protocols.transport.workers import Workers
from support.engine_harness import SECONDS, of
from support.fake_redis import puppet
from support.probe_once import target_of
from support.rogue_servers import SCRIPTS, rogue


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn in which nothing happens is short."""
    monkeypatch.setattr("mooring.probe.loop.TURN_SECONDS", 0.02)


class Stage:
    """A loop that the test turns by hand, and the fresh probes in it."""

    def __init__(self) -> None:
        self.loop = Loop(Clocks())
        self.workers = Workers("visiting", 2)
        self.begun = 0
        self.ended: list[LoginResult] = []

    def visit(self, target: Target, waiting: WaitingConnection | None = None) -> FreshProbe:
        visit = FreshProbe(target, self.loop, self.workers, Clocks(), on_begin=self._begin, on_end=self._end)
        visit.begin(waiting)
        return visit

    def turn_until_ended(self) -> LoginResult:
        wait_until(self._turned, SECONDS, "the end", every=0)
        return self.ended[-1]

    def _turned(self) -> bool:
        self.loop._turn()
        return bool(self.ended)

    def _begin(self) -> None:
        self.begun += 1

    def _end(self, _: FreshProbe, login_result: LoginResult) -> None:
        self.ended.append(login_result)


@pytest.fixture
def stage() -> Iterator[Stage]:
    """An empty one."""
    one = Stage()
    yield one
    for login_result in one.ended:
        if login_result.session is not None:
            login_result.session.sock.close()
        if login_result.opened is not None:
            login_result.opened.close()
        if login_result.unfinished is not None:
            login_result.unfinished.sock.close()


# what the server does -> the protocol that asks, what is said of it, whether it had spoken
ENDS = [
    ("never-accepts", "redis", Reason.TIMEOUT, "(connecting)", False),
    ("silent", "mysql", Reason.TIMEOUT, "(waiting for the server)", False),
    ("hangs-up", "mysql", Reason.RESET, "closed the connection without a word", False),
    ("resets", "redis", Reason.RESET, "", False),
    ("mysql-saturated", "mysql", Reason.SATURATED, "Too many connections", True),
    ("drips-greeting", "mysql", Reason.TIMEOUT, "", True),
    ("redis-loading", "redis", Reason.LOADING, "LOADING", True),
    ("silent", "tcp", Reason.OK, "", False),
]


@pytest.mark.parametrize(("name", "protocol", "reason", "words", "greeted"), ENDS)
def test_how_a_probe_ends(stage: Stage, name: str, protocol: str, reason: Reason, words: str, *, greeted: bool) -> None:
    """Once, with the words of a probe, and with the seconds that it took."""
    with rogue(SCRIPTS[name]) as server:
        visit = stage.visit(
            target_of(protocol, server.address, server.port, timeout=1.0 if reason is Reason.TIMEOUT else SECONDS)
        )
        login_result = stage.turn_until_ended()
        stage.loop._run_handed()
    assert (login_result.observation.reason, visit.greeted) == (reason, greeted)
    assert words in login_result.observation.message
    assert 0 < (login_result.observation.latency or 0) < 2 * SECONDS
    assert (stage.begun, len(stage.ended)) == (1, 1)


def test_a_deadline_that_is_late_takes_no_connection_back(stage: Stage) -> None:
    """A busy machine finds the connection and the deadline in one turn: what was seen first counts, and stays whole."""
    with rogue(SCRIPTS["silent"]) as server:
        visit = stage.visit(target_of("tcp", server.address, server.port, timeout=0.05))
        time.sleep(0.5)
        login_result = stage.turn_until_ended()
        assert login_result.observation.reason is Reason.OK
        assert login_result.opened is not None
        assert login_result.opened.fileno() >= 0
        visit.cancel()


def test_a_refusal_is_reported_later_than_begin_returns(stage: Stage) -> None:
    """The caller of ``begin`` holds the probe by then."""
    with puppet() as server:
        server.die()
        stage.visit(of(server))
        assert stage.ended == []
        assert stage.turn_until_ended().observation.reason is Reason.REFUSED


@pytest.mark.parametrize(("age", "ended", "connections"), [(0.0, False, 1), (300.0, False, 1), (0.0, True, 2)])
def test_a_connection_that_is_handed_on_is_waited_for_as_long_as_it_stands(
    stage: Stage, age: float, connections: int, *, ended: bool
) -> None:
    """Otherwise the probe connects anew; the end of the old connection is no evidence about the host."""
    with puppet() as server:
        server.awake.clear()
        sock = socket.create_connection((server.address, server.port))
        sock.sendall(b"PING\r\n")
        sock.setblocking(False)
        wait_until(lambda: server.sessions == 1, SECONDS, "the connection")
        if ended:
            server.hang_up()
            wait_until(lambda: not stands(sock), SECONDS, "its end")
        server.awake.set()
        stage.visit(of(server), WaitingConnection(sock, time.monotonic() - age))
        assert stage.turn_until_ended().observation.reason is Reason.OK
        assert server.connections == connections


def test_a_connection_that_ended_after_a_late_word_is_made_anew(stage: Stage) -> None:
    """The host went on, and then waited in vain for a login, which nobody had begun: no probe failed."""
    with puppet() as server, socket.create_server(("127.0.0.1", 0)) as door:
        sock = socket.create_connection(door.getsockname())
        theirs, _ = door.accept()
        theirs.sendall(b"+PONG\r\n")
        theirs.close()
        wait_until(lambda: sock.recv(100, socket.MSG_PEEK) == b"+PONG\r\n", SECONDS, "its word")
        sock.setblocking(False)
        wait_until(lambda: not stands(sock), SECONDS, "its end")
        stage.visit(of(server), WaitingConnection(sock, time.monotonic()))
        assert stage.turn_until_ended().observation.reason is Reason.OK
        assert server.connections == 1


def test_a_connection_that_ends_under_a_second_probe_is_made_anew(stage: Stage) -> None:
    """It was an earlier probe's, so its end is no evidence about the host now."""
    with puppet() as server:
        server.awake.clear()
        sock = socket.create_connection((server.address, server.port))
        sock.sendall(b"PING\r\n")
        sock.setblocking(False)
        wait_until(lambda: server.sessions == 1, SECONDS, "the connection")
        stage.visit(of(server, timeout=SECONDS), WaitingConnection(sock, time.monotonic()))
        server.hang_up()
        server.awake.set()
        assert stage.turn_until_ended().observation.reason is Reason.OK
        assert server.connections == 2


def test_only_a_connection_that_waits_is_parked(stage: Stage) -> None:
    """One that was logged in over, or that ended, is not."""
    with puppet() as server:
        visit = stage.visit(of(server))
        stage.turn_until_ended()
        assert visit.park() is None
    with puppet() as server:
        tcp = stage.visit(target_of("tcp", server.address, server.port))
        assert tcp.park() is None
        stage.turn_until_ended()


def test_a_cancelled_probe_says_nothing_and_closes_its_connection(stage: Stage) -> None:
    """Nobody needs the result any more."""
    with puppet() as server:
        server.awake.clear()
        visit = stage.visit(of(server, timeout=SECONDS))
        wait_until(lambda: stage.loop._turn() is None and server.sessions == 1, SECONDS, "the connection", every=0)  # type: ignore[func-returns-value]  # turned while waiting
        visit.cancel()
        server.awake.set()
        wait_until(lambda: server.sessions == 0, SECONDS, "its end")
        stage.loop._run_handed()
        assert stage.ended == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_login_that_ends_as_it_is_cancelled_leaves_no_session(stage: Stage, when: str) -> None:
    """Whichever of both comes first in one turn: the session ends with its farewell, and nothing is reported."""
    with puppet() as server, socket.create_server(("127.0.0.1", 0)) as door:
        ours = socket.create_connection(door.getsockname())
        theirs, _ = door.accept()
        login_result = LoginResult(
            Observation(Reason.OK), Session(ours, b"bye", Secret()), greeted=True, secret=Secret()
        )
        with theirs:
            visit = stage.visit(of(server))
            if when == "before":
                visit.cancel()
                visit._on_login_result(login_result)
            else:
                visit._on_login_result(login_result)
                visit.cancel()
            stage.loop._run_handed()
            theirs.settimeout(SECONDS)
            assert (theirs.recv(100), theirs.recv(100)) == (b"bye", b"")
        assert stage.ended == []
