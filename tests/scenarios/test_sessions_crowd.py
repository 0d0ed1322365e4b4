"""Very many sessions: lost together, and more of them than descriptors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.configuration import file, service
from lab.mooring import PROGRAM, Daemon, timely
from lab.network import Network
from lab.servers import Redis
from lab.waiting import wait_until
from support.login_burst import Rush
from support.session_counts import OK

CROWD = 500
LOGINS = 50
BACK_SECONDS = 30
BESIDES = 60
"""Descriptors that the daemon has open besides sessions and logins: its own files, pipes, door."""
MANY, FEW = 100, 64
"""Hosts, and descriptors that are not enough for them."""


def addresses(count: int) -> list[str]:
    return [f"127.1.{number // 250}.{number % 250 + 1}" for number in range(count)]


def config(where: list[str], port: int, **check: Any) -> str:
    hosts = [
        {"address": f"10.20.{number // 250}.{number % 250 + 1}", "probeAddress": address, "probePort": port}
        for number, address in enumerate(where)
    ]
    return file(service("many", "redis", hosts, check=check), period=2.0, timeout=1.0)


def outcomes(daemon: Daemon) -> set[tuple[str, str]]:
    return {(row["reason"], row["verdict"]) for row in daemon.status()["services"][0]["hosts"]}


def fallen(daemon: Daemon) -> list[str]:
    """Hosts that were ready, and are not; on a busy machine the first look at one of 500 may come too late."""
    return [line["host"] for line in daemon.logs("host.not_ready") if line["before"] == "ready"]


def descriptors(daemon: Daemon) -> int:
    return len(list(Path(f"/proc/{daemon.pid}/fd").iterdir()))


@pytest.mark.fault(
    "host",
    "500 sessions end at once",
    "50 logins at most are under way, and no host leaves.",
    within="all are back in 30 s",
)
def test_sessions_lost_together_come_back_in_turn(tmp_path: Path) -> None:
    """500 at once, each login a tenth of a second: never more than 50 under way, all back in 30 s, no host falls."""
    where = addresses(CROWD)
    with Rush(where, seconds=0.1) as rush, Daemon(config(where, rush.port), tmp_path) as daemon:
        daemon.wait_log("daemon.started", timeout=30)
        wait_until(lambda: outcomes(daemon) == {OK}, BACK_SECONDS, "every host to be well")
        logins = rush.reset()["logins"]
        wait_until(lambda: rush.look()["logins"] >= logins + CROWD, BACK_SECONDS, "every session to be back", every=0.1)
        wait_until(lambda: rush.look()["held"] == CROWD, BACK_SECONDS, "every session to be held")
        assert LOGINS / 2 < rush.look()["most"] <= LOGINS
        assert descriptors(daemon) <= CROWD + LOGINS + BESIDES
        wait_until(lambda: outcomes(daemon) == {OK}, 10, "every host to be well again")
        assert fallen(daemon) == []


@pytest.mark.needs_root
@pytest.mark.needs_servers
def test_sessions_that_a_real_server_ends_together_are_back(tmp_path: Path) -> None:
    """500 addresses of one Redis, and an administrator who ends every connection."""
    with (
        Network(hosts=0) as network,
        Redis(netns=network.node.netns, address="0.0.0.0") as redis,
        Daemon(config(addresses(CROWD), redis.port), tmp_path, netns=network.node.netns) as daemon,
    ):
        daemon.wait_log("daemon.started", timeout=30)
        wait_until(lambda: outcomes(daemon) == {OK}, BACK_SECONDS, "every host to be well")
        wait_until(lambda: len(clients(redis)) == CROWD, BACK_SECONDS, "one session each")
        before = clients(redis)
        redis.command("CLIENT", "KILL", "TYPE", "normal")
        wait_until(lambda: len(clients(redis) - before) == CROWD, BACK_SECONDS, "every session to be back", every=0.1)
        wait_until(lambda: outcomes(daemon) == {OK}, 10, "every host to be well again")
        assert fallen(daemon) == []


def clients(redis: Redis) -> set[str]:
    """The numbers of the connections over TCP."""
    lines = str(redis.command("CLIENT", "LIST")).splitlines()
    return {line.split()[0] for line in lines if redis.control.name not in line}


def limited(soft: int, hard: int) -> tuple[str, ...]:
    return ("prlimit", f"--nofile={soft}:{hard}", *PROGRAM)


@pytest.mark.fault(
    "mooring",
    "It has too few file descriptors",
    "Hosts that cannot be asked are `unknown: local`, and stay.",
    within="nothing moves",
)
def test_too_few_descriptors_are_our_own_trouble(tmp_path: Path) -> None:
    """At ulimit -n the hosts that cannot be asked are unknown: local, and all of them stay as they were published."""
    where = addresses(MANY)
    with Rush(where) as rush:
        text = config(where, rush.port)
        with Daemon(text, tmp_path) as daemon:
            wait_until(lambda: len(daemon.ready("default/many")) == MANY, 30, "every host to be published")
            published = daemon.ready("default/many")
        with Daemon(text, tmp_path, program=limited(FEW, FEW), args=("--log-level", "debug")) as daemon:
            wait_until(lambda: len(daemon.logs("probe", reason="local")) >= MANY, 60, "probes to find no room")
            assert {line["reason"] for line in daemon.logs("probe")} == {"ok", "local"}
            daemon.wait_log("host.unknown", reason="local", message="Too many open files (on our side, connecting)")
            assert not daemon.logs("host.not_ready")
            assert daemon.ready("default/many") == published
            assert daemon.running


def test_soft_limit_of_descriptors_is_raised(tmp_path: Path) -> None:
    """Where the hard limit allows for every session, a low soft one is in nobody's way."""
    where = addresses(MANY)
    args = ("--log-level", "debug")
    with (
        Rush(where) as rush,
        Daemon(config(where, rush.port), tmp_path, program=limited(FEW, 4096), args=args) as daemon,
    ):
        told = daemon.wait_log("descriptors")
        assert (told["before"], told["limit"]) == (FEW, 4096)
        daemon.wait_log("daemon.started")
        wait_until(lambda: outcomes(daemon) == {OK}, 30, "every host to be well")
        assert rush.look()["held"] >= MANY
        assert not timely(daemon.logs("probe", reason="local"))
