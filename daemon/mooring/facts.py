"""What a host says of its part in a replication; the words of every protocol in one form.

``problem``, ``hindered`` and ``offline`` are a server's own words, cleaned like any message before they travel; all
other texts are made of printable ASCII by whoever reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


def place(address: str, port: int) -> str:
    """``address:port``, and ``[address]:port`` for IPv6, as hosts call each other."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


@dataclass(frozen=True, slots=True)
class Channel:
    """One stream of changes into the host, configured there, whether it runs or not."""

    source: str
    """``address:port`` as the host itself calls it, ``[address]:port`` for IPv6; a name may stand for the address."""
    source_identity: str = ""
    """What the source calls itself (``Facts.identity``); empty where that is not known."""
    receiving: bool = True
    """Connected to the source, and taking what it sends."""
    trying: bool = False
    """Not connected, and at it."""
    applying: bool = True
    """What was received is being executed."""
    syncing: bool = False
    """A whole copy of the data is under way."""
    lag: float | None = None
    """Seconds behind the source; None: not known, as while it is stopped."""
    problem: str = ""
    """The last error of either part, as the host tells it."""

    @property
    def stopped(self) -> bool:
        """Neither part runs: what is left is a configuration."""
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
    """In the quorum, and busy with giving another member a copy of its data."""
    several: bool = False
    """Several members may take writes at once: that each says so is no conflict."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One host, at one moment."""

    identity: str = ""
    """What its replicas know it by: a server id or UUID; empty where the protocol has none."""
    read_only: str = ""
    """The setting by which it takes no writes, as ``read_only=1``; empty: none."""
    hindered: str = ""
    """Why it turns writes away for the moment though it should take them; empty: it takes them."""
    offline: str = ""
    """Why it serves nobody, in its own words; empty: it serves."""
    channels: tuple[Channel, ...] = ()
    group: Group | None = None
    offset: int | None = None
    """Bytes of the replication stream that it has sent or taken in."""
    history: Mapping[str, int] | None = field(default_factory=dict)
    """How far it has come in each stream of changes that it holds, by the stream's name: who wrote them. None: it is
    not known."""

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
        """Seconds, of the channel that lags most; None where there is none, or one of them is not known."""
        lags = [channel.lag for channel in self.channels]
        return max((lag for lag in lags if lag is not None), default=None) if None not in lags else None
