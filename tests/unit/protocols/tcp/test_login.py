"""The TCP probe."""

from __future__ import annotations

from ground.asking import ask
from ground.rogue import Peer, rogue
from mooring.reasons import Reason


def test_a_listening_port_is_enough() -> None:
    """Whoever accepts passes; nothing is said."""
    with rogue(Peer.hold) as server:
        seen = ask("tcp", server.address, server.port)
    assert (seen.reason, seen.message, seen.answer, server.received) == (Reason.OK, "", None, b"")
