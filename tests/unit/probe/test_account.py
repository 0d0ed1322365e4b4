"""One account: when it may open one more connection, and what it takes silence for."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from mooring.model.clocks import Clocks
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.probe.account import Account
from mooring.probe.backoff import Backoff, after
from mooring.probe.connects import FreshProbes
from mooring.probe.loop import Loop
from mooring.protocols.exchange import LoginResult, Session, Unfinished
from mooring.protocols.transport.secret import Secret
from support.probe_once import target_of

PATIENCE = 600.0
REFUSED = Observation(Reason.AUTH, "1045: Access denied")


@pytest.fixture
def sockets() -> Iterator[list[socket.socket]]:
    """Mooring's ends of two connections; the server's ends keep silent."""
    pairs = [socket.socketpair() for _ in range(2)]
    yield [ours for ours, _ in pairs]
    for pair in pairs:
        for sock in pair:
            sock.close()


@pytest.fixture(autouse=True)
def _no_tcp(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket pair stands in for TCP, and has no keepalive."""
    monkeypatch.setattr("mooring.probe.unfinished.set_keepalive", lambda _sock, _period: None)
    monkeypatch.setattr("mooring.probe.session.set_keepalive", lambda _sock, _period: None)


def _account(protocol: str = "mysql") -> Account:
    loop, clocks = Loop(Clocks()), Clocks()
    return Account(
        target_of(protocol, "127.0.0.1", 1),
        loop,
        FreshProbes(loop, clocks),
        clocks,
        on_lost=lambda _account, _theirs: None,
        on_replaced=lambda _account: None,
        on_answers=lambda _account: None,
        on_free=lambda _account, _late: None,
        patience=PATIENCE,
    )


def _hanging(sock: socket.socket, *, logged_in: bool = False) -> Unfinished:
    return Unfinished(sock, b"", Secret(), logged_in=logged_in)


def test_an_account_without_connections_has_room() -> None:
    """Nothing hangs: the first login may begin."""
    assert _account().make_room(0.0)


def test_no_connection_is_opened_beside_one_that_hangs_until_patience_ends(sockets: list[socket.socket]) -> None:
    """Then the account closes the oldest, and tries again no sooner than one more patience later."""
    account = _account()
    account._unfinished.add(_hanging(sockets[0]), 10.0)
    account._unfinished.add(_hanging(sockets[1]), 20.0)
    assert not account.make_room(10.0 + PATIENCE - 1)
    assert account.make_room(10.0 + PATIENCE)
    assert [sock.fileno() < 0 for sock in sockets] == [True, False]
    assert not account.make_room(20.0 + PATIENCE)
    assert account.make_room(10.0 + 2 * PATIENCE)
    assert len(account._unfinished) == 0


@pytest.mark.parametrize(
    ("protocol", "logged_in", "shows"),
    [("mysql", False, True), ("mysql", True, False), ("redis", False, False)],
    ids=["a login that waits", "a question that waits", "a server that does not greet"],
)
def test_silence_after_the_credentials_is_the_last_refusal(
    sockets: list[socket.socket], protocol: str, *, logged_in: bool, shows: bool
) -> None:
    """Some MySQL servers delay whom they refused: the refusal stays the outcome while the next login waits."""
    account = _account(protocol)
    account.backoff = after(Backoff(), REFUSED, 0.0, logged_in=False)
    assert account.awaited_refusal(1.0) is None
    account._unfinished.add(_hanging(sockets[0], logged_in=logged_in), 1.0)
    seen = account.awaited_refusal(2.0)
    assert (seen is not None) == shows
    assert seen is None or (seen.reason, seen.message.startswith(REFUSED.message)) == (Reason.AUTH, True)


def test_what_hangs_is_ended_by_the_next_login(sockets: list[socket.socket]) -> None:
    """Questions, by their ids on the server: a login that hangs there ends by itself. Once is enough."""
    account = _account()
    asked, logging_in = (
        Unfinished(sock, b"", Secret(), logged_in=number == 7, connection_id=number)
        for sock, number in zip(sockets, (7, 8), strict=True)
    )
    account._unfinished.add(asked, 10.0)
    account._unfinished.add(logging_in, 20.0)
    assert account._abandoned() == (7,)
    assert account.make_room(10.0 + PATIENCE)
    assert account._abandoned() == (7,), "closed by Mooring, it may still stand on the server"
    account._on_result(lambda *_: None, _Ended(), LoginResult(Observation(Reason.OK), None, True, Secret(), None, True))  # type: ignore[arg-type]  # all that is read
    assert account._abandoned() == ()


class _Ended:
    """A fresh probe that left no connection behind."""

    waiting = None


def test_the_backoff_holds_a_login_back_until_a_file_of_it_changes() -> None:
    """A new password need not wait for the end of the backoff."""
    account = _account()
    account.backoff = after(Backoff(), REFUSED, 0.0, logged_in=False)
    assert not account.may_log_in(0.5)
    account.retry()
    assert account.may_log_in(0.5)


def test_the_end_of_an_account_closes_all_its_connections(sockets: list[socket.socket]) -> None:
    """A target that leaves the file leaves no connection behind."""
    account = _account()
    account.session.offer(Session(sockets[0], b"", Secret()), 1.0)
    account._unfinished.add(_hanging(sockets[1]), 1.0)
    account.close()
    assert [sock.fileno() for sock in sockets] == [-1, -1]
