"""Texts of servers in messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.protocols.transport.text import LIMIT, clean


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Too many connections", "Too many connections", id="plain"),
        pytest.param("one\r\ntwo\tthree", "one\\r\\ntwo\\tthree", id="line-ends"),
        pytest.param("\x1b[31mred\x07", "\\x1b[31mred\\x07", id="terminal-commands"),
        pytest.param("a\u202eb", "a\\u202eb", id="turned-writing-direction"),
        pytest.param("Zugriff verweigert für größte", "Zugriff verweigert für größte", id="other-scripts"),
        pytest.param("\udcff", "\\udcff", id="lone-surrogate"),
    ],
)
def test_a_message_is_one_printable_line(text: str, shown: str) -> None:
    """A server cannot write line ends or terminal commands into the log."""
    assert clean(text) == shown


@pytest.mark.parametrize("text", ["x" * 257, "ü" * 129, "\0" * 65, "€" * 10_000], ids=["x", "u", "escaped", "long"])
def test_a_message_has_at_most_256_bytes(text: str) -> None:
    """The cut counts bytes after escaping, splits no character and is marked."""
    cut = clean(text)
    assert LIMIT - 6 <= len(cut.encode()) <= LIMIT
    assert cut.endswith("…")


def test_a_message_of_256_bytes_stays_whole() -> None:
    """The limit itself is allowed."""
    assert clean("x" * 256) == "x" * 256


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("args: 'hunter2-hunter2'", "args: '***'", id="whole"),
        pytest.param("hunter2-hunter2hunter2-hunter2", "******", id="twice"),
        pytest.param("args: 'hunter2-h", "args: '***", id="its-beginning"),
        pytest.param("nter2-hunter2'", "***'", id="its-end"),
        pytest.param("nothing of it", "nothing of it", id="absent"),
        pytest.param("hunt", "hunt", id="too-short-to-tell"),
    ],
)
def test_the_secret_is_hidden_also_in_pieces(text: str, shown: str) -> None:
    """Redis echoes the arguments of a command that it does not know, cut at 128 bytes: the password is not shown."""
    assert clean(text, b"hunter2-hunter2") == shown


def test_a_short_secret_is_hidden_too() -> None:
    """A password of few characters is no reason to show it."""
    assert clean("args: 'q7'", b"q7") == "args: '***'"


@given(
    before=st.text(max_size=400),
    secret=st.text("GHIJKLMNOP", min_size=1, max_size=200),
    after=st.text(max_size=400),
    cut=st.integers(0, 200),
)
def test_no_message_shows_the_secret(before: str, secret: str, after: str, cut: int) -> None:
    """Whatever stands around it, and wherever the server cut it."""
    message = clean(before + secret + after + secret[:cut], secret.encode())
    assert secret not in message
    assert len(message.encode()) <= LIMIT
    assert message.isprintable()
