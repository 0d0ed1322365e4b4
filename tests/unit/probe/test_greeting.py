"""The greeting of a server over whose connection Mooring asks nothing."""

from __future__ import annotations

import socket
import time

import pytest

from lab.waiting import wait_until
from mooring.model.clocks import Clocks
from mooring.model.reasons import Reason
from mooring.probe.greeting import WAIT_SECONDS, GreetingWatch
from mooring.probe.loop import Loop
from mooring.protocols.tcp.login import SPEAKS_MYSQL
from support import packets
from support.engine_harness import SECONDS, turns
from support.probe_once import target_of
from support.rogue_servers import Peer, rogue, says_first


def test_a_tcp_check_of_a_mysql_server_is_warned_of_without_delay() -> None:
    """The first outcome does not wait for the greeting; the outcomes after it carry the warning for the log."""
    with rogue(says_first(packets.greeting())) as server:
        target = target_of("tcp", server.address, server.port)
        with turns(target) as engine:
            (first,) = engine.turn(target)
            assert (first.observation.reason, first.observation.caution) == (Reason.OK, "")
            wait_until(lambda: engine.turn(target)[0].observation.caution == SPEAKS_MYSQL, SECONDS, "the warning")
            assert engine.reasons(target) == [Reason.OK] * len(engine.reports)


def test_another_server_is_not_warned_of() -> None:
    """One that sends another greeting, or none, may have a tcp check."""
    for play in (says_first(b"220 mail ESMTP\r\n"), Peer.hold):
        with rogue(play) as server:
            target = target_of("tcp", server.address, server.port)
            with turns(target) as engine:
                engine.turn(target)
                engine.quiet(2 * WAIT_SECONDS)
                assert engine.turn(target)[0].observation.caution == ""


def test_a_silent_server_loses_the_connection_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine waits a tenth of a second for a greeting, and then closes."""
    monkeypatch.setattr("mooring.probe.loop.TURN_SECONDS", 0.02)
    loop, ends = Loop(Clocks()), socket.socketpair()
    ends[0].setblocking(False)
    ends[1].settimeout(SECONDS)
    greetings: list[bytes] = []
    with ends[0], ends[1]:
        began = time.monotonic()
        GreetingWatch(ends[0], loop, Clocks(), greetings.append)

        def is_closed() -> bool:
            loop._turn()
            return ends[0].fileno() < 0

        wait_until(is_closed, SECONDS, "the end", every=0)
        assert time.monotonic() - began >= WAIT_SECONDS
        assert (ends[1].recv(1), greetings) == (b"", [])
