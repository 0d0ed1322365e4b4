"""Sessions held on real servers: asked a thousand times, killed, idle for too long, and when there is none to hold."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.certificates import issue
from lab.servers import Certificate, Mariadb, Redis
from lab.waiting import wait_until
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from mooring.protocols.exchange import Answer
from support.held_session import ask, enter, held, leave, received
from support.probe_once import target_of

pytestmark = pytest.mark.needs_servers

USER, PASSWORD = "probe", "correct-horse-battery"
COUNTERS = ("Aborted_connects", "Aborted_connects_preauth", "Aborted_clients")
ASKED = 1000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "password").write_text(f"{PASSWORD}\n")
    return folder


@pytest.fixture(scope="module")
def certificate(folder: Path) -> Certificate:
    return issue(folder, "127.0.0.1")


@pytest.fixture(scope="module")
def mariadb(certificate: Certificate) -> Iterator[Mariadb]:
    with Mariadb(accounts={USER: PASSWORD}, tls=certificate) as server:
        server.sql("CREATE DATABASE app")
        server.sql("CREATE TABLE app.t (x INT) ENGINE=InnoDB")
        server.sql("INSERT INTO app.t VALUES (1)")
        server.sql("CREATE PROCEDURE app.p() BEGIN SELECT x FROM app.t; SELECT 'second'; END")
        server.sql(f"GRANT SELECT, EXECUTE ON app.* TO {USER}@'%'")
        yield server


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with Redis(password=PASSWORD, accounts={USER: PASSWORD}) as server:
        yield server


@pytest.fixture(scope="module")
def redis_with_tls(certificate: Certificate) -> Iterator[Redis]:
    with Redis(password=PASSWORD, accounts={USER: PASSWORD}, tls=certificate) as server:
        yield server


def _target(server: Mariadb | Redis, folder: Path, **block: Any) -> Target:
    """With a user and a password, unless the block says otherwise; where it has ``tls``, with the right CA."""
    protocol = server.kind.replace("mariadb", "mysql")
    login: dict[str, Any] = {"user": USER, "passwordFile": str(folder / "password")}
    tls = {"tls": {"caFile": str(folder / "authority.pem")}} if "tls" in block else {}
    return target_of(protocol, server.address, server.port, timeout=10.0, **{**login, **block, **tls})


@pytest.mark.parametrize(
    ("name", "block", "expected"),
    [
        ("mariadb", {}, None),
        ("mariadb", {"tls": {}}, None),
        ("mariadb", {"query": "SELECT @@global.read_only"}, "0"),
        ("mariadb", {"tls": {}, "query": "CALL app.p()"}, "1"),
        ("redis", {}, None),
        ("redis", {"key": "switch"}, "0"),
        ("redis_with_tls", {"tls": {}, "key": "switch"}, "0"),
    ],
    ids=["mysql", "mysql-tls", "mysql-query", "mysql-call-tls", "redis", "redis-key", "redis-key-tls"],
)
def test_a_thousand_questions_over_one_login(
    request: pytest.FixtureRequest, folder: Path, name: str, block: dict[str, Any], expected: str | None
) -> None:
    """Each is answered, and nothing is left over. What one costs us is printed."""
    target = _target(request.getfixturevalue(name), folder, **block)
    session = held(target)
    started, busy = time.perf_counter(), time.thread_time()
    answers = {ask(session, target) for _ in range(ASKED)}
    took, busy = time.perf_counter() - started, time.thread_time() - busy
    leave(session)
    (answer,) = answers
    assert answer
    assert (answer.observation.reason, answer.observation.answer) == (Reason.OK, expected)
    assert (answer.rest, answer.keep, answer.lost) == (b"", True, False)
    print(f"{busy / ASKED * 1e6:.1f} us of CPU, {took / ASKED * 1e6:.1f} us a question")  # noqa: T201 -- a figure to look at


def test_a_session_leaves_no_trace_of_a_broken_connection(mariadb: Mariadb, folder: Path) -> None:
    """One login and one goodbye in the server's counters, whatever was asked in between."""
    before, logins = [mariadb.status(name) for name in COUNTERS], mariadb.status("Connections")
    target = _target(mariadb, folder)
    session = held(target)
    for _ in range(50):
        ask(session, target)
    leave(session)
    wait_until(lambda: mariadb.status("Threads_connected") == 1, 10, "the session to end")
    assert [mariadb.status(name) for name in COUNTERS] == before
    own = mariadb.status("Connections")
    assert mariadb.status("Connections") == own + 1
    assert logins < own


