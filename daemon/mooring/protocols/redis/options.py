"""The block ``check.redis`` of the file."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import MappingProxyType
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from mooring.model.spec import PrimaryQuorum, Requirement, Role
from mooring.protocols.options import PRIMARY, REPLICA, AbsolutePath, Login, Needs, Options, Replicated, TlsOptions
from mooring.protocols.redis import questions, sentinel
from mooring.protocols.redis.wire import Question

_PING_SECONDS = 10
"""How often a primary pings its replicas, unless ``repl-ping-replica-period`` says otherwise."""
SENTINEL_PORT = 26379


_WITH_PORT = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<four>[0-9.]+))(?::(?P<port>[1-9][0-9]{0,4}))?")
_LAST_PORT = 65535


def endpoint(text: str) -> tuple[str, int]:
    """IP address and port of an entry in the file; IPv6 before a port is in brackets. Raises ValueError."""
    with suppress(ValueError):
        return str(ip_address(text)), SENTINEL_PORT
    found = _WITH_PORT.fullmatch(text)
    port = int((found and found["port"]) or SENTINEL_PORT)
    if not found or port > _LAST_PORT:
        raise ValueError(text)
    return str(IPv6Address(found["six"]) if found["six"] else IPv4Address(found["four"])), port


def _is_endpoint(text: str) -> str:
    endpoint(text)
    return text


SentinelHost = Annotated[
    str,
    Field(min_length=2, max_length=64, title="an IP address, or one with a port, as 10.20.0.31:26379"),
    AfterValidator(_is_endpoint),
]

SentinelName = Annotated[
    str, Field(pattern=r"^[0-9A-Za-z._-]{1,128}$", title="a name: at most 128 of letters, digits, -, . and _")
]


class Asking(Login):
    """The block of a server that answers over RESP."""

    def asks(self, server: Hashable = None) -> Question:
        """The question; ``server`` is what the login learned of the server."""
        raise NotImplementedError

    def learning(self) -> Question | None:
        """The question by which a login learns what the others depend on; None: they depend on nothing."""
        return None

    def learning_later(self) -> Question | None:
        """The question of a login to a server that has answered already; a server that refuses it has not failed."""
        return None


class SentinelOptions(Asking):
    """Asks Redis Sentinels which host is the primary."""

    needs: ClassVar[tuple[Needs, ...]] = (Needs("user", "passwordFile", "add the file with its password"),)

    name: SentinelName = Field(description="What the Sentinels call the primary, as `mymaster`.")
    user: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        default=None, description="The ACL user at the Sentinels. It needs `+ping +sentinel|get-master-addr-by-name`."
    )
    password_file: AbsolutePath | None = Field(default=None, description="File that holds its password.")
    tls: TlsOptions | None = Field(default=None, description="Without this block, no TLS.")

    def asks(self, server: Hashable = None) -> Question:
        del server
        return sentinel.question(self.name)


class SentinelBlock(SentinelOptions):
    """The Sentinels whose majority must name a host before it is published as the primary."""

    hosts: Annotated[list[SentinelHost], Field(min_length=1, max_length=15)] = Field(
        description="All Sentinels of this primary, as IP address, `address:port` or `[IPv6]:port`; the port is 26379 "
        "where none is given. The majority is counted over this list."
    )

    def quorum_of_hosts(self) -> PrimaryQuorum:
        asked = SentinelOptions.model_validate(self.model_dump(exclude={"hosts"}, by_alias=True))
        hosts = tuple(dict.fromkeys(endpoint(host) for host in self.hosts))
        return PrimaryQuorum("redis", asked, hosts, "the Sentinels")


class RedisOptions(Replicated, Asking):
    """Authenticates to Redis or Valkey and asks PING."""

    default_port: ClassVar[int | None] = 6379
    judged: ClassVar[tuple[str, ...]] = (*Replicated.judged, "max_replication_lag_bytes", "sentinel")
    needs: ClassVar[tuple[Needs, ...]] = (
        Needs("user", "passwordFile", "add the file with its password"),
        Needs("maxReplicationLagSeconds", "role", "only replicas lag", having=REPLICA, idle=True),
        Needs("maxReplicationLagBytes", "role", "only replicas lag", having=REPLICA, idle=True),
        Needs("sentinel", "role", "Sentinels name the primary", having=PRIMARY, idle=True),
    )
    inner: ClassVar[Mapping[str, type[Options]]] = MappingProxyType({**Replicated.inner, "sentinel": SentinelBlock})

    user: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        default=None,
        description="The ACL user. Without it, Redis' own `default`. It needs `+ping`; with a role also "
        "`+info +cluster|info`, in a Redis Cluster always `+cluster|info`, with a key also `+exists ~KEY`.",
    )
    password_file: AbsolutePath | None = Field(
        default=None,
        description="File that holds the password, read at each login; one trailing newline is not part of it. "
        "Without it, no AUTH is sent.",
    )
    tls: TlsOptions | None = Field(default=None, description="Without this block, no TLS.")
    max_replication_lag_seconds: Annotated[float, Field(ge=_PING_SECONDS + 1, le=86400)] | None = Field(
        default=None,
        description="A replica that has heard nothing from its primary for longer is unfit (`lagging`). An idle "
        "primary is heard every `repl-ping-replica-period` (10 s), so less than 11 is refused; "
        "`maxReplicationLagBytes` is more exact.",
    )
    max_replication_lag_bytes: Annotated[int, Field(ge=1, le=1_000_000_000_000)] | None = Field(
        default=None,
        description="A replica that lacks more bytes of what its primary has written is unfit (`lagging`) until it is "
        "within 80 % of this again. Its primary must be a host that Mooring probes, in this Service or another.",
    )
    sentinel: SentinelBlock | None = Field(
        default=None, description="A host becomes the primary only when the majority of these Sentinels names it."
    )
    key: Annotated[str, Field(min_length=1, max_length=1024)] | None = Field(
        default=None,
        description="A maintenance switch: while this key exists, the host is `offline`.",
    )

    def asks(self, server: Hashable = None) -> Question:
        return questions.question(self.key, self.user, roles=self.asks_facts(), server=server)

    def learning(self) -> Question | None:
        return questions.LEARN if self.asks_facts() else None

    def learning_later(self) -> Question | None:
        return None if self.asks_facts() else questions.MODE

    def requirement(self) -> Requirement:
        return replace(super().requirement(), lag_bytes=self.max_replication_lag_bytes)

    def quorum(self) -> PrimaryQuorum | None:
        return self.sentinel.quorum_of_hosts() if self.sentinel and self.role is Role.PRIMARY else None

    def files(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*super().files(), *(self.sentinel.files() if self.sentinel else ()))))

    def passwords(self) -> tuple[str, ...]:
        return (*super().passwords(), *(self.sentinel.passwords() if self.sentinel else ()))

    def expected_answer(self) -> str | None:
        return None if self.key is None else "0"
