"""The ground that scenarios stand on: real servers that start, suffer and go as told."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pymysql
import pytest

from lab import leftovers
from lab.certificates import issue
from lab.process import Server, start_all
from lab.servers import Mariadb, Redis
from lab.waiting import wait_until
from support.killed_run import killed_run

pytestmark = pytest.mark.needs_servers

KINDS = [pytest.param(Mariadb, id="mariadb"), pytest.param(Redis, id="redis")]
GREETS = {"mariadb": b"", "redis": b"PING\r\n"}


def talks(server: Server, within: float = 30) -> bool:
    """Whether the port answers: MariaDB greets by itself, Redis wants a word first."""
    try:
        with socket.create_connection((server.address, server.port), within) as connection:
            connection.sendall(GREETS[server.kind])
            return bool(connection.recv(1))
    except OSError:
        return False


def refuses(server: Server) -> bool:
    """The port of a large process may outlive it for a moment."""
    try:
        socket.create_connection((server.address, server.port), 1).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


def login(server: Mariadb, user: str, password: str, tls: ssl.SSLContext | None = None) -> int | None:
    """The code of the server's refusal; None where the account may log in."""
    try:
        pymysql.connect(host=server.address, port=server.port, user=user, password=password, ssl=tls).close()
    except pymysql.err.OperationalError as error:
        return int(error.args[0])
    return None


def says(server: Redis, *lines: str) -> str:
    """All that Redis answers to these inline commands."""
    with socket.create_connection((server.address, server.port), 30) as connection, connection.makefile() as answers:
        connection.sendall("".join(f"{line}\r\n" for line in (*lines, "QUIT")).encode())
        return answers.read().removesuffix("+OK\n").replace("\n", "\r\n")


@pytest.mark.parametrize("kind", KINDS)
def test_serves_soon_and_leaves_nothing(kind: Callable[[], Server]) -> None:
    """A server answers on its port soon after its start, and neither process nor directory outlives it."""
    with kind():
        pass  # the template of data directories is made once
    before = time.monotonic()
    with kind() as server:
        assert time.monotonic() - before < 30
        assert talks(server)
        pid, directory = server.pid, server.directory
    assert not Path(f"/proc/{pid}").exists()
    assert not directory.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_killed_server_can_start_again(kind: Callable[[], Server]) -> None:
    """A killed server refuses connections, and a start brings it back on the same port."""
    with kind() as server:
        server.kill()
        wait_until(lambda: refuses(server), 5, "its port to close")
        server.start()
        assert talks(server)


@pytest.mark.parametrize("kind", KINDS)
def test_frozen_server_accepts_but_says_nothing(kind: Callable[[], Server]) -> None:
    """While frozen a server's port takes connections without a word; thawed it answers again."""
    with kind() as server:
        server.freeze()
        with socket.create_connection((server.address, server.port), 30):
            pass
        assert not talks(server, within=0.2)
        server.thaw()
        assert talks(server)


@pytest.mark.parametrize("kind", KINDS)
def test_frozen_server_is_reaped(kind: Callable[[], Server]) -> None:
    """Also a server that is frozen when the test ends is gone afterwards."""
    with kind() as server:
        server.freeze()
        pid = server.pid
    assert not Path(f"/proc/{pid}").exists()


def test_data_survives_a_restart() -> None:
    """A restarted server has another process and the same data."""
    with Mariadb() as server:
        server.sql("CREATE DATABASE kept")
        before = server.pid
        server.restart()
        assert server.pid != before
        assert ("kept",) in server.sql("SHOW DATABASES")


def test_several_start_together() -> None:
    """Servers started together are all ready afterwards."""
    servers: list[Server] = [Mariadb(), Redis(), Redis()]
    try:
        start_all(*servers)
        assert [server.serves() for server in servers] == [True, True, True]
    finally:
        for server in servers:
            server.close()


def test_mariadb_knows_only_its_accounts() -> None:
    """An account logs in by TCP with its password; another password or user is turned away with 1045."""
    with Mariadb(accounts={"mooring": "throw-away"}) as server:
        assert login(server, "mooring", "throw-away") is None
        assert login(server, "mooring", "other") == 1045
        assert login(server, "nobody", "") == 1045


def test_redis_knows_its_passwords() -> None:
    """The default user and further accounts log in with their own passwords, and nobody without."""
    with Redis(password="one", accounts={"probe": "two"}) as server:
        assert says(server, "AUTH one", "PING") == "+OK\r\n+PONG\r\n"
        assert says(server, "AUTH probe two", "PING") == "+OK\r\n+PONG\r\n"
        assert says(server, "PING").startswith("-NOAUTH")


def test_mariadb_proves_itself_by_tls(tmp_path: Path) -> None:
    """With a certificate MariaDB offers TLS that a client of the authority trusts."""
    files = issue(tmp_path, "db.test", "127.0.0.1")
    with Mariadb(accounts={"mooring": "throw-away"}, tls=files) as server:
        context = ssl.create_default_context(cafile=files.authority)
        assert login(server, "mooring", "throw-away", context) is None


def test_redis_proves_itself_by_tls(tmp_path: Path) -> None:
    """With a certificate Redis speaks TLS on its port, and a client of the authority trusts it."""
    files = issue(tmp_path, "cache.test", "127.0.0.1")
    with Redis(tls=files) as server:
        context = ssl.create_default_context(cafile=files.authority)
        with (
            socket.create_connection((server.address, server.port), 30) as plain,
            context.wrap_socket(plain, server_hostname="cache.test") as connection,
        ):
            connection.sendall(b"PING\r\n")
            assert connection.recv(64) == b"+PONG\r\n"


def test_a_server_that_cannot_start_says_why() -> None:
    """A server that ends instead of serving is reported with its own words."""
    with pytest.raises(RuntimeError, match="Bad directive"), Redis(extra=["no-such-directive 1"]):
        pass


def test_leftovers_of_a_killed_run_are_removed() -> None:
    """What a run left that was killed with -9 goes with the next sweep: the server (frozen, even) and its directory."""
    program = (
        "from lab.servers import Redis; server = Redis().start(); server.freeze();"
        "print(server.pid, server.directory, flush=True); input()"
    )
    with killed_run(program) as (pid, directory):
        assert Path(directory).name not in leftovers.sweep(), "nothing is removed while its maker lives"
    leftovers.sweep()
    wait_until(lambda: not Path(directory).exists(), 10, "its directory to be removed")
    wait_until(lambda: not leftovers.alive(int(pid)), 10, "the server to end")
