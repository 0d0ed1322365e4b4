"""The socket that owns its time and size."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator

import pytest

from mooring.model.reasons import MEANINGS, Effect, Reason
from mooring.protocols.transport.failure import Failure
from mooring.protocols.transport.line import ERRNOS, BoundedSocket, failure_of
from mooring.protocols.transport.tls import Tls

CAP = 100


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a real connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def _line(sock: socket.socket, seconds: float = 20.0) -> BoundedSocket:
    return BoundedSocket(sock, time.monotonic() + seconds, CAP)


def _read_for_ever(line: BoundedSocket) -> None:
    while True:
        line.settimeout(60)
        line.recv(1)


def test_what_arrives_is_read_and_counted(ends: tuple[socket.socket, socket.socket]) -> None:
    """Both ways of reading that the client libraries use count."""
    line = _line(ends[0])
    ends[1].sendall(b"abcdef")
    buffer = bytearray(2)
    assert line.recv(3) == b"abc"
    assert line.recv_into(buffer) == 2
    assert (bytes(buffer), line.received) == (b"de", 5)


def test_a_reader_over_the_line_leaves_it_open(ends: tuple[socket.socket, socket.socket]) -> None:
    """PyMySQL drops its reader when TLS begins; the connection stays."""
    line = _line(ends[0])
    ends[1].sendall(b"abcdef")
    reader = line.makefile("rb")
    assert reader.read(4) == b"abcd"
    reader.close()
    line.sendall(b"still here")
    assert ends[1].recv(64) == b"still here"


def test_a_line_tells_what_was_read_ahead(ends: tuple[socket.socket, socket.socket]) -> None:
    """A session with something unread would answer each question with the answer to the one before."""
    line = _line(ends[0])
    ends[1].sendall(b"abcdef")
    reader = line.makefile("rb")
    assert (line.unread, reader.read(4), line.unread, reader.read(2), line.unread) == (0, b"abcd", 2, b"ef", 0)


def test_a_kept_socket_outlives_its_line(ends: tuple[socket.socket, socket.socket]) -> None:
    """A library may close all it has: the socket stays open, non-blocking, and no farewell is sent."""
    line = _line(ends[0])
    line.farewell, line.kept = b"bye", True
    line.shutdown(socket.SHUT_RDWR)
    line.close()
    sock = line.hand_over()
    assert (sock is ends[0], sock.getblocking()) == (True, False)
    sock.sendall(b"still here")
    assert ends[1].recv(64) == b"still here"


def test_only_bytes_are_read(ends: tuple[socket.socket, socket.socket]) -> None:
    """A library that asks for text gets an error instead of bytes."""
    with pytest.raises(ValueError, match="'r'"):
        _line(ends[0]).makefile("r")


def test_reading_ends_at_the_cap(ends: tuple[socket.socket, socket.socket]) -> None:
    """No peer makes the prober read without bound."""
    line = _line(ends[0])
    ends[1].sendall(b"x" * (CAP + 1))
    assert len(line.recv(1000)) == CAP
    with pytest.raises(Failure, match="sends more than 100 bytes") as caught:
        line.recv(1)
    assert caught.value.reason is Reason.PROTOCOL


def test_many_small_reads_share_one_deadline(ends: tuple[socket.socket, socket.socket]) -> None:
    """One byte now and then keeps no probe alive, whatever timeouts a library sets."""
    started = time.monotonic()
    line = _line(ends[0], 0.3)
    stop = threading.Event()

    def drip() -> None:
        for _ in range(CAP - 1):  # which takes longer than the deadline; what is more than the cap is another fault
            if stop.wait(0.02):
                return
            ends[1].send(b"x")

    dripper = threading.Thread(target=drip)
    dripper.start()
    try:
        with pytest.raises(Failure) as caught:
            _read_for_ever(line)
    finally:
        stop.set()
        dripper.join()
    assert caught.value.reason is Reason.TIMEOUT
    assert 0.29 <= time.monotonic() - started < 20
    assert line.gettimeout() == 0


def test_past_the_deadline_what_is_there_counts(ends: tuple[socket.socket, socket.socket]) -> None:
    """The host does not pay for a thread of Mooring that was held up. Nothing waits."""
    line = _line(ends[0], -5.0)
    ends[1].sendall(b"in time")
    assert line.recv(64) == b"in time"
    started = time.monotonic()
    with pytest.raises(Failure, match="no whole answer in time"):
        line.recv(64)
    assert time.monotonic() - started < 5


def test_past_the_deadline_a_question_is_asked(ends: tuple[socket.socket, socket.socket]) -> None:
    """The answer to it ends the connection; a server that was asked nothing would leave it open for ever."""
    line = BoundedSocket(ends[0], time.monotonic() - 5.0, CAP, outlives=True)
    line.sendall(b"PING")
    assert ends[1].recv(64) == b"PING"
    with pytest.raises(Failure):
        line.recv(64)
    assert line.overdue


def test_long_past_the_deadline_silence_says_nothing_of_the_host(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mooring does not know what the host did meanwhile: its own fault, which moves no verdict."""
    monkeypatch.setattr("mooring.protocols.transport.failure.OURS_SECONDS", 0.25)
    with pytest.raises(
        Failure, match=r"had no time to look for the answer until (?:[5-9]|\d\d+)\.\d\d s after"
    ) as caught:
        _line(ends[0], -5.0).recv(64)
    assert caught.value.reason is Reason.LOCAL


