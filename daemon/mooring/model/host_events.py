"""Events of a host whose verdict stays as it is."""

from __future__ import annotations

from dataclasses import dataclass

from mooring.model.targets import Member
from mooring.model.verdicts import HostState


@dataclass(frozen=True, slots=True)
class HostKnown:
    """A host had a definite outcome after unknown ones, or after its verdict was held; its verdict is as before."""

    member: Member
    state: HostState


@dataclass(frozen=True, slots=True)
class HostHeld:
    """A rule holds back the verdict that enough outcomes would have brought; ``state.held`` says which."""

    member: Member
    state: HostState
