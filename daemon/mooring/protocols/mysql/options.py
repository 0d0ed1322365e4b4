"""The block ``check.mysql`` of the file."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field

from mooring.protocols.options import PRIMARY, REPLICA, ROLES, AbsolutePath, Block, Needs, Replicated, TlsOptions
from mooring.spec import Requirement

_NAME = r"[0-9A-Za-z$_]{1,64}"


class HeartbeatOptions(Block):
    """A table that somebody keeps writing the time to on the primary, as pt-heartbeat does."""

    table: Annotated[str, Field(pattern=rf"^{_NAME}\.{_NAME}$", title="DATABASE.TABLE")] = Field(
        description="Its columns `server_id` and `ts` are read; `ts` is UTC (pt-heartbeat's `--utc`)."
    )


class MysqlOptions(Replicated):
    """Logs in to MySQL or MariaDB and asks a question whose answer is checked."""

    default_port: ClassVar[int | None] = 3306
    judged: ClassVar[tuple[str, ...]] = (*Replicated.judged, "allow_donor", "allow_replicating")
    needs: ClassVar[tuple[Needs, ...]] = (
        Needs("role", "user", "add the user that may ask for it", given=ROLES),
        Needs("maxReplicationLagSeconds", "role", "only replicas lag", having=REPLICA, idle=True),
        Needs("heartbeat", "maxReplicationLagSeconds", "say how far a replica may lag", idle=True),
        Needs("allowDonor", "role", "with `role: any` a donor may serve anyway", having=ROLES, idle=True),
        Needs("allowReplicating", "role", "it is about primaries", having=PRIMARY, idle=True),
        Needs("passwordFile", "user", "add the user whose password it is"),
        Needs("expect", "query", "add the query whose answer it is"),
        Needs("query", "user", "add the user that may ask it"),
        Needs("query", "role", "a host is asked either for its role or your query", having=frozenset({"any"})),
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
    heartbeat: HeartbeatOptions | None = Field(
        default=None, description="A table that tells the lag better than the server itself."
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
        """A login that is to ask for facts learns how to, and is allowed several statements at once."""
        return super().login_key(), self.asks_facts()

    def requirement(self) -> Requirement:
        return replace(super().requirement(), allow_donor=self.allow_donor, allow_replicating=self.allow_replicating)

    def expected_answer(self) -> str | None:
        return self.expect