def test_a_handshake_past_the_deadline_is_begun(ends: tuple[socket.socket, socket.socket]) -> None:
    """The server owes the next word, and its end is awaited."""
    line = BoundedSocket(ends[0], time.monotonic() - 5.0, CAP, outlives=True)
    with pytest.raises(Failure, match=r"no whole answer in time .TLS handshake."):
        line.start_tls(Tls(ssl.create_default_context(), "db.example.com"))
    assert line.overdue
    line.hand_over().close()
    assert ends[1].recv(1) == b"\x16"


def test_writing_ends_at_the_deadline(ends: tuple[socket.socket, socket.socket]) -> None:
    """A peer that does not read holds nobody up."""
    with pytest.raises(Failure) as caught:
        _line(ends[0], 0.2).sendall(b"x" * 10_000_000)
    assert caught.value.reason is Reason.TIMEOUT


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (b"", "closed the connection without a word"),
        (b"hello", "closed the connection in the middle of the talk"),
    ],
    ids=["silent", "talking"],
)
def test_a_peer_that_hangs_up_is_a_reset(ends: tuple[socket.socket, socket.socket], said: bytes, message: str) -> None:
    """The message shows whether the host had sent anything."""
    line = _line(ends[0])
    ends[1].sendall(said)
    ends[1].close()
    if said:
        line.recv(64)
    with pytest.raises(Failure) as caught:
        line.recv(64)
    assert (caught.value.reason, caught.value.message) == (Reason.RESET, message)


def test_a_farewell_is_said_once_even_after_the_deadline(ends: tuple[socket.socket, socket.socket]) -> None:
    """A server that was too slow still learns that we left."""
    line = _line(ends[0], -1)
    line.farewell = b"bye"
    line.close()
    line.close()
    assert ends[1].recv(64) == b"bye"
    assert ends[1].recv(64) == b""


def test_a_farewell_that_cannot_be_sent_holds_nobody_up(ends: tuple[socket.socket, socket.socket]) -> None:
    """Closing never waits for a peer that does not read."""
    line = _line(ends[0], 0.1)
    with pytest.raises(Failure):
        line.sendall(b"x" * 10_000_000)
    line.farewell = b"bye"
    started = time.monotonic()
    line.close()
    assert time.monotonic() - started < 10
    assert line.fileno() == -1


def test_closing_may_be_done_twice(ends: tuple[socket.socket, socket.socket]) -> None:
    """Library and frame both close; neither fails, and the peer sees the end."""
    line = _line(ends[0])
    line.shutdown(socket.SHUT_RDWR)
    line.close()
    line.shutdown(socket.SHUT_RDWR)
    line.close()
    assert ends[1].recv(1) == b""


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.ECONNREFUSED, Reason.REFUSED),
        (errno.ECONNRESET, Reason.RESET),
        (errno.EPIPE, Reason.RESET),
        (errno.ENOTCONN, Reason.RESET),
        (errno.ETIMEDOUT, Reason.TIMEOUT),
        (errno.EHOSTUNREACH, Reason.UNREACHABLE),
        (errno.ENETUNREACH, Reason.UNREACHABLE),
        (errno.EBADF, Reason.LOCAL),
        (errno.ENOMEM, Reason.LOCAL),
    ],
    ids=lambda value: errno.errorcode[value] if type(value) is int else str(value),
)
def test_errors_of_a_connection_have_words_of_the_table(code: int, reason: Reason) -> None:
    """The error is named, and so is what was going on."""
    failure = failure_of(OSError(code, os.strerror(code)), "waiting")
    assert failure.reason is reason
    assert "waiting" in failure.message


def test_every_error_that_a_peer_can_cause_counts_against_the_host() -> None:
    """None of them is taken for our own fault, which would hide a dead host."""
    assert {MEANINGS[reason].effect for reason in ERRNOS.values()} == {Effect.FAILURE}


@pytest.mark.parametrize("kind", [ssl.SSLEOFError, ssl.SSLZeroReturnError])
def test_a_tls_session_cut_off_is_a_reset(kind: type[ssl.SSLError]) -> None:
    """A server that dies in the handshake is dead, not badly certified, whichever error Python makes of its end."""
    assert failure_of(kind(8, "EOF occurred"), "TLS handshake").reason is Reason.RESET
