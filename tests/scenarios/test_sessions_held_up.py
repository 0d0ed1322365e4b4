"""A login whose own thread is held up past its deadline, and a server that stops in the middle of one.

Whatever of the login is missing then, the next turns find the host well, and nothing of ours is left there. The servers
would wait ten minutes for the next word of a login.
"""

from __future__ import annotations

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
from mooring.protocols.mysql.session import Session
from mooring.protocols.redis.login import _Session
from mooring.protocols.transport.line import BoundedSocket
from support.engine_harness import SECONDS, turns
from support.probe_once import target_of
from support.session_counts import ACCOUNTS, USER, started, written

pytestmark = pytest.mark.needs_servers

Step = Callable[[BoundedSocket], object]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return issue(tmp_path_factory.mktemp("tls"), "127.0.0.1")


@pytest.fixture(scope="module")
def servers(certificate: Certificate) -> Iterator[dict[str, Mariadb | Redis]]:
    mariadb = Mariadb(accounts=ACCOUNTS, tls=certificate, extra=["--connect-timeout=600"])
    redis = Redis(accounts=ACCOUNTS, tls=certificate)
    with started(mysql=mariadb, redis=redis):
        yield {"mysql": mariadb, "redis": redis}


@pytest.fixture
def secrets(certificate: Certificate, tmp_path: Path) -> dict[str, Any]:
    """What the file says of the login and of TLS."""
    return {"user": USER, "passwordFile": str(written(tmp_path)), "tls": {"caFile": str(certificate.authority)}}


def of(server: Mariadb | Redis, protocol: str, secrets: dict[str, Any]) -> Target:
    return target_of(protocol, server.address, server.port, timeout=SECONDS, **secrets)


def standing(server: Mariadb | Redis) -> int:
    """Connections there, logged in or not, without the one that counts."""
    if isinstance(server, Redis):
        return int(server.command("INFO", "clients")["connected_clients"]) - 1
    sql = "SELECT COUNT(*) FROM information_schema.processlist WHERE user IN ('unauthenticated user', '{}')"
    return int(server.sql(sql.format(USER))[0][0])


def once(monkeypatch: pytest.MonkeyPatch, where: type, name: str, before: Step, after: Step) -> None:
    """The first call of the method does this with its line, before and after it."""
    plain, first = getattr(where, name), [True]

    def call(*given: Any) -> Any:
        if not (first and first.pop()):
            return plain(*given)
        line = next(
            one for one in (*given, *(getattr(one, "_line", None) for one in given)) if type(one) is BoundedSocket
        )
        before(line)
        found = plain(*given)
        after(line)
        return found

    monkeypatch.setattr(where, name, call)


def expire(line: BoundedSocket) -> None:
    """As if its thread had been held up until now."""
    line._deadline = time.monotonic() - 1.0


def nothing(_: BoundedSocket) -> None:
    """The thread goes on at once."""


@pytest.mark.parametrize(
    ("protocol", "where", "name", "steps"),
    [
        pytest.param("mysql", Session, "connect", (expire, nothing), id="mysql, before it reads the greeting"),
        pytest.param("mysql", BoundedSocket, "start_tls", (expire, nothing), id="mysql, before TLS"),
        pytest.param("mysql", BoundedSocket, "start_tls", (nothing, expire), id="mysql, before the password"),
        pytest.param("mysql", Session, "connect", (nothing, expire), id="mysql, before the question"),
        pytest.param("redis", BoundedSocket, "start_tls", (expire, nothing), id="redis, before TLS"),
        pytest.param("redis", BoundedSocket, "start_tls", (nothing, expire), id="redis, before the password"),
        pytest.param("redis", _Session, "connect", (nothing, expire), id="redis, before the question"),
    ],
)
def test_a_login_that_is_held_up_holds_up_no_other(
    servers: dict[str, Mariadb | Redis],
    secrets: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    *,
    protocol: str,
    where: type,
    name: str,
    steps: tuple[Step, Step],
) -> None:
    """Its thread comes back past the deadline: the server owes nothing then, so nobody waits for an answer of it."""
    server = servers[protocol]
    once(monkeypatch, where, name, *steps)
    with turns(one := of(server, protocol, secrets)) as engine:
        wait_until(lambda: engine.turn(one)[0].observation.reason is Reason.OK, SECONDS, "its answer", every=0.05)
        wait_until(lambda: standing(server) == 1, SECONDS, "the held session alone")
    wait_until(lambda: standing(server) == 0, SECONDS, "nothing of ours")


@pytest.mark.fault(
    "host",
    "It stands still in the middle of a TLS handshake",
    "One connection waits; once the host goes on, the next turn finds it well.",
    within="one turn",
)
@pytest.mark.parametrize("protocol", ["mysql", "redis"])
def test_a_server_that_stops_in_the_handshake_is_found_well_as_soon_as_it_goes_on(
    servers: dict[str, Mariadb | Redis], secrets: dict[str, Any], monkeypatch: pytest.MonkeyPatch, *, protocol: str
) -> None:
    """Its answer to TLS' first word ends the wait: it then waits for a word of ours, which would never come."""
    server = servers[protocol]

    def stop(line: BoundedSocket) -> None:
        server.freeze()
        expire(line)

    once(monkeypatch, BoundedSocket, "start_tls", stop, nothing)
    with turns(one := of(server, protocol, secrets)) as engine:
        try:
            assert engine.turn(one)[0].observation.reason is Reason.TIMEOUT
        finally:
            server.thaw()
        wait_until(lambda: engine.turn(one)[0].observation.reason is Reason.OK, SECONDS, "its answer", every=0.05)
        wait_until(lambda: standing(server) == 1, SECONDS, "the held session alone")
