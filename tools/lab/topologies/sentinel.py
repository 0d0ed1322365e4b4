"""Redis' replication with or without Sentinels: a primary and its replicas, and who fails it over."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import redis

from lab.process import start_all
from lab.servers import Redis
from lab.topologies.topology import APPLICATION, PASSWORD, PROBER, THREE, Place, Topology
from lab.waiting import wait_until

NAME = "mymaster"
_PATIENCE = 60.0
"""Seconds: a Sentinel that a busy machine kept from running for 2 s does nothing for 30 s (TILT)."""
PROBER_RIGHTS = "on >{} resetchannels -@all +ping +info +cluster|info"
_ACCOUNTS = (
    f"user {PROBER} {PROBER_RIGHTS.format(PASSWORD)}",
    f"user {APPLICATION} on >{PASSWORD} ~* &* +@all -@admin -@dangerous +client|info +info",
)
_ELECTOR = f"user {PROBER} on >{PASSWORD} resetchannels -@all +ping +sentinel|get-master-addr-by-name"
_LINES = (f"masterauth {PASSWORD}", "repl-diskless-sync-delay 0", "appendonly yes")


class Node(Redis):
    """One Redis; ``source`` is whom its file makes it a replica of."""

    def __init__(self, place: Place, source: Redis | None, *, extra: Sequence[str] = ()) -> None:
        lines = [*_ACCOUNTS, *_LINES, *([f"replicaof {source.address} {source.port}"] if source else []), *extra]
        super().__init__(address=place.address, netns=place.netns, password=PASSWORD, extra=lines)

    def role(self) -> str:
        """``master`` or ``slave``, by its own word."""
        return str(self._ask("ROLE")[0])

    def replication(self) -> dict[str, Any]:
        """INFO replication."""
        told: dict[str, Any] = self._ask("INFO", "replication")
        return told

    def _ask(self, *words: str) -> Any:
        """A Sentinel ends all sessions of a server whose role it changes, also the one that just asks for that."""
        try:
            return self.command(*words)
        except redis.ConnectionError:
            return self.command(*words)

    def source_port(self) -> int | None:
        return self.replication().get("master_port")

    def follows(self, primary: Redis) -> bool:
        """It is a replica of this one, its link is up, and no sync runs."""
        told = self.replication()
        link = told.get("master_port"), told.get("master_link_status"), told.get("master_sync_in_progress")
        return link == (primary.port, "up", 0) and told["master_host"] == primary.address

    def follow(self, primary: Redis) -> None:
        self.command("REPLICAOF", primary.address, primary.port)


class Sentinel(Redis):
    """One Sentinel; it needs no password of anybody, and knows the daemon's account."""

    usual_port = 26379
    kind = "sentinel"

    def __init__(self, place: Place, lines: Sequence[str]) -> None:
        super().__init__(address=place.address, netns=place.netns, extra=[_ELECTOR, *lines])

    def _command(self) -> list[str]:
        return [*super()._command(), "--sentinel"]

    def primary(self) -> tuple[str, int]:
        """Address and port of the primary, by its word."""
        address, port = self.command("SENTINEL GET-MASTER-ADDR-BY-NAME", NAME)
        return str(address), int(port)

    def knows(self, replicas: int, sentinels: int) -> bool:
        """Whether it has found so many replicas and other Sentinels, and all is well for it."""
        told = self.command("SENTINEL MASTER", NAME)
        found = int(told["num-slaves"]), int(told["num-other-sentinels"]), told["flags"]
        return found == (replicas, sentinels, "master") and self._can_vote() and self._can_choose()

    def _can_vote(self) -> bool:
        others = self.command("SENTINEL SENTINELS", NAME)
        return all(other["flags"] == "sentinel" for other in others)

    def _can_choose(self) -> bool:
        """A replica that it has found and not yet asked is none that it would promote."""
        replicas = self.command("SENTINEL SLAVES", NAME)
        return all((one["flags"], one["master-link-status"]) == ("slave", "ok") for one in replicas)


