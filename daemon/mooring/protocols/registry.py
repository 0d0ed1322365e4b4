"""The protocols that Mooring speaks: one line each."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mooring.model import Observation, Target
from mooring.protocols.exchange import Entered, Exchange
from mooring.protocols.line import Line
from mooring.protocols.mysql.options import MysqlOptions
from mooring.protocols.options import Options
from mooring.protocols.redis.options import RedisOptions
from mooring.protocols.tcp.options import TcpOptions
from mooring.protocols.toll import Toll

Login = Callable[[Target, socket.socket, float], Entered]
Kill = Callable[[Line, Hashable, tuple[str, ...], Toll], None]
"""Ends the sessions of these users over a line that is logged in by these options; what it comes to is noted on the
way. Raises Failure: the line is of no use any more."""


@dataclass(frozen=True, slots=True)
class Client:
    """How hosts are asked. ``probe`` and ``login`` never raise and end within the target's timeout."""

    probe: Callable[[Target], Observation]
    login: Login | None = None
    """A whole login over a connected socket, which is its own from then on; the probe began at the monotonic seconds
    given. Where no TLS is asked for, ``knock`` has been sent on that socket before. None: no session can be held."""
    exchange: Callable[[Hashable, Hashable], Exchange] | None = None
    """The question for these options over a held session, to a server of which its login learned this."""
    knock: bytes = b""
    """What makes a server that does not speak first say a word."""
    speaks_first: bool = False
    kill: Kill | None = None


@functools.cache
def _mysql() -> Client:
    from mooring.protocols.mysql.kill import kill  # noqa: PLC0415 -- see Protocol
    from mooring.protocols.mysql.login import exchange, login, probe  # noqa: PLC0415 -- see Protocol

    return Client(probe, login, exchange, speaks_first=True, kill=kill)


@functools.cache
def _redis() -> Client:
    from mooring.protocols.redis.kill import kill  # noqa: PLC0415 -- see Protocol
    from mooring.protocols.redis.login import KNOCK, exchange, login, probe  # noqa: PLC0415 -- see Protocol

    return Client(probe, login, exchange, knock=KNOCK, kill=kill)


@functools.cache
def _tcp() -> Client:
    from mooring.protocols.tcp.login import probe  # noqa: PLC0415 -- see Protocol

    return Client(probe)


@dataclass(frozen=True, slots=True)
class Protocol:
    """A block of the file, and who asks a target with such options.

    The client's library is loaded when first asked for: it costs 7 MiB and more, and a tenth of a second, which a
    daemon whose file does not name the protocol, and a command that asks no host, need not pay.
    """

    options: type[Options]
    client: Callable[[], Client]

    @property
    def probe(self) -> Callable[[Target], Observation]:
        return self.client().probe

    @property
    def login(self) -> Login | None:
        return self.client().login

    @property
    def exchange(self) -> Callable[[Hashable, Hashable], Exchange] | None:
        return self.client().exchange

    @property
    def knock(self) -> bytes:
        return self.client().knock

    @property
    def speaks_first(self) -> bool:
        return self.client().speaks_first

    @property
    def kill(self) -> Kill | None:
        return self.client().kill


PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        "mysql": Protocol(MysqlOptions, _mysql),
        "redis": Protocol(RedisOptions, _redis),
        "tcp": Protocol(TcpOptions, _tcp),
    }
)
