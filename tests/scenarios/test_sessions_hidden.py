"""What a held session hides of passwords, certificates and states, and how it is found."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.certificates import issue
from lab.free_ports import free_port
from lab.mooring import timely
from lab.servers import Certificate, Mariadb, Redis
from lab.swapped import swap_text
from lab.waiting import wait_until
from support.session_counts import ACCOUNTS, PASSWORD, USER, Watched, listed, started, watched, written

pytestmark = pytest.mark.needs_servers

PERIOD, LOGIN, SELDOM = 0.2, 1.0, 60.0
KINDS = ["mariadb", "redis"]
ANOTHER = "another-throw-away"


def set_password(stage: Watched, name: str, password: str) -> None:
    if name == "redis":
        stage.redis(name).command("ACL", "SETUSER", USER, "resetpass", f">{password}")
    else:
        stage.mariadb(name).sql(f"ALTER USER '{USER}'@'%' IDENTIFIED BY '{password}'")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Full logins are rare here: what is found soon was looked for at once."""
    directory = tmp_path_factory.mktemp("hidden")
    secret = written(directory)
    with started(mariadb=Mariadb(accounts=ACCOUNTS), redis=Redis(accounts=ACCOUNTS)) as running:
        services = [listed(name, {name: server}, secret) for name, server in running.items()]
        with watched(directory, running, *services, period=PERIOD, loginSeconds=SELDOM) as made:
            yield made


@pytest.mark.fault(
    "account",
    "A wrong password is written to the file",
    "Tried with the next turn and shown; the right one heals.",
    within="the next turn",
)
@pytest.mark.parametrize("name", KINDS)
def test_password_that_is_written_to_the_file_is_used_at_once(stage: Watched, name: str) -> None:
    """A changed file is tried with the next turn, not after loginSeconds: a wrong one is shown, a right one heals."""
    held, after, key = stage.sessions(name), stage.now(), f"default/{name}"
    set_password(stage, name, ANOTHER)
    stage.wait_probes(name, 5, after)
    assert {line["reason"] for line in timely(stage.probes(name, after))} == {"ok"}, "the held session hides it"
    touched_at = time.monotonic()
    swap_text(stage.secret, PASSWORD)
    wait_until(lambda: refused(stage, name), SELDOM / 4, "the refused login to be shown")
    row = stage.row(key, name)
    assert (row["verdict"], row["reason"]) == ("ready", "ok"), "the session's answer is judged"
    assert stage.sessions(name) == held, "the session that answers is kept"
    swap_text(stage.secret, f"{ANOTHER}\n")
    wait_until(lambda: not refused(stage, name), SELDOM / 4, "the login to be made")
    assert time.monotonic() - touched_at < SELDOM / 2, "sooner than any full login would have come"
    set_password(stage, name, PASSWORD)
    held = stage.sessions(name)
    swap_text(stage.secret, f"{PASSWORD}\n")
    stage.wait_session(name, held)
    stage.wait_ok()
    assert stage.verdicts(after) == []


def refused(stage: Watched, name: str) -> bool:
    """The status shows the refused login beside the answer of the held session."""
    return "a new login is refused" in stage.row(f"default/{name}", name)["message"]


def test_replica_without_its_master_says_so_over_the_session(tmp_path: Path) -> None:
    """REPLICAOF to where nobody is: the next question is answered by MASTERDOWN; without the role, by PONG again.

    The servers are this test's own: a password file that has just changed may still cause one more full login.
    """
    secret, name = written(tmp_path), "redis"
    server = Redis(accounts=ACCOUNTS, extra=("replica-serve-stale-data no",))
    with (
        started(**{name: server}) as running,
        watched(tmp_path, running, listed(name, running, secret), period=PERIOD, loginSeconds=SELDOM) as stage,
    ):
        held, after = stage.sessions(name), stage.now()
        server.command("REPLICAOF", "127.0.0.1", free_port())
        left = stage.daemon.wait_log("host.not_ready", after=after, host=name)
        assert (left["reason"], left["streak"]) == ("not-replicating", 3)
        assert "MASTERDOWN" in left["message"]
        assert stage.sessions(name) == held
        server.command("REPLICAOF", "NO", "ONE")
        stage.daemon.wait_log("host.ready", after=after, host=name)
        assert stage.sessions(name) == held


