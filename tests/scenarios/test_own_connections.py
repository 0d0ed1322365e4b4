"""What a real MariaDB does with questions of ours that nobody waits for any more."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.servers import Mariadb
from lab.waiting import wait_until
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from mooring.protocols.exchange import Session
from mooring.protocols.mysql.login import login_and_end
from mooring.protocols.mysql.options import MysqlOptions
from mooring.protocols.mysql.wire import command
from mooring.protocols.transport.dial import connecting
from support.held_session import held, leave

pytestmark = pytest.mark.needs_servers

USER, APP, PASSWORD = "mooring", "app", "throw-away-of-a-test"
SLEEPERS = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT SLEEP%'"


@pytest.fixture(scope="module")
def server() -> Iterator[Mariadb]:
    with Mariadb(accounts={USER: PASSWORD, APP: PASSWORD}) as made:
        made.sql(f"GRANT REPLICA MONITOR ON *.* TO {USER}@'%'")
        yield made


def _target(server: Mariadb, tmp_path: Path, user: str) -> Target[MysqlOptions]:
    (tmp_path / "password").write_text(PASSWORD)
    options = MysqlOptions.model_validate({"user": user, "passwordFile": str(tmp_path / "password"), "role": "primary"})
    return Target("mysql", server.address, server.port, 10.0, options)


def _asleep(server: Mariadb, session: Session) -> None:
    session.sock.setblocking(True)
    session.sock.sendall(command("SELECT SLEEP(300)"))
    wait_until(lambda: server.sql(SLEEPERS) == ((1,),), 10, "the question is under way")


def test_the_server_bounds_each_question_itself(server: Mariadb, tmp_path: Path) -> None:
    """Also those whose answer nobody waits for any more."""
    session = held(_target(server, tmp_path, USER))
    session.sock.setblocking(True)
    session.sock.sendall(command("SELECT CONCAT('bound ', @@session.max_statement_time + 0e0)"))
    assert b"bound 60" in session.sock.recv(4096)
    leave(session)


def _logs_in(target: Target[MysqlOptions], *abandoned: int) -> None:
    """A login that ends these connections, asks its question, and leaves."""
    started = time.monotonic()
    sock = connecting(target.address, target.port)
    select.select([], [sock], [], 10)
    result = login_and_end(target, sock, started, abandoned)
    assert result.observation.reason is Reason.OK
    assert result.session is not None
    leave(result.session)


def test_a_question_of_ours_is_ended_on_the_server(server: Mariadb, tmp_path: Path) -> None:
    """By its connection's id, which the login learned; no grant is needed. One that has ended is no fault."""
    target = _target(server, tmp_path, USER)
    session = held(target)
    _asleep(server, session)
    assert session.connection_id
    _logs_in(target, session.connection_id)
    wait_until(lambda: server.sql(SLEEPERS) == ((0,),), 10, "the question has ended")
    session.sock.close()
    _logs_in(target, session.connection_id, 2**31)


def test_a_session_of_another_account_is_left_alone(server: Mariadb, tmp_path: Path) -> None:
    """Even where we have the right to end it: an id may be another's by the time that we use it."""
    server.sql(f"GRANT PROCESS, CONNECTION ADMIN ON *.* TO {USER}@'%'")
    other = held(_target(server, tmp_path, APP))
    _asleep(server, other)
    _logs_in(_target(server, tmp_path, USER), other.connection_id)
    time.sleep(0.2)
    assert server.sql(SLEEPERS) == ((1,),)
    other.sock.close()
