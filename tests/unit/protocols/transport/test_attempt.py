"""The frame of every probe."""

from __future__ import annotations

from pathlib import Path

import pytest

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.protocols.transport.attempt import ProbeRun, attempt
from mooring.protocols.transport.failure import Failure
from support.probe_once import target_of
from support.rogue_servers import rogue, says_first

NOWHERE = target_of("tcp", "127.0.0.1", 1)


def _raising(error: Exception, *, heard: int = 0) -> Observation:
    def ask(running: ProbeRun) -> Observation:
        if heard:
            running.dial().recv(heard)
        raise error

    with rogue(says_first(b"hello")) as server:
        return attempt(target_of("tcp", server.address, server.port), ask)


ERRORS = [ValueError("bad"), AssertionError("bad"), RecursionError("bad"), MemoryError("bad"), KeyError("bad")]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_unforeseen_error_is_an_outcome(error: Exception) -> None:
    """Over what a peer sent, any stumble counts against the peer, and its type is named."""
    seen = _raising(error, heard=5)
    assert seen.reason is Reason.PROTOCOL
    assert seen.message.startswith(f"{type(error).__name__}: ")


def test_a_stumble_before_the_peer_spoke_is_our_fault() -> None:
    """A bug or a bad installation here calls no host dead."""
    assert _raising(ValueError("bad")).reason is Reason.LOCAL


def test_messages_are_cleaned_in_one_place(password: bytes, password_file: str) -> None:
    """No text of a server or a library carries the password or a line end into a log."""

    def ask(running: ProbeRun) -> Observation:
        running.unlock(password_file)
        raise Failure(Reason.AUTH, f"no,\n{password.decode()} is wrong")

    assert attempt(NOWHERE, ask).message == "no,\\n*** is wrong"


def test_an_observation_says_how_long_it_took() -> None:
    """In seconds, for failures too."""
    seen = attempt(NOWHERE, lambda _: Observation(Reason.OK))
    assert seen.latency is not None
    assert 0 <= seen.latency < 20


def test_the_connection_is_closed_however_it_ends() -> None:
    """No descriptor outlives a probe."""
    lines = []

    def ask(running: ProbeRun) -> Observation:
        lines.append(running.dial())
        raise ValueError("bad")

    with rogue(says_first(b"")) as server:
        attempt(target_of("tcp", server.address, server.port), ask)
    assert [line.fileno() for line in lines] == [-1]


@pytest.mark.parametrize(
    ("reason", "password", "message"),
    [
        (Reason.AUTH, "swordfish ", "denied (the password file ends with white space)"),
        (Reason.AUTH, "swordfish", "denied"),
        (Reason.REFUSED, "swordfish ", "denied"),
    ],
)
def test_a_refusal_hints_at_white_space_that_ends_the_password(
    tmp_path: Path, reason: Reason, password: str, message: str
) -> None:
    """Nobody sees it in an editor; it is sent all the same, for it may be meant."""
    (tmp_path / "password").write_text(f"{password}\n")

    def ask(running: ProbeRun) -> Observation:
        assert running.unlock(str(tmp_path / "password")).value == password.encode()
        return Observation(reason, "denied")

    assert attempt(NOWHERE, ask).message == message