def _kill(server: Mariadb, what: str) -> None:
    for (number,) in server.sql(f"SELECT id FROM information_schema.processlist WHERE user = '{USER}'"):
        server.sql(f"KILL {what} {number}")


def test_a_killed_session_is_lost_and_the_next_login_works(mariadb: Mariadb, folder: Path) -> None:
    """KILL ends the session without a word; it says nothing of the server."""
    target = _target(mariadb, folder)
    session = held(target)
    _kill(mariadb, "CONNECTION")
    assert received(session.sock) == b""
    session.sock.close()
    assert _enter_and_leave(target) is Reason.OK


def test_a_killed_question_is_evidence_and_no_outcome(mariadb: Mariadb, folder: Path) -> None:
    """KILL QUERY answers 1317 in the middle of a result."""
    target = _target(mariadb, folder, query="SELECT SLEEP(20)")
    session = held(_target(mariadb, folder))
    answers: list[Answer | None] = []
    asking = threading.Thread(target=lambda: answers.append(ask(session, target)))
    asking.start()
    wait_until(lambda: _sleeping(mariadb), 10, "the question to be under way")
    _kill(mariadb, "QUERY")
    asking.join(60)
    leave(session)
    (answer,) = answers
    assert answer
    assert (answer.lost, answer.keep, answer.observation.message[:5]) == (True, False, "1317:")


def _sleeping(server: Mariadb) -> bool:
    return bool(server.sql("SELECT 1 FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'"))


def test_a_session_that_is_idle_for_too_long_is_lost(mariadb: Mariadb, folder: Path) -> None:
    """wait_timeout ends it; asked more often than that, it stays."""
    mariadb.sql("SET GLOBAL wait_timeout = 6")
    try:
        target = _target(mariadb, folder)
        session = held(target)
        for _ in range(7):
            time.sleep(1)
            assert ask(session, target)
        assert received(session.sock) == b""
        session.sock.close()
    finally:
        mariadb.sql("SET GLOBAL wait_timeout = 28800")
    assert _enter_and_leave(target) is Reason.OK


@pytest.mark.parametrize("end", [Mariadb.stop, Mariadb.kill], ids=["shutdown", "kill-9"])
def test_a_server_that_ends_ends_its_sessions(folder: Path, end: Callable[[Mariadb], None]) -> None:
    """Both ways are seen on the held session at once, as its end."""
    with Mariadb(accounts={USER: PASSWORD}) as server:
        session = held(_target(server, folder))
        end(server)
        assert received(session.sock) == b""
        session.sock.close()


def test_a_held_session_sees_what_changes_whatever_the_server_s_autocommit(mariadb: Mariadb, folder: Path) -> None:
    """With autocommit off, one open transaction would show the first snapshot for ever."""
    mariadb.sql("SET GLOBAL autocommit = 0")
    try:
        target = _target(mariadb, folder, query="SELECT x FROM app.t")
        session = held(target)
        answers = [ask(session, target)]
        mariadb.sql("UPDATE app.t SET x = 2")
        answers.append(ask(session, target))
        leave(session)
    finally:
        mariadb.sql("SET GLOBAL autocommit = 1")
        mariadb.sql("UPDATE app.t SET x = 1")
    assert [answer and (answer.observation.answer, answer.keep) for answer in answers] == [("1", True), ("2", True)]


def _enter_and_leave(target: Target) -> Reason:
    login_result = enter(target)
    if login_result.session:
        leave(login_result.session)
    return login_result.observation.reason


