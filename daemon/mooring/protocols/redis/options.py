"""The block ``check.redis`` of the file."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mooring.protocols.options import AbsolutePath, Login, Needs, TlsOptions


class RedisOptions(Login):
    """Authenticates to Redis or Valkey and asks PING."""

    default_port: ClassVar[int | None] = 6379
    later: ClassVar[tuple[str, ...]] = ("maxReplicationLagSeconds", "maxReplicationLagBytes", "sentinel")
    later_values: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType({"role": ("primary", "replica")})
    needs: ClassVar[tuple[Needs, ...]] = (Needs("user", "passwordFile", "add the file with its password"),)

    user: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        default=None, description="The ACL user. Without it, Redis' own `default`."
    )
    password_file: AbsolutePath | None = Field(
        default=None,
        description="File that holds the password, read at each login; one trailing newline is not part of it. "
        "Without it, no AUTH is sent.",
    )
    tls: TlsOptions | None = Field(default=None, description="Without this block, no TLS.")
    role: Literal["any"] = Field(default="any", description="Which role the host must have.")
    key: Annotated[str, Field(min_length=1, max_length=1024)] | None = Field(
        default=None,
        description="A maintenance switch: while this key exists, the host is `offline`.",
    )

    def expected_answer(self) -> str | None:
        return None if self.key is None else "0"
