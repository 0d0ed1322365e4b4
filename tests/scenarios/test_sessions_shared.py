"""One session for each host and account, however many Services list it, and its polite end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.servers import Mariadb, Redis
from lab.waiting import wait_until
from support.session_counts import ACCOUNTS, Watched, listed, started, watched, written

pytestmark = pytest.mark.needs_servers

PERIOD, SELDOM = 0.2, 60.0
BROKEN = ("Aborted_clients", "Aborted_connects")
QUERIES = {"mariadb": {"query": "SELECT @@global.read_only", "expect": "0"}, "redis": {"key": "switch"}}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Watched]:
    """Each server listed twice: with its plain question, and with one of its own, other thresholds and times."""
    secret = written(tmp_path)
    with started(mariadb=Mariadb(accounts=ACCOUNTS), redis=Redis(accounts=ACCOUNTS)) as running:
        services = []
        for name, server in running.items():
            services.append(listed(f"{name}-plain", {name: server}, secret, loginSeconds=SELDOM))
            own = {"periodSeconds": 0.5, "timeoutSeconds": 0.5, "failureThreshold": 1, "loginSeconds": SELDOM}
            services.append(listed(f"{name}-asking", {name: server}, secret, block=QUERIES[name], **own))
        with watched(tmp_path, running, *services, period=PERIOD) as made:
            yield made


def _one_session(stage: Watched, name: str) -> set[int]:
    wait_until(lambda: len(stage.sessions(name)) == 1, 10, f"one session on {name}")
    return stage.sessions(name)


@pytest.mark.parametrize("name", ["mariadb", "redis"])
def test_services_that_list_the_same_host_share_one_session(stage: Watched, name: str) -> None:
    """Both ask over it, each in its own words and its own time, and each is judged by its own."""
    asking, plain, after = f"default/{name}-asking", f"default/{name}-plain", stage.now()
    session = _one_session(stage, name)
    switch(stage, name, off=True)
    left = stage.daemon.wait_log("host.not_ready", after=after, host=name)
    assert (left["service"], left["streak"]) == (asking, 1)
    stage.wait_probes(name, 15, stage.now())
    assert (stage.row(plain, name)["verdict"], stage.row(asking, name)["verdict"]) == ("ready", "not-ready")
    assert stage.sessions(name) == session
    switch(stage, name, off=False)
    stage.wait_ok()
    assert stage.sessions(name) == session
    assert {line["service"] for line in stage.verdicts(after)} == {asking}


def switch(stage: Watched, name: str, *, off: bool) -> None:
    if name == "redis":
        stage.redis(name).command(*(("SET", "switch", "1") if off else ("DEL", "switch")))
    else:
        stage.mariadb(name).sql(f"SET GLOBAL read_only = {int(off)}")


def test_session_ends_politely_with_the_last_service_that_lists_the_host(stage: Watched) -> None:
    """Out of the file, out of the server's books: by COM_QUIT, with no counter of broken connections moved."""
    server = stage.mariadb("mariadb")
    session = _one_session(stage, "mariadb")
    before = [server.status(name) for name in BROKEN]
    rewrite(stage, without={"mariadb-asking"})
    stage.wait_probes("mariadb", 5, stage.now())
    assert stage.sessions("mariadb") == session, "the other Service still asks over it"
    rewrite(stage, without={"mariadb-asking", "mariadb-plain"})
    wait_until(lambda: not stage.sessions("mariadb"), 10, "the session to end")
    wait_until(lambda: server.status("Threads_connected") == 1, 10, "its thread to end")
    assert [server.status(name) for name in BROKEN] == before
    assert len(stage.sessions("redis")) == 1
    assert stage.daemon.stop() == 0
    wait_until(lambda: not stage.sessions("redis"), 10, "the daemon's own end to take the rest")


def rewrite(stage: Watched, without: set[str]) -> None:
    after = stage.now()
    loaded = json.loads(stage.daemon.config.read_text())
    loaded["services"] = [one for one in loaded["services"] if one["name"] not in without]
    stage.daemon.config.write_text(json.dumps(loaded))
    stage.daemon.wait_log("config.reloaded", after=after)
