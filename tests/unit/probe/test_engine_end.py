"""What an engine leaves of a target that was removed, and of itself."""

from __future__ import annotations

import contextlib
import gc
import threading
from pathlib import Path

import pytest

from lab.waiting import wait_until
from mooring.model.reasons import Reason
from support import packets
from support.engine_harness import SECONDS, of, turns
from support.fake_redis import puppet, puppets
from support.probe_once import target_of
from support.scripted_server import Peer as Client
from support.scripted_server import rogue

OK = Reason.OK


@pytest.mark.parametrize("doing", ["question", "connection", "confirmation"])
def test_a_removed_target_is_not_reported_any_more(doing: str) -> None:
    """Whatever was under way for it ends in silence, and leaves no connection."""
    with puppets(2, "127.0.1.{}") as servers, turns(*(both := [of(one) for one in servers])) as engine:
        if doing != "connection":
            engine.turn(*both)
        servers[0].awake.clear()
        if doing == "confirmation":
            servers[0].die()
            engine.next(both[0], 1)
        else:
            engine.engine.ask([both[0]])
            engine.settle()
        engine.drop(both[0])
        engine.settle()
        known = len(engine.of(both[0]))
        engine.skip(SECONDS)
        engine.quiet(0.1)
        assert len(engine.of(both[0])) == known
        servers[0].awake.set()
        wait_until(lambda: servers[0].sessions == 0, SECONDS, "no connection left")
        assert [report.observation.reason for report in engine.turn(both[1])] == [OK]


def test_removing_a_target_in_the_middle_of_a_question_leaves_the_shared_session_alone() -> None:
    """The session belongs to all who ask over it."""
    with puppet() as server:
        gone, stays = of(server), of(server, timeout=10 * SECONDS)
        with turns(gone, stays) as engine:
            engine.turn(gone, stays)
            wait_until(lambda: server.logins == 2 and server.sessions == 1, SECONDS, "one session")
            engine.turn(stays)
            before = server.connections
            server.awake.clear()
            engine.engine.ask([gone, stays])
            engine.drop(gone)
            engine.skip(SECONDS)
            engine.quiet(0.1)
            server.awake.set()
            assert engine.next(stays, 2).observation.reason is OK
            assert server.connections == before
            assert len(engine.of(gone)) == 1


def _mysql(client: Client) -> None:
    client.send(packets.greeting())
    client.receive_packet()
    client.send(packets.ok(2))
    client.receive_packet()  # its settings
    client.send(packets.ok(1))
    client.receive_packet()
    client.send(packets.result("1"))
    while client.receive_packet() != b"\x01":
        client.send(packets.ok(1))


def test_stop_says_farewell_and_leaves_nothing() -> None:
    """Each server gets the farewell; no socket, no timer and no engine thread is left."""
    gc.collect()
    before = _sockets()
    with rogue(_mysql) as server, puppet() as other:
        mysql = target_of("mysql", server.address, server.port, timeout=SECONDS, user="mooring")
        with turns(mysql, target := of(other, timeout=SECONDS)) as engine:
            assert [report.observation.reason for report in engine.turn(mysql, target)] == [OK, OK]
            engine.turn(mysql, target)
            other.awake.clear()
            engine.engine.ask([target])
        wait_until(lambda: server.received.endswith(b"\x01\0\0\0\x01"), SECONDS, "COM_QUIT")
        assert not any(thread.name == "engine" for thread in threading.enumerate())
        known = len(engine.reports)
        other.awake.set()
        wait_until(lambda: other.sessions == 0, SECONDS, "the session's end")
        engine.engine.ask([target])
        engine.engine.ask_witness(target)
        engine.engine.renew(frozenset())
        assert len(engine.reports) == known
    wait_until(lambda: _sockets() <= before, SECONDS, "as many sockets as before")


def _sockets() -> int:
    """Open ones of this process."""
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one that reads the folder
            count += str(entry.readlink()).startswith("socket:")
    return count


def test_a_defect_of_a_listener_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that cannot go on stops turning, which the liveness of the daemon shows."""
    told: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: told.append(str(arguments.exc_value)))

    def defect(_: object) -> None:
        raise RuntimeError("a defect")

    with puppet() as server, turns(target := of(server)) as engine:
        engine.engine._turns._on_reports = defect
        engine.engine.ask([target])
        wait_until(lambda: bool(told), SECONDS, "the hook")
        assert told == ["a defect"]
        wait_until(lambda: not engine.engine._loop._thread.is_alive(), SECONDS, "its end")
        engine.engine._assign({}, {})  # what the loop would have left
