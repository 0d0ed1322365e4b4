"""What happened in a simulated world, in order."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from mooring.observe.lines import log_line


@dataclass
class Trace:
    """What happened, in order; one line each."""

    entries: list[tuple[float, str, object]] = field(default_factory=list)

    def add(self, at: float, who: str, what: object) -> None:
        self.entries.append((at, who, what))

    def lines(self, *, leases: bool = True) -> list[str]:
        """``leases``: with the renewals of Leases."""
        return [
            f"{at:10.4f} {who}: {_shown(what)}"
            for at, who, what in self.entries
            if leases or not (isinstance(what, str) and "/leases/" in what)
        ]

    def digest(self) -> str:
        return hashlib.sha256("\n".join(self.lines()).encode()).hexdigest()


def _shown(what: object) -> str:
    """An event as its line in the log."""
    if isinstance(what, str):
        return what
    line = log_line(what)
    return " ".join([line.name, *(f"{name}={value}" for name, value in line.facts.items() if name != "means")])
