"""A group of MySQL by Group Replication, in single-primary mode: real elections, real expulsions."""

from __future__ import annotations

from typing import Any

import pymysql

from lab.free_ports import free_port
from lab.matrix.servers import RootedMysql
from lab.process import start_all
from lab.topologies.topology import APPLICATION, PASSWORD, PROBER, REPLICATOR, Place, Topology
from lab.waiting import wait_until

ROOT = "mysql97"
GRANTS = (
    f"GRANT REPLICATION CLIENT ON *.* TO '{PROBER}'@'%'",
    f"GRANT SELECT ON performance_schema.replication_group_members TO '{PROBER}'@'%'",
)
"""All that the daemon needs, as the guide names it."""
ACCOUNTS = (
    f"CREATE USER '{REPLICATOR}'@'%' IDENTIFIED BY '{PASSWORD}'",
    f"GRANT REPLICATION SLAVE, CONNECTION_ADMIN, BACKUP_ADMIN, GROUP_REPLICATION_STREAM ON *.* TO '{REPLICATOR}'@'%'",
    f"CREATE USER '{PROBER}'@'%' IDENTIFIED BY '{PASSWORD}'",
    *GRANTS,
    f"CREATE USER '{APPLICATION}'@'%' IDENTIFIED BY '{PASSWORD}'",
    "CREATE DATABASE app",
    f"GRANT ALL ON app.* TO '{APPLICATION}'@'%'",
    "CREATE TABLE app.written (number INT PRIMARY KEY)",
)
_NAME = "8a94f357-aab4-11df-86ab-c80aa9429562"
_OPTIONS = (
    "--gtid-mode=ON",
    "--enforce-gtid-consistency=ON",
    "--log-bin=binlog",
    "--relay-log=relay",
    "--plugin-load-add=group_replication.so",
    f"--loose-group-replication-group-name={_NAME}",
    "--loose-group-replication-start-on-boot=OFF",
    "--loose-group-replication-recovery-get-public-key=ON",
    "--loose-group-replication-member-expel-timeout=0",  # who is silent for 5 s is expelled
    "--loose-group-replication-autorejoin-tries=0",
    "--loose-group-replication-poll-spin-loops=0",
)
_JOINING = 60.0
"""Seconds that a member may take until it is ONLINE."""


class GroupMember(RootedMysql):
    """One member. ``peers`` is whom it looks for when it joins."""

    def __init__(self, place: Place, number: int) -> None:
        super().__init__(ROOT, address=place.address, netns=place.netns)
        self.number = number
        port = 33061 if place.netns else free_port(place.address)
        self.group = f"{place.address}:{port}"
        self.peers: tuple[str, ...] = ()

    def _command(self) -> list[str]:
        mine = [
            f"--server-id={self.number}",
            f"--report-host={self.address}",
            f"--report-port={self.port}",
            f"--loose-group-replication-local-address={self.group}",
            f"--loose-group-replication-group-seeds={','.join(self.peers)}",
            "--loose-group-replication-ip-allowlist=127.0.0.0/8,10.0.0.0/8",
            *(["--bind-address=*"] if self.netns else []),  # whichever address its host has
        ]
        return [*super()._command(), *_OPTIONS, *mine]

    @property
    def place(self) -> str:
        """What the group calls it."""
        return f"{self.address}:{self.port}"

    def members(self) -> dict[str, tuple[str, str]]:
        """State and role of each member by its place, as this one sees it."""
        columns = "CONCAT(MEMBER_HOST, ':', MEMBER_PORT), MEMBER_STATE, MEMBER_ROLE"
        rows = self.sql(f"SELECT {columns} FROM performance_schema.replication_group_members")
        return {str(where): (str(state), str(role)) for where, state, role in rows}

    def has_majority(self) -> bool:
        """It is ONLINE, and sees most of its group."""
        seen = self.members()
        reached = sum(state == "ONLINE" for state, _ in seen.values())
        return seen.get(self.place, ("", ""))[0] == "ONLINE" and 2 * reached > len(seen)

    def found(self) -> None:
        """Founds the group, with itself alone in it."""
        self.run(
            "SET GLOBAL group_replication_bootstrap_group=ON",
            "START GROUP_REPLICATION",
            "SET GLOBAL group_replication_bootstrap_group=OFF",
        )

    def join(self) -> None:
        """Joins by a statement that returns once the group has taken it; it may have to recover after that."""
        self.run(
            f"CHANGE REPLICATION SOURCE TO SOURCE_USER='{REPLICATOR}', SOURCE_PASSWORD='{PASSWORD}' "
            "FOR CHANNEL 'group_replication_recovery'",
            "START GROUP_REPLICATION",
        )

    def leave(self) -> None:
        """By its own will; returns once it has left."""
        self.run("STOP GROUP_REPLICATION")

    def writes(self, number: int) -> Any:
        """Whether it takes a write of root, who may bypass ``read_only``; its refusal as the number of an error."""
        try:
            self.run(f"INSERT INTO app.written VALUES ({number})")
        except pymysql.MySQLError as error:
            return error.args[0]
        return True


class GroupReplication(Topology[GroupMember]):
    """All members ONLINE, the first place is the primary; the application's table is there."""

    def _make(self, place: Place, number: int) -> GroupMember:
        return GroupMember(place, number)

    def _form(self) -> None:
        for member in self.servers:
            member.peers = tuple(peer.group for peer in self.servers)
        start_all(*self.servers)
        founder, *joiners = self.servers
        founder.found()
        founder.run(*ACCOUNTS)
        for member in joiners:
            member.join()
        self.wait_online()

    @property
    def running(self) -> list[GroupMember]:
        return [member for member in self.servers if member.running]

    def wait_online(self, *members: GroupMember) -> None:
        """Waits until each of these, or all that run, sees just them, and all ONLINE."""
        wanted = members or self.running
        places = {member.place for member in wanted}

        def whole() -> bool:
            return all(
                seen.keys() == places and {state for state, _ in seen.values()} == {"ONLINE"}
                for seen in (member.members() for member in wanted)
            )

        wait_until(whole, _JOINING, "the members to be ONLINE", every=0.1)

    def primary(self, *among: GroupMember) -> GroupMember | None:
        """Whom the first of these, or of all that run, sees as the primary."""
        seen = (among or self.running)[0].members()
        return next((one for one in self.servers if seen.get(one.place, ("", ""))[1] == "PRIMARY"), None)

    def rejoin(self, *members: GroupMember) -> None:
        """Starts what does not run of these, lets them join, and waits until all are ONLINE."""
        start_all(*(member for member in members if not member.running))
        for member in members:
            member.join()
        self.wait_online()

    def gather(self) -> None:
        """As ``rejoin``, for whoever is not ONLINE, though it may believe that it is a member still."""
        primary = self.primary(*(member for member in self.running if member.has_majority())) or self.servers[0]
        inside = {place for place, (state, _) in primary.members().items() if state == "ONLINE"}
        outside = [member for member in self.servers if member.place not in inside]
        for member in outside:
            if member.running:
                member.leave()
        self.rejoin(*outside)
