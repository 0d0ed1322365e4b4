"""Redis and Valkey, and their Sentinels."""

from mooring.protocols.protocol import Protocol, QuorumServers
from mooring.protocols.redis.options import SENTINEL_PORT, RedisOptions, endpoint

PROTOCOL = Protocol(
    RedisOptions,
    "mooring.protocols.redis.login",
    first_bytes=b"PING\r\n",  # whatever state a server is in, it answers this with one line
    first_bytes_with_password=b"RESET\r\n",  # so too, and from 6.2 on without a password: no NOAUTH in `errorstats`
    ports=(6379, SENTINEL_PORT),
    kill_grant="Redis' `+client|kill`",
    quorum_servers=QuorumServers("sentinel", endpoint),
    example=(
        "# user: mooring # an ACL user that may +ping; without it, Redis' own `default`",
        "passwordFile: /etc/mooring/secrets/redis-password # never a password in this file; leave it out without one",
        "# tls: {mode: verify-identity, caFile: /etc/mooring/tls/ca.crt}",
    ),
    samples_module="mooring.protocols.redis.samples",
)
