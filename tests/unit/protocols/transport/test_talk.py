"""One question and its whole answer over a blocking line."""

from __future__ import annotations

import time

import pytest

from mooring.model.reasons import Reason
from mooring.protocols.exchange import CAP
from mooring.protocols.redis.questions import Ping
from mooring.protocols.redis.wire import ReplyParser
from mooring.protocols.transport.failure import Failure
from mooring.protocols.transport.line import BoundedSocket
from mooring.protocols.transport.talk import READ_SIZE, ask
from support.scripted_session import Reply, talking


def _ask(reply: Reply, said: bytes = b"") -> tuple[Reason, bytes]:
    with talking(reply) as sock:
        answer = ask(BoundedSocket(sock, time.monotonic() + 10, CAP), ReplyParser(Ping(None)), said)
    return answer.observation.reason, answer.rest


def test_the_question_is_sent_and_its_answer_read_to_the_end() -> None:
    """An answer longer than one read is put together."""
    error = b"-ERR " + b"x" * 2 * READ_SIZE + b"\r\n"
    assert _ask(lambda request: error if request == Ping(None).request else b"") == (Reason.PROTOCOL, b"")


def test_bytes_that_came_before_the_question_are_read_first() -> None:
    """They may hold the whole answer; the caller sees by ``rest`` what is left of them."""
    assert _ask(lambda _: b"+PONG\r\n", b"+PONG\r\n+P") == (Reason.OK, b"+P")


def test_a_server_that_hangs_up_ends_the_talk() -> None:
    """The failure carries the reason."""
    with pytest.raises(Failure) as failed:
        _ask(lambda _: b"")
    assert failed.value.reason is Reason.RESET
