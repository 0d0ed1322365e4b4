"""Fresh probes that wait for a place, give it back, and are cancelled in each of their states."""

from __future__ import annotations

import time

import pytest

from lab.waiting import wait_until
from mooring.model.clocks import Clocks
from mooring.model.reasons import Reason
from mooring.probe.admission import LOGINS, ConnectLimiter
from mooring.probe.connects import PATIENCE_SECONDS, FreshProbes, PendingProbe
from mooring.probe.loop import Loop
from mooring.protocols.exchange import LoginResult
from support.engine_harness import SECONDS, of
from support.fake_redis import puppet


class Stage:
    """A loop that the test turns by hand, with so many places for fresh probes."""

    def __init__(self, places: int = LOGINS) -> None:
        self.loop = Loop(Clocks())
        self.visits = FreshProbes(self.loop, Clocks())
        self.visits._limiter = ConnectLimiter(places)
        self.ended: list[tuple[PendingProbe, LoginResult]] = []

    @property
    def free(self) -> int:
        return self.visits._limiter._free

    def turn(self) -> bool:
        self.loop._turn()
        return True

    def end(self, call: PendingProbe, login_result: LoginResult) -> None:
        self.ended.append((call, login_result))
        if login_result.session is not None:
            login_result.session.sock.close()
        if login_result.opened is not None:
            login_result.opened.close()
        if login_result.unfinished is not None:
            login_result.unfinished.sock.close()


def test_a_probe_that_waits_for_a_place_has_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its deadline counts from when it gets its place."""
    # a login whose thread a busy machine holds up would give its place back
    monkeypatch.setattr("mooring.probe.connects.PATIENCE_SECONDS", 4 * SECONDS)
    stage = Stage(1)
    with puppet() as server:
        first = stage.visits.begin(of(server), stage.end, urgent=True)
        second = stage.visits.begin(of(server), stage.end, urgent=True)
        assert (first.started > 0, second.started) == (True, 0.0)
        wait_until(lambda: stage.turn() and len(stage.ended) == 2, SECONDS, "both", every=0)
        assert [call for call, _ in stage.ended] == [first, second]
        assert {login_result.observation.reason for _, login_result in stage.ended} == {Reason.OK}
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
        assert [login_result.observation.reason for _, login_result in stage.ended] == [Reason.OK] * 2
        assert stage.free == 1


@pytest.mark.parametrize("state", ["at the gate", "connecting", "silent", "ended"])
def test_whoever_is_cancelled_leaves_its_place_and_its_connection(state: str) -> None:
    """Wherever it is; and twice does no harm."""
    stage = Stage(1)
    with puppet() as server, puppet() as other:
        server.awake.clear()
        blocker = stage.visits.begin(of(other), stage.end, urgent=True) if state == "at the gate" else None
        timeout = 0.2 if state == "ended" else SECONDS
        call = stage.visits.begin(of(server, timeout=timeout), stage.end, urgent=True)
        if state == "silent":
            wait_until(lambda: stage.turn() and stage.free == 1, SECONDS, "its place", every=0)
        elif state == "ended":
            wait_until(lambda: stage.turn() and stage.ended, SECONDS, "its end", every=0)
            assert call.waiting is not None
        call.cancel()
        call.cancel()
        if blocker is not None:
            wait_until(lambda: stage.turn() and stage.ended, SECONDS, "the other", every=0)
        assert [done for done, _ in stage.ended] == ([blocker] if blocker else [call] if state == "ended" else [])
        assert stage.free == 1
        server.awake.set()
        wait_until(lambda: server.sessions == 0, SECONDS, "its connection's end")


def test_a_connection_for_a_probe_that_is_cancelled_before_it_has_a_place_is_closed() -> None:
    """It was handed on, and nobody else knows of it."""
    stage = Stage(1)
    with puppet() as silent, puppet() as other:
        silent.awake.clear()
        first = stage.visits.begin(of(silent, timeout=0.1), stage.end, urgent=True)
        wait_until(lambda: stage.turn() and stage.ended, SECONDS, "its end", every=0)
        waiting, first.waiting = first.waiting, None
        assert waiting is not None
        stage.visits.begin(of(other), stage.end, urgent=True)
        second = stage.visits.begin(of(silent), stage.end, urgent=True, waiting=waiting)
        second.cancel()
        assert waiting.sock.fileno() == -1
        wait_until(lambda: stage.turn() and len(stage.ended) == 2, SECONDS, "the other", every=0)


def test_a_probe_that_is_hurried_goes_before_the_patient_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for its turn still, and is let in once."""
    monkeypatch.setattr("mooring.probe.connects.PATIENCE_SECONDS", 4 * SECONDS)  # as above
    stage = Stage(1)
    with puppet() as server:
        stage.visits.begin(of(server), stage.end, urgent=True)
        patient = stage.visits.begin(of(server), stage.end, urgent=False)
        hurried = stage.visits.begin(of(server), stage.end, urgent=False)
        stage.visits.hurry(hurried)
        stage.visits.hurry(hurried)
        wait_until(lambda: stage.turn() and len(stage.ended) == 3, SECONDS, "all", every=0)
        assert [call for call, _ in stage.ended][1:] == [hurried, patient]
        assert stage.free == 1
