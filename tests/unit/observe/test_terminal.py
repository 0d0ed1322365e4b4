"""A screen on a terminal and in a pipe."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest

from mooring.observe import table, terminal
from mooring.observe.grouped import Line
from support.terminal import Terminal

SCREEN = table.Screen(["Standby."], [{"namespace": "default", "name": "db", "hosts": []}], table.WATCHED, 0.0)


def shown(
    monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str], *, tty: bool = True, wide: bool = False
) -> str:
    """What is written there, with this environment."""
    for name in ("NO_COLOR", "TERM", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    end = Terminal(tty=tty)
    with os.fdopen(os.dup(end.theirs), "w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        terminal.show(SCREEN, clear=True, wide=wide)
        monkeypatch.undo()
    end.close()
    return end.text.replace("\r\n", "\n")


BARE = "Standby.\n\ndefault/db  0 of 0 ready\n"


def test_a_terminal_has_colours_where_it_knows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is cleared first."""
    text = shown(monkeypatch, {"TERM": "xterm"})
    assert text == "\x1b[2J\x1b[H\x1b[1;33mStandby.\x1b[0m\n\n\x1b[1mdefault/db\x1b[0m  0 of 0 ready\n"


@pytest.mark.parametrize(
    ("environment", "cleared"), [({"TERM": "xterm", "NO_COLOR": "1"}, True), ({"TERM": "dumb"}, False), ({}, False)]
)
def test_a_terminal_without_colours_has_the_bare_text(
    monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str], *, cleared: bool
) -> None:
    """NO_COLOR, and terminals that know no codes."""
    assert shown(monkeypatch, environment) == terminal.CLEAR * cleared + BARE


def test_a_pipe_has_no_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says: each host is one line for grep and awk."""
    text = shown(monkeypatch, {"TERM": "xterm"}, tty=False)
    assert "\x1b" not in text
    assert text.startswith("Standby.\n\nSERVICE  HOST  ADDRESS")


def test_a_terminal_shows_the_lines_of_a_pipe_where_it_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """All columns, wide or not."""
    text = shown(monkeypatch, {"TERM": "xterm"}, wide=True)
    assert text == terminal.CLEAR + shown(monkeypatch, {"TERM": "xterm"}, tty=False)


def test_each_colour_of_a_table_has_its_code() -> None:
    """A colour is a word until it is printed."""
    for colour in {*table.COLOURS.values(), table.ABOVE, "bold"}:
        assert terminal.painted(Line("a b", colour, 2, 3)).startswith("a \x1b[")
