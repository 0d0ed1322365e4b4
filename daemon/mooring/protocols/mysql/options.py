"""The block ``check.mysql`` of the file."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from mooring.protocols.options import AbsolutePath, Options, TlsOptions


class MysqlOptions(Options):
    """Logs in to MySQL or MariaDB and asks a question whose answer is checked."""

    default_port: ClassVar[int | None] = 3306
    later: ClassVar[tuple[str, ...]] = (
        "role",
        "maxReplicationLagSeconds",
        "heartbeat",
        "allowDonor",
        "allowReplicating",
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

    def files(self) -> tuple[str, ...]:
        secret = (self.password_file,) if self.password_file else ()
        return secret + (self.tls.files() if self.tls else ())

    @model_validator(mode="after")
    def _whole(self) -> MysqlOptions:
        if self.password_file is not None and self.user is None:
            raise ValueError("passwordFile without user; add the user whose password it is")
        if self.expect is not None and self.query is None:
            raise ValueError("expect without query; add the query whose answer it is")
        if self.query is not None and self.user is None:
            raise ValueError("query without user; add the user that may ask it")
        return self