@pytest.mark.fault(
    "account",
    "The server takes our password no more, under a held session",
    "The refusal is shown beside the session's answer.",
    within="shown after 1.1 x L + 2 x P + T",
)
@pytest.mark.parametrize("name", KINDS)
def test_password_that_is_changed_on_the_server_is_shown(tmp_path: Path, name: str) -> None:
    """Within one loginSeconds it is shown beside the session's answer; nothing moves, and the old password heals it."""
    secret = written(tmp_path)
    server = Redis(accounts=ACCOUNTS) if name == "redis" else Mariadb(accounts=ACCOUNTS)
    with (
        started(**{name: server}) as running,
        watched(tmp_path, running, listed(name, running, secret), period=PERIOD, loginSeconds=LOGIN) as stage,
    ):
        stage.daemon.wait_log("host.ready", host=name)
        after = stage.now()
        set_password(stage, name, ANOTHER)
        wait_until(lambda: refused(stage, name), 10, "the refused login to be shown")
        stage.wait_probes(name, 6, stage.now(), reason="ok")
        assert refused(stage, name)
        assert stage.row(f"default/{name}", name)["consecutive"] == 0
        assert len(stage.sessions(name)) == 1
        set_password(stage, name, PASSWORD)
        wait_until(lambda: not refused(stage, name), 30, "the login to be made")
        assert stage.verdicts(after) == []


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return issue(tmp_path, "127.0.0.1")


@pytest.mark.fault(
    "account",
    "The server gets a certificate of another authority",
    "`unknown`, and it stays: what Mooring trusts is Mooring's to judge.",
    within="nothing moves",
)
@pytest.mark.parametrize("name", KINDS)
def test_certificate_of_another_authority_is_found_by_the_full_logins(
    tmp_path: Path, certificate: Certificate, name: str
) -> None:
    """The session goes on under the old one and proves that the host lives: after two loginSeconds without a login the
    host is unknown, and stays. What Mooring trusts is Mooring's to judge.
    """
    secret = written(tmp_path)
    server: Redis | Mariadb = (Redis if name == "redis" else Mariadb)(accounts=ACCOUNTS, tls=certificate)
    block = {"tls": {"mode": "verify-identity", "caFile": str(certificate.authority)}}
    times = {"timeoutSeconds": PERIOD, "loginSeconds": LOGIN}
    with (
        started(**{name: server}) as running,
        watched(tmp_path, running, listed(name, running, secret, block=block, **times), period=PERIOD) as stage,
    ):
        after = stage.now()
        replaced_at = time.monotonic()
        renew(server, tmp_path)
        unknown = stage.daemon.wait_log("host.unknown", after=after, host=name, timeout=30)
        assert (unknown["reason"], "certificate" in unknown["message"]) == ("common-cause", True)
        assert time.monotonic() - replaced_at > LOGIN / 2, "one failed login alone is no proof"
        stage.wait_probes(name, 6, after, reason="tls")
        assert {line["reason"] for line in timely(stage.probes(name, after))} == {"ok", "tls"}
        assert stage.daemon.logs("host.not_ready", after=after) == []
        assert len(stage.sessions(name)) == 1


def renew(server: Redis | Mariadb, directory: Path) -> None:
    """As an administrator does it, with the wrong authority."""
    assert server.tls
    (directory / "other").mkdir()
    other = issue(directory / "other", "127.0.0.1")
    server.tls.certificate.write_bytes(other.certificate.read_bytes())
    server.tls.key.write_bytes(other.key.read_bytes())
    server.tls.authority.write_bytes(other.authority.read_bytes())
    if isinstance(server, Mariadb):
        server.sql("FLUSH SSL")
    else:
        files = ("tls-cert-file", str(server.tls.certificate), "tls-key-file", str(server.tls.key))
        server.command("CONFIG", "SET", *files)
