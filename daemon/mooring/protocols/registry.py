"""The protocols that Mooring speaks: one line each."""

from __future__ import annotations

import socket
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mooring.model import Observation, Target
from mooring.protocols.exchange import Entered, Exchange
from mooring.protocols.mysql.login import exchange as exchange_mysql
from mooring.protocols.mysql.login import login as login_mysql
from mooring.protocols.mysql.login import probe as probe_mysql
from mooring.protocols.mysql.options import MysqlOptions
from mooring.protocols.options import Options
from mooring.protocols.redis.login import KNOCK as KNOCK_REDIS
from mooring.protocols.redis.login import exchange as exchange_redis
from mooring.protocols.redis.login import login as login_redis
from mooring.protocols.redis.login import probe as probe_redis
from mooring.protocols.redis.options import RedisOptions
from mooring.protocols.tcp.login import probe as probe_tcp
from mooring.protocols.tcp.options import TcpOptions


@dataclass(frozen=True, slots=True)
class Protocol:
    """A block of the file, the probe that takes a target with such options, and how its sessions are held.

    ``probe`` and ``login`` never raise and end within the target's timeout, whatever the peer does.
    """

    options: type[Options]
    probe: Callable[[Target], Observation]
    login: Callable[[Target, socket.socket, float], Entered] | None = None
    """A whole login over a connected socket, which is its own from then on; the probe began at the monotonic seconds
    given. Where no TLS is asked for, ``knock`` has been sent on that socket before. None: no session can be held."""
    exchange: Callable[[Hashable], Exchange] | None = None
    """The question over a held session for these options."""
    knock: bytes = b""
    """What makes a server that does not speak first say a word."""
    speaks_first: bool = False


PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        "mysql": Protocol(MysqlOptions, probe_mysql, login_mysql, exchange_mysql, speaks_first=True),
        "redis": Protocol(RedisOptions, probe_redis, login_redis, exchange_redis, knock=KNOCK_REDIS),
        "tcp": Protocol(TcpOptions, probe_tcp),
    }
)
