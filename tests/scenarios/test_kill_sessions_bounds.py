"""Ending sessions on real servers over a session of ours: encrypted, more than may be ended, and without a login."""

from __future__ import annotations

import contextlib
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from lab.certificates import issue
from lab.servers import Mariadb, Redis
from lab.waiting import wait_until
from mooring.demotion.kill import end_sessions
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from support.held_session import ask, held, leave
from support.probe_once import target_of

pytestmark = pytest.mark.needs_servers

USER, APP, PASSWORD = "mooring", "app", "throw-away-of-a-test"
ACCOUNTS = {USER: PASSWORD, APP: PASSWORD}
MOST = 1000


@pytest.fixture
def password(tmp_path: Path) -> Path:
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    return tmp_path / "password"


def _target(server: Mariadb | Redis, password: Path, **block: Any) -> Target:
    protocol = server.kind.replace("mariadb", "mysql")
    login = {"user": USER, "passwordFile": str(password), **block}
    return target_of(protocol, server.address, server.port, timeout=60.0, **login)


@pytest.fixture
def descriptors() -> Iterator[None]:
    """Enough for a thousand connections, here and in the server: a login shell has 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.contextmanager
def _mariadb(**more: Any) -> Iterator[Mariadb]:
    with Mariadb(accounts=ACCOUNTS, **more) as server:
        server.sql(f"GRANT PROCESS, CONNECTION ADMIN ON *.* TO {USER}@'%'")
        yield server


def _connected(server: Mariadb) -> pymysql.Connection[Any]:
    return pymysql.connect(
        host=server.address, port=server.port, user=APP, password=PASSWORD, autocommit=True, ssl_disabled=True
    )


@pytest.mark.parametrize("kind", ["mariadb", "redis"])
def test_an_encrypted_session_serves_as_well(kind: str, tmp_path: Path, password: Path) -> None:
    """And can be asked over afterwards."""
    certificate = issue(tmp_path, "127.0.0.1")
    servers = _mariadb(tls=certificate) if kind == "mariadb" else Redis(accounts=ACCOUNTS, tls=certificate)
    with servers as server:
        target = _target(server, password, tls={"caFile": str(tmp_path / "authority.pem")})
        ended = end_sessions(target, held(target), (APP,))
        assert (ended.count, ended.error) == (0, "")
        assert ended.session
        answer = ask(ended.session, target)
        assert answer
        assert answer.observation.reason is Reason.OK
        leave(ended.session)


def test_no_more_than_a_thousand_are_ended_at_a_time(password: Path, descriptors: None) -> None:
    """The others stay, which is told; the next time they are the first. How long it took is printed."""
    with _mariadb(extra=["--max-connections=1100"]) as server, contextlib.ExitStack() as sessions:
        for _ in range(MOST + 5):
            sessions.callback(_connected(server).close)
        target = _target(server, password)
        started = time.monotonic()
        ended = end_sessions(target, held(target), (APP,))
        print(f"{ended.count} sessions in {time.monotonic() - started:.2f} s")  # noqa: T201 -- a figure to look at
        assert (ended.count, ended.error) == (MOST, "there are more than 1000 sessions; the others stay")
        wait_until(lambda: server.status("Threads_connected") <= 7, 30, "the thousand to be gone")
        assert ended.session
        ended = end_sessions(target, ended.session, (APP,))
        assert (ended.count, ended.error) == (5, "")
        assert ended.session
        leave(ended.session)


def test_a_name_is_compared_as_the_server_compares_it(password: Path) -> None:
    """``APP`` and ``app`` are two users."""
    with _mariadb() as server, contextlib.closing(_connected(server)) as app:
        target = _target(server, password)
        ended = end_sessions(target, held(target), ("APP", "ápp", "app%", "ap_"))
        assert (ended.count, ended.error) == (0, "")
        app.ping(reconnect=False)
        assert ended.session
        leave(ended.session)
