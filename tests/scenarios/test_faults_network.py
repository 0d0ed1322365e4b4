"""Faults of the network before real servers: the reason that a user is told, and what is published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lab.configuration import file, service
from lab.mooring import Daemon, timely
from lab.network import Host
from lab.waiting import wait_until
from support.two_by_two import Scene, scene, service_of

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_servers]

MARIADB, REDIS = "db1", "db3"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("network")) as made:
        yield made


@pytest.fixture
def healthy(stage: Scene) -> Iterator[Scene]:
    """The scene with every host published; whatever a test did to its network is taken back."""
    stage.wait_healthy()
    yield stage
    for host in stage.network.hosts:
        host.heal()


FAULTS = [
    pytest.param(Host.drop, "timeout", id="drop"),
    pytest.param(Host.drop_new, "timeout", id="drop-new-connections"),
    pytest.param(lambda host: host.reject("host-unreachable"), "unreachable", id="reject-host-unreachable"),
    pytest.param(lambda host: host.reject("admin-prohibited"), "unreachable", id="reject-prohibited"),
    pytest.param(lambda host: host.reject("port-unreachable"), "refused", id="reject-port-unreachable"),
    pytest.param(lambda host: host.reject("tcp-reset"), "refused", id="reject-by-reset"),
    pytest.param(Host.link_down, "timeout", id="link-down"),
]


@pytest.mark.fault(
    "network",
    "One host cannot be reached: dropped, rejected, or its link down",
    "It leaves at the third failure, alone, and returns once it is reached.",
    within="F x P + T",
)
@pytest.mark.parametrize("name", [pytest.param(MARIADB, id="mariadb"), pytest.param(REDIS, id="redis")])
@pytest.mark.parametrize(("fault", "reason"), FAULTS)
def test_host_that_cannot_be_reached_leaves_and_returns(
    healthy: Scene, name: str, fault: Callable[[Host], None], reason: str
) -> None:
    """It leaves at the third failure with the reason told, nobody else moves, and it returns once it is reached."""
    before, after, key = healthy.versions(), healthy.now(), service_of(name)
    address, host = healthy.host(name).address, healthy.host(name)
    others = [other for other in healthy.addresses(key) if other != address]
    fault(host)
    left = healthy.daemon.wait_log("host.not_ready", after=after, host=name)
    assert (left["reason"], left["streak"], left["service"], left["address"]) == (reason, 3, key, address)
    healthy.daemon.wait_ready(key, others)
    assert healthy.daemon.not_ready(key) == [address]
    wait_until(lambda: healthy.row(name)["published"] == "not-ready", 5, "the status to follow")
    assert healthy.row(name)["verdict"] == "not-ready"
    host.heal()
    back = healthy.daemon.wait_log("host.ready", after=after, host=name)
    assert (back["reason"], back["streak"]) == ("ok", 2)
    healthy.wait_healthy()
    new = {one: versions[len(before[one]) :] for one, versions in healthy.versions().items()}
    assert [version.ready for version in new.pop(key)] == [others, healthy.addresses(key)]
    assert set(map(len, new.values())) == {0}, "another Service was written"


@pytest.mark.fault(
    "network",
    "A host is silent, with a timeout as long as the period",
    "It loses no turn: found out, and back, as fast as a dead one.",
    within="F x P + T",
)
def test_silent_host_is_asked_as_often_as_any(healthy: Scene) -> None:
    """A timeout as long as the period costs a silent host no turn: it is found out, and back, as fast as a dead one."""
    healthy.host(MARIADB).drop()
    after = healthy.now()
    healthy.wait_probes(MARIADB, 12, reason="timeout")
    lines = healthy.daemon.logs(after=after)
    silent, sound = (probed(lines, healthy.host(name).address) for name in (MARIADB, "db2"))
    assert sound - silent <= 5
    late = len(probes(lines)) - len(timely(probes(lines)))
    assert len([line for line in lines if line["event"] == "probe.overrun"]) <= 2 + late, "told once a probe"


def probes(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] == "probe"]


def probed(lines: list[dict[str, Any]], address: str) -> int:
    return len([line for line in probes(lines) if line["address"] == address])


def shows(stage: Scene, name: str, *state: str) -> bool:
    """Whether verdict, published and reason of the host are these in the status."""
    row = stage.row(name)
    return (row["verdict"], row["published"], row["reason"]) == state


@pytest.mark.fault(
    "network",
    "Mooring is cut off from every host",
    "It is blind, says so loudly, and moves nothing.",
    within="nothing moves",
)
def test_cut_off_daemon_moves_nothing(healthy: Scene) -> None:
    """Every host silent at once is the daemon's own trouble: it says so loudly, and no manifest is touched."""
    before, after = healthy.versions(), healthy.now()
    healthy.host("node").drop()
    assert healthy.daemon.wait_log("blind.start", after=after)["level"] == "error"
    healthy.wait_probes(MARIADB, 6, reason="timeout")
    for name in healthy.servers:
        wait_until(partial(shows, healthy, name, "ready", "ready", "blind"), 10, f"{name} to be shown as blind")
    healthy.host("node").heal()
    healthy.daemon.wait_log("blind.end", after=after)
    healthy.wait_healthy()
    assert healthy.versions() == before
    assert not healthy.daemon.logs("host.not_ready", after=after)


