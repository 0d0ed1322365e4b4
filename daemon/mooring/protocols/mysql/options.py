"""The block ``check.mysql`` of the file."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mooring.model.spec import Requirement
from mooring.protocols.options import PRIMARY, REPLICA, ROLES, AbsolutePath, Block, Needs, Replicated, TlsOptions

_NAME = r"[0-9A-Za-z$_]{1,64}"


class HeartbeatOptions(Block):
    """A table to which some program, as pt-heartbeat, keeps writing the time on the primary."""

    table: Annotated[str, Field(pattern=rf"^{_NAME}\.{_NAME}$", title="DATABASE.TABLE")] = Field(
        description="Its columns `server_id` and `ts` are read; `ts` is UTC (pt-heartbeat's `--utc`)."
    )


class MysqlOptions(Replicated):
    """Logs in to MySQL or MariaDB and asks a question whose answer is checked."""

    default_port: ClassVar[int | None] = 3306
    judged: ClassVar[tuple[str, ...]] = (*Replicated.judged, "allow_donor", "allow_replicating")
    required: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "user": "the account to log in with (one that is refused each period fills the server's log, and some "
            "servers lock or delay for it)"
        }
    )
    needs: ClassVar[tuple[Needs, ...]] = (
        Needs("maxReplicationLagSeconds", "role", "only replicas lag", having=REPLICA, idle=True),
        Needs("heartbeat", "maxReplicationLagSeconds", "say how far a replica may lag", idle=True),
        Needs("allowDonor", "role", "with `role: any` a donor may serve anyway", having=ROLES, idle=True),
        Needs("allowReplicating", "role", "it is about primaries", having=PRIMARY, idle=True),
        Needs("expect", "query", "add the query whose answer it is"),
        Needs("query", "role", "a host is asked either for its role or your query", having=frozenset({"any"})),
    )

    user: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        default=None,
        description="The account to log in with.",
    )
    password_file: AbsolutePath | None = Field(
        default=None,
        description="File that holds the password, read at each login; one trailing newline is not part of it. "
        "Without it, no password is sent.",
    )
    tls: TlsOptions | None = Field(default=None, description="Without this block, no TLS.")
    server_public_key: Literal["refuse", "request"] | AbsolutePath = Field(
        default="refuse",
        description="Without TLS, a full login by `caching_sha2_password` or `sha256_password` encrypts the password "
        "for the server's RSA key: `request` takes the key that the server sends, which somebody in between can "
        "replace; a path names a file that holds it; with `refuse` the login is not made (`auth`).",
    )
    heartbeat: HeartbeatOptions | None = Field(
        default=None, description="A table that shows the lag better than the server itself."
    )
    allow_donor: bool = Field(
        default=False, description="A Galera node may serve while it gives another node a copy of its data."
    )
    allow_replicating: bool = Field(
        default=False, description="A primary may itself be a replica of another host of this Service."
    )
    query: Annotated[str, Field(min_length=1, max_length=4096)] | None = Field(
        default=None,
        description="A question of your own (one statement), asked after the login instead of `SELECT 1`. It passes "
        "when a row comes back.",
    )
    expect: Annotated[str, Field(max_length=1024)] | None = Field(
        default=None,
        description="What the first column of the first row of `query` must be, as text. Another value is `offline`.",
    )

    def login_key(self) -> Hashable:
        """A login that asks for facts learns the server's dialect, and may send several statements at once."""
        return super().login_key(), self.server_public_key, self.asks_facts()

    def files(self) -> tuple[str, ...]:
        return (*super().files(), *filter(None, (self.public_key_file,)))

    @property
    def public_key_file(self) -> str | None:
        return None if self.server_public_key in {"refuse", "request"} else self.server_public_key

    def requirement(self) -> Requirement:
        return replace(super().requirement(), allow_donor=self.allow_donor, allow_replicating=self.allow_replicating)

    def expected_answer(self) -> str | None:
        return self.expect
