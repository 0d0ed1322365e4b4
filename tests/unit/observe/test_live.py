"""A screen that is shown over and over."""

from __future__ import annotations

import os

import pytest

from mooring.observe import table
from mooring.observe.live import live
from support.terminal import Terminal

SERVICE = {"namespace": "default", "name": "db", "hosts": []}


def test_a_live_screen_shows_what_is_so_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last state stays when it ends."""
    above = ["Standby."]
    end = Terminal(tty=True)
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(os.dup(end.theirs), "w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        with live(lambda: table.Screen(above, [SERVICE], table.WATCHED, 0.0)):
            above[:] = ["Blind."]
        monkeypatch.undo()
    end.close()
    assert "default/db" in end.text
    assert "Blind." in end.text
