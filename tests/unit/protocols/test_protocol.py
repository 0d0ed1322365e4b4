"""What one protocol is to the rest of Mooring."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mooring.protocols.protocol import Protocol
from mooring.protocols.tcp.login import CLIENT
from mooring.protocols.tcp.options import TcpOptions


def test_a_client_is_imported_at_its_first_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon whose file does not name the protocol does not pay for its library."""
    (tmp_path / "late_client.py").write_text("from mooring.protocols.tcp.login import CLIENT\n")
    monkeypatch.syspath_prepend(tmp_path)
    protocol = Protocol(TcpOptions, "late_client")
    assert "late_client" not in sys.modules
    assert protocol.client is CLIENT
    assert sys.modules.pop("late_client")


def test_a_protocol_whose_servers_send_nothing_has_no_samples() -> None:
    """The tests and the fuzz campaign leave it out."""
    assert Protocol(TcpOptions, "-").samples is None
    samples = Protocol(TcpOptions, "-", samples_module="mooring.protocols.redis.samples").samples
    assert samples
    assert samples.dialogue == (b"+PONG\r\n",)
