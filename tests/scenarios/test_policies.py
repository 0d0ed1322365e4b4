"""What a Service publishes when its hosts fail together, are in maintenance, or cannot be known from the start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.configuration import at, file, service
from lab.history import History
from lab.mooring import Daemon
from lab.process import start_all
from lab.servers import Mariadb, Redis
from lab.swapped import swap_text
from lab.waiting import wait_until

pytestmark = pytest.mark.needs_servers

ONE, TWO, RESTING = "10.20.0.21", "10.20.0.22", "10.20.0.23"
EMPTIES, KEEPS, MIXED = "default/empties", "default/keeps", "default/mixed"
ALL = (EMPTIES, KEEPS, MIXED)


@dataclass(frozen=True)
class Stage:
    """Three Redis servers, and three Services that list them.

    ``empties`` and ``keeps`` list all, with either policy; ``mixed`` keeps too, and has the second in maintenance.
    """

    servers: tuple[Redis, ...]
    daemon: Daemon
    history: History

    def found(self, key: str) -> dict[str, Any]:
        name = key.partition("/")[2]
        services: list[dict[str, Any]] = self.daemon.status()["services"]
        return next(found for found in services if found["name"] == name)

    def row(self, key: str, address: str) -> dict[str, Any]:
        rows: list[dict[str, Any]] = self.found(key)["hosts"]
        return next(row for row in rows if row["address"] == address)


@pytest.fixture(scope="module")
def redis() -> Iterator[tuple[Redis, ...]]:
    with ExitStack() as undo:
        servers = tuple(Redis() for _ in range(3))
        for server in servers:
            undo.callback(server.close)
        start_all(*servers)
        yield servers


@pytest.fixture
def stage(redis: tuple[Redis, ...], tmp_path: Path) -> Iterator[Stage]:
    """All servers run, and every host is published as its Service says."""
    for server in redis:
        if not server.running:
            server.start()
    with History(tmp_path) as history, Daemon(text(redis), tmp_path, args=("--log-level", "debug")) as daemon:
        daemon.wait_ready(EMPTIES, [ONE, TWO])
        daemon.wait_ready(KEEPS, [ONE, TWO])
        daemon.wait_ready(MIXED, [ONE])
        made = Stage(redis, daemon, history)
        wait_until(lambda: made.row(MIXED, RESTING)["verdict"] == "ready", 10, "every verdict")
        wait_until(lambda: [made.history.of(key)[-1].ready for key in ALL] == [[ONE, TWO]] * 2 + [[ONE]], 10, "history")
        yield made
        assert history.missed == 0


def text(redis: tuple[Redis, ...]) -> str:
    resting = at(RESTING, redis[2], maintenance=True)
    hosts = [at(ONE, redis[0]), at(TWO, redis[1]), resting]
    mixed = [hosts[0], {**hosts[1], "maintenance": True}, resting]
    return file(
        service("empties", "redis", hosts),
        service("keeps", "redis", hosts, whenAllFail="keepLast"),
        service("mixed", "redis", mixed, whenAllFail="keepLast"),
    )


def test_host_in_maintenance_is_probed_and_never_ready(stage: Stage) -> None:
    """It is shown with its verdict, published as not ready, and was never ready in any version."""
    row = stage.row(KEEPS, RESTING)
    assert (row["verdict"], row["published"], row["maintenance"], row["reason"]) == ("ready", "not-ready", True, "ok")
    written = len(stage.history.all())
    stage.servers[2].kill()
    assert stage.daemon.wait_log("host.not_ready", address=RESTING)["reason"] == "refused"
    assert stage.row(KEEPS, RESTING)["verdict"] == "not-ready"
    stage.servers[2].start()
    stage.daemon.wait_log("host.ready", address=RESTING, before="not-ready")
    assert not any(RESTING in version.ready for version in stage.history.all())
    assert len(stage.history.all()) == written, "its ups and downs are no writes"


@pytest.mark.fault(
    "host",
    "All hosts die under `whenAllFail: keepLast`",
    "The stored ready set stays, loudly; with `publishNone` the Service is empty.",
    within="F x P + T",
)
def test_all_dead_empties_or_keeps_as_the_policy_says(stage: Stage) -> None:
    """PublishNone empties the Service, keepLast keeps what was stored and says so; both recover by themselves."""
    before = stage.history.of(KEEPS), len(stage.daemon.output)
    for server in stage.servers:
        server.kill()
    stage.daemon.wait_ready(EMPTIES, [])
    assert stage.daemon.not_ready(EMPTIES) == [ONE, TWO, RESTING]
    kept = stage.daemon.wait_log("service.kept_last", service=KEEPS)
    assert kept["level"] == "error"
    wait_until(lambda: stage.found(KEEPS)["keptLast"], 10, "the status to say so")
    last = stage.daemon.ready(KEEPS)
    assert set(last) <= {ONE, TWO}
    assert kept["addresses"] == last
    assert last
    wait_until(lambda: stage.found(EMPTIES)["ready"] == 0, 10, "the status to say that it is empty")
    assert not stage.found(EMPTIES)["keptLast"]
    for server in stage.servers:
        server.start()
    for key in (EMPTIES, KEEPS):
        stage.daemon.wait_ready(key, [ONE, TWO])
    wait_until(lambda: not stage.found(KEEPS)["keptLast"], 10, "the status to be well again")
    assert len(stage.daemon.logs("service.kept_last", service=KEEPS, after=before[1])) == 1, "told once"
    assert all(version.ready for version in stage.history.of(KEEPS)[len(before[0]) :])


@pytest.mark.fault(
    "host",
    "Hosts die one after the other under `keepLast`",
    "Those that were ready last stay, over a restart too.",
    within="they stay",
)
def test_the_last_that_died_is_kept(stage: Stage) -> None:
    """KeepLast keeps those who were ready last, not those who left before them, also over a restart."""
    stage.servers[0].kill()
    stage.daemon.wait_ready(KEEPS, [TWO])
    stage.servers[1].kill()
    stage.daemon.wait_log("service.kept_last", service=KEEPS)
    assert stage.daemon.ready(KEEPS) == [TWO]
    stage.daemon.kill()
    after = len(stage.daemon.output)
    stage.daemon.start()
    stage.daemon.wait_log("service.kept_last", service=KEEPS, after=after)
    assert stage.daemon.ready(KEEPS) == [TWO]
    stage.daemon.wait_ready(EMPTIES, [])


def test_maintenance_outweighs_keeping(stage: Stage) -> None:
    """KeepLast never keeps a host in maintenance: with the other one dead, only that one stays."""
    stage.servers[0].kill()
    stage.daemon.wait_log("service.kept_last", service=MIXED)
    assert (stage.daemon.ready(MIXED), stage.daemon.not_ready(MIXED)) == ([ONE], [TWO, RESTING])
    stage.servers[0].start()


def test_one_probe_feeds_every_service(stage: Stage) -> None:
    """Three Services list each server, and it is still asked once a period."""
    after = len(stage.daemon.output)
    wait_until(lambda: turns(stage, 0, after) >= 10, 10, "ten rounds")
    ports = [line["port"] for line in stage.daemon.logs("probe", after=after)]
    assert ports.count(stage.servers[1].port) <= ports.count(stage.servers[0].port) + 3


def turns(stage: Stage, number: int, after: int) -> int:
    return len(stage.daemon.logs("probe", after=after, port=stage.servers[number].port))


@pytest.fixture
def mariadb() -> Iterator[Mariadb]:
    with Mariadb(accounts={"mooring": "right"}) as server:
        yield server


@pytest.mark.fault(
    "account",
    "The password is wrong from the start",
    "Not ready; the first definite word decides.",
    within="the first outcome",
)
def test_host_that_was_never_known_waits_for_a_word(mariadb: Mariadb, tmp_path: Path) -> None:
    """With a wrong password from the start it is listed as not ready; the first definite word then decides."""
    secret = tmp_path / "password"
    secret.write_text("wrong")
    block = {"user": "mooring", "passwordFile": str(secret)}
    text = file(service("db", "mysql", [at(ONE, mariadb)], block=block), period=4)  # the first word is no silence
    with Daemon(text, tmp_path / "state") as daemon:
        told = daemon.wait_log("host.unknown")
        assert told["reason"] == "auth"
        assert "1045" in told["message"]
        wait_until(lambda: daemon.not_ready("default/db") == [ONE], 10, "its place among those not ready")
        assert daemon.get("/readyz")[0] == 200
        swap_text(secret, "right")
        admitted = daemon.wait_log("host.ready")
        assert (admitted["before"], admitted["streak"]) == ("never-judged", 1)
        daemon.wait_ready("default/db", [ONE])
        assert "wrong" not in "".join(daemon.output)
