"""A session that is held, and the questions over it."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

import pytest
import trustme

from lab.waiting import wait_until
from mooring.model.clocks import Clocks
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.probe.loop import Loop
from mooring.probe.session import HeldSession, PendingQuestion
from mooring.protocols.exchange import Answer, Session
from mooring.protocols.redis import questions, wire
from mooring.protocols.transport.secret import Secret
from support.probe_once import target_of

PONG = b"+PONG\r\n"
TARGET = target_of("redis", "127.0.0.1", 1)
SECONDS = 10.0
Pair = tuple[socket.socket, socket.socket]


def _pair() -> Pair:
    with socket.create_server(("127.0.0.1", 0)) as door:
        ours = socket.create_connection(door.getsockname())
        theirs, _ = door.accept()
    theirs.settimeout(SECONDS)
    theirs.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what is sent has come, on loopback
    return ours, theirs


def _encrypted(pair: Pair) -> Pair:
    """TLS over both ends."""
    authority = trustme.CA()
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    theirs: list[socket.socket] = []
    thread = threading.Thread(target=lambda: theirs.append(server.wrap_socket(pair[1], server_side=True)))
    thread.start()
    ours = client.wrap_socket(pair[0], server_hostname="127.0.0.1")
    thread.join(SECONDS)
    return ours, theirs[0]


@pytest.fixture(params=["plain", "TLS"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Our end, which does not block, and the server's."""
    ours, theirs = _encrypted(_pair()) if request.param == "TLS" else _pair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn in which nothing happens is short."""
    monkeypatch.setattr("mooring.probe.loop.TURN_SECONDS", 0.02)


class Held:
    """A peer in a loop that is turned by hand."""

    def __init__(self, ours: socket.socket, *, farewell: bytes = b"bye", secret: Secret | None = None) -> None:
        self.loop = Loop(Clocks())
        self.lost: list[bool] = []
        self.heard: list[Answer] = []
        self.asked: list[PendingQuestion] = []
        self.session = HeldSession("127.0.0.1", self.loop, lambda _, theirs: self.lost.append(theirs), self._late)
        self.session.offer(Session(ours, farewell, secret or Secret()), 1.0)

    def ask(self, key: str | None = None) -> PendingQuestion:
        asked = PendingQuestion(TARGET, wire.ReplyParser(questions.Ping(key)), 0.0, 1.0)
        self.session.ask(asked)
        return asked

    def _late(self, _: HeldSession) -> None:
        self.hear()

    def hear(self) -> list[tuple[PendingQuestion, Answer]]:
        told = list(self.session.answers())
        self.heard += [answer for _, answer in told]
        self.asked += [asked for asked, _ in told]
        return told

    def turn_until(self, done: Callable[[], object]) -> None:
        def turned() -> object:
            self.loop._turn()
            return done()

        wait_until(turned, SECONDS, "a turn", every=0)


def test_answers_come_in_the_order_of_the_questions(pair: Pair) -> None:
    """The network may cut them anywhere; a question has no answer before all its bytes are there."""
    held = Held(pair[0])
    asked = [held.ask(), held.ask("out"), held.ask()]
    assert held.hear() == []
    pair[1].sendall(PONG + PONG + b":")
    wait_until(held.hear, SECONDS, "the first answer")
    pair[1].sendall(b"1\r\n" + PONG)
    wait_until(lambda: held.hear() and len(held.heard) == 3, SECONDS, "the others")
    assert held.asked == asked
    assert [answer.observation.answer for answer in held.heard] == [None, "1", None]
    assert (held.lost, held.session.held) == ([], True)


def test_an_answer_wakes_only_who_attends(pair: Pair) -> None:
    """Then it is reported once, and the next answer does not wake the loop again."""
    held = Held(pair[0])
    held.ask()
    held.session.attend()
    held.session.attend()
    pair[1].sendall(PONG)
    held.turn_until(lambda: held.heard)
    held.ask()
    pair[1].sendall(PONG)
    held.loop._turn()
    assert len(held.heard) == 1
    wait_until(held.hear, SECONDS, "the second answer")


@pytest.mark.parametrize("data", [PONG, b"+P", PONG * 3], ids=["whole", "part", "many"])
def test_what_came_before_the_question_is_not_its_answer(pair: Pair, data: bytes) -> None:
    """The session is lost before the question is sent, and the question has no answer."""
    held = Held(pair[0])
    pair[1].sendall(data)
    assert select.select([pair[0]], [], [], SECONDS)[0]
    held.ask()
    assert (held.lost, held.session.held) == ([True], False)
    assert held.hear() == []


def test_more_than_was_asked_for_ends_the_session_after_the_answer(pair: Pair) -> None:
    """It would answer the next question. That is our doing, and no sign of the host."""
    held = Held(pair[0])
    held.ask()
    pair[1].sendall(PONG * 2)
    wait_until(lambda: held.hear() or held.heard, SECONDS, "the answer")
    if held.session.held:  # under TLS the rest may come in a record of its own
        held.ask()
        assert held.lost == [True]
    else:
        assert held.lost == [False]
    assert len(held.heard) == 1


def test_the_end_is_reported_at_once(pair: Pair) -> None:
    """No question is needed: the kernel reports it."""
    held = Held(pair[0])
    pair[1].close()
    held.turn_until(lambda: held.lost)
    assert (held.lost, held.session.held, pair[0].fileno()) == ([True], False, -1)


def test_the_end_in_the_middle_of_an_answer_is_no_answer(pair: Pair) -> None:
    """Nor is a reset."""
    held = Held(pair[0])
    held.ask()
    pair[1].sendall(b"+PO")
    pair[1].close()
    wait_until(lambda: held.hear() or held.lost, SECONDS, "the end")
    assert (held.lost, held.heard) == ([True], [])


class _Says:
    """An exchange that takes any bytes for this answer; a fake, because no reply of Redis is ``lost``."""

    request = b"question"

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def feed(self, _: bytes) -> Answer:
        return self._answer


WORDS = [
    # the answer -> lost as whose doing, told
    (Answer(Observation(Reason.OK)), [], 1),
    (Answer(Observation(Reason.PROTOCOL), keep=False), [False], 1),
    (Answer(Observation(Reason.OFFLINE), lost=True), [True], 0),
]


@pytest.mark.parametrize(("answer", "lost", "told"), WORDS, ids=["kept", "not to be kept", "lost"])
def test_what_an_answer_says_of_the_session(pair: Pair, answer: Answer, lost: list[bool], told: int) -> None:
    """The end of a session by the server is no verdict on the host yet."""
    held = Held(pair[0])
    held.session.ask(PendingQuestion(TARGET, _Says(answer), 0.0, 1.0))
    pair[1].sendall(b"word")
    wait_until(lambda: held.hear() or held.lost or held.heard, SECONDS, "the answer")
    assert (held.lost, len(held.heard), held.session.held) == (lost, told, not lost)


def test_a_message_shows_no_secret_and_no_control_characters(pair: Pair) -> None:
    """Whatever a server sends back."""
    held = Held(pair[0], secret=Secret(b"hunter2-not-real"))
    held.ask()
    pair[1].sendall(b"-LOADING hunter2-not-real \x1b[31m\r\n")
    wait_until(lambda: held.hear() or held.heard, SECONDS, "the answer")
    message = held.heard[0].observation.message
    assert "hunter2" not in message
    assert "\x1b" not in message


def test_it_leaves_with_a_farewell_and_drops_without_one(pair: Pair) -> None:
    """A session that did not answer is not spoken to any more."""
    held = Held(pair[0])
    held.session.leave()
    assert pair[1].recv(100) == b"bye"
    assert (held.lost, held.session.held, pair[0].fileno()) == ([], False, -1)
    held.session.leave()
    held.session.drop()
    assert held.lost == []


def test_a_new_session_takes_the_place_of_the_old_one() -> None:
    """Unless a question is under way over that: then the new one is left."""
    (ours, theirs), (other, others) = _pair(), _pair()
    for sock in (ours, other):
        sock.setblocking(False)
    with ours, theirs, other, others:
        held = Held(ours)
        held.ask()
        held.session.offer(Session(other, b"bye", Secret()), 1.0)
        assert (others.recv(100), other.fileno()) == (b"bye", -1)
        theirs.sendall(PONG)
        wait_until(lambda: held.hear() or held.heard, SECONDS, "the answer")
        third, thirds = _pair()
        third.setblocking(False)
        with third, thirds:
            held.session.offer(Session(third, b"bye", Secret()), 1.0)
            assert theirs.recv(1000).endswith(b"bye")
            held.ask()
            assert b"PING" in thirds.recv(1000)
            held.session.leave()
        assert held.lost == []


def test_a_question_that_cannot_be_sent_whole_loses_the_session() -> None:
    """The peer reads nothing any more, and its kernel takes no more either."""
    ours, theirs = _pair()
    ours.setblocking(False)
    with ours, theirs:
        held = Held(ours)
        wait_until(lambda: held.ask("k" * 1024) and held.lost, SECONDS, "a full buffer", every=0)
        assert (held.lost, held.session.held) == ([True], False)
