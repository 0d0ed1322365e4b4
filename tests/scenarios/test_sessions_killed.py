"""A killed process is not ready long before its next turn."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from lab.servers import Mariadb, Redis
from support.session_counts import ACCOUNTS, Watched, listed, started, watched, written

pytestmark = pytest.mark.needs_servers

PERIOD = 20.0
TWO = "10.20.0.2"
SOON_SECONDS = 10.0
"""It is 0.1 s; a busy machine may take longer, and whoever waits for turns takes two periods at least."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    directory = tmp_path_factory.mktemp("killed")
    secret = written(directory)
    databases = {"db1": Mariadb(accounts=ACCOUNTS), "db2": Mariadb(accounts=ACCOUNTS)}
    caches = {"db3": Redis(accounts=ACCOUNTS), "db4": Redis(accounts=ACCOUNTS)}
    with started(**databases, **caches) as running:
        services = listed("mysql", databases, secret), listed("redis", caches, secret)
        with watched(directory, running, *services, period=PERIOD, timeout=5.0) as made:
            yield made


@pytest.mark.fault(
    "host",
    "Its process is killed",
    "It leaves after F refused connections, spaced by `edgeSeconds`.",
    within="(F - 1) x E, and some milliseconds",
)
@pytest.mark.parametrize(
    ("key", "name", "other"), [("default/mysql", "db1", TWO), ("default/redis", "db3", TWO)], ids=["mariadb", "redis"]
)
def test_killed_process_leaves_at_once(stage: Watched, key: str, name: str, other: str) -> None:
    """Three fresh probes are refused, spaced by edgeSeconds and not by the period, and the host is published out."""
    after, died_at = stage.now(), time.monotonic()
    stage.servers[name].kill()
    left = stage.daemon.wait_log("host.not_ready", after=after, host=name)
    took = time.monotonic() - died_at
    assert (left["reason"], left["streak"]) == ("refused", 3)
    assert took < SOON_SECONDS
    seen = stage.probes(name, after)[:3]
    assert [(line["edge"], line["witness"]) for line in seen] == [(True, False)] * 3
    assert {line["reason"] for line in seen} <= {"refused", "reset"}, "a dying server resets before it refuses"
    stage.daemon.wait_ready(key, [other])
    assert not stage.daemon.logs("blind.start", after=after), "one death among others is no blindness"
    print(f"{name}: not ready {took * 1000:.0f} ms after its death")  # noqa: T201 -- shown when it fails
