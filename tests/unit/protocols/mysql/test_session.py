"""The connection that ends each login politely, whichever methods the account has."""

from __future__ import annotations

from typing import Any

import pytest
from pymysql.err import MySQLError, OperationalError

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.protocols.mysql.methods import MOST
from mooring.protocols.mysql.session import split_error
from support import packets
from support.probe_once import ask
from support.rogue_servers import Peer, rogue


def _ask(*methods: str, end: bytes, password_file: str, **block: Any) -> tuple[Observation, bytes]:
    """The server asks for one method after the other, and then ends the login so."""

    def play(peer: Peer) -> None:
        peer.send(packets.greeting())
        peer.receive_packet()
        for number, method in enumerate(methods):
            peer.send(packets.switch(method, 2 + 2 * number))
            peer.receive_packet()
        peer.send(end[:3] + bytes([2 + 2 * len(methods)]) + end[4:])
        peer.receive_packet()
        peer.send(packets.result("1"))
        peer.hold()

    with rogue(play) as server:
        seen = ask("mysql", server.address, server.port, user="probe", passwordFile=password_file, **block)
        return seen, server.received


DENIED = packets.error(1045, "Access denied", 0)


@pytest.mark.parametrize(
    "methods",
    [
        ("client_ed25519", "mysql_native_password"),
        ("auth_gssapi_client", "mysql_native_password"),
        ("auth_gssapi_client", "dialog", "mysql_native_password"),
    ],
)
def test_a_server_may_ask_for_several_methods(methods: tuple[str, ...], password: bytes, password_file: str) -> None:
    """One that Mooring does not speak, or that would show the password, is passed over."""
    seen, received = _ask(*methods, end=packets.ok(0), password_file=password_file)
    assert seen.reason is Reason.OK
    assert password not in received


def test_when_no_method_takes_the_password_it_is_wrong(password_file: str) -> None:
    """Unknown, as with one method: the host stays where it is."""
    seen, _ = _ask("client_ed25519", "mysql_native_password", end=DENIED, password_file=password_file)
    assert (seen.reason, seen.message) == (Reason.AUTH, "1045: Access denied")


def test_a_method_that_was_passed_over_is_named_where_the_others_fail(password_file: str) -> None:
    """It may be the only one that has the password."""
    seen, _ = _ask("auth_gssapi_client", "mysql_native_password", end=DENIED, password_file=password_file)
    assert seen.reason is Reason.AUTH
    assert "'auth_gssapi_client'; it was not sent" in seen.message


def test_a_server_that_asks_for_ever_is_left(password_file: str) -> None:
    """It is no server that anybody could log in to."""
    methods = ["mysql_native_password"] * (MOST + 1)
    seen, _ = _ask(*methods, end=packets.ok(0), password_file=password_file)
    assert seen.reason is Reason.PROTOCOL


@pytest.mark.parametrize(
    ("error", "split"),
    [
        (OperationalError(1045, "Access denied"), (1045, "Access denied")),
        (OperationalError("no number"), (0, "no number")),
        (MySQLError(), (0, "MySQLError")),
    ],
)
def test_an_error_is_a_code_and_a_text(error: MySQLError, split: tuple[int, str]) -> None:
    """Of the library's own errors some have no code."""
    assert split_error(error) == split
