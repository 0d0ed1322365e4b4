"""Sessions that end without a death: an administrator's word, the server's own rules, a quick restart."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from lab.servers import Mariadb, Redis
from support.session_counts import ACCOUNTS, Watched, listed, started, watched, written

pytestmark = pytest.mark.needs_servers

PERIOD, EDGE = 15.0, 6.0
"""Real servers need some tenths of a second to start, so the confirmations are spread over (3 - 1) x EDGE."""
KINDS = ["mariadb", "redis"]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Half of all sessions at most are ended at a time, so that none of it is taken for a storm."""
    directory = tmp_path_factory.mktemp("ended")
    secret = written(directory)
    servers = {
        "mariadb": Mariadb(accounts=ACCOUNTS),
        "redis": Redis(accounts=ACCOUNTS),
        "other": Redis(accounts=ACCOUNTS),
    }
    with started(**servers) as running:
        services = [listed(name, {name: server}, secret) for name, server in running.items()]
        with watched(directory, running, *services, period=PERIOD, timeout=5.0, edgeSeconds=EDGE) as made:
            yield made


@pytest.mark.fault(
    "host",
    "An administrator ends our session",
    "One login at once; it says nothing of the host.",
    within="nothing moves",
)
@pytest.mark.parametrize("name", KINDS)
def test_session_that_an_administrator_ends_is_back_at_once(stage: Watched, name: str) -> None:
    """KILL and CLIENT KILL cost one login, made long before the next turn, and nothing is said of the host."""
    before, after = stage.sessions(name), stage.now()
    ended_at = time.monotonic()
    stage.end_sessions(name)
    stage.wait_session(name, before)
    assert time.monotonic() - ended_at < PERIOD, "a login waited for its turn"
    stage.wait_probes(name, 1, after, edge=True)
    assert {line["reason"] for line in stage.probes(name, after)} == {"ok"}
    assert stage.verdicts(after) == []


@pytest.mark.fault(
    "host",
    "The server ends idle sessions sooner than the period",
    "A new session is there before each turn.",
    within="nothing moves",
)
def test_session_that_is_idle_for_too_long_is_back_at_once(stage: Watched) -> None:
    """A wait_timeout shorter than the period ends each session; every time a new one is there before the next turn."""
    stage.mariadb("mariadb").sql("SET GLOBAL wait_timeout = 2")
    after = stage.now()
    try:
        stage.end_sessions("mariadb")
        session = stage.wait_session("mariadb", set())
        for _ in range(2):
            session = stage.wait_session("mariadb", session, 20)
    finally:
        stage.mariadb("mariadb").sql("SET GLOBAL wait_timeout = 28800")
        ended = stage.now()
        stage.end_sessions("mariadb")
        stage.wait_probes("mariadb", 1, ended)
    assert {line["reason"] for line in stage.probes("mariadb", after)} == {"ok"}
    assert stage.verdicts(after) == []


@pytest.mark.fault(
    "host",
    "It restarts faster than F probes confirm",
    "It is refused at first, answers the next probe, and stays.",
    within="nothing moves",
)
@pytest.mark.parametrize("name", KINDS)
def test_server_that_is_restarted_soon_stays(stage: Watched, name: str) -> None:
    """Killed and back within (failureThreshold - 1) x edgeSeconds: refused at first, then asked anew, and it stays."""
    after = stage.now()
    died_at = time.monotonic()
    stage.servers[name].kill()
    stage.wait_probes(name, 1, after, edge=True)
    assert {line["reason"] for line in stage.probes(name, after)} <= {"refused", "reset"}
    stage.servers[name].start()
    down = time.monotonic() - died_at
    assert down < 2 * EDGE, f"this machine took {down:.1f} s to restart it"
    stage.wait_session(name, set())
    stage.wait_probes(name, 1, after, reason="ok")
    assert stage.verdicts(after) == []
    assert stage.row(f"default/{name}", name)["verdict"] == "ready"
