"""What Mooring notes on an object that it stores, for itself at its next start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mooring.model.spec import Port

LITERAL = ""
"""Stands for the name of an address that the file has as an address."""


@dataclass(frozen=True, slots=True)
class Memory:
    """``hosts`` are the stored addresses, sorted, each with the DNS name that it came from, or ``LITERAL``.

    An address that is missing there was stored by somebody else, or by a Mooring that noted nothing.
    """

    hosts: tuple[tuple[str, str], ...] = ()
    probed: Port | None = None
    """The port that was probed, of hosts without a ``probePort``."""
    service_ports: str = ""
    """The ports that the Service had when the ports of this object were adopted; empty: they were not."""

    def source(self, address: str) -> str | None:
        """The DNS name that the address came from, or ``LITERAL``; None: nobody knows."""
        return dict(self.hosts).get(address)

    def only(self, addresses: Iterable[str]) -> Memory:
        """The part of it that is about these addresses."""
        wanted = frozenset(addresses)
        return replace(self, hosts=tuple(one for one in self.hosts if one[0] in wanted))


NOTHING = Memory()


@dataclass(frozen=True, slots=True)
class Extras:
    """What else stands on addresses (``hostname``, ``nodeName``, ``targetRef``) and on ports (``appProtocol``).

    It is not ours, and stays with an address or a port (by name and protocol) that stays.
    """

    addresses: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ports: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)

    def __or__(self, other: Extras) -> Extras:
        return Extras({**self.addresses, **other.addresses}, {**self.ports, **other.ports})


NO_EXTRAS = Extras()
