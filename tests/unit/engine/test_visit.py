"""One fresh probe: what is waited for, what is parked, and what a cancelled one leaves."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from ground.asking import target_of
from ground.puppet import puppet
from ground.rogue import SCRIPTS, rogue
from ground.turns import SECONDS, of
from ground.waiting import wait_until
from mooring.clocks import Clocks
from mooring.engine.loop import Loop
from mooring.engine.visit import PARKED_SECONDS, Parked, Visit, stands
from mooring.engine.workers import Workers
from mooring.model import Observation, Target
from mooring.protocols.exchange import Entered, Session
from mooring.protocols.secret import Secret
from mooring.reasons import Reason


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn in which nothing happens is short."""
    monkeypatch.setattr("mooring.engine.loop.TURN_SECONDS", 0.02)


class Stage:
    """A loop that is turned by hand, and the visits in it."""

    def __init__(self) -> None:
        self.loop = Loop(Clocks())
        self.workers = Workers("visiting", 2)
        self.begun = 0
        self.ended: list[Entered] = []

    def visit(self, target: Target, parked: Parked | None = None) -> Visit:
        visit = Visit(target, self.loop, self.workers, Clocks(), on_begin=self._begin, on_end=self._end)
        visit.begin(parked)
        return visit

    def turn_until_ended(self) -> Entered:
        wait_until(self._turned, SECONDS, "the end", every=0)
        return self.ended[-1]

    def _turned(self) -> bool:
        self.loop._turn()
        return bool(self.ended)

    def _begin(self) -> None:
        self.begun += 1

    def _end(self, _: Visit, entered: Entered) -> None:
        self.ended.append(entered)


@pytest.fixture
def stage() -> Iterator[Stage]:
    """An empty one."""
    one = Stage()
    yield one
    for entered in one.ended:
        if entered.session is not None:
            entered.session.sock.close()


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
def test_how_a_visit_ends(stage: Stage, name: str, protocol: str, reason: Reason, words: str, *, greeted: bool) -> None:
    """Once, with the words of a probe, and with the seconds that it took."""
    with rogue(SCRIPTS[name]) as server:
        visit = stage.visit(target_of(protocol, server.address, server.port, timeout=0.3))
        entered = stage.turn_until_ended()
        stage.loop._run_handed()
    assert (entered.observation.reason, visit.greeted) == (reason, greeted)
    assert words in entered.observation.message
    assert 0 < (entered.observation.latency or 0) < SECONDS
    assert (stage.begun, len(stage.ended)) == (1, 1)


def test_a_refusal_is_told_later_than_begin_returns(stage: Stage) -> None:
    """So that whoever began the visit knows of it already."""
    with puppet() as server:
        server.die()
        stage.visit(of(server))
        assert stage.ended == []
        assert stage.turn_until_ended().observation.reason is Reason.REFUSED


@pytest.mark.parametrize(
    ("age", "ended", "connections"), [(0.0, False, 1), (PARKED_SECONDS + 0.1, False, 2), (0.0, True, 2)]
)
def test_a_connection_that_is_handed_on_is_waited_for_if_it_is_young_and_stands(
    stage: Stage, age: float, connections: int, *, ended: bool
) -> None:
    """Otherwise a new one is made; that the old one ended is no news of the host."""
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
        stage.visit(of(server), Parked(sock, time.monotonic() - age))
        assert stage.turn_until_ended().observation.reason is Reason.OK
        assert server.connections == connections


def test_a_connection_that_ends_under_a_second_visit_is_made_anew(stage: Stage) -> None:
    """It was an earlier visit's, so its end says nothing of now."""
    with puppet() as server:
        server.awake.clear()
        sock = socket.create_connection((server.address, server.port))
        sock.sendall(b"PING\r\n")
        sock.setblocking(False)
        wait_until(lambda: server.sessions == 1, SECONDS, "the connection")
        stage.visit(of(server, timeout=SECONDS), Parked(sock, time.monotonic()))
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


def test_a_cancelled_visit_says_nothing_and_closes_its_connection(stage: Stage) -> None:
    """Nobody wants to know any more."""
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
    """Whichever comes first in the same breath: it is left with a farewell, and nobody is told."""
    with puppet() as server, socket.create_server(("127.0.0.1", 0)) as door:
        ours = socket.create_connection(door.getsockname())
        theirs, _ = door.accept()
        entered = Entered(Observation(Reason.OK), Session(ours, b"bye", Secret()), greeted=True, secret=Secret())
        with theirs:
            visit = stage.visit(of(server))
            if when == "before":
                visit.cancel()
                visit._logged_in(entered)
            else:
                visit._logged_in(entered)
                visit.cancel()
            stage.loop._run_handed()
            theirs.settimeout(SECONDS)
            assert (theirs.recv(100), theirs.recv(100)) == (b"bye", b"")
        assert stage.ended == []
