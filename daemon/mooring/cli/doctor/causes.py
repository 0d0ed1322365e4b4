"""What several hosts have for the same cause is one finding. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mooring.cli.doctor.finding import Finding, Level
from mooring.model.facts import place
from mooring.model.spec import ServiceKey

MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one host or Sentinel of a Service; ``port`` is None where none was asked.

    ``said`` is the fault without the name of who has it; ``why``, ``mend`` and ``level`` are those of a ``Finding``.
    """

    service: ServiceKey
    who: str
    address: str
    port: int | None
    said: str
    why: str
    mend: str
    level: Level = Level.PROBLEM

    @property
    def where(self) -> str:
        return self.address if self.port is None else place(self.address, self.port)

    @property
    def cause(self) -> tuple[str, Level]:
        """Equal for two that have the same fault: what a host says may hold its own address."""
        return self.said.replace(self.where, "").replace(self.address, ""), self.level


def findings(faults: Iterable[Fault]) -> list[Finding]:
    """One for all hosts of a Service that have the same fault, and for all Services whose same hosts have it."""
    by_service: dict[tuple[ServiceKey, tuple[str, Level]], list[Fault]] = {}
    for fault in faults:
        by_service.setdefault((fault.service, fault.cause), []).append(fault)
    shared: dict[tuple[tuple[str, Level], frozenset[str]], list[list[Fault]]] = {}
    for (_, cause), same in by_service.items():
        shared.setdefault((cause, frozenset(one.where for one in same)), []).append(same)
    return [_finding([str(same[0].service) for same in services], services[0]) for services in shared.values()]


def _finding(services: list[str], same: list[Fault]) -> Finding:
    first, hosts = same[0], named([one.who for one in same])
    return Finding(f"{named(services)}: {hosts}: {first.said}", first.why, first.mend, first.level)


def named(names: Iterable[str]) -> str:
    """The names, at most ``MOST_NAMED``, and how many more there are."""
    listed = [*names]
    more = len(listed) - MOST_NAMED
    return ", ".join(listed[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
