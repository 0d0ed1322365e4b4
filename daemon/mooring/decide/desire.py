"""The subsets that an Endpoints object should have."""

from __future__ import annotations

from mooring.decide.select import Selection
from mooring.model import Port, Subset


def desire(selection: Selection, ports: tuple[Port, ...]) -> tuple[Subset, ...]:
    """One subset; none where there is no address, for a subset of ports alone is rejected by Kubernetes."""
    if not selection.ready and not selection.not_ready:
        return ()
    return (Subset(selection.ready, selection.not_ready, ports),)
