"""A start that lacks a thread is tried again in the same process, after a pause that doubles."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from mooring.cli import again
from mooring.cli.main import main


class Replaced(Exception):
    """What would run now instead of this process."""


@pytest.mark.parametrize(
    ("waited", "waits"),
    [(None, 1.0), ("1.0", 2.0), ("16.0", 30.0), ("30.0", 30.0)],
    ids=["first", "next", "most", "last"],
)
def test_each_start_waits_longer_than_the_one_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], waited: str | None, waits: float
) -> None:
    """It says what to raise, and when it tries again; the command line stays as it was."""

    def replace(program: str, arguments: list[str]) -> None:
        raise Replaced(program, arguments)

    monkeypatch.setenv(again.WAITS, waited or "0")
    monkeypatch.setattr(os, "execv", replace)
    with pytest.raises(Replaced) as replaced:
        again.start_again()
    assert replaced.value.args == (sys.executable, sys.orig_argv)
    assert float(os.environ[again.WAITS]) == waits
    assert capsys.readouterr().err.rstrip().endswith(f"podPidsLimit of its node; trying again in {waits:g} s")


def test_a_signal_ends_the_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM sets this event; nothing has started yet, so there is nothing to end."""
    monkeypatch.setenv(again.WAITS, "600")
    ended = threading.Event()
    threading.Timer(0.05, ended.set).start()
    assert again.wait_for_turn(ended)


def test_the_first_start_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has set the variable."""
    monkeypatch.delenv(again.WAITS, raising=False)
    assert not again.wait_for_turn(threading.Event())


def test_other_commands_end(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever typed them tries again."""

    def lacking(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("mooring.cli.main.mooring.main", lacking)
    assert main(["check"]) == 71
    assert capsys.readouterr().err.startswith("cannot start: this process may have no thread more")
