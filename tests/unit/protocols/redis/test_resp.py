"""Commands and replies as bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.protocols.redis.resp import END, Command, Refused, Reply, Unsound, request, take

TEXT = Command(("INFO", "replication"), b"$", lambda _: True)
LINE = Command(("PING",), b"+", lambda _: True)
LIST = Command(("LIST",), b"*", lambda _: True)


def _take(said: bytes, command: Command) -> tuple[Reply, int] | None:
    """As the talk does, with something before and behind."""
    held = bytearray(b"before" + said)
    end = held.find(END, 6)
    taken = take(held, 6, end, command) if end >= 0 else None
    return taken and (taken[0], taken[1] - 6)


def test_commands_go_out_together() -> None:
    """Each is an array of bulk strings, whose lengths are counted in bytes."""
    sent = request([LINE, Command(("EXISTS", "ü x"), b":", lambda _: True)])
    assert sent == b"*1\r\n$4\r\nPING\r\n*2\r\n$6\r\nEXISTS\r\n$4\r\n" + "ü x\r\n".encode()


@pytest.mark.parametrize(
    ("said", "command", "reply"),
    [
        (b"+PONG\r\n", LINE, b"PONG"),
        (b"+\r\n", LINE, b""),
        (b"-ERR no \xff\r\n", LINE, Refused("ERR no \ufffd")),
        (b"-ERR no\r\n", TEXT, Refused("ERR no")),
        (b"$0\r\n\r\n", TEXT, b""),
        (b"$4\r\n\r\n\r\n\r\n", TEXT, b"\r\n\r\n"),
        (b"$-1\r\n", TEXT, None),
        (b"*-1\r\n", LIST, None),
        (b"*0\r\n", LIST, ()),
        (b"*2\r\n$1\r\na\r\n$2\r\n\r\n\r\n", LIST, (b"a", b"\r\n")),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_replies(said: bytes, command: Command, reply: Reply) -> None:
    """Each is taken when it is whole, not before, and what follows is left alone."""
    assert _take(said, command) == (reply, len(said))
    assert _take(said + b"+more\r\n", command) == (reply, len(said))
    assert [_take(said[:length], command) for length in range(len(said))] == [None] * len(said)
    assert type(_take(said, command)[0]) is type(reply)  # type: ignore[index]  # it is whole


@pytest.mark.parametrize(
    ("said", "command", "shown"),
    [
        (b"$4\r\nPONG\r\n", LINE, b"$4"),
        (b"HTTP/1.1 400 Bad Request\r\n", LINE, b"HTTP/1.1 400 Bad Request"),
        (b"\r\n", LINE, b""),
        (b"+\r\n", TEXT, b"+"),
        (b"$+1\r\n", TEXT, b"$+1"),
        (b"$01\r\n", TEXT, b"$01"),
        (b"$\r\n", TEXT, b"$"),
        (b"$-2\r\n", TEXT, b"$-2"),
        (b"$1000000\r\n", TEXT, b"$1000000"),
        (b"$2\r\nabc\r\n", TEXT, b"$2"),
        (b"*x\r\n", LIST, b"*x"),
        (b"*1\r\n:1\r\n", LIST, b":1"),
        (b"*1\r\n*1\r\n$1\r\na\r\n", LIST, b"*1"),
        (b"*1\r\n$-1\r\n", LIST, b"$-1"),
        (b"*1\r\n$" + b"1" * 30, LIST, b"$" + b"1" * 15),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_anything_else_is_unsound(said: bytes, command: Command, shown: bytes) -> None:
    """Another type, a malformed length, a text of another length, arrays in arrays: the error carries the line."""
    with pytest.raises(Unsound) as caught:
        _take(said, command)
    assert caught.value.args == (shown,)


def test_a_command_says_itself_which_replies_are_sound() -> None:
    """An error may answer any command; only its first words give its meaning."""
    picky = Command(("PING",), b"+", lambda reply: reply == b"PONG")
    assert _take(b"+PONG\r\n", picky) == (b"PONG", 7)
    assert _take(b"-PANG\r\n", picky) == (Refused("PANG"), 7)
    with pytest.raises(Unsound, match="PANG"):
        _take(b"+PANG\r\n", picky)


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_what_is_packed_is_taken_off_again(items: list[bytes]) -> None:
    """Texts may have any bytes."""
    said = b"*%d\r\n" % len(items) + b"".join(b"$%d\r\n%s\r\n" % (len(item), item) for item in items)
    assert _take(said, LIST) == (tuple(items), len(said))
