"""Servers on which logins and questions hang: what Mooring has open there stays one or two, and it is back at once."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from lab.servers import Mariadb, Redis
from lab.swapped import swap_text
from lab.waiting import wait_until
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from support.engine_harness import SECONDS, Turns, turns
from support.probe_once import target_of
from support.session_counts import ACCOUNTS, PASSWORD, USER, started, written

pytestmark = pytest.mark.needs_servers

OK, TIMEOUT, AUTH = Reason.OK, Reason.TIMEOUT, Reason.AUTH
TURNS = 15


def locked(server: Mariadb) -> contextlib.AbstractContextManager[None]:
    """Another client holds the table: whoever reads it waits, and his session stands there."""
    return server.holding("LOCK TABLES door.state WRITE")


@pytest.fixture(scope="module")
def mariadb() -> Iterator[Mariadb]:
    with started(db=Mariadb(accounts=ACCOUNTS)) as running:
        server = running["db"]
        assert isinstance(server, Mariadb)
        server.sql("CREATE DATABASE door")
        server.sql("CREATE TABLE door.state AS SELECT 1 AS open")
        server.sql(f"GRANT SELECT ON door.* TO '{USER}'@'%'")
        yield server


def asks_the_table(server: Mariadb, directory: Path, *, timeout: float = 1.0) -> Target:
    return target_of(
        "mysql",
        server.address,
        server.port,
        timeout=timeout,
        user=USER,
        passwordFile=str(written(directory)),
        query="SELECT open FROM door.state",
    )


def standing(server: Mariadb) -> int:
    """Sessions of ours that the server has now."""
    return len(numbers(server))


def numbers(server: Mariadb) -> set[int]:
    """The server's numbers of these sessions; none is given twice."""
    return {int(row[0]) for row in server.sql(f"SELECT id FROM information_schema.processlist WHERE user = '{USER}'")}


def wait_ok(engine: Turns, target: Target) -> None:
    wait_until(lambda: engine.turn(target)[0].observation.reason is OK, SECONDS, "its answer", every=0.05)


def hangs(engine: Turns, target: Target, turns_taken: int = TURNS) -> None:
    """Each of these turns has its outcome, and it is ``timeout``."""
    for _ in range(turns_taken):
        (report,) = engine.turn(target)
        assert report.observation.reason is TIMEOUT
        assert report.ended - report.started < target.timeout + 20.0


@pytest.mark.fault(
    "host",
    "A question over the held session hangs",
    "Two sessions at most; its next word counts, over the same session.",
    within="F x P + T",
)
@pytest.mark.parametrize("held", [True, False], ids=["under a held session", "from the first login on"])
def test_a_question_that_hangs_has_two_sessions_at_most(mariadb: Mariadb, tmp_path: Path, *, held: bool) -> None:
    """However many turns pass; and once it is answered, the next word of the host counts, over the same session."""
    logins = mariadb.status("Connections")
    with turns(target := asks_the_table(mariadb, tmp_path)) as engine:
        if held:
            wait_ok(engine, target)
        with locked(mariadb):
            hangs(engine, target)
            assert standing(mariadb) == 1, "the second login has ended the first question on the server"
            assert mariadb.status("Connections") - logins <= 8, "mooring's two, and those that count them"
        wait_until(lambda: engine.reasons(target)[-1] is OK, SECONDS, "an answer, without a turn that asks for it")
        wait_ok(engine, target)
        wait_until(lambda: standing(mariadb) == 1, SECONDS, "one session")


def test_one_more_is_tried_once_in_the_patience(mariadb: Mariadb, tmp_path: Path) -> None:
    """Where no end can be known: the oldest is closed, which a server may not notice for long, and one more hangs."""
    patience = 1.0
    with turns(target := asks_the_table(mariadb, tmp_path), patience=patience) as engine:
        wait_ok(engine, target)
        with locked(mariadb):
            begun, ours = time.monotonic(), set[int]()
            while len(ours) < 4:
                hangs(engine, target, 1)
                ours |= numbers(mariadb)
                assert time.monotonic() - begun < 120
            assert time.monotonic() - begun >= patience, "the third and the fourth are a patience apart"
        wait_until(lambda: engine.turn(target)[0].observation.reason is OK, SECONDS, "its answer")


