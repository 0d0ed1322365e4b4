"""The Services of a real group of MySQL: the writer follows the group, whichever way its primary leaves."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.network import Host, Network, inside
from lab.topologies.group import ROOT, GroupMember, GroupReplication
from lab.topologies.topology import PASSWORD, PROBER
from lab.waiting import wait_until
from mooring.model.facts import Facts
from support.probe_once import ask
from support.replication_daemon import RW, Moored, moored

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_packages(ROOT)]

PERIOD = 0.2
SECONDS = 60.0
"""What an election may take on a busy machine: a silent member is suspected after 5 s."""
IN_CLEAR = {"serverPublicKey": "request"}
SECOND_ADDRESS = "10.77.0.111"
REFUSES = {3100, 1290}
"""A member that is leaving, and one that is read-only (root as well: ``super_read_only``)."""


@dataclass(frozen=True)
class Elsewhere:
    """Another address of a server."""

    address: str
    port: int


@dataclass
class Lab:
    """One group for all tests, each member on a host of its own."""

    network: Network
    group: GroupReplication

    @property
    def primary(self) -> GroupMember:
        found = self.group.primary()
        assert found
        return found

    def others(self, member: GroupMember) -> list[GroupMember]:
        return [one for one in self.group.servers if one is not member]

    def host(self, member: GroupMember) -> Host:
        return next(host for host in self.network.hosts if host.address == member.address)

    def part(self, member: GroupMember) -> None:
        """Cuts it off from the other members; Mooring and applications reach all of them."""
        others = ",".join(other.address for other in self.others(member))
        chain = f"type filter hook input priority 0; ip saddr {{ {others} }} drop;"
        self.host(member).nft(f"table inet ground {{ chain input {{ {chain} }}; }}")

    def facts(self, member: GroupMember, folder: Path, address: str = "") -> Facts:
        (folder / "password").write_text(PASSWORD)
        login: dict[str, Any] = {"user": PROBER, "passwordFile": str(folder / "password"), **IN_CLEAR}
        with inside(self.network.node.netns):
            seen = ask("mysql", address or member.address, member.port, role="primary", **login)
        assert seen.facts, seen
        return seen.facts

    def moored(self, folder: Path) -> contextlib.AbstractContextManager[Moored]:
        netns = self.network.node.netns
        return moored(folder, self.group.servers, "mysql", block=IN_CLEAR, netns=netns, period=PERIOD)


@pytest.fixture(scope="module")
def formed() -> Iterator[Lab]:
    with Network(3) as network, GroupReplication([network[f"db{number}"] for number in (1, 2, 3)]) as group:
        yield Lab(network, group)


@pytest.fixture
def lab(formed: Lab) -> Lab:
    """All three are ONLINE; what a test before this one took out of the group is back."""
    for member in formed.group.servers:
        formed.host(member).heal()
    formed.group.gather()
    return formed


def test_a_member_says_its_part_in_the_group(lab: Lab, tmp_path: Path) -> None:
    """With the documented grants alone; each sees the same group, and who is in it."""
    primary = lab.primary
    said = {member: lab.facts(member, tmp_path) for member in lab.group.servers}
    groups = [facts.group for facts in said.values() if facts.group]
    assert [facts.role for facts in said.values()] == [
        "ONLINE, PRIMARY" if member is primary else "ONLINE, SECONDARY" for member in lab.group.servers
    ]
    assert {group.members for group in groups} == {frozenset(facts.identity for facts in said.values())}
    assert len({group.name for group in groups}) == 1


@pytest.mark.fault(
    "role",
    "The primary of a group stands in the file by two of its addresses",
    "One of them is published, the other is `wrong-role`, without an alarm.",
    within="nothing moves",
)
def test_two_addresses_of_the_primary_are_one_primary(lab: Lab, tmp_path: Path) -> None:
    """A virtual address beside its own: the server's identity shows that both lead to one."""
    primary = lab.primary
    host = lab.host(primary)
    host.ip("address", "add", f"{SECOND_ADDRESS}/24", "dev", "eth0")
    try:
        also = Elsewhere(SECOND_ADDRESS, primary.port)
        assert lab.facts(primary, tmp_path).identity == lab.facts(primary, tmp_path, SECOND_ADDRESS).identity
        with moored(
            tmp_path, [primary, also], "mysql", block=IN_CLEAR, netns=lab.network.node.netns, period=PERIOD
        ) as stage:
            stage.wait_rw(primary)
            wait_until(lambda: stage.reason(RW, also) == "wrong-role", SECONDS, "the other address to be known")
            assert "is the same server as" in stage.row(RW, also)["message"]
            assert stage.daemon.ready(RW) == stage.of(primary)
            assert not stage.daemon.logs("service.split_brain")
    finally:
        host.ip("address", "delete", f"{SECOND_ADDRESS}/24", "dev", "eth0")


