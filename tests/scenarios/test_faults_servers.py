"""Faults of real servers: the reason that a user is told, what is published, and the way back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from lab.configuration import file, service
from lab.mooring import Daemon, timely
from lab.network import Host
from lab.process import Server
from lab.waiting import wait_until
from support.full_server import full
from support.two_by_two import LOGIN, PASSWORD, USER, Scene, scene, service_of

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_servers]

MARIADB, REDIS = "db1", "db3"
PATIENT = 40
"""Failures, of eight seconds in all: whatever a busy machine holds up, the host falls silent twice before it leaves."""
KINDS = [pytest.param(MARIADB, id="mariadb"), pytest.param(REDIS, id="redis")]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("servers")) as made:
        yield made


@pytest.fixture
def healthy(stage: Scene) -> Iterator[Scene]:
    """The scene with every host published; a server that a test left frozen or dead is brought back."""
    stage.wait_healthy()
    yield stage
    for server in stage.servers.values():
        if server.running:
            server.thaw()
        else:
            server.start()


@contextlib.contextmanager
def killed(server: Server) -> Iterator[None]:
    server.kill()
    yield
    server.start()


@contextlib.contextmanager
def stopped(server: Server) -> Iterator[None]:
    server.stop()
    yield
    server.start()


@contextlib.contextmanager
def frozen(server: Server) -> Iterator[None]:
    server.freeze()
    yield
    server.thaw()


FAULTS = [
    pytest.param(killed, {"refused", "timeout"}, id="kill-9"),  # its port may outlive a large process for a moment
    pytest.param(stopped, {"refused"}, id="stop-and-start"),
    pytest.param(frozen, {"timeout"}, id="frozen"),
    pytest.param(None, {"saturated"}, id="no-connection-left"),
]


@pytest.mark.fault(
    "host",
    "It is killed, ends or stands still, and comes back",
    "It leaves at the third failure, alone, and is back after two successes.",
    within="F x P + T",
)
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(("fault", "reasons"), FAULTS)
def test_server_that_fails_leaves_and_returns(healthy: Scene, name: str, fault: object, reasons: set[str]) -> None:
    """It leaves at the third failure with the reason told, nobody else moves, and it returns with the server."""
    before, after, key = healthy.versions(), healthy.now(), service_of(name)
    address = healthy.host(name).address
    others = [other for other in healthy.addresses(key) if other != address]
    with suffering(healthy, name, fault):
        left = healthy.daemon.wait_log("host.not_ready", after=after, host=name)
        assert left["reason"] in reasons
        assert (left["streak"], left["before"]) == (3, "ready")
        healthy.daemon.wait_ready(key, others)
        assert healthy.daemon.not_ready(key) == [address]
        wait_until(lambda: healthy.row(name)["published"] == "not-ready", 5, "the status to follow")
        assert healthy.row(name)["verdict"] == "not-ready"
    back = healthy.daemon.wait_log("host.ready", after=after, host=name)
    assert (back["reason"], back["streak"]) == ("ok", 2)
    healthy.wait_healthy()
    new = {one: versions[len(before[one]) :] for one, versions in healthy.versions().items()}
    assert [version.ready for version in new.pop(key)] == [others, healthy.addresses(key)]
    assert set(map(len, new.values())) == {0}, "another Service was written"


def suffering(stage: Scene, name: str, fault: object) -> AbstractContextManager[None]:
    return fault(stage.servers[name]) if callable(fault) else full(stage.servers[name], USER, PASSWORD, LOGIN)


@pytest.mark.fault(
    "host",
    "Redis restarts and still reads its data",
    "It is `loading`, and gets traffic only once it has read them.",
    within="not ready meanwhile",
)
def test_redis_that_loads_is_not_ready_yet(healthy: Scene) -> None:
    """A restarted Redis that still reads its data says so, and gets traffic only once it has read them."""
    server, after = healthy.redis(REDIS), healthy.now()
    server.command("DEBUG", "POPULATE", 200_000)
    server.command("SAVE")
    server.kill()
    server.start(wait=False)
    healthy.daemon.wait_log("probe", after=after, address=healthy.host(REDIS).address, reason="loading")
    healthy.wait_probes(REDIS, 3, reason="loading")
    wait_until(lambda: healthy.row(REDIS)["reason"] == "loading", 5, "the status to say so")
    healthy.daemon.wait_ready("default/redis", [healthy.host("db4").address])
    assert not healthy.daemon.logs("host.ready", after=after)
    server.command("CONFIG", "SET", "key-load-delay", 0)
    server.wait()
    healthy.daemon.wait_log("host.ready", after=after, host=REDIS)
    server.command("FLUSHALL")
    (server.directory / "dump.rdb").unlink()


@pytest.mark.fault(
    "account",
    "The password is changed on the server",
    "Logged once; the held session goes on being judged.",
    within="nothing moves",
)
@pytest.mark.parametrize("name", KINDS)
def test_wrong_password_moves_nothing(healthy: Scene, name: str) -> None:
    """A password that was changed on the server is our trouble: it is logged, and the host goes on being judged."""
    before, after = healthy.versions(), healthy.now()
    set_password(healthy, name, "changed-on-the-server")
    address = healthy.host(name).address
    told = healthy.daemon.wait_log("login.at_risk", after=after, address=address, timeout=30)
    assert (told["level"], "a new login is refused" in told["message"]) == ("warning", True)
    healthy.wait_probes(name, 6, reason="ok")
    row = healthy.row(name)
    assert (row["verdict"], row["published"], row["reason"], row["consecutive"]) == ("ready", "ready", "ok", 0)
    assert "a new login is refused" in row["message"]
    set_password(healthy, name, PASSWORD)
    healthy.wait_healthy()
    assert healthy.versions() == before
    assert len(healthy.daemon.logs("login.at_risk", after=after)) == 1, "once, not once a probe"


def set_password(stage: Scene, name: str, password: str) -> None:
    if name == REDIS:
        stage.redis(name).command("ACL", "SETUSER", USER, "resetpass", f">{password}")
    else:
        stage.mariadb(name).sql(f"ALTER USER '{USER}'@'%' IDENTIFIED BY '{password}'")


@pytest.mark.fault(
    "account", "A password file goes away", "`unknown: local`; the file is named.", within="nothing moves"
)
def test_secret_that_vanishes_moves_nothing(healthy: Scene) -> None:
    """A password file that goes away is our trouble: the file is named, and every host stays where it is."""
    before, after = healthy.versions(), healthy.now()
    away = healthy.secret.rename(healthy.secret.with_name("away"))
    try:
        for name in healthy.servers:
            told = healthy.daemon.wait_log("host.unknown", after=after, host=name)
            assert told["reason"] == "local"
            assert str(healthy.secret) in told["message"]
        healthy.wait_probes(MARIADB, 6, reason="local")
        assert healthy.row(MARIADB)["published"] == "ready"
    finally:
        away.rename(healthy.secret)
    healthy.wait_healthy()
    assert healthy.versions() == before


@pytest.mark.fault(
    "account",
    "A host falls silent before and after it could not be judged",
    "Silences add up over unknown outcomes: it leaves.",
    within="F silences",
)
def test_host_that_falls_silent_while_unknown_leaves_afterwards(healthy: Scene, tmp_path: Path) -> None:
    """What cannot be known neither adds to a streak nor breaks it: silences before and after it add up."""
    host = healthy.host(MARIADB)
    with patient(healthy, host, tmp_path) as (daemon, secret):
        after = len(daemon.output)
        host.drop()
        daemon.wait_log("probe", after=after, reason="timeout")
        away = secret.rename(secret.with_name("away"))
        host.heal()
        known = len(daemon.output)
        wait_until(lambda: len(timely(daemon.logs("probe", after=known, reason="local"))) >= 4, 15, "unknown outcomes")
        host.drop()
        daemon.wait_log("probe", after=len(daemon.output), reason="timeout")
        away.rename(secret)
        left = daemon.wait_log("host.not_ready", after=after)
        host.heal()
        assert left["streak"] == PATIENT
        reasons = [line["reason"] for line in probes_before(daemon, after)]
    assert reasons.count("timeout") >= PATIENT, "one that began too early in its period does not count"
    assert reasons.count("local") >= 4


@contextlib.contextmanager
def patient(stage: Scene, host: Host, directory: Path) -> Iterator[tuple[Daemon, Path]]:
    """Another daemon, which watches this host alone and takes it out after ``PATIENT`` failures; its password file."""
    secret = directory / "password"
    secret.write_text(PASSWORD)
    listed = service("mysql", "mysql", [host.address], block={"user": USER, "passwordFile": str(secret)})
    text = file(listed, period=0.2, failureThreshold=PATIENT, loginSeconds=LOGIN)
    args = ("--log-level", "debug", "--listen", "none")
    with Daemon(text, directory / "state", netns=stage.network.node.netns, args=args) as daemon:
        daemon.wait_ready("default/mysql", [host.address], timeout=30)
        yield daemon, secret


def probes_before(daemon: Daemon, after: int) -> list[dict[str, object]]:
    """The probes of the host until it left, not counting those before the fault."""
    lines = daemon.logs(after=after)
    left = next(place for place, line in enumerate(lines) if line["event"] == "host.not_ready")
    return [line for line in lines[:left] if line["event"] == "probe"]


@pytest.mark.fault("host", "Every host of a Service refuses", "All leave: a refusal is their own word.", within="F x P")
def test_whole_service_may_die(healthy: Scene) -> None:
    """Every host of a Service refuses: that is their own word, so all leave, and the manifest says so."""
    with killed(healthy.servers["db3"]), killed(healthy.servers["db4"]):
        healthy.daemon.wait_ready("default/redis", [])
        assert healthy.daemon.not_ready("default/redis") == healthy.addresses("default/redis")
        assert healthy.daemon.get("/livez")[0] == 200
        assert healthy.daemon.get("/readyz")[0] == 200
    healthy.wait_healthy()


def test_no_password_was_told(healthy: Scene) -> None:
    """After all of this the password stands in no log line and no status; no version of a manifest was missed."""
    assert PASSWORD not in "\n".join(healthy.daemon.output)
    assert PASSWORD.encode() not in healthy.daemon.get("/status")[1]
    assert healthy.history.missed == 0
