"""What a held session hides of passwords, certificates and states, and how it is found."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ground.certificates import issue
from ground.process import free_port
from ground.servers import Certificate, Mariadb, Redis
from ground.sessions import ACCOUNTS, PASSWORD, USER, Watched, listed, started, watched, written

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
    stale = ("replica-serve-stale-data no",)
    with started(mariadb=Mariadb(accounts=ACCOUNTS), redis=Redis(accounts=ACCOUNTS, extra=stale)) as running:
        services = [listed(name, {name: server}, secret) for name, server in running.items()]
        with watched(directory, running, *services, period=PERIOD, loginSeconds=SELDOM) as made:
            yield made


@pytest.mark.parametrize("name", KINDS)
def test_password_that_is_written_to_the_file_is_used_at_once(stage: Watched, name: str) -> None:
    """A changed file is tried with the next turn, not after loginSeconds: a wrong one is told, a right one heals."""
    held, after, key = stage.sessions(name), stage.now(), f"default/{name}"
    set_password(stage, name, ANOTHER)
    stage.wait_probes(name, 5, after)
    assert {line["reason"] for line in stage.probes(name, after)} == {"ok"}, "the held session hides it"
    touched_at = time.monotonic()
    stage.secret.write_text(PASSWORD)
    told = stage.daemon.wait_log("host.unknown", after=after, host=name, timeout=SELDOM / 4)
    assert (told["reason"], told["level"]) == ("auth", "warning")
    assert stage.row(key, name)["verdict"] == "ready"
    assert stage.sessions(name) == held, "the session that answers is kept"
    healed = stage.now()
    stage.secret.write_text(f"{ANOTHER}\n")
    stage.daemon.wait_log("host.known", after=healed, host=name, timeout=SELDOM / 4)
    assert time.monotonic() - touched_at < SELDOM / 2, "sooner than any full login would have come"
    set_password(stage, name, PASSWORD)
    stage.secret.write_text(f"{PASSWORD}\n")
    stage.wait_ok()
    assert not stage.daemon.logs("host.not_ready", after=after)


def test_replica_without_its_master_says_so_over_the_session(stage: Watched) -> None:
    """REPLICAOF to where nobody is: the next question is answered by MASTERDOWN; without the role, by PONG again."""
    held, after = stage.sessions("redis"), stage.now()
    stage.redis("redis").command("REPLICAOF", "127.0.0.1", free_port())
    left = stage.daemon.wait_log("host.not_ready", after=after, host="redis")
    assert (left["reason"], left["streak"]) == ("not-replicating", 3)
    assert "MASTERDOWN" in left["message"]
    assert stage.sessions("redis") == held
    stage.redis("redis").command("REPLICAOF", "NO", "ONE")
    stage.daemon.wait_log("host.ready", after=after, host="redis")
    assert stage.sessions("redis") == held


@pytest.mark.parametrize("name", KINDS)
def test_password_that_is_changed_on_the_server_is_shown(tmp_path: Path, name: str) -> None:
    """Within one loginSeconds it is told, once; the session answers, nothing moves, and the old password heals it."""
    secret = written(tmp_path)
    server = Redis(accounts=ACCOUNTS) if name == "redis" else Mariadb(accounts=ACCOUNTS)
    with (
        started(**{name: server}) as running,
        watched(tmp_path, running, listed(name, running, secret), period=PERIOD, loginSeconds=LOGIN) as stage,
    ):
        stage.daemon.wait_log("host.ready", host=name)
        after = stage.now()
        set_password(stage, name, ANOTHER)
        assert stage.daemon.wait_log("host.unknown", after=after, host=name)["reason"] == "auth"
        stage.wait_probes(name, 6, stage.now(), reason="auth")
        assert stage.row(f"default/{name}", name)["consecutive"] == 0
        assert len(stage.sessions(name)) == 1
        set_password(stage, name, PASSWORD)
        stage.wait_ok()
        assert [line["event"] for line in stage.verdicts(after)] == ["host.unknown", "host.known"]


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return issue(tmp_path, "127.0.0.1")


@pytest.mark.parametrize("name", KINDS)
def test_certificate_of_another_authority_is_found_by_the_full_logins(
    tmp_path: Path, certificate: Certificate, name: str
) -> None:
    """The session goes on under the old one; after two loginSeconds without a login the host leaves, told as tls."""
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
        left = stage.daemon.wait_log("host.not_ready", after=after, host=name, timeout=30)
        assert (left["reason"], left["streak"]) == ("tls", 3)
        assert time.monotonic() - replaced_at > LOGIN / 2, "one failed login alone is no proof"
        answered = stage.probes(name, after)
        assert {line["reason"] for line in answered} == {"ok", "tls"}
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