@pytest.mark.fault(
    "role",
    "The primary leaves its group (Group Replication)",
    "The new one follows at its first word, while the old one still calls itself the primary. No alarm.",
    within="P + edgeSeconds",
)
def test_a_primary_that_leaves_its_group(lab: Lab, tmp_path: Path) -> None:
    """STOP GROUP_REPLICATION: for seconds it refuses every write and says that it is the primary."""
    old = lab.primary
    with lab.moored(tmp_path) as stage:
        stage.wait_rw(old)
        stage.wait_ro(*lab.others(old))
        with leaving(old):
            new = _follows(lab, stage, old)
            assert old.writes(1) in REFUSES
        assert new.writes(2) is True
        lab.group.rejoin(old)
        stage.wait_ro(*lab.others(new))
        assert not stage.daemon.logs("service.split_brain")


@contextlib.contextmanager
def leaving(member: GroupMember) -> Iterator[None]:
    """STOP GROUP_REPLICATION takes seconds; the group chooses another primary meanwhile."""
    thread = threading.Thread(target=member.leave)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _follows(lab: Lab, stage: Moored, old: GroupMember) -> GroupMember:
    """Waits until Mooring publishes the primary that the others chose, and returns it."""
    others = lab.others(old)
    new = wait_until(
        lambda: lab.group.primary(*others) in others and lab.group.primary(*others), SECONDS, "an election"
    )
    assert new
    stage.wait_rw(new, timeout=SECONDS)
    return new


@pytest.mark.fault(
    "role",
    "The primary of a group dies (Group Replication)",
    "The one that the group chooses follows; the old one comes back as a replica.",
    within="P + edgeSeconds after the election",
)
def test_a_primary_that_dies(lab: Lab, tmp_path: Path) -> None:
    """Kill -9: the group waits 5 s until it expels the dead one and chooses another."""
    old = lab.primary
    with lab.moored(tmp_path) as stage:
        stage.wait_rw(old)
        old.kill()
        stage.daemon.wait_ready(RW, [], timeout=SECONDS)
        new = _follows(lab, stage, old)
        lab.group.rejoin(old)
        stage.wait_ro(*lab.others(new), timeout=SECONDS)
        assert stage.daemon.ready(RW) == stage.of(new)
        assert not stage.daemon.logs("service.split_brain")


@pytest.mark.fault(
    "role",
    "The primary of a group is cut off from the other members (Group Replication)",
    "The one that the majority chooses follows; the old one stays out.",
    within="P + edgeSeconds after the election",
)
def test_a_primary_that_is_cut_off_from_its_group(lab: Lab, tmp_path: Path) -> None:
    """Mooring reaches all three; the old primary lost the majority, and takes no write any more."""
    old = lab.primary
    with lab.moored(tmp_path) as stage:
        stage.wait_rw(old)
        lab.part(old)
        try:
            new = _follows(lab, stage, old)
            assert not stage.daemon.logs("service.split_brain")
            assert stage.daemon.ready(RW) == stage.of(new)
        finally:
            lab.host(old).heal()
