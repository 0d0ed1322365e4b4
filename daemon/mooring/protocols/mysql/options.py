"""The block ``check.mysql`` of the file."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mooring.protocols.options import AbsolutePath, Login, Needs, TlsOptions


class MysqlOptions(Login):
    """Logs in to MySQL or MariaDB and asks a question whose answer is checked."""

    default_port: ClassVar[int | None] = 3306
    later: ClassVar[tuple[str, ...]] = (
        "maxReplicationLagSeconds",
        "heartbeat",
        "allowDonor",
        "allowReplicating",
    )
    later_values: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType({"role": ("primary", "replica")})
    needs: ClassVar[tuple[Needs, ...]] = (
        Needs("passwordFile", "user", "add the user whose password it is"),
        Needs("expect", "query", "add the query whose answer it is"),
        Needs("query", "user", "add the user that may ask it"),
    )

    user: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        default=None,
        description="The account to log in with. Without it, `mooring` without a password: a server that politely "
        "turns that away (error 1045) is alive and passes.",
    )
    password_file: AbsolutePath | None = Field(
        default=None,
        description="File that holds the password, read at each login; one trailing newline is not part of it. "
        "Without it, no password is sent.",
    )
    tls: TlsOptions | None = Field(default=None, description="Without this block, no TLS.")
    role: Literal["any"] = Field(default="any", description="Which role the host must have.")
    query: Annotated[str, Field(min_length=1, max_length=4096)] | None = Field(
        default=None,
        description="A question of your own (one statement), asked after the login instead of `SELECT 1`. It passes "
        "when a row comes back.",
    )
    expect: Annotated[str, Field(max_length=1024)] | None = Field(
        default=None,
        description="What the first column of the first row of `query` must be, as text. Another value is `offline`.",
    )

    def expected_answer(self) -> str | None:
        return self.expect
