"""The TCP probe."""

from __future__ import annotations

import pytest

from mooring.model.reasons import Reason
from mooring.protocols.tcp.login import SPEAKS_MYSQL
from support import packets
from support.probe_once import ask
from support.rogue_servers import Peer, rogue, says_first


def test_a_listening_port_is_enough() -> None:
    """A host that accepts the connection passes; Mooring sends nothing."""
    with rogue(Peer.hold) as server:
        seen = ask("tcp", server.address, server.port)
    assert (seen.reason, seen.message, seen.answer, server.received) == (Reason.OK, "", None, b"")


@pytest.mark.parametrize(
    ("greeting", "message"),
    [
        (packets.greeting(), SPEAKS_MYSQL),
        (b"220 mail ESMTP\r\n", ""),
        (b"\x05\x00", ""),
        (b"\x05\x00\x00\x01\x0a5.7", ""),
    ],
    ids=["mysql", "another", "too little", "no first packet"],
)
def test_a_greeting_of_mysql_is_said(monkeypatch: pytest.MonkeyPatch, greeting: bytes, message: str) -> None:
    """It passes all the same; `check` shows that another block is meant."""
    monkeypatch.setattr("mooring.protocols.tcp.login.GREETING_SECONDS", 10.0)  # a busy machine greets late
    with rogue(says_first(greeting)) as server:
        seen = ask("tcp", server.address, server.port)
    assert (seen.reason, seen.message) == (Reason.OK, message)