class RedisReplication(Topology[Node]):
    """The first place is the primary's; nobody fails it over but the test. ``extra`` are lines of each redis.conf."""

    def __init__(self, places: Sequence[Place] = THREE, *, extra: Sequence[str] = ()) -> None:
        super().__init__(places)
        self._extra = tuple(extra)

    def _make(self, place: Place, number: int) -> Node:
        return Node(place, self.servers[0] if number > 1 else None, extra=self._extra)

    def _form(self) -> None:
        start_all(*self.servers)
        self.primary = self.servers[0]
        self.wait_replicating()

    @property
    def replicas(self) -> list[Node]:
        """All servers but the primary, also those that are down or have left."""
        return [server for server in self.servers if server is not self.primary]

    def wait_replicating(self, *replicas: Node) -> None:
        """Waits until these, without any the running ones, have the primary's data and follow it."""
        for replica in replicas or [one for one in self.replicas if one.running]:
            wait_until(partial(replica.follows, self.primary), 30, "the replica to replicate", every=0.05)

    def kill(self) -> Node:
        """Ends the primary by SIGKILL, and returns it."""
        self.primary.kill()
        return self.primary

    def promote(self, new: Node) -> None:
        """As a failover script does after the primary's death; all others that run follow."""
        new.command("REPLICAOF", "NO", "ONE")
        self.primary = new
        for server in self.replicas:
            if server.running:
                server.follow(new)

    def switchover(self, new: Node) -> None:
        """As an operator does it: writes pause until the new one has everything, then both change their roles.

        For a moment both call themselves master; the old one takes no writes then.
        """
        old = self.primary
        old.command("CLIENT", "PAUSE", 10_000, "WRITE")
        written = old.replication()["master_repl_offset"]
        wait_until(lambda: new.replication()["slave_repl_offset"] >= written, 10, "the replica to catch up")
        self.promote(new)
        old.command("CLIENT", "UNPAUSE")


class SentinelReplication(RedisReplication):
    """With three Sentinels beside the servers, which fail over 1 s after the primary was last heard."""

    def _form(self) -> None:
        super()._form()
        lines = (
            f"sentinel monitor {NAME} {self.primary.address} {self.primary.port} 2",
            f"sentinel auth-pass {NAME} {PASSWORD}",
            f"sentinel down-after-milliseconds {NAME} 2000",
            f"sentinel failover-timeout {NAME} 5000",
            f"sentinel parallel-syncs {NAME} 2",
        )
        self.sentinels: tuple[Sentinel, ...] = ()
        for place in self._places:
            sentinel = Sentinel(place, lines)
            self._undo.callback(sentinel.close)
            self.sentinels += (sentinel,)
        start_all(*self.sentinels)
        self.wait_watched()

    def _running(self) -> list[Sentinel]:
        return [sentinel for sentinel in self.sentinels if sentinel.running]

    def wait_watched(self) -> None:
        """Waits until each running Sentinel has found all replicas and all others, and could fail over."""
        counts = len(self.servers) - 1, len(self.sentinels) - 1
        for sentinel in self._running():
            wait_until(partial(sentinel.knows, *counts), _PATIENCE, "the Sentinels to meet", every=0.05)

    def wait_failover(self, old: Node) -> Node:
        """Waits until all running Sentinels name another primary than ``old``, which says so too; returns it."""
        (self.primary,) = wait_until(lambda: self._agreed(old), _PATIENCE, "the Sentinels to fail over", every=0.02)
        return self.primary

    def _agreed(self, old: Node) -> list[Node]:
        named = {sentinel.primary() for sentinel in self._running()}
        others = [server for server in self.servers if server is not old]
        return [new for new in others if named == {(new.address, new.port)} and new.role() == "master"]

    def ask_failover(self) -> Node:
        """SENTINEL FAILOVER, without agreement of others; returns the new primary when all name it."""
        old = self.primary
        self.sentinels[0].command("SENTINEL FAILOVER", NAME)
        return self.wait_failover(old)

    def revive(self, server: Node) -> None:
        """Starts a dead one: it calls itself master for some seconds, until the Sentinels make it a replica."""
        server.start()

    def wait_reconfigured(self, server: Node) -> None:
        """Waits until the Sentinels have made it a replica of the primary."""
        wait_until(
            lambda: server.follows(self.primary), _PATIENCE, "the Sentinels to take the old primary in", every=0.05
        )
