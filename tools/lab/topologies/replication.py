"""MariaDB's replication by GTID: a primary and its replicas, and what operators and failover scripts do to them."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

from lab.free_ports import free_port
from lab.process import start_all
from lab.servers import Mariadb
from lab.topologies.topology import APPLICATION, PASSWORD, PROBER, REPLICATOR, THREE, Place, Topology
from lab.waiting import wait_until

GRANT = f"GRANT REPLICA MONITOR ON *.* TO '{PROBER}'@'%'"
"""All that the daemon needs; USAGE is what CREATE USER gives."""
ACCOUNTS = (
    f"CREATE USER '{REPLICATOR}'@'%' IDENTIFIED BY '{PASSWORD}'",
    f"GRANT REPLICATION REPLICA ON *.* TO '{REPLICATOR}'@'%'",
    f"CREATE USER '{PROBER}'@'%' IDENTIFIED BY '{PASSWORD}'",
    GRANT,
    f"CREATE USER '{APPLICATION}'@'%' IDENTIFIED BY '{PASSWORD}'",
    "CREATE DATABASE app",
    f"GRANT ALL ON app.* TO '{APPLICATION}'@'%'",
    "CREATE TABLE app.written (number INT PRIMARY KEY)",
)
_OPTIONS = (
    "--log-bin=binlog",
    "--relay-log=relay",
    "--log-slave-updates",
    "--gtid-strict-mode=ON",
    "--slave-net-timeout=4",
    "--innodb-flush-log-at-trx-commit=2",  # what was committed survives kill -9
)

_CATCHING_UP = 40
"""Seconds that a replica may take on a busy machine until it has what it was sent."""


class Member(Mariadb):
    """One of them. ``configured_read_only`` is what its option file says, so what it starts with."""

    answer_seconds = 30

    def __init__(self, place: Place, server_id: int, *, read_only: bool, extra: Sequence[str] = ()) -> None:
        super().__init__(address=place.address, netns=place.netns, extra=extra)
        self.server_id = server_id
        self.configured_read_only = read_only

    def _command(self) -> list[str]:
        named = [f"--server-id={self.server_id}", f"--report-host={self.address}", f"--report-port={self.port}"]
        return [*super()._command(), *_OPTIONS, *named, f"--read-only={int(self.configured_read_only)}", *self.extra]

    def quietly(self, *statements: str) -> None:
        """Runs them here alone: nothing of it is replicated."""
        self.run("SET sql_log_bin=0", *statements)

    def value(self, variable: str) -> Any:
        """One global variable."""
        return self.sql(f"SELECT @@GLOBAL.{variable}")[0][0]

    def channel(self) -> dict[str, Any]:
        """Its row of SHOW ALL SLAVES STATUS; empty where it replicates from nobody."""
        with self.session() as cursor:
            cursor.execute("SHOW ALL SLAVES STATUS")
            rows = cursor.fetchall()
        return dict(rows[0]) if rows else {}

    def replicating(self) -> bool:
        """Both threads run, and it is connected. Raises RuntimeError where one gave up."""
        row = self.channel()
        running = row.get("Slave_IO_Running"), row.get("Slave_SQL_Running")
        if "No" in running and (problem := row["Last_IO_Error"] or row["Last_SQL_Error"]):
            raise RuntimeError(problem)
        return running == ("Yes", "Yes")

    def written(self) -> set[int]:
        """The numbers in the application's table."""
        return {number for (number,) in self.sql("SELECT number FROM app.written")}

    def follow(self, source: Mariadb) -> None:
        """Becomes a replica, whatever it was; its own past writes count as a replica's from now on."""
        where = f"MASTER_HOST='{source.address}', MASTER_PORT={source.port}"
        login = f"MASTER_USER='{REPLICATOR}', MASTER_PASSWORD='{PASSWORD}', MASTER_CONNECT_RETRY=1"
        demote = "" if self.channel() else ", MASTER_DEMOTE_TO_SLAVE=1"
        change = f"CHANGE MASTER TO {where}, {login}, MASTER_USE_GTID=slave_pos{demote}"
        self.run("STOP ALL SLAVES", change, "START SLAVE")

    def renew(self) -> None:
        """Starts as another server, on data as empty as at first. It would skip what bears its own number."""
        self.kill()
        self.server_id += 100
        shutil.rmtree(self.directory / "data")
        self._prepare()
        self._hand_over()
        self.start()

    def lead(self) -> None:
        """What it has received is applied, and it replicates from nobody any more. Still read-only, if it was."""
        self.run("STOP SLAVE IO_THREAD")
        self._catch_up(self.channel()["Gtid_IO_Pos"])
        self.run("STOP SLAVE", "RESET SLAVE ALL")

    def _catch_up(self, position: str) -> None:
        if self.sql(f"SELECT MASTER_GTID_WAIT('{position}', {_CATCHING_UP})") != ((0,),):
            raise RuntimeError(f"the replica did not reach {position}: {self.channel()}")

    def catch_up(self, source: Member) -> None:
        """Waits until it has all that the source has written by now."""
        self._catch_up(source.value("gtid_binlog_pos"))


