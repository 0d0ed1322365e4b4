"""What is probed, and what a Service lists of it; times in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic

from typing_extensions import TypeVar

from mooring.model.spec import Check, HostSpec, ProbeOptions, Role, ServiceKey

OptionsT_co = TypeVar("OptionsT_co", bound=ProbeOptions, covariant=True, default=ProbeOptions)
"""The block of the protocol that a target is asked by."""


@dataclass(frozen=True, slots=True)
class Target(Generic[OptionsT_co]):
    """One thing to probe; Services that list the same one share it. ``address`` is an IP literal."""

    protocol: str
    address: str
    port: int
    timeout: float
    options: OptionsT_co
    _hash: int = field(init=False, repr=False, compare=False)
    """Several tables are asked by target for each probe, and the options are slow to hash."""

    def __post_init__(self) -> None:
        found = hash((self.protocol, self.address, self.port, self.timeout, self.options))
        object.__setattr__(self, "_hash", found)

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Member:
    """One address that a Service may publish: a listed IP address, or one that a listed name holds now."""

    service: ServiceKey
    address: str
    target: Target
    check: Check
    host: HostSpec

    @property
    def selective(self) -> bool:
        """Its Service asks more of it than an answer."""
        return self.check.expect is not None or self.check.requirement.role is not Role.ANY

    @property
    def addresses(self) -> tuple[str, ...]:
        """All that share the verdict; the first is the one that is judged."""
        return (self.address, *self.host.also)

    @property
    def dns_name(self) -> str:
        """The name that ``address`` was looked up from; empty where the file has the address itself."""
        return "" if self.address == self.host.address else self.host.address
