"""Which ports a Service should publish, and which of them is probed.

file has ``ports`` | object                                   | ports
-------------------+------------------------------------------+-----------------------------------------
yes                | any                                      | the file's
no                 | made by hand, with the Service's names   | the object's, as long as the Service has its own
no                 | adopted, the Service's are as they were  | the object's
no                 | adopted, the Service's have changed      | the Service's
no                 | none, or ours from the start             | the Service's
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mooring.model.objects import StoredObjects
from mooring.model.spec import Port


@dataclass(frozen=True, slots=True)
class FoundPorts:
    """The ports of a Service that the cluster shows. ``wanted`` are the ports to publish.

    ``listed`` are those of the file that was in force then, ``stored`` those of the stored objects, ``probed`` the one
    that Mooring probed when it stored them.
    """

    wanted: tuple[Port, ...]
    listed: tuple[Port, ...] = ()
    stored: tuple[Port, ...] = ()
    probed: Port | None = None
    service_ports: str = ""
    """The Service's own ports, as one line, where ``wanted`` are those of an adopted object; else empty."""

    @property
    def is_stored(self) -> bool:
        """Whether the stored objects have these ports already: who stored them found a host good there."""
        return bool(self.stored) and frozenset(self.stored) == frozenset(self.wanted) and not self.service_ports


def find_ports(listed: tuple[Port, ...], own: tuple[Port, ...], stored: StoredObjects) -> FoundPorts:
    """The ports by the table above; ``own`` are those of the file, or else of the Service itself."""
    held, memory = stored_ports(stored), stored.memory
    said = ports_line(own)
    kept = not listed and bool(held) and _names(held) == _names(own)
    by_hand = stored.endpoints is not None and not stored.endpoints.managed and not memory.hosts
    if kept and ((by_hand and held != own) or memory.service_ports == said):
        return FoundPorts(held, listed, held, memory.probed, said)
    return FoundPorts(own, listed, held, memory.probed)


def stored_ports(stored: StoredObjects) -> tuple[Port, ...]:
    """The ports of the stored addresses; empty where none are stored, or where objects differ in their ports."""
    every = [subset.ports for subset in stored.endpoints.subsets] if stored.endpoints else []
    every += [one.slice.ports for one in stored.own if one.slice.endpoints]
    return every[0] if every and all(frozenset(one) == frozenset(every[0]) for one in every) else ()


def probed_port(ports: Sequence[Port], before: Port | None, default: int | None) -> Port:
    """The port to probe: the one probed before, found by name and number, else by name, else by number.

    Where it is gone: the protocol's ``default`` port if it is listed, else the first.
    """
    if before is None:
        return ports[0]
    by_name = [port for port in ports if port.name == before.name]
    by_number = [port for port in ports if port.port == before.port]
    same = [port for port in by_name if port in by_number]
    usual = [port for port in ports if port.port == default]
    return next(iter((*same, *by_name, *by_number, *usual, ports[0])))


def is_gone(ports: Iterable[Port], before: Port | None) -> bool:
    """Whether no port has the name or the number of the one probed before."""
    return before is not None and not any(one.name == before.name or one.port == before.port for one in ports)


def ports_line(ports: Iterable[Port]) -> str:
    """The ports as one line of text, whatever their order."""
    return ",".join(sorted(f"{port.name}:{port.port}/{port.protocol}" for port in ports))


def _names(ports: Iterable[Port]) -> list[str]:
    return sorted(port.name for port in ports)
