"""The values that a protocol and the engine exchange."""

from __future__ import annotations

import socket
from dataclasses import FrozenInstanceError

import pytest

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.protocols.exchange import Answer, Session, Unfinished
from mooring.protocols.transport.secret import Secret

OK = Observation(Reason.OK)


def test_an_answer_keeps_the_session_unless_the_protocol_decides_otherwise() -> None:
    """A reader that only gives its observation loses no session and hands on no bytes."""
    answer = Answer(OK)
    assert (answer.keep, answer.lost, answer.rest) == (True, False, b"")
    with pytest.raises(FrozenInstanceError):
        answer.keep = False  # type: ignore[misc]  # that is what the test shows


def test_no_password_shows_where_a_session_is_printed() -> None:
    """Neither a held session nor an unfinished one shows its secret in a traceback."""
    secret = Secret(b"correct-horse")
    with socket.socket() as sock:
        shown = f"{Session(sock, b'', secret)} {Unfinished(sock, b'', secret, logged_in=True)}"
    assert "correct-horse" not in shown
    assert "Session(" in shown
