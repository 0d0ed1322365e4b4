"""The protocols that Mooring speaks: one line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mooring.model import Observation, Target
from mooring.protocols.mysql.login import probe as probe_mysql
from mooring.protocols.mysql.options import MysqlOptions
from mooring.protocols.options import Options
from mooring.protocols.redis.login import probe as probe_redis
from mooring.protocols.redis.options import RedisOptions
from mooring.protocols.tcp.login import probe as probe_tcp
from mooring.protocols.tcp.options import TcpOptions


@dataclass(frozen=True, slots=True)
class Protocol:
    """A block of the file, and the probe that takes a target with such options.

    ``probe`` never raises and ends within the target's timeout, whatever the peer does.
    """

    options: type[Options]
    probe: Callable[[Target], Observation]


PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        "mysql": Protocol(MysqlOptions, probe_mysql),
        "redis": Protocol(RedisOptions, probe_redis),
        "tcp": Protocol(TcpOptions, probe_tcp),
    }
)
