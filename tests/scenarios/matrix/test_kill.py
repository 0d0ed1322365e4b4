"""Ending the sessions of applications, by the documented rights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest
import redis

from lab.matrix.versions import Version
from lab.process import Server
from lab.servers import Redis, SqlServer
from lab.waiting import wait_until
from mooring.demotion.kill import EndedSessions, end_sessions
from support.asked_server import PASSWORD, SECONDS, account, in_clear, rights, watching
from support.held_session import held
from support.matrix import SQL, feature
from support.probe_once import target_of

APP = "app"


def _end(server: Server, folder: Path) -> EndedSessions:
    protocol = "mysql" if isinstance(server, SqlServer) else "redis"
    block = {"user": "mooring", "passwordFile": str(folder / "password"), **in_clear(server)}
    target = target_of(protocol, server.address, server.port, timeout=SECONDS, **block)
    return end_sessions(target, held(target), (APP,))


@contextlib.contextmanager
def _session(server: Server) -> Iterator[Any]:
    """As an application holds one."""
    if isinstance(server, Redis):
        with redis.Redis(server.address, server.port, username=APP, password=PASSWORD, protocol=2) as client:
            client.ping()
            yield client
        return
    connection = pymysql.connect(
        host=server.address, port=server.port, user=APP, password=PASSWORD, ssl_verify_cert=False
    )
    try:
        yield connection
    finally:
        with contextlib.suppress(pymysql.err.Error):
            connection.close()
        wait_until(lambda: not _lists(server, connection.thread_id()), 10, "the session to end")  # type: ignore[no-untyped-call]  # of PyMySQL


def _lists(server: Server, session: int) -> bool:
    assert isinstance(server, SqlServer)
    return bool(server.sql(f"SELECT 1 FROM information_schema.processlist WHERE id = {session}"))


@feature("killSessions")
def test_the_documented_rights_end_the_sessions_of_applications(server: Server, folder: Path) -> None:
    """All of them, and with no fault."""
    everything = ("+@all",) if isinstance(server, Redis) else ()
    more = ("+client|kill",) if isinstance(server, Redis) else (rights(server).kill,)  # type: ignore[arg-type]
    with account(server, *watching(server), *more), account(server, *everything, user=APP):
        with _session(server), _session(server):
            ended = _end(server, folder)
        if ended.session:
            ended.session.sock.close()
    assert (ended.count, ended.error) == (2, "")


@feature("killSessions", SQL)
@pytest.mark.parametrize("lacks", ["everything", "the right to kill"])
def test_the_message_has_the_grant_that_is_missing(server: SqlServer, folder: Path, lacks: str) -> None:
    """It works as it stands."""
    with account(server, *(["PROCESS ON *.*"] if lacks != "everything" else [])), account(server, user=APP):
        with _session(server):
            ended = _end(server, folder)
        if ended.session:
            ended.session.sock.close()
        assert ended.count == 0
        server.sql(ended.error.removeprefix("needs ").partition(" (")[0])
        with _session(server):
            ended = _end(server, folder)
        if ended.session:
            ended.session.sock.close()
    assert (ended.count, ended.error) == (1, "")


@feature("killSessions", [one for one in SQL if one.kind == "mysql" and one.release >= (8, 0, 16)])
def test_sessions_of_accounts_that_may_all_need_one_more_right(
    server: SqlServer, version: Version, folder: Path
) -> None:
    """SYSTEM_USER; the message has it, and it works as it stands."""
    del version
    with account(server, rights(server).kill), account(server, "ALL ON *.*", user=APP):
        with _session(server):
            ended = _end(server, folder)
        if ended.session:
            ended.session.sock.close()
        assert ended.count == 0
        server.sql(ended.error.partition(" also ")[2])
        with _session(server):
            ended = _end(server, folder)
        if ended.session:
            ended.session.sock.close()
    assert (ended.count, ended.error) == (1, "")