@pytest.mark.parametrize(
    ("name", "block", "outcome"),
    [
        ("mariadb", {"user": "nobody"}, (Reason.AUTH, "1045: ")),
        ("mariadb", {"query": "SELECT x FROM mysql.absent"}, (Reason.AUTH, "1142: ")),
        ("mariadb", {"query": "DO 1"}, (Reason.PROTOCOL, "answers the query without a result")),
        ("mariadb", {"passwordFile": "/absent"}, (Reason.LOCAL, "/absent")),
        ("redis", {"user": "nobody"}, (Reason.AUTH, "WRONGPASS")),
        ("redis", {"user": None, "passwordFile": None}, (Reason.AUTH, "NOAUTH")),
        ("redis", {"passwordFile": "/absent"}, (Reason.LOCAL, "/absent")),
    ],
    ids=["refused", "denied", "no-answer", "no-secret", "wrong-user", "no-auth", "redis-no-secret"],
)
def test_there_is_nothing_to_hold(
    request: pytest.FixtureRequest, folder: Path, name: str, block: dict[str, Any], outcome: tuple[Reason, str]
) -> None:
    """The outcome is that of a probe, the connection is closed, and no counter moves that gets us blocked."""
    server = request.getfixturevalue(name)
    before = [server.status(counter) for counter in COUNTERS[1:]] if name == "mariadb" else []
    for _ in range(3):
        login_result = enter(_target(server, folder, **block))
        assert (login_result.observation.reason, login_result.session) == (outcome[0], None)
        assert login_result.observation.message.startswith(outcome[1])
    if before:
        wait_until(lambda: server.status("Threads_connected") == 1, 10, "the sessions to end")
        assert [server.status(counter) for counter in COUNTERS[1:]] == before


@pytest.mark.parametrize("rule", ["-@all", "off"])
def test_a_stranger_who_may_not_ping_may_have_an_account_that_may(folder: Path, rule: str) -> None:
    """NOPERM or NOAUTH in answer to the knock ends no login."""
    with Redis(accounts={USER: PASSWORD}) as server:
        server.command("ACL", "SETUSER", "default", rule)
        assert _enter_and_leave(_target(server, folder)) is Reason.OK


def test_a_full_redis_says_so_to_the_knock(folder: Path) -> None:
    """Before any login, as to every stranger."""
    with Redis(accounts={USER: PASSWORD}, extra=["maxclients 3"]) as server, contextlib.ExitStack() as sessions:
        for _ in range(3):
            sessions.callback(leave, held(_target(server, folder)))
        wait_until(
            lambda: _enter_and_leave(_target(server, folder)) is Reason.SATURATED, 5, "the last place to be taken"
        )


def test_a_redis_that_loads_answers_so_over_the_held_session(folder: Path) -> None:
    """LOADING is an outcome, and the session goes on; a login meanwhile hears it in answer to the knock."""
    slowly = ("key-load-delay 10000", "loading-process-events-interval-bytes 1024", "enable-debug-command yes")
    with Redis(accounts={USER: PASSWORD}, extra=slowly) as server:
        server.command("EVAL", "for i = 1, 1500 do redis.call('SET', i, string.rep('x', 100)) end", 0)
        target = _target(server, folder, key="switch")
        session = held(target)
        reload = threading.Thread(target=lambda: server.command("DEBUG", "RELOAD"))
        reload.start()
        wait_until(lambda: _reason(ask(session, target)) is Reason.LOADING, 10, "Redis to load")
        login_result = enter(target)
        server.command("CONFIG", "SET", "key-load-delay", 0)
        wait_until(lambda: _reason(ask(session, target)) is Reason.OK, 10, "Redis to have loaded")
        reload.join(60)
        leave(session)
    assert (login_result.observation.reason, login_result.session) == (Reason.LOADING, None)


def _reason(answer: Answer | None) -> Reason:
    assert answer
    assert (answer.keep, answer.rest) == (True, b"")
    return answer.observation.reason
