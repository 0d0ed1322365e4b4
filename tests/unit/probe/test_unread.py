"""One look for unread bytes in place of one a question: it finds what a look at each session finds."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import ExitStack

from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.model.clocks import Clocks
from mooring.probe.loop import Loop
from mooring.probe.session import HeldSession, PendingQuestion
from mooring.probe.unread import UnreadSockets
from mooring.protocols.exchange import Session
from mooring.protocols.redis import questions, wire
from mooring.protocols.transport.secret import Secret
from support.probe_once import target_of

SESSIONS = 3
PERIOD = 1.0
TARGET = target_of("redis", "127.0.0.1", 1)
WORDS = (b"+PONG\r\n", b"+PO", b"-LOADING\r\n", b"x" * 20_000)


def _pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of a TCP connection; what one sends has come at once, on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        ours = socket.create_connection(door.getsockname())
        theirs, _ = door.accept()
    ours.setblocking(False)
    theirs.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return ours, theirs


class _Peer:
    """A session over a real connection, and all that happened to it; the server speaks by script."""

    def __init__(self, loop: Loop, stack: ExitStack) -> None:
        ours, self.theirs = map(stack.enter_context, _pair())
        self.found: list[object] = []
        self.session = HeldSession("127.0.0.1", loop, lambda _, theirs: self.found.append(theirs), lambda _: None)
        self.session.offer(Session(ours, b"", Secret()), PERIOD)

    def ask(self, *, looked: bool) -> None:
        if self.session.ready:
            reader = wire.ReplyParser(questions.question(None, None, roles=False, server=None))
            self.session.ask(PendingQuestion(TARGET, reader, 0.0, 1.0), looked=looked)

    def hear(self) -> None:
        self.found += [answer.observation for _, answer in self.session.answers()]

    def say(self, word: bytes) -> None:
        if self.session.held:
            self.theirs.sendall(word)


Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("say", "ask", "hear", "slot")), st.integers(0, SESSIONS - 1), st.integers(0, len(WORDS) - 1)
    ),
    max_size=25,
)


def _played(steps: Sequence[Step], *, looks: bool) -> list[list[object]]:
    """What happened to each session. ``looks``: one look for all before a slot; otherwise each question looks."""
    loop = Loop(Clocks())
    with ExitStack() as stack:
        peers = [_Peer(loop, stack) for _ in range(SESSIONS)]
        for what, number, word in steps:
            if what == "say":
                peers[number].say(WORDS[word])
            elif what == "ask":
                peers[number].ask(looked=False)
            elif what == "hear":
                peers[number].hear()
            else:
                if looks:
                    loop.unread.look()
                for peer in peers:
                    peer.ask(looked=looks)
        return [[*peer.found, peer.session.held] for peer in peers]


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_one_look_a_slot_finds_what_a_look_at_each_session_finds(steps: Sequence[Step]) -> None:
    """Whatever servers say unasked, in pieces or too much: the same sessions are lost, and the same answers count."""
    assert _played(steps, looks=True) == _played(steps, looks=False)


def test_bytes_that_were_there_before_the_session_was_held_are_noted() -> None:
    """A session that begins with unread bytes is not asked."""
    ours, theirs = _pair()
    with ours, theirs:
        theirs.sendall(b"x")
        unread = UnreadSockets()
        unread.watch(ours)
        unread.look()
        assert unread.may_have(ours)
        unread.forget(ours)
        unread.look()
        assert not unread.may_have(ours)


def test_bytes_that_were_read_are_not_noted() -> None:
    """An answer that was read leaves no trace."""
    ours, theirs = _pair()
    with ours, theirs:
        unread = UnreadSockets()
        unread.watch(ours)
        theirs.sendall(b"x")
        assert ours.recv(1) == b"x"
        unread.look()
        assert not unread.may_have(ours)