@pytest.mark.fault(
    "network",
    "A host dies while Mooring is cut off",
    "It leaves once the others answer.",
    within="F x P + T after that",
)
def test_host_that_dies_while_all_are_silent_leaves_afterwards(healthy: Scene) -> None:
    """Blindness hides a death only as long as it lasts: once the others answer, the dead host leaves."""
    after = healthy.now()
    healthy.host("node").drop()
    healthy.daemon.wait_log("blind.start", after=after)
    healthy.host(MARIADB).drop()
    healthy.host("node").heal()
    left = healthy.daemon.wait_log("host.not_ready", after=after)
    assert (left["host"], left["reason"], left["streak"]) == (MARIADB, "timeout", 3)
    healthy.daemon.wait_ready("default/mysql", [healthy.host("db2").address])
    assert len(healthy.daemon.logs("host.not_ready", after=after)) == 1


@pytest.mark.fault(
    "network",
    "All hosts of one Service are silent, and another Service answers",
    "All of them leave: that is no blindness.",
    within="F x P + T",
)
def test_whole_service_may_fall_silent(healthy: Scene) -> None:
    """Every host of one Service silent, while another Service answers, is no blindness: all of them leave."""
    after = healthy.now()
    for name in ("db1", "db2"):
        healthy.host(name).drop()
    healthy.daemon.wait_ready("default/mysql", [])
    assert healthy.daemon.not_ready("default/mysql") == healthy.addresses("default/mysql")
    for name in ("db1", "db2"):
        assert healthy.daemon.wait_log("host.not_ready", after=after, host=name)["reason"] == "timeout"
    assert not healthy.daemon.logs("blind.start", after=after)


@pytest.mark.fault(
    "network", "Mooring's own link is down", "`unknown: local`; every host stays.", within="nothing moves"
)
def test_own_link_down_is_our_fault(healthy: Scene) -> None:
    """Without a route of its own the daemon knows nothing of its hosts: they stay, shown as unknown: local."""
    before, after = healthy.versions(), healthy.now()
    healthy.host("node").link_down()
    for name in healthy.servers:
        assert healthy.daemon.wait_log("host.unknown", after=after, host=name, reason="local")["level"] == "warning"
    healthy.wait_probes(MARIADB, 6, reason="local")
    assert shows(healthy, MARIADB, "ready", "ready", "local")
    healthy.host("node").heal()
    healthy.wait_healthy()
    assert healthy.versions() == before


@pytest.mark.fault("network", "A machine is switched off", "Silent or unreachable: it leaves.", within="F x P + T")
def test_machine_that_is_switched_off_is_no_fault_of_ours(stage: Scene, tmp_path: Path) -> None:
    """An address that nobody has on our own network is silent or unreachable; one without a route is unknown."""
    off, elsewhere = "10.77.0.99", "10.78.0.99"
    text = file(service("off", "tcp", [off]), service("elsewhere", "redis", [elsewhere]), period=0.2)
    args = ("--log-level", "debug", "--listen", "none")
    with Daemon(text, tmp_path, netns=stage.network.node.netns, args=args) as daemon:
        daemon.wait_log("host.not_ready", address=off)
        daemon.wait_log("probe", address=off, reason="unreachable")  # once the neighbour was asked for in vain
        assert {line["reason"] for line in timely(daemon.logs("probe", address=off))} == {"timeout", "unreachable"}
        assert {line["reason"] for line in daemon.logs("probe", address=elsewhere)} == {"local"}
        assert daemon.wait_log("host.unknown", address=elsewhere)["reason"] == "local"
        wait_until(lambda: daemon.not_ready("default/off") == [off], 10, "it to be published as not ready")


def test_every_version_was_seen(healthy: Scene) -> None:
    """The assertions above are about every version that was ever published, not about a sample."""
    assert healthy.history.missed == 0
