"""Databases whose sessions get stuck as they do in production: what Mooring has open there stays two at most."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pymysql
import pytest
from pymysql.cursors import Cursor

from lab.process import UNPRIVILEGED
from lab.servers import Mariadb
from lab.topologies.galera import Galera
from lab.topologies.replication import Member, Replication
from lab.topologies.topology import Loopback, Place
from lab.waiting import wait_until
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from support.engine_harness import SECONDS, Turns, turns
from support.probe_once import target_of
from support.session_counts import ACCOUNTS, USER, started, written

OK, TIMEOUT = Reason.OK, Reason.TIMEOUT
TURNS = 12
STANDING = f"SELECT id, state, info FROM information_schema.processlist WHERE user = '{USER}'"
MEMORY_DISK = 'mount -t tmpfs -o size=6m tmpfs "$0" && exec "$@"'


class FullDisk(Member):
    """A replica whose relay log lies on 6 MB of memory, mounted where only this server sees it and gone with it."""

    starts_as_root = True

    def _prepare(self) -> None:
        super()._prepare()
        (self.directory / "small").mkdir()

    def _command(self) -> list[str]:
        small = self.directory / "small"
        apart = ["unshare", "--mount", "--propagation", "private", "sh", "-c", MEMORY_DISK, str(small)]
        return [*apart, *super()._command(), f"--relay-log={small / 'relay'}", f"--user={UNPRIVILEGED}"]


class Pair(Replication):
    """A primary, and a replica that keeps what it receives for a quarter of an hour."""

    def _make(self, place: Place, number: int) -> Member:
        return (
            FullDisk(place, number, read_only=True, extra=self._extra) if number > 1 else super()._make(place, number)
        )


def fill(primary: Member, replica: Member) -> None:
    """More is written than the replica's disk takes, and its thread that receives waits for space."""
    primary.run("CREATE TABLE app.big (content LONGBLOB)")
    for _ in range(4):
        primary.run("INSERT INTO app.big VALUES (REPEAT('x', 3000000))")
    disk = f"/proc/{replica.pid}/root{replica.directory / 'small'}"
    wait_until(lambda: os.statvfs(disk).f_bavail == 0, SECONDS, "the disk to be full")


def standing(server: Mariadb) -> list[tuple[Any, ...]]:
    """Our sessions that the server has, and what each does; another question than those that hang."""
    return list(server.sql(STANDING))


def hang(engine: Turns, target: Target, count: int = TURNS) -> None:
    """So many turns, each with its outcome in time: ``timeout``."""
    for _ in range(count):
        (report,) = engine.turn(target)
        assert report.observation.reason is TIMEOUT
        assert report.ended - report.started < target.timeout + 20.0


def asking(server: Mariadb, directory: Path, *, timeout: float = 0.5, **block: Any) -> Target:
    login = {"user": USER, "passwordFile": str(written(directory))}
    return target_of("mysql", server.address, server.port, timeout=timeout, **login, **block)


def wait_ok(engine: Turns, target: Target) -> None:
    wait_until(lambda: engine.turn(target)[0].observation.reason is OK, SECONDS, "its answer")


@pytest.mark.fault(
    "host",
    "A full disk blocks the question for a replica's state",
    "Two sessions of ours at most wait there; others can log in.",
    within="F x P + T",
)
@pytest.mark.needs_servers
@pytest.mark.needs_root
@pytest.mark.parametrize("held", [True, False], ids=["under a held session", "from the first login on"])
def test_a_full_disk_under_the_relay_log_has_two_sessions_at_most(tmp_path: Path, *, held: bool) -> None:
    """SHOW ALL SLAVES STATUS waits for as long as the disk is full: however many periods pass, others can log in."""
    with Pair((Loopback(), Loopback()), extra=("--binlog-format=ROW",)) as pair:
        primary, replica = pair.servers
        pair.delay(replica, 900)
        target = asking(replica, tmp_path, role="replica", maxReplicationLagSeconds=3600)
        with turns(target) as engine:
            if held:
                wait_ok(engine, target)
            fill(primary, replica)
            wait_until(lambda: engine.turn(target)[0].observation.reason is TIMEOUT, SECONDS, "the first to hang")
            logins = replica.status("Connections")
            hang(engine, target)
            stuck = standing(replica)
            assert 1 <= len(stuck) <= 2, stuck
            assert any("SLAVES STATUS" in str(info) for _, _, info in stuck)
            assert replica.status("Connections") - logins <= 2 + 2, "Mooring's two, and those that count them"


@pytest.fixture(scope="module")
def mariadb() -> Iterator[Mariadb]:
    with started(db=Mariadb(accounts=ACCOUNTS)) as running:
        server = running["db"]
        assert isinstance(server, Mariadb)
        server.sql("CREATE DATABASE door")
        server.sql("CREATE TABLE door.state (open INT) ENGINE=InnoDB")
        server.sql("INSERT INTO door.state VALUES (1)")
        server.sql(f"GRANT SELECT, UPDATE, LOCK TABLES ON door.* TO '{USER}'@'%'")
        yield server


def read_locked(server: Mariadb) -> contextlib.AbstractContextManager[None]:
    """A backup's FLUSH TABLES WITH READ LOCK."""
    return server.holding("FLUSH TABLES WITH READ LOCK")


