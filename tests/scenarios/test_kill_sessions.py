"""Sessions that are ended on a MariaDB that is the primary no more, by its own word: whose, when, how often."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pymysql
import pytest

from lab.servers import Mariadb
from lab.waiting import happens, wait_until
from mooring.demotion.rules import SETTLE_SECONDS
from support.full_server import FEWEST
from support.session_counts import ACCOUNTS, PASSWORD, USER, Watched, listed, started, watched, written

pytestmark = pytest.mark.needs_servers

KEY = "default/rw"
RIGHTS = "PROCESS, CONNECTION ADMIN"
ROLES = "REPLICA MONITOR"
APP, OTHER = "app", "reports"
LOGIN = 1.0
SECONDS = 30.0
"""What a step may take at most on a busy machine."""
Row = Mapping[str, Any]


def _server(*extra: str) -> Mariadb:
    return Mariadb(accounts={**ACCOUNTS, APP: PASSWORD, OTHER: PASSWORD}, extra=extra)


@contextlib.contextmanager
def _primary(directory: Path, rights: str, *extra: str) -> Iterator[Watched]:
    """One of which the daemon ends the sessions of ``app``; it may what ``rights`` says."""
    with started(db=_server("--log-bin=binlog", "--server-id=1", *extra)) as servers:
        server = servers["db"]
        assert isinstance(server, Mariadb)
        server.sql(f"GRANT {rights} ON *.* TO {USER}@'%'")
        service = listed("rw", servers, written(directory), block={"role": "primary"})
        service |= {"onDemote": "killSessions", "killUsers": [APP]}
        with watched(directory, servers, service, loginSeconds=LOGIN) as stage:
            yield stage


@contextlib.contextmanager
def _session(server: Mariadb, user: str) -> Iterator[pymysql.Connection[Any]]:
    """As an application holds one."""
    connection = pymysql.connect(
        host=server.address, port=server.port, user=user, password=PASSWORD, autocommit=True, ssl_disabled=True
    )
    try:
        yield connection
    finally:
        with contextlib.suppress(pymysql.err.Error):
            connection.close()


def _stands(connection: pymysql.Connection[Any]) -> bool:
    try:
        with connection.cursor() as cursor:
            return bool(cursor.execute("SELECT 1"))
    except pymysql.err.OperationalError:
        return False


def _flip(stage: Watched, read_only: int) -> int:
    """And waits until that is stored; where the log begins that tells of it."""
    after = stage.now()
    stage.mariadb("db").sql(f"SET GLOBAL read_only = {read_only}")
    stage.daemon.wait_ready(KEY, [] if read_only else ["10.20.0.1"], timeout=SECONDS)
    return after


def _killed(stage: Watched, after: int) -> Row:
    return stage.daemon.wait_log("sessions.killed", after=after, timeout=SECONDS)


def _moment(line: Row) -> float:
    return datetime.fromisoformat(line["timestamp"]).timestamp()


def _counted(stage: Watched) -> float:
    line = next(
        one for one in stage.daemon.get("/metrics")[1].decode().splitlines() if "_sessions_killed_total{" in one
    )
    assert 'namespace="default",service="rw",host="db",address="10.20.0.1"' in line
    return float(line.rpartition(" ")[2])


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with _primary(tmp_path_factory.mktemp("kill"), f"{ROLES}, {RIGHTS}") as made:
        yield made


def test_the_named_users_are_cut_off_once_two_seconds_after_it_is_stored(stage: Watched) -> None:
    """No sooner, nobody else, and nobody who comes later; the next demotion is another one."""
    server = stage.mariadb("db")
    for number in (1, 2):
        with contextlib.ExitStack() as sessions:
            apps = [sessions.enter_context(_session(server, APP)) for _ in range(3)]
            other = sessions.enter_context(_session(server, OTHER))
            after = _flip(stage, 1)
            stored = stage.daemon.wait_log("endpoints.written", after=after)
            line = _killed(stage, after)
            assert (line["level"], line["users"], line["count"]) == ("info", [APP], 3)
            assert (line["service"], line["host"], line["address"]) == (KEY, "db", "10.20.0.1")
            assert _moment(line) - _moment(stored) >= SETTLE_SECONDS
            assert [_stands(app) for app in apps] == [False] * 3
            assert _stands(other)
            later = sessions.enter_context(_session(server, APP))
            stage.wait_probes("db", 10, stage.now())
            assert _stands(later)
            assert len(stage.daemon.logs("sessions.killed", after=after)) == 1
            assert _counted(stage) == 3 * number
            _flip(stage, 0)
            assert _stands(later)


def test_replicas_that_log_in_as_a_named_user_go_on(stage: Watched) -> None:
    """Their threads are no sessions of an application."""
    server = stage.mariadb("db")
    server.sql(f"GRANT REPLICATION REPLICA ON *.* TO {APP}@'%'")
    with started(replica=_server("--server-id=2")) as servers, _session(server, APP) as app:
        replica = servers["replica"]
        assert isinstance(replica, Mariadb)
        where = f"MASTER_HOST='{server.address}', MASTER_PORT={server.port}"
        replica.sql(f"CHANGE MASTER TO {where}, MASTER_USER='{APP}', MASTER_PASSWORD='{PASSWORD}'")
        replica.sql("START SLAVE")
        dumps = wait_until(lambda: _dumps(server), SECONDS, "the replica to be served")
        after = _flip(stage, 1)
        assert _killed(stage, after)["count"] == 1
        assert not _stands(app)
        assert _dumps(server) == dumps
        _flip(stage, 0)


def _dumps(server: Mariadb) -> set[int]:
    rows = server.sql("SELECT id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'")
    return {int(row[0]) for row in rows}


@pytest.mark.fault(
    "role",
    "A primary crashes, with `onDemote: killSessions`",
    "No session is ended: it has not said that it is demoted.",
    within="nothing moves",
)
def test_a_crash_ends_no_session(stage: Watched) -> None:
    """A host that says nothing has not said that it is the primary no more; nor has one that comes back."""
    after = stage.now()
    server = stage.mariadb("db")
    server.kill()
    stage.daemon.wait_ready(KEY, [], timeout=SECONDS)
    server.start()
    stage.daemon.wait_ready(KEY, ["10.20.0.1"], timeout=SECONDS)
    assert not happens(lambda: stage.daemon.logs("sessions.killed", after=after), SETTLE_SECONDS + 1)


@pytest.mark.fault(
    "role",
    "A demoted primary has no connection left",
    "Sessions are ended over the held session.",
    within="two seconds after the change is published",
)
def test_a_host_that_is_full_is_reached_over_the_session_that_is_held(tmp_path: Path) -> None:
    """Applications hold every connection, and somebody the one for administrators: nobody can log in any more."""
    with _primary(tmp_path, f"{ROLES}, {RIGHTS}") as stage, contextlib.ExitStack() as sessions:
        server = stage.mariadb("db")
        root = sessions.enter_context(_root(server))
        with root.cursor() as cursor:
            cursor.execute(f"SET GLOBAL max_connections = {FEWEST}")
            apps = _filled(server, sessions, cursor)
            after = stage.now()
            stage.wait_probes("db", 1, after, reason="saturated")
            with pytest.raises(pymysql.err.OperationalError):
                server.sql("SELECT 1")
            cursor.execute("SET GLOBAL read_only = 1")
            line = _killed(stage, after)
            assert (line["level"], line["count"]) == ("info", apps)
        assert stage.daemon.ready(KEY) == []


@contextlib.contextmanager
def _root(server: Mariadb) -> Iterator[pymysql.Connection[Any]]:
    with pymysql.connect(unix_socket=str(server.control), user="root", autocommit=True) as connection:
        yield connection


def _filled(server: Mariadb, sessions: contextlib.ExitStack, root: Any) -> int:
    """Opens sessions of ``app`` until there is no place, not even the one that a full login of the daemon's has for a
    moment: how many. Administrators have one place more, which the daemon's right gives it too; so these take that.
    """
    root.execute(f"GRANT CONNECTION ADMIN ON *.* TO {APP}@'%'")
    count, refused_since = 0, math.inf
    while time.monotonic() < refused_since + 2 * LOGIN:
        try:
            sessions.enter_context(_session(server, APP))
        except pymysql.err.OperationalError:
            refused_since = min(refused_since, time.monotonic())
            time.sleep(0.01)
        else:
            count, refused_since = count + 1, math.inf
    return count


@pytest.mark.fault(
    "role",
    "The account may not end sessions",
    "Nothing is ended, the host stays out, the GRANT is shown.",
    within="the host leaves all the same",
)
@pytest.mark.parametrize(
    ("rights", "words"),
    [
        (ROLES, "(1227: Access denied; you need (at least one of) the PROCESS privilege(s) for this operation)"),
        (f"{ROLES}, PROCESS", "(1095: You are not owner of thread "),
    ],
    ids=["nothing", "only-process"],
)
def test_a_missing_grant_is_told_with_the_statement_that_gives_it(tmp_path: Path, rights: str, words: str) -> None:
    """Nothing is ended, the host stays out all the same; once the statement was run, the next demotion is complete."""
    statement = f"GRANT {RIGHTS} ON *.* TO '{USER}'@'%'"
    with _primary(tmp_path, rights) as stage, _session(stage.mariadb("db"), APP) as app:
        server = stage.mariadb("db")
        line = _killed(stage, _flip(stage, 1))
        assert (line["level"], line["count"]) == ("warning", 0)
        assert line["error"].startswith(f"needs {statement} {words}")
        assert _stands(app)
        server.sql(statement)
        before = stage.sessions("db")
        _flip(stage, 0)
        wait_until(lambda: not stage.sessions("db") & before, SECONDS, "a login after the grant")
        line = _killed(stage, _flip(stage, 1))
        assert (line["level"], line["count"]) == ("info", 1)
        assert not _stands(app)
