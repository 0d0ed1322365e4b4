"""The ground under Galera's scenarios: three real nodes, in sync, a donor, desynced, without a quorum."""

from __future__ import annotations

from collections.abc import Iterator

import pymysql
import pytest

from lab import leftovers
from lab.topologies.galera import Galera, GaleraNode
from lab.waiting import wait_until

pytestmark = pytest.mark.needs_galera

SYNCED = ("Primary", "Synced", "ON")


@pytest.fixture(scope="module")
def formed() -> Iterator[Galera]:
    with Galera() as made:
        yield made


@pytest.fixture
def three(formed: Galera) -> Galera:
    formed.wait_synced()
    assert len(formed.running) == 3
    return formed


def states(three: Galera) -> list[tuple[str, str, str]]:
    return [node.state() for node in three.running]


def has(node: GaleraNode, number: int) -> bool:
    return bool(node.sql(f"SELECT 1 FROM app.written WHERE number = {number}"))


def write(node: GaleraNode, number: int) -> None:
    node.sql(f"INSERT INTO app.written VALUES ({number})")


def test_every_node_takes_writes(three: Galera) -> None:
    """What is written on each node is soon on all of them."""
    for number, node in enumerate(three.servers, 1):
        write(node, number)
    wait_until(lambda: all(has(node, number) for node in three.servers for number in (1, 2, 3)), 10, "all writes")
    assert states(three) == [SYNCED] * 3


def test_a_desynced_node(three: Galera) -> None:
    """Desynced as for a backup, a node is Donor/Desynced in the quorum; the others stay Synced."""
    first = three.servers[0]
    three.desync(first)
    assert states(three) == [("Primary", "Donor/Desynced", "ON"), SYNCED, SYNCED]
    three.resync(first)
    assert states(three) == [SYNCED] * 3


def test_a_donor(three: Galera) -> None:
    """While a killed node is given a whole copy, another is its donor; then all are in sync again."""
    first, second, third = three.servers
    third.kill()
    three.wait_synced()
    write(first, 4)
    before = donations(first, second)
    third.start(wait=False)
    wait_until(lambda: donations(first, second) == before + 1, 30, "a donor")
    three.rejoin(third)
    assert (states(three), has(third, 4)) == ([SYNCED] * 3, True)


def donations(*nodes: GaleraNode) -> int:
    """How often these became a donor, by their own logs: the state itself may pass unseen."""
    return sum((node.directory / "output").read_text(errors="replace").count("-> DONOR/DESYNCED") for node in nodes)


def test_a_lost_quorum(three: Galera) -> None:
    """The last of three answers and takes no query; declared the cluster, it gives the others what it has."""
    first, second, _ = three.servers
    write(first, 5)
    three.lose_quorum(first)
    assert states(three) == [("non-Primary", "Initialized", "OFF")]
    with pytest.raises(pymysql.err.OperationalError, match="WSREP has not yet prepared node"):
        has(first, 5)
    three.restore_quorum(first)
    assert (states(three), has(second, 5)) == ([SYNCED] * 3, True)


def test_nothing_of_a_transfer_outlives_its_node() -> None:
    """A node killed while it takes a copy leaves none of the programs that it started."""
    with Galera() as three:
        third = three.servers[2]
        third.kill()
        three.wait_synced()
        third.start(wait=False)
        wait_until(lambda: len(list(leftovers.inside(third.directory))) > 1, 30, "the scripts of the transfer")
        third.kill()
        assert not list(leftovers.inside(third.directory))
