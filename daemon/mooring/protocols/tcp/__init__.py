"""TCP alone."""

from mooring.protocols.protocol import Protocol
from mooring.protocols.tcp.options import TcpOptions

PROTOCOL = Protocol(TcpOptions, "mooring.protocols.tcp.login")
