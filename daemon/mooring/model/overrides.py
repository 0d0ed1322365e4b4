"""What people ask of Mooring by annotations of a Service."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pause:
    """Somebody wants a Service's objects left as they are; ``until`` in Unix seconds, None: without an end."""

    until: float | None = None
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Drained:
    """A host that somebody takes out, by name or address; ``until`` in Unix seconds, None: without an end."""

    host: str
    until: float | None = None
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Trusted:
    """A host that somebody vouches for, by name or address; ``until`` in Unix seconds, ``text`` as it stands there."""

    host: str
    until: float | None
    text: str
