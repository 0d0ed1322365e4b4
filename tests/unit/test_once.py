"""Rounds of probes that come to an end. The probes here are scripted: what is tested is when the rounds end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ground.values import KEY, member, spec, stored
from mooring.board import Board
from mooring.clocks import Clocks
from mooring.decide.names import members
from mooring.model import Observation, Target
from mooring.once import ask_all, settle
from mooring.reasons import Reason

A, B = "10.20.0.11", "10.20.0.12"


class Script:
    """Answers by address: the given reasons one after the other, the last one for ever."""

    def __init__(self, **answers: list[Reason]) -> None:
        self.answers: dict[str, Iterator[Reason]] = {}
        for address, reasons in answers.items():
            self.answers[address.removeprefix("_").replace("_", ".")] = iter(reasons + reasons[-1:] * 50)
        self.asked: list[str] = []

    def __call__(self, target: Target) -> Observation:
        self.asked.append(target.address)
        return Observation(next(self.answers[target.address]))


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds follow at once; the clock below says that a period has passed."""
    monkeypatch.setattr("mooring.once.time.sleep", lambda _seconds: None)


def clocks() -> Clocks:
    ticks = iter(range(0, 100_000, 3))
    return Clocks(monotonic=lambda: float(next(ticks)))


def board(ready: tuple[str, ...] = (), not_ready: tuple[str, ...] = ()) -> Board:
    board = Board()
    board.set_members(spec(A, B), members(spec(A, B), {}, ()))
    board.seed(KEY, stored(ready, not_ready) if ready or not_ready else None)
    return board


def verdicts(board: Board) -> list[str]:
    return [state.verdict.value for _, state in board.view(KEY)]


def test_all_targets_are_asked_once() -> None:
    """One report each; none for none."""
    script = Script(_10_20_0_11=[Reason.OK], _10_20_0_12=[Reason.REFUSED])
    reports = ask_all([member(A).target, member(B).target], script, Clocks())
    assert [(made.target.address, made.observation.reason) for made in reports] == [(A, "ok"), (B, "refused")]
    assert ask_all([], script, Clocks()) == []


def test_new_hosts_need_one_round() -> None:
    """The first definite outcome of an address that is not stored decides."""
    script = Script(_10_20_0_11=[Reason.OK], _10_20_0_12=[Reason.REFUSED])
    settle(it := board(), script, clocks(), lambda _event: None)
    assert verdicts(it) == ["ready", "not-ready"]
    assert len(script.asked) == 2


def test_a_stored_verdict_is_probed_until_its_threshold() -> None:
    """Three failures against ready, two successes against not ready."""
    script = Script(_10_20_0_11=[Reason.REFUSED], _10_20_0_12=[Reason.OK])
    settle(it := board((A,), (B,)), script, clocks(), lambda _event: None)
    assert verdicts(it) == ["not-ready", "ready"]
    assert script.asked.count(A) == 3


def test_unknown_outcomes_end_it_after_the_failure_threshold() -> None:
    """A host that cannot be known does not hold up the command for ever, and keeps its verdict."""
    script = Script(_10_20_0_11=[Reason.AUTH], _10_20_0_12=[Reason.OK])
    settle(it := board((A, B)), script, clocks(), lambda _event: None)
    assert verdicts(it) == ["ready", "ready"]
    assert script.asked.count(A) == 3


def test_all_hosts_silent_at_once_moves_nothing() -> None:
    """The blind guard holds for commands that end, too."""
    script = Script(_10_20_0_11=[Reason.TIMEOUT], _10_20_0_12=[Reason.TIMEOUT])
    settle(it := board((A, B)), script, clocks(), lambda _event: None)
    assert verdicts(it) == ["ready", "ready"]
