"""Servers that take no new login while the session that is held there answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from lab.servers import Mariadb, Redis
from lab.waiting import wait_until
from support.full_server import full, full_redis
from support.session_counts import ACCOUNTS, PASSWORD, USER, Watched, listed, started, watched, written

pytestmark = pytest.mark.needs_servers

PERIOD, LOGIN = 0.2, 1.0
PATIENT = 20
"""The failureThreshold of the pair: 4 s, in which the full logins of both its hosts have found out."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    directory = tmp_path_factory.mktemp("full")
    secret = written(directory)
    one, two, three = (Redis(accounts=ACCOUNTS) for _ in range(3))
    with started(db=Mariadb(accounts=ACCOUNTS), one=one, two=two, three=three) as running:
        services = [
            listed("alone-mysql", {"db": running["db"]}, secret),
            listed("alone-redis", {"three": three}, secret),
            listed("strict-mysql", {"db": running["db"]}, secret, whenSaturated="fail"),
            listed("strict-redis", {"three": three}, secret, whenSaturated="fail"),
            listed("pair", {"one": one, "two": two}, secret, failureThreshold=PATIENT),
        ]
        with watched(directory, running, *services, period=PERIOD, loginSeconds=LOGIN) as made:
            yield made


def _shows(stage: Watched, key: str, host: str) -> tuple[str, str]:
    row = stage.row(key, host)
    return row["reason"], row["verdict"]


@pytest.mark.fault(
    "host",
    "It has no connection left, and no other host is ready",
    "`saturated` is shown, and it stays.",
    within="shown after 1.1 x L + P + T",
)
@pytest.mark.parametrize(("kind", "name"), [("mysql", "db"), ("redis", "three")])
def test_full_house_stays_when_it_is_alone(stage: Watched, kind: str, name: str) -> None:
    """The next full login finds it: shown as saturated, kept where the Service has no other host, out where it asks."""
    keep, strict, after = f"default/alone-{kind}", f"default/strict-{kind}", stage.now()
    with full(stage.servers[name], USER, PASSWORD, LOGIN):
        left = stage.daemon.wait_log("host.not_ready", after=after, service=strict, timeout=20)
        assert (left["reason"], left["streak"]) == ("saturated", 3)
        stage.wait_probes(name, 10, stage.now(), reason="saturated")
        assert _shows(stage, keep, name) == ("saturated", "ready")
        assert stage.daemon.ready(keep) == ["10.20.0.1"]
    stage.wait_ok()
    assert stage.daemon.logs("host.not_ready", after=after, service=keep) == []
    assert not stage.probes(name, after, edge=True), "the session that answers is not given up for want of another"


@pytest.mark.fault(
    "host",
    "It has no connection left, and another host has",
    "It leaves, and comes back with room for a login.",
    within="1.1 x L + P + T, then F x P",
)
def test_full_house_goes_once_another_host_takes_logins(stage: Watched) -> None:
    """Both hosts of a Service full: both stay. One gives connections again: the other leaves, and comes back."""
    after, key = stage.now(), "default/pair"
    with ExitStack() as houses:
        houses.enter_context(full_redis(stage.redis("one")))
        second = houses.enter_context(ExitStack())
        second.enter_context(full_redis(stage.redis("two")))
        for name in ("one", "two"):
            stage.wait_probes(name, 1, after, reason="saturated")
        wait_until(lambda: _shows(stage, key, "two") == ("saturated", "ready"), 10, "both to be shown")
        counted = stage.row(key, "one")["consecutive"], stage.row(key, "two")["consecutive"]
        stage.wait_probes("one", PATIENT // 2, stage.now(), reason="saturated")
        assert (stage.row(key, "one")["consecutive"], stage.row(key, "two")["consecutive"]) == counted
        assert stage.daemon.logs("host.not_ready", after=after, service=key) == []
        second.close()
        left = stage.daemon.wait_log("host.not_ready", after=after, service=key, timeout=30)
        assert (left["host"], left["reason"]) == ("one", "saturated")
        stage.daemon.wait_ready(key, ["10.20.0.2"])
    stage.wait_ok()
    assert len(stage.daemon.logs("host.not_ready", after=after, service=key)) == 1