@pytest.mark.fault(
    "host",
    "A backup locks all tables under our query",
    "Two sessions of ours at most wait, and are answered once it ends.",
    within="F x P + T",
)
@pytest.mark.needs_servers
@pytest.mark.parametrize("held", [True, False], ids=["under a held session", "from the first login on"])
def test_a_backup_that_locks_all_tables_meets_two_sessions_at_most(
    mariadb: Mariadb, tmp_path: Path, *, held: bool
) -> None:
    """A query that has to write waits for FLUSH TABLES WITH READ LOCK, and is answered once that ends."""
    target = asking(mariadb, tmp_path, query="SELECT open FROM door.state FOR UPDATE")
    with turns(target) as engine:
        if held:
            wait_ok(engine, target)
        with read_locked(mariadb):
            hang(engine, target)
            stuck = standing(mariadb)
            assert 1 <= len(stuck) <= 2, stuck
        wait_ok(engine, target)
        wait_until(lambda: len(standing(mariadb)) == 1, SECONDS, "one session")


@pytest.mark.fault(
    "host",
    "A backup locks all tables, and the question is the usual one",
    "The host stays as it is.",
    within="nothing moves",
)
@pytest.mark.needs_servers
def test_a_backup_does_not_touch_a_host_that_is_asked_the_usual_question(mariadb: Mariadb, tmp_path: Path) -> None:
    """SELECT 1 needs no table: under FLUSH TABLES WITH READ LOCK the host stays as it is."""
    with turns(target := asking(mariadb, tmp_path, timeout=SECONDS)) as engine, read_locked(mariadb):
        for _ in range(TURNS):
            assert [report.observation.reason for report in engine.turn(target)] == [OK]
        assert len(standing(mariadb)) == 1


@pytest.fixture(scope="module")
def galera() -> Iterator[Galera]:
    with Galera((Loopback(), Loopback())) as made:
        yield made


@pytest.fixture
def waiting(galera: Galera) -> Iterator[Cursor]:
    """A node whose readers wait for all that the cluster has written; the cursor is of a session that does not."""
    node = galera.servers[1]
    galera.servers[0].sql(f"GRANT SELECT ON app.* TO '{USER}'@'%'")
    with (
        pymysql.connect(unix_socket=str(node.control), user="root", autocommit=True, read_timeout=10) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SET SESSION wsrep_sync_wait = 0")
        cursor.execute("SET GLOBAL wsrep_sync_wait = 15")
        yield cursor
        cursor.execute("SET GLOBAL wsrep_sync_wait = 0")


@contextlib.contextmanager
def keeps_from_applying(cursor: Cursor, writer: Mariadb) -> Iterator[None]:
    """A backup locks the node's tables, and the cluster goes on writing."""
    cursor.execute("FLUSH TABLES WITH READ LOCK")
    try:
        writer.sql("INSERT INTO app.written VALUES (1)")
        yield
    finally:
        cursor.execute("UNLOCK TABLES")
        writer.sql("DELETE FROM app.written")


@pytest.mark.fault(
    "host",
    "A Galera node lets every question wait",
    "Two sessions of ours at most wait; it is judged again afterwards.",
    within="F x P + T",
)
@pytest.mark.needs_galera
@pytest.mark.parametrize("held", [True, False], ids=["under a held session", "from the first login on"])
@pytest.mark.parametrize(
    "block", [{"role": "replica"}, {"query": "SELECT COUNT(*) FROM app.written"}], ids=["its role", "a query"]
)
def test_a_galera_node_that_waits_has_two_sessions_at_most(
    galera: Galera, waiting: Cursor, tmp_path: Path, block: dict[str, Any], *, held: bool
) -> None:
    """Under wsrep_sync_wait every question waits, SHOW STATUS too; once the backup ends it is judged again."""
    target = asking(galera.servers[1], tmp_path, **block)
    with turns(target) as engine:
        if held:
            wait_ok(engine, target)
        with keeps_from_applying(waiting, galera.servers[0]):
            hang(engine, target)
            waiting.execute(STANDING)
            stuck = waiting.fetchall()
            assert 1 <= len(stuck) <= 2, stuck
        wait_ok(engine, target)


class Silent:
    """``with Silent() as server``: takes every connection, and never says a word. ``standing``: those that are open."""

    def __enter__(self) -> Self:
        self._door = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address, self.port = self._door.getsockname()
        self.taken: list[socket.socket] = []
        threading.Thread(target=self._take, name="silent", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        for one in self.taken:
            one.close()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.taken.append(self._door.accept()[0])

    def standing(self) -> int:
        return sum(not _closed(one) for one in list(self.taken))


def _closed(one: socket.socket) -> bool:
    try:
        while one.recv(4096, socket.MSG_DONTWAIT):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@pytest.mark.fault(
    "host", "It accepts connections and never greets", "Two connections at most stand there.", within="F x P + T"
)
@pytest.mark.parametrize("protocol", ["mysql", "redis"])
def test_a_server_that_never_greets_has_two_connections_at_most(tmp_path: Path, protocol: str) -> None:
    """It takes what comes and says nothing: one connection stands there and the others are not made at all."""
    with Silent() as server:
        secret = str(written(tmp_path))
        target = target_of(protocol, server.address, server.port, timeout=0.5, user=USER, passwordFile=secret)
        with turns(target) as engine:
            hang(engine, target)
            assert 1 <= server.standing() <= 2
            assert len(server.taken) <= 2


@pytest.mark.parametrize("protocol", ["mysql", "redis"])
def test_after_the_patience_a_silent_server_has_no_more_than_before(tmp_path: Path, protocol: str) -> None:
    """Each time one more is tried, the oldest is closed."""
    with Silent() as server:
        secret = str(written(tmp_path))
        target = target_of(protocol, server.address, server.port, timeout=0.5, user=USER, passwordFile=secret)
        with turns(target, patience=1.0) as engine:
            until = time.monotonic() + 120
            while len(server.taken) < 5:
                hang(engine, target, 1)
                assert server.standing() <= 2
                assert time.monotonic() < until