class Replication(Topology[Member]):
    """The first place is the primary's. Replicas have read_only=1 in their option files, the first primary 0.

    ``extra`` are further options of every server.
    """

    def __init__(self, places: Sequence[Place] = THREE, *, extra: Sequence[str] = ()) -> None:
        super().__init__(places)
        self._extra = tuple(extra)

    def _make(self, place: Place, number: int) -> Member:
        return Member(place, number, read_only=number > 1, extra=self._extra)

    def _form(self) -> None:
        start_all(*self.servers)
        self.primary = self.servers[0]
        self.primary.run(*ACCOUNTS)
        for replica in self.replicas:
            replica.follow(self.primary)
        self.wait_replicating()

    @property
    def replicas(self) -> list[Member]:
        """All servers but the primary, also those that are down or have left."""
        return [server for server in self.servers if server is not self.primary]

    def _others(self, new: Member) -> list[Member]:
        return [server for server in self.servers if server.running and server is not new]

    def wait_replicating(self, *replicas: Member) -> None:
        """Waits until these, without any the running ones, replicate and have what the primary has now."""
        for replica in replicas or self._others(self.primary):
            wait_until(replica.replicating, 20, "the replica to replicate")
            replica.catch_up(self.primary)

    def switchover(self, new: Member) -> None:
        """As an operator does it: nothing is lost, and never do two take writes. Both must be up."""
        old = self.primary
        old.run("SET GLOBAL read_only=1")
        new.catch_up(old)
        new.lead()
        new.run("SET GLOBAL read_only=0")
        self._gather(new)

    def promote(self, new: Member) -> None:
        """As a failover script does after the primary's death: what the dead one did not send is lost."""
        new.lead()
        new.run("SET GLOBAL read_only=0")
        self._gather(new)

    def _gather(self, new: Member) -> None:
        """All that run follow the new primary. Does not wait."""
        self.primary = new
        for server in self._others(new):
            server.follow(new)

    def furthest(self) -> Member:
        """The running replica that has received most: the one to promote."""
        running = [replica for replica in self.replicas if replica.running]
        return max(running, key=lambda replica: int(replica.channel()["Gtid_IO_Pos"].rpartition("-")[2] or 0))

    def kill(self) -> Member:
        """Ends the primary by SIGKILL, and returns it; nobody is promoted."""
        self.primary.kill()
        return self.primary

    def revive(self, server: Member) -> None:
        """Starts a dead one as it was when it was the primary: read_only=0, and a replica of nobody."""
        server.configured_read_only = False
        server.start()

    def rejoin(self, server: Member) -> None:
        """A running former primary becomes a replica; returns when it has what the primary has.

        Raises:
            RuntimeError: it cannot, as where it holds writes that nobody else has (then ``rebuild``).
        """
        server.run("SET GLOBAL read_only=1")
        server.follow(self.primary)
        self.wait_replicating(server)

    def rebuild(self, server: Member) -> None:
        """A replica with none of its own past: empty data, and all of the primary's history again."""
        server.configured_read_only = True
        server.renew()
        server.follow(self.primary)
        self.wait_replicating(server)

    def stop_applying(self, replica: Member) -> None:
        """It receives and does not apply: its lag is NULL. ``START SLAVE SQL_THREAD`` by ``start_applying``."""
        replica.run("STOP SLAVE SQL_THREAD")

    def start_applying(self, replica: Member) -> None:
        replica.run("START SLAVE SQL_THREAD")

    def break_link(self, replica: Member) -> None:
        """It looks for its primary where nobody is: Slave_IO_Running is Connecting, the rest goes on."""
        port = free_port()
        replica.run("STOP SLAVE", f"CHANGE MASTER TO MASTER_PORT={port}", "START SLAVE")

    def mend_link(self, replica: Member) -> None:
        replica.follow(self.primary)
        self.wait_replicating(replica)

    def delay(self, replica: Member, seconds: int) -> None:
        """It applies everything so much later: while there are writes, that is its lag."""
        replica.run("STOP SLAVE", f"CHANGE MASTER TO MASTER_DELAY={seconds}", "START SLAVE")

    @contextlib.contextmanager
    def stalled(self, replica: Member) -> Iterator[None]:
        """Both threads run, and the next write to the application's table waits: its lag grows by the second."""
        with replica.session() as cursor:
            cursor.execute("LOCK TABLES app.written READ")
            yield
