"""Connections that passed their deadline: each stays open until the server answers or closes."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import pytest

from lab.waiting import wait_until
from mooring.model.clocks import Clocks
from mooring.probe.loop import Loop
from mooring.probe.unfinished import UnfinishedConnections
from mooring.protocols.exchange import Unfinished
from mooring.protocols.transport.secret import Secret

SECONDS = 10.0
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture(autouse=True)
def _short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mooring.probe.loop.TURN_SECONDS", 0.02)


class Stage:
    """The unfinished connections in a loop that the test turns by hand."""

    def __init__(self) -> None:
        self.loop = Loop(Clocks())
        self.ended: list[tuple[Unfinished, bytes]] = []
        self.connections = UnfinishedConnections(self.loop, lambda one, last: self.ended.append((one, last)))

    def turn_until_ended(self, count: int) -> None:
        def turned() -> bool:
            self.loop._turn()
            return len(self.ended) >= count

        wait_until(turned, SECONDS, "the end", every=0)


def _pair() -> Pair:
    """Mooring's end, non-blocking, and the server's."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        ours = socket.create_connection(door.getsockname())
        theirs, _ = door.accept()
    ours.setblocking(False)
    theirs.settimeout(SECONDS)
    return ours, theirs


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = _pair()
    with ours, theirs:
        yield ours, theirs


def _login(sock: socket.socket) -> Unfinished:
    return Unfinished(sock, b"", Secret(), logged_in=False)


def test_an_answer_ends_the_wait_and_the_server_gets_the_farewell(pair: Pair) -> None:
    """The server reads again once it has answered, so the farewell reaches it."""
    stage, question = Stage(), Unfinished(pair[0], b"bye", Secret(), logged_in=True)
    stage.connections.add(question, 5.0)
    assert (len(stage.connections), stage.connections.oldest_since, stage.connections.logging_in) == (1, 5.0, False)
    pair[1].sendall(b"late")
    stage.turn_until_ended(1)
    assert stage.ended == [(question, b"late")]
    assert (pair[1].recv(16), pair[1].recv(16)) == (b"bye", b"")
    assert (len(stage.connections), stage.connections.oldest_since) == (0, None)


def test_a_server_that_closes_ends_the_wait_without_a_last_byte(pair: Pair) -> None:
    """A login that the server drops has no answer."""
    stage, login = Stage(), _login(pair[0])
    stage.connections.add(login, 1.0)
    assert stage.connections.logging_in
    pair[1].close()
    stage.turn_until_ended(1)
    assert stage.ended == [(login, b"")]


def test_an_answer_that_a_library_has_read_already_is_found(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A TLS library may hold bytes of which epoll knows nothing; here a loop that watches nothing stands in for it."""
    pair[1].sendall(b"before")
    stage = Stage()
    monkeypatch.setattr(stage.loop, "watch", lambda _sock, _events, _handler: None)
    stage.connections.add(_login(pair[0]), 1.0)
    stage.turn_until_ended(1)
    assert stage.ended[0][1] == b"before"


def test_the_oldest_is_closed_first_and_reports_no_end(pair: Pair) -> None:
    """Whoever closes a connection knows of its end already."""
    stage, (second, other) = Stage(), _pair()
    with second, other:
        stage.connections.add(_login(pair[0]), 1.0)
        stage.connections.add(_login(second), 2.0)
        stage.connections.close_oldest()
        assert (pair[1].recv(16), stage.connections.oldest_since) == (b"", 2.0)
        stage.connections.close()
        assert (other.recv(16), len(stage.connections), stage.ended) == (b"", 0, [])


def test_the_answer_to_the_first_word_of_tls_ends_the_wait(pair: Pair) -> None:
    """From then on the server waits for a word of ours, which never comes: Redis would do so for ever."""
    sock = ssl.create_default_context().wrap_socket(pair[0], server_hostname="db", do_handshake_on_connect=False)
    with pytest.raises(ssl.SSLWantReadError):
        sock.do_handshake()
    stage, login = Stage(), Unfinished(sock, b"", Secret(), logged_in=False, shakes_hands=True)
    stage.connections.add(login, 1.0)
    stage.loop._turn()
    assert stage.ended == []
    pair[1].sendall(b"\x16\x03\x03\x00\x7a\x02")  # the beginning of a handshake message
    stage.turn_until_ended(1)
    assert stage.ended == [(login, b"")]
