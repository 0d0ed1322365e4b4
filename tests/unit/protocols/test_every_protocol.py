"""What each protocol of the registry must hold to. The server is a fake: it plays the protocol's samples and worse."""

from __future__ import annotations

import ast
import contextlib
import random
import select
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import mooring.protocols
from fuzz import streams
from mooring.model.probes import Observation
from mooring.model.reasons import MEANINGS, Effect, Reason
from mooring.model.targets import Target
from mooring.protocols.exchange import CAP, Answer, LoginResult
from mooring.protocols.protocol import Protocol, Samples
from mooring.protocols.registry import PROTOCOLS
from support.scripted_server import Peer, Play, Rogue, rogue

WITH_PASSWORD = [name for name, one in PROTOCOLS.items() if "password_file" in one.options.model_fields]
SPEAKING = [name for name, protocol in PROTOCOLS.items() if protocol.samples]
TIMEOUT, LATE = 0.5, 20.0
"""Seconds: of a probe whose server may keep silent, and what a busy machine may take on top."""
SECRET = "correct-horse-battery-staple"
THIRD_PARTY = {"mooring", "pydantic", "typing_extensions"}


def _samples(protocol: Protocol) -> Samples:
    assert protocol.samples
    return protocol.samples


def _plays(protocol: Protocol, *words: bytes) -> Play:
    """Says one word after the other, the first unasked where servers of the protocol speak first."""

    def play(peer: Peer) -> None:
        for number, word in enumerate(words):
            if number or not protocol.speaks_first:
                peer.receive()
            peer.send(word)
        while True:
            peer.receive()
            peer.send(words[-1])

    return play


def _ending_with(protocol: Protocol, answer: bytes) -> Play:
    return _plays(protocol, *_samples(protocol).dialogue[:-1], answer)


def _target(name: str, server: Rogue, timeout: float = LATE, **block: object) -> Target:
    return Target(name, server.address, server.port, timeout, PROTOCOLS[name].options.model_validate(block))


def _entered(name: str, server: Rogue, timeout: float = LATE) -> LoginResult:
    """A login as the engine makes it."""
    protocol, started = PROTOCOLS[name], time.monotonic()
    assert protocol.client.login
    sock = socket.create_connection((server.address, server.port))
    with contextlib.suppress(ConnectionError):  # the peer may have gone already: the login finds out
        sock.send(protocol.first_bytes)
        select.select([sock], [], [], timeout)
    return protocol.client.login(_target(name, server, timeout), sock, started)


def _close(result: LoginResult) -> None:
    for left in (result.session, result.unfinished):
        if left is not None:
            left.sock.close()


def _asked(name: str, answer: bytes) -> Answer | None:
    exchange = PROTOCOLS[name].client.exchange
    assert exchange
    return exchange(PROTOCOLS[name].options(), None).feed(answer)


def _reasons(name: str, answer: bytes) -> tuple[Reason, Reason, Reason]:
    """What the answer means to a probe, to a login over a socket of the engine's, and over a held session."""
    protocol = PROTOCOLS[name]
    with rogue(_ending_with(protocol, answer)) as server:
        fresh = protocol.client.probe(_target(name, server))
        entered = _entered(name, server)
        _close(entered)
    held = _asked(name, answer)
    assert held
    return fresh.reason, entered.observation.reason, held.observation.reason


@pytest.mark.parametrize("name", SPEAKING)
def test_a_sound_server_is_held_and_asked_again(name: str) -> None:
    """The login leaves a session, over which the question has the same outcome."""
    protocol = PROTOCOLS[name]
    samples, exchange = _samples(protocol), protocol.client.exchange
    *login, first = samples.dialogue
    settings = [samples.settings] if samples.settings else []
    later = [first, samples.later] if samples.later else []
    with rogue(_plays(protocol, *login, *settings, first, *later, samples.sound[0])) as server:
        result = _entered(name, server)
        assert result.session, result.observation
        question = (exchange and exchange(protocol.options(), result.session.server)) or None
        assert question
        result.session.sock.setblocking(True)
        result.session.sock.sendall(question.request)
        answer = question.feed(result.session.sock.recv(CAP))
        _close(result)
    assert answer
    assert (answer.observation.reason, answer.keep, answer.rest) == (Reason.OK, True, b"")


@pytest.mark.parametrize("name", SPEAKING)
def test_a_host_is_never_judged_in_two_ways(name: str) -> None:
    """The same answer means the same to a probe, to a login and over a held session."""
    samples = _samples(PROTOCOLS[name])
    for answer in (*samples.failures, *samples.refusals):
        fresh, entered, held = _reasons(name, answer)
        assert fresh is entered is held, answer
        assert MEANINGS[fresh].effect is not Effect.SUCCESS, answer
    for answer in samples.sound:
        said = _asked(name, answer)
        assert said
        assert said.observation.reason is Reason.OK, answer


