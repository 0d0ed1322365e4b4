"""The ground under failovers: MariaDB's replication does what operators and scripts tell it."""

from __future__ import annotations

from collections.abc import Iterator

import pymysql
import pytest

from lab.topologies.replication import Member, Replication
from lab.topologies.topology import APPLICATION, PASSWORD, PROBER
from lab.waiting import wait_until

pytestmark = pytest.mark.needs_servers


@pytest.fixture
def three() -> Iterator[Replication]:
    with Replication() as made:
        yield made


def write(server: Member, number: int) -> int | None:
    """The code of the server's refusal; None where the application could write."""
    connect = pymysql.connect(
        host=server.address, port=server.port, user=APPLICATION, password=PASSWORD, database="app", autocommit=True
    )
    try:
        with connect as connection, connection.cursor() as cursor:
            cursor.execute("INSERT INTO written VALUES (%s)", [number])
    except pymysql.err.MySQLError as refused:
        return int(refused.args[0])
    return None


def writable(three: Replication) -> list[Member]:
    return [server for server in three.servers if server.running and not server.value("read_only")]


def ports(three: Replication) -> list[int | None]:
    """Whom each server replicates from, by the port."""
    return [server.channel().get("Master_Port") for server in three.servers]


def test_one_takes_writes_and_two_follow(three: Replication) -> None:
    """Only the primary takes an application's writes, and the replicas have them soon, by GTID."""
    first, second, third = three.servers
    assert [write(server, 1) for server in three.servers] == [None, 1290, 1290]
    three.wait_replicating()
    assert [server.written() for server in three.servers] == [{1}] * 3
    assert ports(three) == [None, first.port, first.port]
    assert {server.channel()["Using_Gtid"] for server in (second, third)} == {"Slave_Pos"}


def test_the_prober_sees_replication_and_nothing_else(three: Replication) -> None:
    """With USAGE and REPLICA MONITOR the daemon's account reads what SHOW ALL SLAVES STATUS says, and no table."""
    replica = three.replicas[0]
    with (
        pymysql.connect(host=replica.address, port=replica.port, user=PROBER, password=PASSWORD) as connection,
        connection.cursor() as cursor,
    ):
        assert cursor.execute("SHOW ALL SLAVES STATUS") == 1
        with pytest.raises(pymysql.err.OperationalError, match="SELECT command denied"):
            cursor.execute("SELECT * FROM app.written")
        replica.quietly(f"REVOKE REPLICA MONITOR ON *.* FROM '{PROBER}'@'%'")
    with (
        pymysql.connect(host=replica.address, port=replica.port, user=PROBER, password=PASSWORD) as connection,
        connection.cursor() as cursor,
        pytest.raises(pymysql.err.OperationalError, match="SLAVE MONITOR"),
    ):
        cursor.execute("SHOW ALL SLAVES STATUS")


def test_a_switchover_and_back(three: Replication) -> None:
    """After a switchover the others, the old primary too, follow the new one, and nothing was lost; and so back."""
    first, second, third = three.servers
    assert write(first, 1) is None
    three.switchover(second)
    assert (writable(three), ports(three)) == ([second], [second.port, None, second.port])
    assert write(second, 2) is None
    three.wait_replicating()
    three.switchover(first)
    assert write(first, 3) is None
    three.wait_replicating()
    assert (writable(three), ports(three)) == ([first], [None, first.port, first.port])
    assert third.written() == {1, 2, 3}


def test_a_crash_and_the_return_of_the_old_primary(three: Replication) -> None:
    """A promoted replica is followed by the others; the old primary comes back writable, with what it alone has."""
    first = three.primary
    assert write(first, 1) is None
    three.wait_replicating()
    for replica in three.replicas:
        three.break_link(replica)
    assert write(first, 2) is None
    dead, new = three.kill(), three.furthest()
    assert dead is first
    three.promote(new)
    three.wait_replicating()
    assert write(new, 3) is None
    three.revive(first)
    assert (writable(three), first.channel()) == ([server for server in three.servers if server in (first, new)], {})
    assert first.written() == {1, 2}
    with pytest.raises(RuntimeError, match="not in the master's binlog"):
        three.rejoin(first)
    three.rebuild(first)
    assert (writable(three), first.written()) == ([new], {1, 3})


def test_an_old_primary_with_nothing_of_its_own_rejoins(three: Replication) -> None:
    """Where all was sent before the crash, the old primary becomes a replica with its data."""
    first, second, _ = three.servers
    assert write(first, 1) is None
    three.wait_replicating()
    three.kill()
    three.promote(second)
    assert write(second, 2) is None
    three.revive(first)
    three.rejoin(first)
    assert (writable(three), first.written()) == ([second], {1, 2})


def test_a_replica_that_does_not_apply(three: Replication) -> None:
    """Its SQL thread stopped, a replica receives only, and its lag is NULL; started, it has everything again."""
    replica = three.replicas[0]
    three.stop_applying(replica)
    assert write(three.primary, 1) is None
    row = replica.channel()
    told = row["Slave_IO_Running"], row["Slave_SQL_Running"], row["Seconds_Behind_Master"]
    assert (told, replica.written()) == (("Yes", "No", None), set())
    three.start_applying(replica)
    three.wait_replicating()
    assert replica.written() == {1}


def test_a_broken_link(three: Replication) -> None:
    """A replica that does not find its primary says Connecting and why, and is whole again with the link."""
    replica = three.replicas[0]
    three.break_link(replica)
    wait_until(lambda: replica.channel()["Last_IO_Errno"] == 2003, 10, "the replica to fail to connect")
    row = replica.channel()
    assert (row["Slave_IO_Running"], row["Slave_SQL_Running"]) == ("Connecting", "Yes")
    three.mend_link(replica)
    assert replica.replicating()


def test_lag_that_grows_and_ends(three: Replication) -> None:
    """A stalled replica lags by the second though both of its threads run; let go, it lags no more."""
    replica = three.replicas[0]
    with three.stalled(replica):
        assert write(three.primary, 1) is None
        wait_until(lambda: (replica.channel()["Seconds_Behind_Master"] or 0) >= 2, 20, "two seconds of lag")
        assert replica.replicating()
    wait_until(lambda: replica.channel()["Seconds_Behind_Master"] == 0, 10, "no lag")
    assert replica.written() == {1}


def test_a_delayed_replica(three: Replication) -> None:
    """A replica told to apply late does so, with its lag told."""
    replica = three.replicas[0]
    three.delay(replica, 10)
    assert write(three.primary, 1) is None
    wait_until(lambda: (replica.channel()["Seconds_Behind_Master"] or 0) >= 1, 10, "some lag")
    assert replica.written() == set()
    wait_until(lambda: replica.written() == {1}, 10, "the delayed write")
