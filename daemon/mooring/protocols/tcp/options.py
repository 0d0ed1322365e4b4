"""The block ``check.tcp`` of the file."""

from __future__ import annotations

from mooring.protocols.options import Options


class TcpOptions(Options):
    """Opens a TCP connection and closes it; proves only that something listens."""
