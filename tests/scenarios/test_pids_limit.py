"""A real pids limit: the process may have no thread more. What needs one is unknown, and the daemon goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.configuration import file, service
from lab.mooring import Daemon
from lab.servers import Redis
from lab.waiting import wait_until
from support.session_counts import started
from support.threads_limit import Group, limited

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_servers]

SERVERS, EACH = 4, 15
KEY = "default/many"
TOO_FEW = 5
FEW = 14
"""Threads that do for all but a login."""


@pytest.fixture
def group() -> Iterator[Group]:
    with limited() as made:
        yield made


def addresses(number: int) -> list[str]:
    return [f"127.0.{20 + number}.{host}" for host in range(1, EACH + 1)]


@pytest.fixture(scope="module")
def servers() -> Iterator[list[Redis]]:
    made = {f"db{n}": Redis(extra=[f"bind {' '.join(['127.0.0.1', *addresses(n)])}"]) for n in range(SERVERS)}
    with started(**made):
        yield list(made.values())


def text(servers: list[Redis], count: int) -> str:
    """The first hosts of all."""
    ways = [(way, server.port) for number, server in enumerate(servers) for way in addresses(number)]
    hosts = [
        {"address": f"10.20.0.{place}", "probeAddress": way, "probePort": port}
        for place, (way, port) in enumerate(ways[:count], 1)
    ]
    return file(service("many", "redis", hosts), period=0.5)


def mooring(servers: list[Redis], count: int, folder: Path, group: Group) -> Daemon:
    return Daemon(text(servers, count), folder, program=group.holding(), args=("--log-level", "debug"))


def wait_all(daemon: Daemon, count: int) -> None:
    wait_until(lambda: len(daemon.ready(KEY)) == count, 30, f"{count} hosts to be ready")


def assert_goes_on(daemon: Daemon, group: Group) -> None:
    """A thread was refused, which is no host's fault, and a kubelet that asks is answered."""
    daemon.wait_log("host.unknown", reason="local", timeout=20)
    assert group.refused() > 0
    for _ in range(5):
        assert daemon.get("/livez")[0] == 200
    assert daemon.status()["services"]
    assert daemon.logs("host.not_ready") == []


@pytest.mark.fault(
    "mooring",
    "It may make no more threads (pids limit) at a reload",
    "Hosts without one are `unknown: local`; nobody leaves.",
    within="nothing moves",
)
def test_a_reload_that_needs_more_threads_than_there_may_be(tmp_path: Path, servers: list[Redis], group: Group) -> None:
    """Hosts that no thread is left for are `unknown: local` until one is; nobody leaves, and the daemon goes on."""
    with mooring(servers, 4, tmp_path, group) as daemon:
        wait_all(daemon, 4)
        group.limit(1)  # no thread more; those that it has live on
        daemon.config.write_text(text(servers, SERVERS * EACH))
        assert_goes_on(daemon, group)
        wait_all(daemon, SERVERS * EACH)
        assert daemon.logs("host.not_ready") == []


@pytest.mark.fault(
    "mooring",
    "It may make no thread for a login at its start",
    "What was published stays; with room every host is judged.",
    within="nothing moves",
)
def test_a_start_without_a_thread_for_any_login(tmp_path: Path, servers: list[Redis], group: Group) -> None:
    """What was published stays as it was, however long; with room again every host is judged, without a restart."""
    with mooring(servers, SERVERS * EACH, tmp_path, group) as daemon:
        wait_all(daemon, SERVERS * EACH)
        daemon.kill()
        group.limit(FEW)
        after = len(daemon.output)
        daemon.start()
        daemon.wait_log("host.unknown", reason="local", after=after, timeout=20)
        refused = group.refused()
        wait_until(lambda: group.refused() >= refused + SERVERS * EACH, 20, "one more turn of probes")
        assert_goes_on(daemon, group)
        assert len(daemon.ready(KEY)) == SERVERS * EACH
        group.limit("max")
        wait_until(lambda: reasons(daemon) == {"ok"}, 30, "every host to be judged")
        assert daemon.logs("endpoints.written", after=after) == []


@pytest.mark.fault(
    "mooring",
    "It may not make the threads that every daemon has",
    "Its start is tried again, after 1, 2, 4 ... 30 s; nothing that is published moves.",
    within="30 s after there is room",
)
def test_a_start_without_the_threads_that_every_daemon_has(tmp_path: Path, servers: list[Redis], group: Group) -> None:
    """It says what to raise, and is tried again in the same process until there is room; no traceback."""
    group.limit(TOO_FEW)
    with mooring(servers, 1, tmp_path, group) as daemon:
        lacks = "cannot start: this process may have no thread more"
        wait_until(lambda: any(lacks in line for line in daemon.output), 30, "its reason")
        group.limit("max")
        wait_all(daemon, 1)
        assert not any("Traceback" in line for line in daemon.output)


def reasons(daemon: Daemon) -> set[str]:
    return {host["reason"] for one in daemon.status()["services"] for host in one["hosts"]}