@pytest.mark.fault(
    "host", "Redis is paused (`CLIENT PAUSE`)", "Two connections at most wait there.", within="F x P + T"
)
def test_a_paused_redis_has_two_connections_at_most(tmp_path: Path) -> None:
    """CLIENT PAUSE answers nobody: one connection holds the question, one waits for the first word."""
    with started(db=Redis(accounts=ACCOUNTS)) as running:
        server = running["db"]
        assert isinstance(server, Redis)
        secret = str(written(tmp_path))
        target = target_of("redis", server.address, server.port, timeout=0.5, user=USER, passwordFile=secret)
        with turns(target) as engine:
            wait_ok(engine, target)
            before = connections(server)
            server.command("CLIENT", "PAUSE", 15000, "ALL")
            hangs(engine, target)
            assert connections(server) - before <= 1 + 2, "what the test opened itself, and one of Mooring's"
            wait_until(lambda: engine.turn(target)[0].observation.reason is OK, SECONDS, "its answer", every=0.05)


def connections(server: Redis) -> int:
    """All that the server ever took; waits until it answers."""

    def counted() -> int:
        with contextlib.suppress(RedisError):
            return int(server.command("INFO", "stats")["total_connections_received"])
        return 0

    return wait_until(counted, 20, "the count")


@pytest.mark.fault(
    "host",
    "It stands still while its kernel accepts",
    "One connection more waits for the greeting, whatever the turns.",
    within="F x P + T",
)
def test_a_server_that_stands_still_has_one_connection_more(mariadb: Mariadb, tmp_path: Path) -> None:
    """SIGSTOP: its kernel takes the connection, and one waits there for the greeting, whatever the turns."""
    with turns(target := asks_the_table(mariadb, tmp_path)) as engine:
        wait_ok(engine, target)
        broken, logins = mariadb.status("Aborted_connects"), mariadb.status("Connections")
        mariadb.freeze()
        try:
            hangs(engine, target)
        finally:
            mariadb.thaw()
        wait_until(lambda: engine.turn(target)[0].observation.reason is OK, SECONDS, "its answer", every=0.05)
        assert mariadb.status("Connections") - logins <= 4, "one of Mooring's, and those that count"
        assert mariadb.status("Aborted_connects") == broken


@pytest.mark.fault(
    "account",
    "Our login is refused for long",
    "It is tried after 1, 2, 4 ... s; a new file ends that.",
    within="nothing moves",
)
def test_a_refused_login_is_made_less_and_less_often(mariadb: Mariadb, tmp_path: Path) -> None:
    """A wrong password: the server sees a refusal after 1, 2, 4 s, however many turns pass; a new file ends that."""
    target = asks_the_table(mariadb, tmp_path, timeout=SECONDS)
    secret = tmp_path / "password"
    secret.write_text("stale")
    refused = mariadb.status("Access_denied_errors")
    with turns(target) as engine:
        wait_until(lambda: asked(engine, target) >= 3, SECONDS, "three refusals", every=0.05)
        first, second, third = engine.of(target)[:3]
        assert (second.started - first.started > 0.9, third.started - second.started > 1.8) == (True, True)
        begun, more = time.monotonic(), 0.0
        while more < 1.0:
            assert asked(engine, target) == 3 or time.monotonic() - third.started > 3.6
            time.sleep(0.05)
            more = time.monotonic() - begun
        assert mariadb.status("Access_denied_errors") - refused == len(engine.of(target))
        assert set(engine.reasons(target)) == {AUTH}
        swap_text(secret, PASSWORD)
        engine.engine.renew(frozenset({str(secret)}))
        assert [report.observation.reason for report in engine.turn(target)] == [OK]


def asked(engine: Turns, target: Target) -> int:
    """Asks for a turn; how many reports there are."""
    engine.engine.ask([target])
    return len(engine.of(target))


@pytest.mark.fault(
    "account",
    "Our login is refused beside a held session",
    "The session goes on being asked each turn.",
    within="nothing moves",
)
def test_a_refused_login_beside_a_held_session_leaves_the_host_judged(mariadb: Mariadb, tmp_path: Path) -> None:
    """The session goes on being asked each turn, and the refusal is shown beside its answer; refusals stay few."""
    target = asks_the_table(mariadb, tmp_path, timeout=SECONDS)
    secret = tmp_path / "password"
    refused = mariadb.status("Access_denied_errors")
    with turns(target, login=0.2) as engine:
        engine.turn(target)
        swap_text(secret, "stale")
        until = time.monotonic() + 4.0
        while time.monotonic() < until:
            (report,) = engine.turn(target)
            assert (report.observation.reason, report.observation.answer) == (OK, "1")
            time.sleep(0.05)
        assert "login is refused: 1045" in report.observation.message
        assert 1 <= mariadb.status("Access_denied_errors") - refused <= 3
