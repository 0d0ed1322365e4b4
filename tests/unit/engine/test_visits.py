"""Visits that wait at the gate, give their places back, and are cancelled wherever they are."""

from __future__ import annotations

import time

import pytest

from ground.puppet import puppet
from ground.turns import SECONDS, of
from ground.waiting import wait_until
from mooring.clocks import Clocks
from mooring.engine.gate import LOGINS, Gate
from mooring.engine.loop import Loop
from mooring.engine.visits import PATIENCE_SECONDS, Call, Visits
from mooring.protocols.exchange import Entered
from mooring.reasons import Reason


class Stage:
    """A loop that is turned by hand, with a gate of so many places."""

    def __init__(self, places: int = LOGINS) -> None:
        self.loop = Loop(Clocks())
        self.visits = Visits(self.loop, Clocks())
        self.visits._gate = Gate(places)
        self.ended: list[tuple[Call, Entered]] = []

    @property
    def free(self) -> int:
        return self.visits._gate._free

    def turn(self) -> bool:
        self.loop._turn()
        return True

    def end(self, call: Call, entered: Entered) -> None:
        self.ended.append((call, entered))
        if entered.session is not None:
            entered.session.sock.close()


def test_a_visit_that_waits_at_the_gate_has_not_started() -> None:
    """Its time begins when it is let in."""
    stage = Stage(1)
    with puppet() as server:
        first = stage.visits.begin(of(server), stage.end, urgent=True)
        second = stage.visits.begin(of(server), stage.end, urgent=True)
        assert (first.started > 0, second.started) == (True, 0.0)
        wait_until(lambda: stage.turn() and len(stage.ended) == 2, SECONDS, "both", every=0)
        assert [call for call, _ in stage.ended] == [first, second]
        assert {entered.observation.reason for _, entered in stage.ended} == {Reason.OK}
        assert second.started > first.started
        assert stage.free == 1


def test_a_silent_host_gives_its_place_back_and_still_has_its_answer() -> None:
    """Long before its deadline; and it gives it back once."""
    stage = Stage(1)
    with puppet() as silent, puppet() as sound:
        silent.awake.clear()
        began = time.monotonic()
        stage.visits.begin(of(silent, timeout=SECONDS), stage.end, urgent=True)
        stage.visits.begin(of(sound), stage.end, urgent=True)
        wait_until(lambda: stage.turn() and stage.ended, SECONDS, "the sound one", every=0)
        assert time.monotonic() - began >= PATIENCE_SECONDS
        silent.awake.set()
        wait_until(lambda: stage.turn() and len(stage.ended) == 2, SECONDS, "the other", every=0)
        assert [entered.observation.reason for _, entered in stage.ended] == [Reason.OK] * 2
        assert stage.free == 1


@pytest.mark.parametrize("state", ["at the gate", "connecting", "silent", "ended"])
def test_whoever_is_cancelled_leaves_its_place_and_its_connection(state: str) -> None:
    """Wherever it is; and twice does no harm."""
    stage = Stage(1)
    with puppet() as server, puppet() as other:
        server.awake.clear()
        blocker = stage.visits.begin(of(other), stage.end, urgent=True) if state == "at the gate" else None
        call = stage.visits.begin(of(server, timeout=0.2), stage.end, urgent=True)
        if state == "silent":
            wait_until(lambda: stage.turn() and stage.free == 1, SECONDS, "its place", every=0)
        elif state == "ended":
            wait_until(lambda: stage.turn() and stage.ended, SECONDS, "its end", every=0)
            assert call.parked is not None
        call.cancel()
        call.cancel()
        if blocker is not None:
            wait_until(lambda: stage.turn() and stage.ended, SECONDS, "the other", every=0)
        assert [done for done, _ in stage.ended] == ([blocker] if blocker else [call] if state == "ended" else [])
        assert stage.free == 1
        server.awake.set()
        wait_until(lambda: server.sessions == 0, SECONDS, "its connection's end")


def test_a_connection_for_a_visit_that_is_cancelled_at_the_gate_is_closed() -> None:
    """It was handed on, and nobody else knows of it."""
    stage = Stage(1)
    with puppet() as silent, puppet() as other:
        silent.awake.clear()
        first = stage.visits.begin(of(silent, timeout=0.1), stage.end, urgent=True)
        wait_until(lambda: stage.turn() and stage.ended, SECONDS, "its end", every=0)
        parked, first.parked = first.parked, None
        assert parked is not None
        stage.visits.begin(of(other), stage.end, urgent=True)
        second = stage.visits.begin(of(silent), stage.end, urgent=True, parked=parked)
        second.cancel()
        assert parked.sock.fileno() == -1
        wait_until(lambda: stage.turn() and len(stage.ended) == 2, SECONDS, "the other", every=0)
