"""What a host says of its part in a replication, in one form for all protocols.

``problem``, ``hindered`` and ``offline`` are a server's own words, cleaned like any message before they travel; all
other texts are made of printable ASCII by whoever reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


def place(address: str, port: int | str) -> str:
    """``address:port``, and ``[address]:port`` for IPv6, as hosts call each other."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


@dataclass(frozen=True, slots=True)
class Channel:
    """One stream of changes into the host, configured there, whether it runs or not."""

    source: str
    """``address:port`` in the host's own words, ``[address]:port`` for IPv6; a name may stand for the address."""
    source_identity: str = ""
    """What the source calls itself (``Facts.identity``); empty where that is not known."""
    receiving: bool = True
    """Connected to the source, and taking what it sends."""
    trying: bool = False
    """Not connected, and trying to connect."""
    applying: bool = True
    """What was received is being executed."""
    syncing: bool = False
    """A whole copy of the data is under way."""
    lag: float | None = None
    """Seconds behind the source; None: not known, as while it is stopped."""
    problem: str = ""
    """The last error of either part, in the host's own words."""

    @property
    def stopped(self) -> bool:
        """Neither part runs; only the configuration is left."""
        return not (self.receiving or self.trying or self.applying)


@dataclass(frozen=True, slots=True)
class Group:
    """Membership of a cluster that replicates among all its members: Galera or Group Replication."""

    kind: str
    state: str
    """In the cluster's own words, as ``Synced`` or ``ONLINE, SECONDARY``."""
    member: bool
    """In sync, and in the part of the cluster that has the quorum."""
    writer: bool
    """The cluster lets it take writes."""
    donor: bool = False
    """In the quorum, and giving another member a copy of its data."""
    several: bool = False
    """Several members may take writes at once, so two that do are no conflict."""
    name: str = ""
    """The same for all members of one cluster; empty: not known."""
    members: frozenset[str] = frozenset()
    """The identities (``Facts.identity``) of those that the host sees in it, itself included, alive or not; empty: not
    known."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What one host says at one moment."""

    identity: str = ""
    """What its replicas know it by: a server id or UUID; empty where the protocol has none."""
    read_only: str = ""
    """The setting that makes it refuse writes, as ``read_only=1``; empty: none."""
    hindered: str = ""
    """Why it refuses writes for the moment though its settings allow them; empty: it takes them."""
    offline: str = ""
    """Why it serves no client, in its own words; empty: it serves."""
    channels: tuple[Channel, ...] = ()
    group: Group | None = None
    offset: int | None = None
    """Bytes of the replication stream that it has sent or taken in."""
    history: Mapping[str, int] | None = field(default_factory=dict)
    """How far it has come in each stream of changes that it holds, by the name of who wrote the stream. None: not
    known."""

    @property
    def role(self) -> str:
        """For people: ``primary``, ``replica``, ``read-only``, or the group's word."""
        if self.group is not None:
            return self.group.state
        if any(not channel.stopped for channel in self.channels):
            return "replica"
        if self.read_only:
            return "replica" if self.channels else "read-only"
        return "primary"

    @property
    def lag(self) -> float | None:
        """Seconds, of the channel that lags most; None where there is no channel, or the lag of one is not known."""
        lags = [channel.lag for channel in self.channels]
        return max((lag for lag in lags if lag is not None), default=None) if None not in lags else None