@pytest.mark.parametrize("name", SPEAKING)
def test_what_refuses_us_says_nothing_of_the_host(name: str) -> None:
    """Unknown is unknown: it changes no verdict."""
    for answer in _samples(PROTOCOLS[name]).refusals:
        assert {MEANINGS[reason].effect for reason in _reasons(name, answer)} == {Effect.UNKNOWN}, answer


@pytest.mark.parametrize("name", WITH_PASSWORD)
def test_a_secret_that_cannot_be_read_is_our_fault(name: str, tmp_path: Path) -> None:
    """And nothing is sent to the host."""
    with rogue(lambda peer: peer.hold()) as server:
        seen = PROTOCOLS[name].client.probe(_target(name, server, user="u", passwordFile=str(tmp_path / "gone")))
    assert (seen.reason, server.received) == (Reason.LOCAL, b"")


def _bad_servers(protocol: Protocol) -> Iterator[tuple[str, Play]]:
    chance, samples = random.Random(7), protocol.samples
    seeds: Sequence[bytes] = (*samples.dialogue, *samples.sound, *samples.failures) if samples else (b"x\r\n",)

    def echo(peer: Peer) -> None:
        while True:
            peer.send(peer.receive())

    yield "silent", lambda peer: peer.hold()
    yield "hangs up", lambda peer: peer.send(b"")
    yield "resets", lambda peer: peer.reset()
    yield "drips", lambda peer: peer.drip(b"".join(seeds) or b"x", 0.05)
    yield "floods", lambda peer: peer.flood(b"\x00\xff" * 4096)
    yield "echoes", echo
    for number in range(12):
        yield f"mutated {number}", _plays(protocol, streams.mutated(chance, seeds), streams.mutated(chance, seeds))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_no_server_makes_a_probe_raise_or_stay(name: str) -> None:
    """It ends with an outcome, by its deadline, whatever the peer does."""
    protocol = PROTOCOLS[name]
    for kind, play in _bad_servers(protocol):
        with rogue(play) as server:
            started = time.monotonic()
            seen = protocol.client.probe(_target(name, server, TIMEOUT))
            assert isinstance(seen, Observation)
            assert time.monotonic() - started < TIMEOUT + LATE, kind
            if protocol.client.login:
                result = _entered(name, server, TIMEOUT)
                _close(result)
                assert time.monotonic() - started < 2 * (TIMEOUT + LATE), kind


@pytest.mark.parametrize("name", SPEAKING)
def test_no_answer_is_held_beyond_the_cap(name: str) -> None:
    """Memory is bounded, whatever a server sends."""
    exchange = PROTOCOLS[name].client.exchange
    assert exchange
    question, fed = exchange(PROTOCOLS[name].options(), None), 0
    start = _samples(PROTOCOLS[name]).sound[0][:1]
    answer = question.feed(start)
    while answer is None and fed <= CAP:
        answer, fed = question.feed(b"\xfe" * 4096), fed + 4096
    assert answer, "waits beyond the cap"
    assert (answer.observation.reason, answer.keep, answer.rest) == (Reason.PROTOCOL, False, b"")


@pytest.mark.parametrize("name", WITH_PASSWORD)
def test_no_message_shows_a_secret(name: str, tmp_path: Path) -> None:
    """Also where a server sends Mooring's password back."""
    protocol = PROTOCOLS[name]
    (tmp_path / "password").write_text(SECRET)
    block = {"user": "u", "passwordFile": str(tmp_path / "password")}
    for failure in _samples(protocol).failures:
        said = failure.replace(b"erver", SECRET.encode()[:5]).replace(b"Redis is", SECRET[:8].encode())
        for play in (_ending_with(protocol, said), _plays(protocol, SECRET.encode() + b"\r\n")):
            with rogue(play) as server, contextlib.closing(socket.socket()):
                assert SECRET[:6] not in protocol.client.probe(_target(name, server, TIMEOUT, **block)).message


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_client_library_stays_in_its_login(name: str) -> None:
    """Its exceptions are translated there and in what the login is made of; the rest of a protocol runs without it."""
    for path in Path(mooring.protocols.__path__[0], name).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            foreign = {module.split(".")[0] for module in modules} - THIRD_PARTY - sys.stdlib_module_names
            assert not foreign or path.name in {"login.py", "session.py", "methods.py"}, (path, foreign)
